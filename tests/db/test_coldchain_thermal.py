"""Stretches of time out of stored hours and readings; the seeded limits."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import START, at, new_channel, send
from tests.support.world import World
from tracker.coldchain.models import Limit
from tracker.coldchain.queries.thermal import row_between, thermal_between
from tracker.coldchain.rules.instants import MINUTE, SECOND, to_micros
from tracker.coldchain.rules.seeds import SEEDED
from tracker.coldchain.rules.standing import intervals_of, series_of, standing_of
from tracker.coldchain.rules.thermal import Exposure
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.coldchain.service.loading import limits_in_force


def test_the_migration_seeds_the_limits_the_rules_name(db: Session) -> None:
    assert limits_in_force(db) == SEEDED
    assert {row.from_at for row in db.scalars(select(Limit))} == {datetime(1970, 1, 1, tzinfo=UTC)}


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([-1.0, 5.0, 9.0])), min_size=1, max_size=30),
    st.integers(-30, 430),
    st.integers(1, 300),
)
def test_any_stretch_is_whole_hours_and_two_edges(
    db: Session, world: World, points: list[tuple[int, float]], first: int, length: int
) -> None:
    with db.begin_nested() as savepoint:
        channel = new_channel(db, world)
        send(db, channel, points)
        evaluate_waiting(db, now=at(max(minute for minute, _ in points)))
        found = row_between(db, channel.id, at(first), at(first + length))[0]
        savepoint.rollback()
    origin = to_micros(START)
    series = series_of([origin + minute * MINUTE for minute, _ in points], [value for _, value in points])
    standing = standing_of(series.at, intervals_of([(0, 10 * MINUTE)]), int(series.at[-1]))
    start, end = origin + first * MINUTE, origin + (first + length) * MINUTE
    begin, finish = np.maximum(standing.start, start), np.minimum(standing.end, end)
    inside = (finish > begin) | ((series.at >= start) & (series.at < end))
    begin, finish = begin[inside], np.maximum(finish, begin)[inside]
    whole = Exposure(series.low[inside], series.high[inside], begin, finish)
    expected = whole.over(np.array([0]), np.array([whole.pieces.row.size]))[0]
    np.testing.assert_allclose(found[:-2], expected[:-2], rtol=1e-9, atol=1e-18)
    assert found[0] == sum((finish - begin) / SECOND)


def test_a_channel_never_evaluated_tells_nothing(db: Session, world: World) -> None:
    channel = new_channel(db, world)
    found = thermal_between(db, channel.id, at(0), at(600))
    assert (found.known_s, found.min_c, found.mkt_c) == (0, None, None)
