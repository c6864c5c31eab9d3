"""Use cases of this room: telling an adverse event, putting it right, answering a serious one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.adverse.commands import AnswerAdverse, CorrectAdverse, ServeElsewhere, SetSymptom, TellAdverse, Told
from tracker.adverse.errors import AdverseNotFound, NoDose, NotSerious, OtherAdverse, UnknownSymptom
from tracker.adverse.events import AdverseAnswered, AdverseCorrected, AdverseTold
from tracker.adverse.models import AdverseAnswer, AdverseChange, AdverseEvent, AdverseSymptom, Symptom
from tracker.adverse.queries import symptoms_of
from tracker.adverse.rules.telling import check_told
from tracker.adverse.rules.words import Level
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.network.queries import path_of
from tracker.people.models import Person
from tracker.people.service import serve_person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, VaccinationSession


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a dose was given."""

    facility_id: UUID
    path: str


def tell_adverse(
    db: Session, principal: Principal, command: TellAdverse, *, now: datetime
) -> tuple[AdverseEvent, bool]:
    """Write an adverse event down, and whether it is new; the same again answers the first, whatever was put right since.

    Of a dose given elsewhere it is told where the person came with it. Raises BookingNotFound, Forbidden, NoDose, OtherAdverse,
    and what `check_told` raises.
    """
    place = _place_of(db, command.booking_id)
    elsewhere = None if command.facility_id == place.facility_id else command.facility_id
    if elsewhere is None and not principal.sees(place.path):
        raise BookingNotFound(booking=str(command.booking_id))
    principal.require(Permission.BOOKING_SERVE, place.path if elsewhere is None else path_of(db, elsewhere))
    content = _digest(command)
    known = db.get(AdverseEvent, command.id)
    if known is not None:
        if known.content != content:
            raise OtherAdverse(id=str(command.id))
        return known, False
    # Nobody takes the dose back meanwhile.
    booking = db.get_one(Booking, command.booking_id, with_for_update={"read": True}, populate_existing=True)
    if booking.vaccinated_at is None:
        raise NoDose(booking=str(booking.id))
    if elsewhere is not None:
        serve_elsewhere(db, principal, ServeElsewhere(booking_id=booking.id, facility_id=elsewhere))
    told = command.told
    check_told(told, given_at=booking.vaccinated_at, now=now)
    event = AdverseEvent(
        id=command.id,
        booking_id=booking.id,
        told_at_id=elsewhere,
        recorded_at=now,
        recorded_by=principal.name,
        content=content,
        withdrawn=False,
        **_columns(told),
    )
    db.add(event)
    db.flush()
    _write_symptoms(db, event.id, told.symptoms)
    _tell(db, AdverseTold(**_facts(event, place)), place, event, now)
    return event, True


def serve_elsewhere(db: Session, principal: Principal, command: ServeElsewhere) -> None:
    """From now on the facility's people see whoever came to them. Who stands at the door is served there, wherever the dose was given.

    Raises BookingNotFound, NoDose, Forbidden.
    """
    principal.require(Permission.BOOKING_SERVE, path_of(db, command.facility_id))
    booking = db.get(Booking, command.booking_id)
    if booking is None:
        raise BookingNotFound(booking=str(command.booking_id))
    if booking.vaccinated_at is None:
        raise NoDose(booking=str(booking.id))
    serve_person(db, db.get_one(Person, booking.person_id), command.facility_id)


def correct_adverse(db: Session, principal: Principal, command: CorrectAdverse, *, now: datetime) -> AdverseEvent:
    """Put right what was told; what stood before is kept with the reason. The same again writes nothing.

    Raises AdverseNotFound, Forbidden, NoDose (it was taken back, and this is not withdrawn), and what `check_told` raises.
    """
    event, place = _locked(db, principal, command.event_id)
    _require_serving(db, principal, event, place)
    booking = db.get_one(Booking, event.booking_id, with_for_update={"read": True}, populate_existing=True)
    told, before = command.told, _as_told(event, symptoms_of(db, event.id))
    if before == _shown(told, withdrawn=command.withdrawn):
        return event
    if not command.withdrawn:
        if booking.vaccinated_at is None:
            raise NoDose(booking=str(booking.id))
        check_told(told, given_at=booking.vaccinated_at, now=now)
    db.add(
        AdverseChange(
            id=uuid7(),
            event_id=event.id,
            before=before,
            reason=command.reason,
            recorded_by=principal.name,
            recorded_at=now,
        )
    )
    for name, value in _columns(told).items():
        setattr(event, name, value)
    event.withdrawn = command.withdrawn
    db.execute(delete(AdverseSymptom).where(AdverseSymptom.event_id == event.id))
    _write_symptoms(db, event.id, told.symptoms)
    _tell(db, AdverseCorrected(**_facts(event, place)), place, event, now)
    return event


