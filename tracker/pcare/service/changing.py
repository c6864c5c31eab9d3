"""What a person does about records: send one again, have a day compared, say how a facility's doses leave, hand a day over by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.feed.service import append
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.pcare.client import Letter
from tracker.pcare.commands import HandOver, SetFacility
from tracker.pcare.errors import GoesByWire, NotToBeSent, RecordNotFound
from tracker.pcare.events import FileMade
from tracker.pcare.models import PcareFacility, PcareRecord
from tracker.pcare.queries import records_visible_to
from tracker.pcare.rules.steps import handed_over, may_send_again, task
from tracker.pcare.rules.words import HELD, Reporting, State, Task, Why
from tracker.pcare.service.comparing import compare_now
from tracker.pcare.service.letters import letters_of
from tracker.people.rules.words import PersonAct
from tracker.people.service import note_acts
from tracker.people.vault import NikVault
from tracker.quota.models import Booking

_IN_A_FILE = (PcareRecord.why == Why.IN_FILE) & PcareRecord.state.in_((State.HANDED, State.DELETED))
# What the other side has had, whatever stands there now.
_TOLD = PcareRecord.state.in_(HELD) | (
    (PcareRecord.state == State.CORRECTED) & (PcareRecord.number.is_not(None) | (PcareRecord.why == Why.IN_FILE))
)


def send_again(db: Session, principal: Principal, record_id: UUID, *, now: datetime) -> PcareRecord:
    """Try a record now: one that was refused, after whatever was wrong was put right, or one that waits. The same again changes nothing.

    Raises RecordNotFound, Forbidden, NotToBeSent.
    """
    seen = db.scalar(records_visible_to(principal).where(PcareRecord.id == record_id).with_only_columns(PcareRecord.id))
    if seen is None:
        raise RecordNotFound(record=str(record_id))
    record = db.get_one(PcareRecord, record_id, with_for_update=True, populate_existing=True)
    principal.require(Permission.PCARE_WRITE, path_of(db, record.facility_id))
    if not may_send_again(record.state) or record.why is Why.BY_FILE:
        raise NotToBeSent(state=record.state.value)
    if record.state is State.REFUSED:
        record.state, record.attempts, record.changed_at = State.WAITING, 0, now
        record.why = record.words = None
    if record.state is State.WAITING:
        record.next_at = now  # one under way is asked about at its time
    db.flush()
    return record


def ask_comparison(db: Session, principal: Principal, facility: str, day: date, *, now: datetime) -> None:
    """Have a facility's day compared at once. Raises FacilityNotFound, Forbidden."""
    place = facility_by_code_or_id(db, principal, facility, Permission.PCARE_READ)
    principal.require(Permission.PCARE_WRITE, path_of(db, place.id))
    compare_now(db, place.id, day, now=now)


def set_facility(db: Session, principal: Principal, command: SetFacility, *, now: datetime) -> PcareFacility:
    """Say how a facility's doses leave; what waits there goes that way from now on. The same again changes nothing.

    Raises FacilityNotFound, Forbidden.
    """
    place = facility_by_code_or_id(db, principal, command.facility, Permission.PCARE_READ)
    principal.require(Permission.PCARE_WRITE, path_of(db, place.id))
    said = {"mode": command.mode, "code_there": command.code_there}
    asked = insert(PcareFacility).values(facility_id=place.id, changed_by=principal.name, changed_at=now, **said)
    db.execute(
        asked.on_conflict_do_update(
            index_elements=["facility_id"],
            set_={**said, "changed_by": principal.name, "changed_at": now},
            where=(PcareFacility.mode != command.mode) | PcareFacility.code_there.is_distinct_from(command.code_there),
        )
    )
    _turn_waiting(db, place.id, command.mode, now)
    return db.get_one(PcareFacility, place.id, populate_existing=True)


def _turn_waiting(db: Session, facility_id: UUID, mode: Reporting, now: datetime) -> None:
    """What waits goes the new way; what corrects a dose that went by file goes by file, and what by wire by wire."""
    held = aliased(PcareRecord)
    theirs = exists().where(held.booking_id == PcareRecord.booking_id)
    waiting = update(PcareRecord).where(PcareRecord.facility_id == facility_id, PcareRecord.state == State.WAITING)
    if mode is Reporting.FILE:
        turned = waiting.where(
            PcareRecord.why.is_distinct_from(Why.BY_FILE), ~theirs.where(held.state == State.ACCEPTED)
        )
        db.execute(turned.values(why=Why.BY_FILE, next_at=None, changed_at=now))
    else:
        turned = waiting.where(PcareRecord.why == Why.BY_FILE, ~theirs.where(held.state == State.HANDED))
        db.execute(turned.values(why=None, next_at=now, changed_at=now))


