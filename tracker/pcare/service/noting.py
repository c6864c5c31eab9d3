"""Noting what is to be told of a dose, from how it stands now: the same again changes nothing, in whatever order it is heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation, Vaccine
from tracker.database.types import any_of
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.pcare.models import PcareFacility, PcareLink, PcareRecord
from tracker.pcare.rules.steps import Version, on_change
from tracker.pcare.rules.words import HELD, Reporting, State, Why
from tracker.quota.models import Booking, VaccinationSession

LOOKED_AT = 500
LOOK_EVERY = timedelta(hours=24)
_FIRST = UUID(int=0)


def note_dose(db: Session, booking_id: UUID, *, now: datetime, anew: bool = False) -> None:
    """Let the records of a booking say what stands of its dose; `anew`: its person is described otherwise now."""
    # One at a time for each booking; whoever serves it at the desk is not held up.
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"pcare {booking_id}", 0))))
    row = db.execute(_doses().where(Booking.id == booking_id)).one_or_none()
    if row is not None:
        _note(db, row, now, anew=anew)


def note_person(db: Session, person_id: UUID, *, now: datetime) -> None:
    """Somebody is described otherwise now: what was told of their doses is told again, and what waited for a number goes."""
    for booking_id in db.scalars(select(Booking.id).where(Booking.person_id == person_id).order_by(Booking.id)).all():
        note_dose(db, booking_id, now=now, anew=True)


def look_for_doses(db: Session, *, now: datetime) -> int:
    """Look at the next bookings for doses that no record speaks of; returns how many were looked at, 0 when it is not time.

    So doses of before the line was there are told, and one that nobody noted, or that was changed unheard, is found within a day.
    """
    link = db.get_one(PcareLink, 1, with_for_update={"skip_locked": True}) if _look_due(db, now) else None
    if link is None:
        return 0
    after = link.looked_up_to or _FIRST
    ids = db.scalars(select(Booking.id).where(Booking.id > after).order_by(Booking.id).limit(LOOKED_AT)).all()
    newest = (
        select(PcareRecord.dose)
        .where(PcareRecord.booking_id == Booking.id)
        .order_by(PcareRecord.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    stands = Booking.vaccinated_at.is_not(None)
    # Given and unnoted, or noted and not given any more: what else may differ is told on the feed.
    unnoted = select(Booking.id).where(any_of(Booking.id, ids), stands != newest.is_not(None))
    for booking_id in db.scalars(unnoted.order_by(Booking.id)).all():
        note_dose(db, booking_id, now=now)
    ended = len(ids) < LOOKED_AT
    link.looked_up_to = None if ended else ids[-1]
    link.look_at = now + LOOK_EVERY if ended else None
    db.flush()
    return len(ids)


def look_again(db: Session, *, now: datetime) -> None:
    """Begin the look through all doses at once."""
    db.execute(update(PcareLink).values(look_at=now, looked_up_to=None))


def note_line(db: Session, *, connected: bool, now: datetime) -> None:
    """Keep whether this installation has a line to P-Care: without one nothing is behind."""
    link = db.get_one(PcareLink, 1)
    if connected is (link.connected_at is None):
        link.connected_at = now if connected else None
        db.flush()


def _look_due(db: Session, now: datetime) -> bool:
    link = db.get_one(PcareLink, 1)
    return link.look_at is None or link.look_at <= now


def _doses() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Booking.id,
            Booking.person_id,
            Booking.dose,
            Booking.vaccinated_at,
            Batch.lot,
            Vaccine.code.label("vaccine"),
            Facility.id.label("facility_id"),
            Facility.timezone,
            PcareFacility.mode,
        )
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .join(Vaccine, Vaccine.id == Presentation.vaccine_id)
        .outerjoin(Batch, Batch.id == Booking.batch_id)
        .outerjoin(PcareFacility, PcareFacility.facility_id == Facility.id)
    )


def said_of(row: Row[Any]) -> dict[str, object] | None:
    """What is told of a dose, besides who had it; None where none stands."""
    if row.vaccinated_at is None:
        return None
    return {
        "person": str(row.person_id),
        "vaccine": row.vaccine,
        "batch": row.lot or "",
        "dose": row.dose,
        "given_at": row.vaccinated_at.isoformat(),
    }


def _note(db: Session, row: Row[Any], now: datetime, *, anew: bool) -> None:
    records = db.scalars(
        select(PcareRecord)
        .where(PcareRecord.booking_id == row.id)
        .order_by(PcareRecord.version)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    newest = records[-1] if records else None
    dose = said_of(row)
    known = any(record.state in HELD or record.state is State.SENT for record in records)
    seen = None if newest is None else Version(newest.state, newest.dose)
    change = on_change(seen, dose, known=known, anew=anew)
    if newest is not None and change.newest is not None:
        newest.state, newest.next_at, newest.changed_at = change.newest, None, now
        db.flush()
    if newest is not None and change.wake and newest.why is not Why.BY_FILE:
        newest.next_at = now
    if change.adds:
        _add(db, row, records, dose, now)
    db.flush()


def _add(
    db: Session, row: Row[Any], records: Sequence[PcareRecord], dose: dict[str, object] | None, now: datetime
) -> None:
    # What went by file has no number there: whoever typed it in types the correction as well.
    by_file = row.mode is Reporting.FILE or any(record.state is State.HANDED for record in records)
    day = records[-1].day if row.vaccinated_at is None else local_day(row.vaccinated_at, row.timezone)
    db.execute(
        insert(PcareRecord).values(
            id=uuid7(),
            booking_id=row.id,
            version=records[-1].version + 1 if records else 1,
            facility_id=row.facility_id,
            day=day,
            dose=dose,
            state=State.WAITING,
            why=Why.BY_FILE if by_file else None,
            next_at=None if by_file else now,
            made_at=now,
            changed_at=now,
        )
    )
