"""The worker's step that looks, a facility's day at a time, whether P-Care has what we told it and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.database.types import any_of
from tracker.feed.service import append
from tracker.kit.clock import Clock
from tracker.kit.days import earliest_day
from tracker.network.models import Facility
from tracker.pcare.client import PcareClient, Theirs, Trouble
from tracker.pcare.events import RecordLost
from tracker.pcare.models import PcareDay, PcareFacility, PcareLink, PcareRecord, PcareStranger
from tracker.pcare.rules.comparing import Ours, compared
from tracker.pcare.rules.steps import on_lost
from tracker.pcare.rules.words import HELD, State, Why

CLAIM = timedelta(minutes=15)
# What was told so lately may not stand in a list that was begun before.
SETTLES_IN = timedelta(minutes=5)
_EACH_DAY, _EACH_WEEK = timedelta(days=7), timedelta(days=60)


def compare_next(engine: Engine, client: PcareClient, *, clock: Clock) -> int:
    """Compare the day that has waited longest; 0 where none is due or the line rests."""
    asked_at = clock()
    with transaction(engine) as db:
        link = db.get_one(PcareLink, 1)
        if link.next_at is not None and link.next_at > asked_at:
            return 0
        due = db.scalar(
            select(PcareDay)
            .where(PcareDay.check_at <= asked_at)
            .order_by(PcareDay.check_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if due is None:
            return 0
        due.check_at = asked_at + CLAIM
        facility_id, day = due.facility_id, due.day
        code = db.scalar(select(PcareFacility.code_there).where(PcareFacility.facility_id == facility_id))
        code = code or db.get_one(Facility, facility_id).code
    try:
        theirs = list(client.listed(code, day))
    except Trouble:
        return 0  # asked again once the claim has run out
    with transaction(engine) as db:
        _settle(db, facility_id, day, theirs, asked_at=asked_at, now=clock())
    return 1


def compare_now(db: Session, facility_id: UUID, day: date, *, now: datetime) -> None:
    """Have a day compared at the worker's next look."""
    asked = insert(PcareDay).values(facility_id=facility_id, day=day, check_at=now)
    db.execute(asked.on_conflict_do_update(index_elements=["facility_id", "day"], set_={"check_at": now}))


def _settle(
    db: Session, facility_id: UUID, day: date, theirs: Sequence[Theirs], *, asked_at: datetime, now: datetime
) -> None:
    names = {one.number: _uuid(one.reference) for one in theirs}
    here = or_(
        (PcareRecord.facility_id == facility_id) & (PcareRecord.day == day) & (PcareRecord.state == State.ACCEPTED),
        any_of(PcareRecord.id, [name for name in names.values() if name is not None]),
    )
    records = db.scalars(select(PcareRecord).where(here).order_by(PcareRecord.id).with_for_update()).all()
    by_id = {record.id: record for record in records}
    ours = [Ours(one.id, one.state, one.number, one.changed_at < asked_at - SETTLES_IN) for one in records]
    found = compared(ours, names)
    for record_id, number in found.arrived.items():
        _arrived(db, by_id[record_id], number, now)
    for record_id in sorted(found.lost):
        _lost(db, by_id[record_id], now)
    _keep_strangers(db, facility_id, day, found.strangers, now)
    accepted = sum(one.state is State.ACCEPTED for one in records if one.facility_id == facility_id and one.day == day)
    _note(db, facility_id, day, now, {
        "there": len(names), "here": accepted + len(found.lost),
        "only_there": len(found.strangers), "only_here": len(found.lost),
    })  # fmt: skip


def _arrived(db: Session, record: PcareRecord, number: str, now: datetime) -> None:
    """It was sent and nobody knew: they have it."""
    if record.dose is None:
        return  # a deletion goes by the number of what it takes back
    db.execute(
        update(PcareRecord)
        .where(PcareRecord.booking_id == record.booking_id, PcareRecord.state.in_(HELD))
        .values(state=State.CORRECTED, changed_at=now)
    )
    record.state, record.number, record.next_at, record.changed_at = State.ACCEPTED, number, None, now
    record.why = record.words = None
    db.flush()


def _lost(db: Session, record: PcareRecord, now: datetime) -> None:
    """They had it and their list has it no more: they are asked for it by our reference, and told anew if they have it not."""
    later = select(PcareRecord.id).where(
        PcareRecord.booking_id == record.booking_id, PcareRecord.version > record.version
    )
    record.state = on_lost(newest=db.scalar(later.limit(1)) is None)
    record.number, record.why, record.changed_at = None, Why.FORGOTTEN, now
    record.next_at = now if record.state is State.SENT else None
    db.flush()
    told = RecordLost(record_id=record.id, booking_id=record.booking_id, facility_id=record.facility_id)
    append(db, told, unit_id=record.facility_id, subject=record.id, occurred_at=now, now=now)


def _keep_strangers(
    db: Session, facility_id: UUID, day: date, strangers: Mapping[str, UUID | None], now: datetime
) -> None:
    gone = delete(PcareStranger).where(PcareStranger.facility_id == facility_id, PcareStranger.day == day)
    db.execute(gone.where(PcareStranger.number.not_in(strangers.keys())))
    if strangers:
        rows = [
            {"number": number, "facility_id": facility_id, "day": day, "record_id": ours, "seen_at": now}
            for number, ours in sorted(strangers.items())
        ]
        kept = insert(PcareStranger).values(rows)
        again = {name: kept.excluded[name] for name in ("facility_id", "day", "record_id", "seen_at")}
        db.execute(kept.on_conflict_do_update(index_elements=["number"], set_=again))


def _note(db: Session, facility_id: UUID, day: date, now: datetime, counts: Mapping[str, int]) -> None:
    age = earliest_day(now) - day
    wait = timedelta(days=1) if age < _EACH_DAY else timedelta(days=7) if age < _EACH_WEEK else None
    db.execute(
        update(PcareDay)
        .where(PcareDay.facility_id == facility_id, PcareDay.day == day)
        .values(checked_at=now, check_at=None if wait is None else now + wait, **counts)
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
