"""The standby list: who asked to be called when doses are left, the draw of a session, and what each said."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.people.models import Person
from tracker.people.queries import person_by_id
from tracker.people.service import serve_person
from tracker.quota.errors import (
    AlreadyBooked,
    BadDoses,
    DoseGiven,
    NotDrawn,
    OtherStandby,
    SessionClosed,
    StandbyNotFound,
)
from tracker.quota.models import Booking, Standby, StandbyCall, StandbyDraw, VaccinationSession
from tracker.quota.rules.standby import Group, Waiting, drawn, group_of
from tracker.quota.rules.words import LIVE, BookingState, Said, SessionState
from tracker.quota.service.commands import AskStandby, NoteCall
from tracker.quota.service.sessions import session_for


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCall:
    """Somebody in the order of the draw; `said`: None while nobody has called; `late`: asked after it, and comes behind."""

    standby: Standby
    person: Person
    group: Group
    said: Said | None
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallList:
    """Whom to call for a session. Before the draw nobody is named: `waiting` says how many asked."""

    draw: StandbyDraw | None
    waiting: int
    order: Sequence[ToCall]


def ask_standby(db: Session, principal: Principal, command: AskStandby, *, now: datetime) -> Standby:
    """Somebody wants to be called when doses of the session's vaccine are left at its facility, on any day.

    Who is on the list stays where they are. Raises SessionNotFound, Forbidden, PersonNotFound, BadDoses, AlreadyBooked, DoseGiven,
    OtherStandby.
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    person = person_by_id(db, principal, command.person_id)
    if command.dose not in session.doses:
        raise BadDoses(field="dose")
    state = db.scalar(
        select(Booking.state).where(
            Booking.person_id == person.id,
            Booking.vaccine_id == session.vaccine_id,
            Booking.dose == command.dose,
            Booking.state.in_(LIVE | {BookingState.VACCINATED}),
        )
    )
    if state is not None:
        fault = DoseGiven if state is BookingState.VACCINATED else AlreadyBooked
        raise fault(person=str(person.id), dose=command.dose)
    asked = upsert(Standby).values(
        id=command.id,
        facility_id=session.facility_id,
        vaccine_id=session.vaccine_id,
        person_id=person.id,
        dose=command.dose,
        asked_at=now,
        asked_by=principal.name,
    )
    db.execute(asked.on_conflict_do_nothing())
    serve_person(db, person, session.facility_id)
    mine = select(Standby).where(
        Standby.facility_id == session.facility_id,
        Standby.vaccine_id == session.vaccine_id,
        Standby.person_id == person.id,
        or_(Standby.ended_at.is_(None), Standby.id == command.id),
    )
    found = db.scalars(mine.order_by(Standby.ended_at.is_not(None), Standby.asked_at).limit(1)).one_or_none()
    if found is None or (found.id == command.id and found.dose != command.dose):
        raise OtherStandby(id=str(command.id))
    return found


def end_standby(db: Session, principal: Principal, session_id: UUID, standby_id: UUID, *, now: datetime) -> None:
    """Somebody wants to be called no more; again it changes nothing. Raises SessionNotFound, Forbidden, StandbyNotFound."""
    session = session_for(db, principal, session_id, Permission.BOOKING_SERVE)
    _standby_of(db, session, standby_id)
    db.execute(update(Standby).where(Standby.id == standby_id, Standby.ended_at.is_(None)).values(ended_at=now))


