"""A month of readings is archived: what was summed up and judged of it stays, and what is no longer known is said to be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests.support.coldchain import START, new_channel, send, shapes
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.archiving import OldMonths
from tracker.coldchain.models import ChannelHour
from tracker.coldchain.rules.thermal import COLUMNS, thermal_of
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.database.partitions import months_of
from tracker.passport.presenting import passport_out
from tracker.passport.queries.passport import Passport, passport_of
from tracker.stock.rules.words import Kind
from tracker.telemetry.errors import MonthArchived
from tracker.telemetry.models import Channel, Reading, ReadingMark, SensorFault
from tracker.telemetry.queries.archive import archived_until
from tracker.telemetry.rules.words import Quantity
from tracker.telemetry.service.assigning import correct_watch, put_to
from tracker.telemetry.service.commands import CorrectWatch

PENTA = "penta-5/PB001"
EDGE = datetime(2026, 2, 1, tzinfo=UTC)
"""The end of January: what is before is archived, long after."""
LATER = EDGE + timedelta(days=500)


@pytest.fixture
def fridge(db: Session, world: World) -> Channel:
    """Four days around the edge, every ten minutes and never at its instant: warm for eleven hours in January, and into February."""
    channel = new_channel(db, world, from_at=EDGE - timedelta(days=60))
    tell(db, channel, -2 * 1440, 2 * 1440, warm=[(-2000, -1300), (-300, 400)])
    return channel


def tell(
    db: Session,
    channel: Channel,
    first: int,
    last: int,
    *,
    warm: Sequence[tuple[int, int]] = (),
    now: datetime | None = None,
) -> None:
    points = [(m, 12.0 if any(a <= m < b for a, b in warm) else 5.0) for m in range(first + 5, last, 10)]
    received = now or EDGE + timedelta(days=2)
    send(db, channel, [(_from_start(m), value) for m, value in points], received=received)
    evaluate_waiting(db, now=received)


def _from_start(minute: float) -> float:
    return (EDGE - START).total_seconds() / 60 + minute


def january(db: Session) -> None:
    while OldMonths().next(db, EDGE, None, now=LATER).reached:
        pass
    assert archived_until(db) == EDGE


def hours(db: Session, channel: Channel, until: datetime = LATER) -> list[tuple[object, ...]]:
    columns = [getattr(ChannelHour, name) for name in ("hour", *COLUMNS)]
    query = select(*columns).where(ChannelHour.channel_id == channel.id, ChannelHour.hour < until)
    return [tuple(row) for row in db.execute(query.order_by(ChannelHour.hour))]


def count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Reading)) or 0


def passport(db: Session, world: World) -> Passport:
    return passport_of(db, world.batches[PENTA], world.puskesmas, now=EDGE + timedelta(days=2))


def test_the_passport_keeps_what_was_summed_up_and_says_what_it_does_not_know(
    db: Session, world: World, fridge: Channel
) -> None:
    ledger = Ledger(db, world)
    # Twenty minutes after an hour began: forty minutes lie between hours and are known by readings alone.
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=EDGE - timedelta(minutes=1900))
    before = passport(db, world)
    january(db)
    after = passport(db, world)
    (was,), (now,) = before.stays, after.stays
    old, new = thermal_of(was.total.row[0]), thermal_of(now.total.row[0])
    assert (old.known_s - new.known_s, now.total.unmonitored_s - was.total.unmonitored_s) == (40 * 60, 40 * 60)
    assert old.above_8_s - new.above_8_s == 40 * 60, "the rest of January, summed up, stays"
    assert (new.min_c, new.max_c) == (old.min_c, old.max_c)
    told = [passport_out(db, SYSTEM, one).stays[0].archived_until for one in (before, after)]
    assert told == [None, EDGE]


def test_a_stay_that_began_afterwards_is_whole(db: Session, world: World, fridge: Channel) -> None:
    ledger = Ledger(db, world)
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 5), at=EDGE + timedelta(minutes=500))
    before = passport(db, world)
    january(db)
    after = passport(db, world)
    assert (after.stays[0].total.row == before.stays[0].total.row).all()
    assert passport_out(db, SYSTEM, after).stays[0].archived_until is None


def test_what_comes_late_changes_nothing_of_what_was_judged(db: Session, fridge: Channel) -> None:
    january(db)
    judged, summed, readings = shapes(db, fridge), hours(db, fridge), count(db)
    assert len(judged) >= 2
    # Of the archived month: kept aside. From behind it and before the first that is judged there: stored. Neither splits a run.
    tell(db, fridge, -1000, -900, warm=[(-1000, -900)], now=LATER)
    assert (count(db), db.scalar(select(func.count()).select_from(SensorFault))) == (readings, 10)
    assert set(db.scalars(select(SensorFault.reason))) == {"archived"}
    send(db, fridge, [(_from_start(minute), 5.0) for minute in (1, 2003)], received=LATER)
    evaluate_waiting(db, now=LATER)
    assert count(db) == readings + 2
    assert shapes(db, fridge) == judged
    assert hours(db, fridge, EDGE) == [row for row in summed if row[0] < EDGE]  # type: ignore[operator]  # an instant
    (again,) = [row for row in hours(db, fridge) if row[0] == EDGE + timedelta(hours=33)]
    assert again in summed, "told as before: five degrees between five degrees"


def test_a_channel_that_was_silent_since_goes_on_from_its_newest_reading(db: Session, world: World) -> None:
    silent = new_channel(db, world, name="t2", from_at=EDGE - timedelta(days=60))
    tell(db, silent, -3000, -1500, warm=[(-1600, -1500)])
    judged, summed = shapes(db, silent), hours(db, silent)
    january(db)
    assert count(db) == 1
    assert months_of(db, "reading").count(EDGE.date().replace(month=1)) == 1
    tell(db, silent, 500 * 1440, 500 * 1440 + 60, now=LATER + timedelta(days=1))
    assert shapes(db, silent)[: len(judged)] == judged
    assert hours(db, silent)[: len(summed) - 1] == summed[:-1]


def test_a_month_waits_while_some_of_its_readings_are_not_judged(db: Session, fridge: Channel) -> None:
    db.add(ReadingMark(channel_id=fridge.id, earliest_at=EDGE - timedelta(seconds=1)))
    db.flush()
    assert OldMonths().next(db, EDGE, None, now=LATER).how_many == 0
    assert OldMonths().count(db, EDGE, most=10) == 1
    assert OldMonths().count(db, EDGE - timedelta(microseconds=1), most=10) == 0


def test_what_hangs_on_archived_readings_is_not_said_anew(db: Session, world: World, fridge: Channel) -> None:
    january(db)
    device = db.scalar(text("SELECT code FROM device WHERE id = :id"), {"id": fridge.device_id})
    command = CorrectWatch(
        device=device, name="t1", quantity=Quantity.TEMPERATURE, equipment=world.fridge2.code, reason="salah kulkas"
    )
    with pytest.raises(MonthArchived):
        correct_watch(db, SYSTEM, command, now=LATER)
    with pytest.raises(MonthArchived):
        put_to(db, fridge.id, world.fridge2.id, None, from_at=EDGE - timedelta(minutes=1))
    put_to(db, fridge.id, world.fridge2.id, None, from_at=EDGE + timedelta(days=3))


def test_what_was_archived_lies_whole_beside_the_house(db: Session, fridge: Channel) -> None:
    before = count(db)
    january(db)
    aside = db.scalar(text("SELECT count(*) FROM archive.reading_y2026m01")) or 0
    assert (aside, aside + count(db)) == (288, before)
