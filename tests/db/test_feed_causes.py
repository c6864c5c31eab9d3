"""From an alarm to the message that tells of an offer, every event names the one it followed from."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from dashboard.alarms.story import Chapter, chapters
from tests.support.coldchain import new_channel, send
from tests.support.quota import Desk
from tests.support.world import NOW, World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.service import NewBatch, add_batch
from tracker.coldchain.events import AlarmRaised
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.database.engine import transaction
from tracker.delivery.events import MessageFailed, MessageSent
from tracker.delivery.messages import deliver_due
from tracker.delivery.senders import RecordingSender
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.feed.queries import origins
from tracker.passport.events import StockHeld
from tracker.quota.events import BookingDisplaced, PlaceOffered
from tracker.reactions import runners
from tracker.stock.events import StockMoved, StockShort
from tracker.telemetry.rules.words import Quantity
from tracker.telemetry.rules.words import Role as ChannelRole

BATCH = "penta-5/HEART"


class Town:
    """Two puskesmas with vaccine and sessions; people booked at the first, whose fridge is watched."""

    def __init__(self, engine: Engine, world: World, persons: int = 12) -> None:
        self.engine, self.world = engine, world
        with transaction(engine) as db:
            batch = NewBatch(presentation="penta-5", lot="HEART", expiry=NOW.date() + timedelta(days=300))
            self.world.batches[BATCH] = add_batch(db, SYSTEM, batch, now=NOW)
            desk = Desk(db, self.world, NOW)
            desk.stock(BATCH, 20)
            desk.stock(BATCH, 20, place="pkm-tanah-tinggi-k1")
            session = desk.session(product="penta-5", ahead=2)
            desk.session(product="penta-5", ahead=2, facility=self.world.neighbour)
            desk.booked(session, persons)
            self.channel = new_channel(db, self.world)
            self.door = new_channel(db, self.world, quantity=Quantity.DOOR_OPEN, role=ChannelRole.DOOR, name="d1")
        self.settle(NOW)

    def settle(self, now: datetime) -> None:
        """Number and react until nothing more follows, then send what is due."""
        working = list(runners(self.engine, lambda: now))
        while number_pending(self.engine) or sum(one.run_once() for one in working):
            pass
        deliver_due(self.engine, RecordingSender(), lambda _person, _medium: "+62811", now=now)
        number_pending(self.engine)

    def fever(self, now: datetime) -> None:
        """Eleven hours at 9 °C, read by the ingester at `now`."""
        start = (now - timedelta(hours=11) - datetime(2026, 3, 1, tzinfo=NOW.tzinfo)).total_seconds() / 60
        with transaction(self.engine) as db:
            send(db, self.channel, [(start + 10 * n, 9.0) for n in range(66)], received=now)
        evaluate_marked(self.engine, now=now)
        self.settle(now)

    def rows(self, kind: str) -> list[FeedEvent]:
        with transaction(self.engine) as db:
            return list(db.scalars(select(FeedEvent).where(FeedEvent.kind == kind).order_by(FeedEvent.position)))

    def chapters(self) -> dict[str, Chapter]:
        with transaction(self.engine) as db:
            return {each.rule: each for each in chapters(db, self.world.who(Role.NATIONAL), NOW + timedelta(hours=12))}


@pytest.fixture
def town(engine: Engine, committed_world: World) -> Town:
    return Town(engine, committed_world)


def ids(rows: list[FeedEvent]) -> set[UUID]:
    return {row.id for row in rows}


def causes(rows: list[FeedEvent]) -> set[UUID | None]:
    return {row.caused_by for row in rows}


def test_the_road_from_alarm_to_message_is_one_chain_of_causes(town: Town) -> None:
    town.fever(NOW + timedelta(hours=1))
    (alarm,) = town.rows(AlarmRaised.KIND)
    (held,) = town.rows(StockHeld.KIND)
    (short,) = town.rows(StockShort.KIND)
    displaced, offered = town.rows(BookingDisplaced.KIND), town.rows(PlaceOffered.KIND)
    sent = town.rows(MessageSent.KIND)
    moved = [row for row in town.rows(StockMoved.KIND) if row.caused_by == held.id]
    assert held.caused_by == alarm.id
    assert short.caused_by == held.id
    assert len(moved) == 1
    assert len(displaced) == len(offered) == 12
    assert causes(displaced) == {short.id}
    assert causes(offered) == ids(displaced)
    assert ids(offered) <= causes(sent)
    assert town.rows(MessageFailed.KIND) == []
    assert alarm.position < held.position < short.position < min(row.position for row in displaced)
    with transaction(town.engine) as db:
        found = origins(db, ids(sent), [AlarmRaised.KIND])
    assert set(found.values()) == {alarm.id}
    chapter = town.chapters()["HEAT"]
    assert (chapter.displaced, chapter.offered, chapter.told) == (12, 12, len(sent))
    assert chapter.held_s is not None
    assert chapter.short > 0


def test_a_door_alarm_at_the_same_fridge_has_no_share_in_what_the_heat_did(town: Town) -> None:
    """The door stands open a moment before the heat's limit is met, so both alarms lie within seconds."""
    now = NOW + timedelta(hours=1)
    start = (now - timedelta(minutes=50) - datetime(2026, 3, 1, tzinfo=NOW.tzinfo)).total_seconds() / 60
    with transaction(town.engine) as db:
        # Seconds open in each ten minutes; more than 300 is an alarm at once.
        send(db, town.door, [(start + 10 * n, 400.0) for n in range(5)], received=now)
    evaluate_marked(town.engine, now=now)
    town.settle(now)
    town.fever(now + timedelta(seconds=5))
    told = town.chapters()
    assert (told["HEAT"].displaced, told["HEAT"].offered) == (12, 12)
    assert told["DOOR"].held_s is None
    assert (told["DOOR"].displaced, told["DOOR"].offered, told["DOOR"].short, told["DOOR"].told) == (0, 0, 0, 0)


def test_of_an_alarm_from_before_events_named_their_causes_nothing_is_guessed(town: Town) -> None:
    town.fever(NOW + timedelta(hours=1))
    with town.engine.begin() as connection:
        connection.execute(text("UPDATE feed_event SET caused_by = NULL"))
    chapter = town.chapters()["HEAT"]
    assert chapter.alarm_s >= 0
    assert (chapter.displaced, chapter.held_s, chapter.short_s) == (0, None, None)