def standing_of(db: Session, session: VaccinationSession, person_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Who of these is on the list for such a session: by person, under which number."""
    rows = db.execute(
        select(Standby.person_id, Standby.id).where(
            Standby.facility_id == session.facility_id,
            Standby.vaccine_id == session.vaccine_id,
            Standby.person_id.in_(person_ids),
            Standby.ended_at.is_(None),
        )
    )
    return {row[0]: row[1] for row in rows}


def draw_standby(db: Session, principal: Principal, session_id: UUID, *, now: datetime) -> StandbyDraw:
    """Draw the order for a session, once: the seed stays. Raises SessionNotFound, Forbidden, SessionClosed."""
    session = session_for(db, principal, session_id, Permission.BOOKING_SERVE)
    known = db.get(StandbyDraw, session_id)
    if known is not None:
        return known
    if session.state is SessionState.CLOSED:
        raise SessionClosed(session=str(session_id))
    made = upsert(StandbyDraw).values(
        session_id=session_id, seed=secrets.token_hex(8), drawn_at=now, drawn_by=principal.name
    )
    db.execute(made.on_conflict_do_nothing())
    return db.get_one(StandbyDraw, session_id)


def note_call(db: Session, principal: Principal, command: NoteCall, *, now: datetime) -> None:
    """Write down what somebody said who was called; said otherwise later, that counts.

    Raises SessionNotFound, Forbidden, NotDrawn, StandbyNotFound.
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    if db.get(StandbyDraw, session.id) is None:
        raise NotDrawn(session=str(session.id))
    _standby_of(db, session, command.standby_id)
    told = {"said": command.said, "called_at": now, "called_by": principal.name}
    row = upsert(StandbyCall).values(session_id=session.id, standby_id=command.standby_id, **told)
    db.execute(row.on_conflict_do_update(index_elements=["session_id", "standby_id"], set_=told))


def call_list(db: Session, session: VaccinationSession) -> CallList:
    """Who asked and still needs the dose: in the order of the draw, behind it as they asked since; who has a place or had the dose is left out."""
    draw = db.get(StandbyDraw, session.id)
    served = select(Booking.id).where(
        Booking.person_id == Standby.person_id,
        Booking.vaccine_id == Standby.vaccine_id,
        Booking.dose == Standby.dose,
        Booking.state.in_(LIVE | {BookingState.VACCINATED}),
    )
    query = (
        select(Standby, Person, StandbyCall.said)
        .join(Person, Person.id == Standby.person_id)
        .outerjoin(StandbyCall, (StandbyCall.standby_id == Standby.id) & (StandbyCall.session_id == session.id))
        .where(
            Standby.facility_id == session.facility_id,
            Standby.vaccine_id == session.vaccine_id,
            Standby.dose.in_(session.doses),
            Standby.ended_at.is_(None),
            Person.forgotten_at.is_(None),
            ~served.exists(),
        )
    )
    rows = {row[0].id: row for row in db.execute(query)}
    if draw is None:
        return CallList(draw=None, waiting=len(rows), order=())

    def called(standby_id: UUID, *, late: bool) -> ToCall:
        standby, person, said = rows[standby_id]
        group = group_of(person.groups, person.birth_date, session.day)
        return ToCall(standby=standby, person=person, group=group, said=said, late=late)

    asked = sorted((row[0] for row in rows.values()), key=lambda one: (one.asked_at, one.id))
    before = {one.id: called(one.id, late=False) for one in asked if one.asked_at <= draw.drawn_at}
    turns = drawn(draw.seed, [Waiting(id=key, group=one.group) for key, one in before.items()])
    order = [
        *(before[one.id] for one in turns),
        *(called(one.id, late=True) for one in asked if one.id not in before),
    ]
    return CallList(draw=draw, waiting=len(order), order=order)


def merge_standby(db: Session, keep_id: UUID, gone_id: UUID, *, now: datetime) -> None:
    """Two records are one person's: whoever stands on a list twice stands there once, since they first asked."""
    rows = db.scalars(
        select(Standby)
        .where(Standby.person_id.in_((keep_id, gone_id)), Standby.ended_at.is_(None))
        .order_by(Standby.asked_at, Standby.id)
        .with_for_update()
    ).all()
    seen: set[tuple[UUID, UUID]] = set()
    for row in rows:
        where = (row.facility_id, row.vaccine_id)
        if where in seen:
            row.ended_at = now
        seen.add(where)
    db.flush()
    db.execute(update(Standby).where(Standby.person_id == gone_id).values(person_id=keep_id))


def _standby_of(db: Session, session: VaccinationSession, standby_id: UUID) -> Standby:
    row = db.get(Standby, standby_id)
    if row is None or (row.facility_id, row.vaccine_id) != (session.facility_id, session.vaccine_id):
        raise StandbyNotFound(standby=str(standby_id))
    return row