def answer_adverse(db: Session, principal: Principal, command: AnswerAdverse, *, now: datetime) -> AdverseEvent:
    """Write down what was done about a serious one, for the level the caller speaks for; whoever came first stands.

    Raises AdverseNotFound, Forbidden, NotSerious.
    """
    event, place = _locked(db, principal, command.event_id)
    principal.require(Permission.ADVERSE_ANSWER, place.path)
    if not event.serious or event.withdrawn:
        raise NotSerious(event=str(event.id))
    level = level_of(principal, place.path)
    if db.get(AdverseAnswer, (event.id, level)) is not None:
        return event
    answer = AdverseAnswer(
        event_id=event.id, level=level, words=command.words, recorded_by=principal.name, recorded_at=now
    )
    db.add(answer)
    _tell(db, AdverseAnswered(**_facts(event, place), level=level), place, event, now)
    return event


def set_symptom(db: Session, principal: Principal, command: SetSymptom) -> Symptom:
    """Add a symptom to the list, or give one other words: the same for the whole country. Raises Forbidden."""
    principal.require(Permission.CATALOG_WRITE)
    words = {"word_id": command.word_id, "word_en": command.word_en}
    statement = upsert(Symptom).values(code=command.code, **words)
    db.execute(statement.on_conflict_do_update(index_elements=[Symptom.code], set_=words))
    return db.get_one(Symptom, command.code, populate_existing=True)


def level_of(principal: Principal, path: str) -> Level:
    """For whom somebody speaks who may answer at this facility: the office where they may do so above it, too."""
    above = path.rpartition(".")[0]
    return Level.OFFICE if above and principal.may(Permission.ADVERSE_ANSWER, above) else Level.FACILITY


def may_correct(db: Session, principal: Principal, event: AdverseEvent, given_at: UUID) -> bool:
    """Whether they serve people where the dose was given (`given_at`) or where the event was told."""
    places = {given_at, event.told_at_id or given_at}
    return any(principal.may(Permission.BOOKING_SERVE, path_of(db, each)) for each in places)


def _place_of(db: Session, booking_id: UUID) -> _Place:
    row = db.execute(
        select(VaccinationSession.facility_id, Unit.path)
        .join(Booking, Booking.session_id == VaccinationSession.id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(Booking.id == booking_id)
    ).one_or_none()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    return _Place(facility_id=row.facility_id, path=row.path)


def _locked(db: Session, principal: Principal, event_id: UUID) -> tuple[AdverseEvent, _Place]:
    event = db.get(AdverseEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise AdverseNotFound(event=str(event_id))
    place = _place_of(db, event.booking_id)
    paths = {place.path, place.path if event.told_at_id is None else path_of(db, event.told_at_id)}
    if not any(principal.sees(each) for each in paths):
        raise AdverseNotFound(event=str(event_id))
    return event, place


def _require_serving(db: Session, principal: Principal, event: AdverseEvent, place: _Place) -> None:
    if not may_correct(db, principal, event, place.facility_id):
        principal.require(Permission.BOOKING_SERVE, place.path)


def _write_symptoms(db: Session, event_id: UUID, codes: tuple[str, ...]) -> None:
    wanted = sorted(set(codes))
    known = set(db.scalars(select(Symptom.code).where(Symptom.code.in_(wanted))))
    unknown = next((code for code in wanted if code not in known), None)
    if unknown is not None:
        raise UnknownSymptom(field="symptoms", symptom=unknown)
    db.add_all(AdverseSymptom(event_id=event_id, symptom_code=code) for code in wanted)
    db.flush()


def _columns(told: Told) -> dict[str, Any]:
    return {name: value for name, value in asdict(told).items() if name != "symptoms"}


def _shown(told: Told, *, withdrawn: bool) -> dict[str, Any]:
    return {
        "onset": told.onset_at.timestamp(),
        "symptoms": sorted(set(told.symptoms)),
        "words": told.words,
        "serious": told.serious,
        "outcome": told.outcome.value,
        "withdrawn": withdrawn,
    }


def _as_told(event: AdverseEvent, symptoms: list[str]) -> dict[str, Any]:
    told = Told(
        onset_at=event.onset_at,
        symptoms=tuple(symptoms),
        words=event.words,
        serious=event.serious,
        outcome=event.outcome,
    )
    return _shown(told, withdrawn=event.withdrawn)


def _digest(command: TellAdverse) -> bytes:
    said = {"booking": str(command.booking_id), **_shown(command.told, withdrawn=False)}
    if command.facility_id is not None:
        said["facility"] = str(command.facility_id)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


def _facts(event: AdverseEvent, place: _Place) -> dict[str, Any]:
    return {
        "adverse_event_id": event.id,
        "booking_id": event.booking_id,
        "facility_id": place.facility_id,
        "serious": event.serious,
    }


def _tell(
    db: Session,
    news: AdverseTold | AdverseCorrected | AdverseAnswered,
    place: _Place,
    event: AdverseEvent,
    now: datetime,
) -> None:
    append(db, news, unit_id=place.facility_id, subject=event.id, occurred_at=now, now=now)
    db.flush()
