"""Which holds a stock event has judged again: those it escaped, of places that its vials may have come through."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.support.facts import BATCHES, FROST, Fact, Morning
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.feed.models import FeedEvent
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.stock.rules.words import Kind

LATER = FROST.hour + 1


@pytest.fixture
def morning(db: Session, world: World) -> Morning:
    """Vials lay in the frozen fridge at seven, and went to the other one at nine; the hold acted at ten."""
    story = Morning(db, world)
    story.begin()
    story.record(Fact(9.0, Kind.TRANSFER, 0, 0, 3))
    return story


def numbered(morning: Morning, stock_event_id: UUID) -> UUID:
    """What the feed tells of the event, with the next number."""
    last = morning.db.scalar(select(func.max(FeedEvent.position))) or 0
    row = FeedEvent(
        position=last + 1,
        id=uuid7(),
        kind="stock.moved",
        subject=str(stock_event_id),
        data={},
        occurred_at=morning.at(LATER),
        recorded_at=morning.at(LATER),
    )
    morning.db.add(row)
    morning.db.flush()
    return row.id


def judged(morning: Morning, stock_event_id: UUID, told: UUID | None = None) -> int:
    return len(hold_entering(morning.db, SYSTEM, stock_event_id, now=morning.at(LATER), told=told))


def test_what_a_hold_knew_when_it_was_placed_is_not_judged_again(morning: Morning) -> None:
    event_id = morning.post(Fact(9.5, Kind.TRANSFER, 0, 1, 1), morning.at(9.6))
    assert event_id is not None
    told = numbered(morning, event_id)
    hold_for_episode(morning.db, SYSTEM, morning.episode(0), now=morning.at(FROST.hour))
    known = set(morning.db.scalars(select(Hold.known_to)))
    assert len(known) == 1
    assert None not in known
    assert judged(morning, event_id, told) == 0
    # Numbered after the hold had looked, it may have been written beside it.
    morning.db.execute(update(Hold).values(known_to=Hold.known_to - 1))
    assert judged(morning, event_id, told) == 1
    assert judged(morning, event_id) == 1


def test_a_late_fact_of_where_harmed_vials_had_been_is_judged_again_and_one_of_elsewhere_is_not(
    morning: Morning,
) -> None:
    hold_for_episode(morning.db, SYSTEM, morning.episode(0), now=morning.at(FROST.hour))
    city, room = morning.world.city, morning.world.equipment["kota-tangerang-r1"]
    line = morning.ledger.line(BATCHES[0], 2, place=room)
    at, now = morning.at(8.0), morning.at(LATER)
    elsewhere = morning.ledger.post(Kind.SUPPLY, line, facility=city, at=at, now=now)
    assert judged(morning, elsewhere.event_id) == 0
    here = morning.post(Fact(9.9, Kind.WASTE, 0, 1, 1), now - timedelta(minutes=1))
    assert here is not None
    assert judged(morning, here) == 1
