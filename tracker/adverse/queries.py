"""Reads of this room; each listing starts from what the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.adverse.models import AdverseAnswer, AdverseChange, AdverseEvent, AdverseSymptom, Symptom
from tracker.adverse.rules.words import Level
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.models import Booking, VaccinationSession

STANDS = AdverseEvent.withdrawn.is_(False)
_CODES = (
    select(func.array_agg(aggregate_order_by(AdverseSymptom.symptom_code, AdverseSymptom.symptom_code)))
    .where(AdverseSymptom.event_id == AdverseEvent.id)
    .scalar_subquery()
)


def adverse_visible_to(principal: Principal) -> Select[AdverseEvent, Booking, Facility, Presentation, str, list[str]]:
    """A select of (event, booking, facility, presentation, lot, codes of symptoms), not ordered; of whoever treats people.

    Where the dose was given, where somebody came with what followed, and above both.
    """
    teller = aliased(Unit)
    return (
        select(AdverseEvent, Booking, Facility, Presentation, Batch.lot, _CODES.label("codes"))
        .join(Booking, Booking.id == AdverseEvent.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .outerjoin(Batch, Batch.id == Booking.batch_id)
        .outerjoin(teller, teller.id == AdverseEvent.told_at_id)
        .where(
            or_(
                visible_to(principal, Unit.path, Permission.PERSON_READ),
                visible_to(principal, teller.path, Permission.PERSON_READ),
            )
        )
    )


def something_followed() -> ColumnElement[bool]:
    """True for rows of `Person` who had something after a dose, also where the dose or the event was taken back since."""
    theirs = select(AdverseEvent.id).join(Booking, Booking.id == AdverseEvent.booking_id)
    return theirs.where(Booking.person_id == Person.id).exists()


def waits_for(level: Level) -> ColumnElement[bool]:
    """True for serious ones that stand and that nobody of this level has answered."""
    answered = select(AdverseAnswer.event_id).where(
        AdverseAnswer.event_id == AdverseEvent.id, AdverseAnswer.level == level
    )
    return and_(AdverseEvent.serious, STANDS, ~answered.exists())


def count_waiting(db: Session, principal: Principal, level: Level, facility_id: UUID | None = None) -> int:
    """How many serious ones wait for an answer of this level, where the caller may answer; at one facility, or anywhere."""
    query = (
        select(func.count())
        .select_from(AdverseEvent)
        .join(Booking, Booking.id == AdverseEvent.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(waits_for(level), visible_to(principal, Unit.path, Permission.ADVERSE_ANSWER))
    )
    if facility_id is not None:
        query = query.where(VaccinationSession.facility_id == facility_id)
    return db.scalar(query) or 0


def symptoms_of(db: Session, event_id: UUID) -> list[str]:
    """The codes of what somebody had."""
    query = select(AdverseSymptom.symptom_code).where(AdverseSymptom.event_id == event_id)
    return list(db.scalars(query.order_by(AdverseSymptom.symptom_code)))


def answers_of(db: Session, event_id: UUID) -> Sequence[AdverseAnswer]:
    """What was done about a serious one, the facility's head first."""
    return db.scalars(
        select(AdverseAnswer).where(AdverseAnswer.event_id == event_id).order_by(AdverseAnswer.level)
    ).all()


def changes_of(event_id: UUID) -> Select[AdverseChange]:
    """A select of (change,) of one event, not ordered."""
    return select(AdverseChange).where(AdverseChange.event_id == event_id)


def all_symptoms() -> Select[Symptom]:
    """A select of (symptom,), not ordered."""
    return select(Symptom)


def tally_of_session(db: Session, session_id: UUID) -> tuple[int, int]:
    """How often something followed a dose of a session, and how often it was serious."""
    query = (
        select(func.count(), func.count().filter(AdverseEvent.serious))
        .select_from(AdverseEvent)
        .join(Booking, Booking.id == AdverseEvent.booking_id)
        .where(Booking.session_id == session_id, STANDS)
    )
    told, serious = db.execute(query).one()
    return int(told), int(serious)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often something followed a dose of one batch, and what; nobody is named."""

    told: int
    serious: int
    symptoms: Sequence[tuple[Symptom, int]]


def tally_of_batch(db: Session, principal: Principal, batch_id: UUID) -> Tally:
    """Of doses of the batch that were given where the caller sees the stock; withdrawn ones are none."""

    def counted(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        return (
            query.join(Booking, Booking.id == AdverseEvent.booking_id)
            .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
            .join(Unit, Unit.id == VaccinationSession.facility_id)
            .where(Booking.batch_id == batch_id, STANDS, visible_to(principal, Unit.path, Permission.STOCK_READ))
        )

    sums = select(func.count(), func.count().filter(AdverseEvent.serious)).select_from(AdverseEvent)
    told, serious = (int(each) for each in db.execute(counted(sums)).one())
    if not told:
        return Tally(told=0, serious=0, symptoms=())
    by_symptom = counted(
        select(Symptom, func.count().label("times"))
        .select_from(AdverseEvent)
        .join(AdverseSymptom, AdverseSymptom.event_id == AdverseEvent.id)
        .join(Symptom, Symptom.code == AdverseSymptom.symptom_code)
    )
    rows = db.execute(by_symptom.group_by(Symptom.code).order_by(func.count().desc(), Symptom.code))
    return Tally(told=told, serious=serious, symptoms=[(symptom, times) for symptom, times in rows])
