"""Booking a place: capacity, bucket and vials, all three or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.queries import person_now
from tracker.people.service import serve_person
from tracker.quota.errors import (
    AlreadyBooked,
    BookingOver,
    DoseNotServed,
    Exhausted,
    OtherBooking,
    SessionClosed,
    UnknownPerson,
)
from tracker.quota.events import BookingMade
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.queries.nearby import alternatives
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, choose, eligible
from tracker.quota.rules.last_booking import is_too_late
from tracker.quota.rules.offers import RESERVATION_STANDS
from tracker.quota.rules.words import LIVE, BookingState, BucketKind, Medium, SessionState
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.claims import claim_of, fund_claims, give_back_and_fund, use_claim
from tracker.quota.service.commands import Book
from tracker.quota.service.lapsing import lapse_in
from tracker.quota.service.pools import PoolFacts, pool_facts, pool_of, settle
from tracker.quota.service.seating import buckets_of, lock_sessions, make_room, seat, seats_of
from tracker.quota.service.sessions import session_for
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.stock.errors import NotAvailable
from tracker.stock.queries.availability import pool_state
from tracker.stock.service.reading import lock_anchors


@dataclass(frozen=True, slots=True)
class Booked:
    """The booking, and whether it was made now."""

    booking: Booking
    fresh: bool


def book(db: Session, principal: Principal, command: Book, *, now: datetime) -> Booked:
    """Reserve a place and the vials behind it for ten minutes; the same again answers the first.

    Raises SessionNotFound, Forbidden, UnknownPerson, DoseNotServed, SessionClosed, BookingOver, AlreadyBooked, DoseGiven,
    NotDue (with the first possible day), DoseNotForeseen, OtherBooking, Exhausted (with the nearest alternatives).
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_WRITE)
    if command.override is not None:
        session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    person = person_now(db, command.person_id)
    if person is None:
        raise UnknownPerson(field="person", person=str(command.person_id))
    command = replace(command, person_id=person.id)
    repeated = _repeat(db, command)
    if repeated is not None:
        return Booked(repeated, fresh=False)
    if command.dose not in session.doses:
        raise DoseNotServed(field="dose", dose=command.dose, doses=list(session.doses))
    due = judged(db, person, session, command.dose, session.day, now=now)
    if command.override is None:
        check_due(due, person, command.dose)
    command = replace(command, made_by=principal.account_id)
    try:
        booking = take_place(db, command, person, session, expires_at=now + RESERVATION_STANDS, now=now)
    except Exhausted as refused:
        found = alternatives(db, applicant_of(person, command, due.first_day), session, now=now)
        raise Exhausted(**refused.params, alternatives=found) from refused
    if booking is None:
        at_the_desk = command.medium in (Medium.WALK_IN, Medium.OPERATOR)
        return Booked(_twin(db, command, session, tell_where=at_the_desk), fresh=False)
    return Booked(booking, fresh=True)


def applicant_of(person: Person, command: Book, not_before: date | None = None) -> Applicant:
    """What the bucket rules see of a person; `not_before`: the day from which the schedule lets them have the dose."""
    return Applicant(
        dose=command.dose,
        medium=command.medium,
        groups=frozenset(str(group) for group in person.groups),
        residence=person.residence,
        not_before=not_before,
    )


def take_place(
    db: Session,
    command: Book,
    person: Person,
    session: VaccinationSession,
    *,
    expires_at: datetime,
    now: datetime,
    replaces_id: UUID | None = None,
) -> Booking | None:
    """Lock, seat, back with vials. None when the id, or the person, was booked meanwhile.

    Raises SessionClosed, BookingOver, Exhausted.
    """
    elsewhere = _live_session_of(db, command.person_id, session.vaccine_id, command.dose)
    locked = lock_sessions(db, {session.id, *elsewhere})
    session = locked[session.id]
    over = session.state is SessionState.CLOSED or session.closes_at <= now
    # Who came without a booking is often written down after the doors are shut: a record, and no promise.
    if over and (command.medium is not Medium.WALK_IN or session.opens_at > now):
        raise SessionClosed(session=str(session.id))
    if is_too_late(session.opens_at, session.closes_at, command.medium, now):
        raise BookingOver(session=str(session.id))
    # Before anybody is told that it is full.
    everyones = buckets_of(db, list(locked))
    lapse_in(db, locked, everyones, now)
    buckets = {key: bucket for key, bucket in everyones.items() if bucket.session_id == session.id}
    kinds = eligible(applicant_of(person, command), served_at(db, [session])[session.id])
    bucket = bucket_for(session, buckets, kinds, now, record=over)
    booking = _insert(
        db, command, session, bucket_id=bucket.id, expires_at=expires_at, now=now, replaces_id=replaces_id
    )
    if booking is None:
        return None
    serve_person(db, person, session.facility_id)
    seat(booking, session, bucket)
    back(db, booking, session, now, record=over)
    tell_booking(db, BookingMade(**facts_of(session, booking)), now)
    db.flush()
    return booking


