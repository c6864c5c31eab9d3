"""Which recomputed episode is which stored one; when an alarm climbs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tracker.coldchain.rules.escalation import Level, escalated, first_escalation
from tracker.coldchain.rules.matching import StoredEpisode, match
from tracker.coldchain.rules.tracking import Episode

NOW = datetime(2026, 3, 1, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (1, 2, 3))


def new(started: int, ended: int | None) -> Episode:
    return Episode(
        limit_id=1,
        place="k1",
        started_at=started,
        alarmed_at=None,
        ended_at=ended,
        settled_at=ended,
        peak=9.0,
        exposed=0,
        known=0,
    )


def old(ref: UUID, started: int, ended: int | None, *, alarmed: bool = False) -> StoredEpisode:
    return StoredEpisode(id=ref, started_at=started, ended_at=ended, alarmed=alarmed)


def test_an_extended_episode_keeps_its_identity() -> None:
    ((one,), gone) = match([new(0, 90)], [old(A, 0, 50)])
    assert (one.keeps, one.absorbs, gone) == (A, (), [])


def test_of_two_that_merge_the_alarmed_one_lives_on() -> None:
    ((one,), _) = match([new(0, None)], [old(A, 0, 50), old(B, 70, 120, alarmed=True)])
    assert (one.keeps, one.absorbs) == (B, (A,))


def test_of_two_alarmed_ones_the_earlier_lives_on() -> None:
    ((one,), _) = match([new(0, None)], [old(B, 70, 120, alarmed=True), old(A, 0, 50, alarmed=True)])
    assert (one.keeps, one.absorbs) == (A, (B,))


def test_a_split_keeps_the_first_part_and_says_where_the_second_came_from() -> None:
    (parts, _) = match([new(0, 40), new(50, None)], [old(A, 0, None, alarmed=True)])
    assert [(one.keeps, one.split_from) for one in parts] == [(A, None), (None, A)]


def test_what_nothing_is_left_of_is_told() -> None:
    (parts, gone) = match([new(100, 120)], [old(A, 0, 50)])
    assert [(one.keeps, one.split_from) for one in parts] == [(None, None)]
    assert gone == [A]


def test_one_that_splits_while_its_tail_merges_is_neither_lost_nor_doubled() -> None:
    (parts, gone) = match([new(0, 40), new(50, 200)], [old(A, 0, 90), old(B, 120, 160), old(C, 170, 200)])
    assert [(one.keeps, one.absorbs) for one in parts] == [(A, ()), (B, (C,))]
    assert gone == []


def test_an_excursion_that_was_over_long_ago_wakes_nobody() -> None:
    assert first_escalation(NOW, ended_at=NOW - timedelta(days=30)) is None
    assert first_escalation(NOW, ended_at=NOW - timedelta(hours=2)) == NOW + timedelta(hours=1)
    assert first_escalation(NOW, ended_at=None) == NOW + timedelta(hours=1)


def test_an_alarm_climbs_from_puskesmas_to_city_to_province_and_stays_there() -> None:
    assert escalated(Level.FACILITY, NOW) == (Level.CITY, NOW + timedelta(hours=4))
    assert escalated(Level.CITY, NOW) == (Level.PROVINCE, None)
