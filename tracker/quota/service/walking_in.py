"""Somebody comes without a place that the desk knew of: found or registered, given a place, and there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.network.queries import path_of
from tracker.people.models import Person, PersonUnit
from tracker.people.rules.contact import clean_name
from tracker.people.rules.words import PersonAct
from tracker.people.service import NewPerson, find_persons, note_acts, register_person
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, Claim, VaccinationSession
from tracker.quota.queries.desk import to_serve
from tracker.quota.rules.words import LIVE, BookingState, Medium
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book, booked_before
from tracker.quota.service.claims import OPEN
from tracker.quota.service.commands import ArriveAt, Book, MoveBooking, WalkIn
from tracker.quota.service.sessions import session_for
from tracker.quota.service.told import tell_of_desk


def walk_in(db: Session, principal: Principal, command: WalkIn, *, vault: NikVault, now: datetime) -> Booking:
    """Give whoever came a place in this session and note that they are there; the same again is the same.

    Who is known by their number is that person; without one, so is whoever has a claim there under that name and birth
    date, if there is only one. Who has a place, here or elsewhere, comes with it. Raises SessionNotFound, Forbidden, and what registering, booking and arriving raise.
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    told = command.person if command.person.unit_id else replace(command.person, unit_id=session.facility_id)
    person_id = _person(db, principal, told, session, command.dose, vault, now)
    known = db.get(Booking, command.id)
    if known is None:
        known = place_for(
            db, principal, session, person_id, made=command.id, dose=command.dose, override=command.override, now=now
        )
    else:
        booked_before(db, _wanted(command.id, person_id, session, command.dose or known.dose, command.override))
    arrived = MoveBooking(booking_id=known.id, state=BookingState.ARRIVED)
    return tell_of_desk(db, principal, arrived, command.occurred_at or now, now=now)


def place_for(
    db: Session,
    principal: Principal,
    session: VaccinationSession,
    person_id: UUID,
    *,
    made: UUID,
    dose: int | None,
    override: str | None,
    now: datetime,
) -> Booking:
    """A person's place in a session: the one they have, here or elsewhere, or one made under the id `made`.

    Of the dose that is told, else of the one that is next. Raises what booking and arriving raise.
    """
    own = db.scalar(
        select(Booking)
        .where(Booking.person_id == person_id, Booking.session_id == session.id)
        .where(Booking.state != BookingState.CANCELLED)
        .order_by(Booking.state.in_(LIVE).desc(), Booking.changed_at.desc())
        .limit(1)
    )
    if own is not None:
        return own
    mine = to_serve(db, [person_id], session.vaccine_id, session.day)[person_id]
    dose = dose or mine.next_dose
    elsewhere = next((one for one in mine.places if one.vaccine_id == session.vaccine_id and one.dose == dose), None)
    if elsewhere is not None:
        came = ArriveAt(booking_id=elsewhere.booking_id, session_id=session.id, record=True)
        return arrive_at(db, principal, came, now=now)
    return book(db, principal, _wanted(made, person_id, session, dose, override), now=now).booking


def _wanted(made: UUID, person_id: UUID, session: VaccinationSession, dose: int, override: str | None) -> Book:
    return Book(
        id=made,
        person_id=person_id,
        session_id=session.id,
        dose=dose,
        medium=Medium.WALK_IN,
        override=override,
    )


def _person(
    db: Session,
    principal: Principal,
    told: NewPerson,
    session: VaccinationSession,
    dose: int | None,
    vault: NikVault,
    now: datetime,
) -> UUID:
    if told.nik is not None:
        found = find_persons(db, principal, told.nik, vault=vault, now=now)
        if found:
            return found[0].id
    elif told.birth_date is not None and (claimant := _claimant(db, told, session, dose)) is not None:
        principal.require(Permission.PERSON_READ, path_of(db, session.facility_id))
        note_acts(db, principal, {claimant}, PersonAct.SEARCHED, now=now)
        return claimant
    return register_person(db, principal, told, vault=vault, now=now).person.id


def _claimant(db: Session, told: NewPerson, session: VaccinationSession, dose: int | None) -> UUID | None:
    """Whose claim a paper with a name and a birth date is, of those known at the facility; None where it may be several people's.

    Told again, it is still theirs: the claim was used there.
    """
    here = select(PersonUnit.person_id).where(PersonUnit.unit_id == session.facility_id)
    used_here = select(Booking.id).where(Booking.session_id == session.id)
    query = (
        select(Person.id)
        .join(Claim, Claim.person_id == Person.id)
        .where(
            or_(Person.unit_id == session.facility_id, Person.id.in_(here)),
            Person.merged_into_id.is_(None),
            Person.forgotten_at.is_(None),
            Person.birth_date == told.birth_date,
            func.lower(Person.name) == clean_name(told.name).lower(),
            Claim.vaccine_id == session.vaccine_id,
            or_(Claim.state.in_(OPEN), Claim.used_by_id.in_(used_here)),
        )
        .distinct()
        .limit(2)
    )
    if dose is not None:
        query = query.where(Claim.dose == dose)
    found = list(db.scalars(query))
    return found[0] if len(found) == 1 else None