@dataclass(frozen=True, slots=True)
class FileRow:
    """One line of a file: what to do over there, and the dose. `again`: it stood in a file before."""

    task: Task
    letter: Letter
    again: bool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A facility's day, ready to be a file; `without_nik` doses are missing, for they wait for their persons' numbers."""

    facility: Facility
    rows: Sequence[FileRow]
    without_nik: int


def hand_over(db: Session, principal: Principal, command: HandOver, *, vault: NikVault, now: datetime) -> HandedOver:
    """A day's doses as they stand, and those to be taken out: from now on they count as handed over. Made again, it says the same.

    That each person's number was handed out is kept. Raises FacilityNotFound, Forbidden, GoesByWire.
    """
    place = facility_by_code_or_id(db, principal, command.facility, Permission.PCARE_READ)
    path = path_of(db, place.id)
    principal.require(Permission.PCARE_WRITE, path)
    principal.require(Permission.PERSON_READ, path)
    chosen = db.get(PcareFacility, place.id)
    if chosen is None or chosen.mode is not Reporting.FILE:
        raise GoesByWire(facility=place.code)
    records = db.scalars(
        select(PcareRecord)
        .where(
            PcareRecord.facility_id == place.id,
            PcareRecord.day == command.day,
            _IN_A_FILE | ((PcareRecord.state == State.WAITING) & (PcareRecord.why == Why.BY_FILE)),
        )
        .order_by(PcareRecord.id)
        .with_for_update()
    ).all()
    # What a later one corrects is not told beside it.
    newest = {record.booking_id: record for record in sorted(records, key=lambda one: one.version)}
    records = [record for record in records if newest[record.booking_id] is record]
    said = _as_dose(db, records)
    letters = letters_of(db, list(said.values()), vault)
    rows = [
        FileRow(_task(db, record), letters[said[record.id].id], record.why is Why.IN_FILE)
        for record in records
        if said[record.id].id in letters
    ]
    told = [record for record in records if said[record.id].id in letters]
    for record in told:
        _hand(db, record, now)
    people = db.scalars(select(Booking.person_id).where(Booking.id.in_([record.booking_id for record in told])))
    note_acts(db, principal, set(people), PersonAct.READ, now=now)
    if told:
        made = FileMade(facility_id=place.id, day=command.day, records=len(told))
        append(db, made, unit_id=place.id, subject=place.id, occurred_at=now, now=now)
    return HandedOver(place, rows, len(records) - len(rows))


def _as_dose(db: Session, records: Sequence[PcareRecord]) -> dict[UUID, PcareRecord]:
    """The record itself, or for one that says that none was given the dose that it takes back."""
    taken = {record.booking_id for record in records if record.dose is None}
    told = select(PcareRecord).where(PcareRecord.booking_id.in_(taken), PcareRecord.dose.is_not(None), _TOLD)
    before = {one.booking_id: one for one in db.scalars(told.order_by(PcareRecord.version))}
    return {one.id: before.get(one.booking_id, one) if one.dose is None else one for one in records}


def _task(db: Session, record: PcareRecord) -> Task:
    """A dose that stands in place of another of the same booking is to be changed over there."""
    earlier = select(
        exists().where(PcareRecord.booking_id == record.booking_id, PcareRecord.version < record.version, _TOLD)
    )
    return Task.REMOVE if record.dose is None else task(dose_stands=True, held=bool(db.scalar(earlier)))


def _hand(db: Session, record: PcareRecord, now: datetime) -> None:
    if record.state is not State.WAITING:
        return
    db.execute(
        update(PcareRecord)
        .where(PcareRecord.booking_id == record.booking_id, PcareRecord.state.in_(HELD))
        .values(state=State.CORRECTED, changed_at=now)
    )
    record.state, record.why, record.changed_at = handed_over(record.dose is not None), Why.IN_FILE, now
    db.flush()