def bucket_for(
    session: VaccinationSession,
    buckets: Mapping[UUID, Bucket],
    kinds: list[BucketKind],
    now: datetime,
    *,
    record: bool = False,
) -> Bucket:
    """The bucket whose place is taken; raises Exhausted. A `record` of somebody served finds one in any case."""
    chosen = choose(seats_of(buckets.values()), kinds, now)
    if record:
        ranked = sorted(buckets.values(), key=lambda each: kinds.index(each.kind) if each.kind in kinds else len(kinds))
        bucket = ranked[0] if chosen is None else buckets[chosen.id]
        make_room(session, bucket)
        return bucket
    if session.taken >= session.capacity:
        raise Exhausted(session=str(session.id), reason="capacity")
    if chosen is None:
        raise Exhausted(session=str(session.id), reason="bucket")
    return buckets[chosen.id]


def _repeat(db: Session, command: Book) -> Booking | None:
    found = db.get(Booking, command.id, populate_existing=True)
    if found is None:
        return None
    if (found.person_id, found.session_id, found.dose) != (command.person_id, command.session_id, command.dose):
        raise OtherBooking(id=str(command.id))
    return found


def _twin(db: Session, command: Book, session: VaccinationSession, *, tell_where: bool) -> Booking:
    """Somebody was faster: the same booking, or another one of the same person.

    Whoever serves the person is told which and where, so that it can be moved here.
    """
    found = _repeat(db, command)
    if found is not None:
        return found
    other = db.execute(
        select(Booking.id, Facility.code)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(
            Booking.person_id == command.person_id,
            Booking.vaccine_id == session.vaccine_id,
            Booking.dose == command.dose,
            Booking.state.in_(LIVE),
        )
    ).first()
    where = {"booking": str(other.id), "facility": other.code} if tell_where and other is not None else {}
    raise AlreadyBooked(person=str(command.person_id), dose=command.dose, **where)


def _live_session_of(db: Session, person_id: UUID, vaccine_id: UUID, dose: int) -> list[UUID]:
    """Where the person's live booking is: it may have run out without anybody having noticed."""
    return list(
        db.scalars(
            select(Booking.session_id).where(
                Booking.person_id == person_id,
                Booking.vaccine_id == vaccine_id,
                Booking.dose == dose,
                Booking.state.in_(LIVE),
            )
        )
    )


def _insert(
    db: Session,
    command: Book,
    session: VaccinationSession,
    *,
    bucket_id: UUID,
    expires_at: datetime,
    now: datetime,
    replaces_id: UUID | None,
) -> Booking | None:
    made: Booking | None = db.scalar(
        upsert(Booking)
        .values(
            id=command.id,
            session_id=session.id,
            bucket_id=bucket_id,
            person_id=command.person_id,
            vaccine_id=session.vaccine_id,
            dose=command.dose,
            medium=command.medium,
            state=BookingState.RESERVED,
            made_at=now,
            changed_at=now,
            expires_at=expires_at,
            replaces_id=replaces_id,
            override=command.override,
            made_by=command.made_by,
        )
        .on_conflict_do_nothing()
        .returning(Booking)
    )
    return made


def back(db: Session, booking: Booking, session: VaccinationSession, now: datetime, *, record: bool = False) -> None:
    """Put vials behind the booking, its own claim's first; raises Exhausted when there are none.

    A `record` of somebody who has been there takes what there is: it promises nothing.
    """
    pool = pool_of(db, session, now)
    claim = claim_of(db, booking.person_id, booking.vaccine_id, booking.dose)
    others: list[PoolFacts] = []
    if claim is not None and (claim.facility_id, claim.presentation_id) != pool.key:
        others.append(pool_facts(db, claim.facility_id, claim.presentation_id, now))
    db.flush()
    lock_anchors(db, {each.anchor for each in (pool, *others)})
    # Who has no claim comes after all who have; who has one is in line with it.
    if claim is None:
        fund_claims(db, pool, now)
    else:
        use_claim(db, claim, booking)
    rows = pool_state(db, *pool.key, pool.today)
    # What is short is promised twice already; a place in a half-filled vial of it would be a third time.
    if not record and (not rows or any(row.short > 0 and row.step <= session.day for row in rows)):
        raise Exhausted(session=str(session.id), reason="vials")
    try:
        settle(db, pool, now)
        for other in others:
            give_back_and_fund(db, other, now, None)
    except NotAvailable:
        if not record:
            raise Exhausted(session=str(session.id), reason="vials") from None
