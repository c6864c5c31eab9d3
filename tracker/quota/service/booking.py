"""Booking a place: capacity, bucket and vials, all three or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, make_transient_to_detached

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.hot import ask
from tracker.feed.service import APPEND, appended
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.queries import person_now
from tracker.people.service import SERVE, SERVED
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
from tracker.quota.models import Booking, BookingStep, Bucket, VaccinationSession
from tracker.quota.queries.schedule import known_of
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, Seats, choose, eligible
from tracker.quota.rules.last_booking import is_too_late
from tracker.quota.rules.offers import RESERVATION_STANDS
from tracker.quota.rules.words import LIVE, BookingState, BucketKind, Medium, SessionState
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.claims import claim_of, fund_claims, give_back_and_fund, use_claim
from tracker.quota.service.commands import Book
from tracker.quota.service.lapsing import lapse_in
from tracker.quota.service.pools import PoolFacts, pool_facts, settle_as, stand_of
from tracker.quota.service.seating import buckets_of, lock_sessions, make_room, seats_now, seats_of
from tracker.quota.service.sessions import session_for
from tracker.quota.service.telling import booking_happening, facts_of
from tracker.stock.errors import NotAvailable
from tracker.stock.rules.availability import binding
from tracker.stock.service.reading import lock_anchors


@dataclass(frozen=True, slots=True)
class Booked:
    """The booking, and whether it was made now."""

    booking: Booking
    fresh: bool


def book(db: Session, principal: Principal, command: Book, *, now: datetime) -> Booked:
    """Reserve a place and the vials behind it for ten minutes; the same again answers the first.

    Raises SessionNotFound, Forbidden, UnknownPerson, DoseNotServed, SessionClosed, BookingOver, AlreadyBooked, DoseGiven,
    NotDue (with the first possible day), DoseNotForeseen, OtherBooking, Exhausted (with whom to find another place for).
    """
    session = session_for(db, principal, command.session_id, Permission.BOOKING_WRITE)
    if command.override is not None:
        session_for(db, principal, command.session_id, Permission.BOOKING_SERVE)
    person = person_now(db, command.person_id)
    if person is None:
        raise UnknownPerson(field="person", person=str(command.person_id))
    command = replace(command, person_id=person.id)
    known = known_of(db, person.id, command.id, session.vaccine_id, command.dose)
    repeated = booked_before(db, command) if known.said_before else None
    if repeated is not None:
        return Booked(repeated, fresh=False)
    if command.dose not in session.doses:
        raise DoseNotServed(field="dose", dose=command.dose, doses=list(session.doses))
    due = judged(db, person, session, command.dose, session.day, now=now, given=known.given)
    if command.override is None:
        check_due(due, person, command.dose)
    command = replace(command, made_by=principal.account_id)
    try:
        booking = take_place(db, command, person, session, known.live_at, expires_at=now + RESERVATION_STANDS, now=now)
    except Exhausted as refused:
        refused.applicant = applicant_of(person, command, due.first_day)
        raise
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
    live_at: Collection[UUID] = (),
    *,
    expires_at: datetime,
    now: datetime,
    replaces_id: UUID | None = None,
) -> Booking | None:
    """Lock, seat, back with vials. `live_at`: sessions where the person has a live booking, which may have run out. None when the id, or the person, was booked meanwhile.

    Everybody who wants a place of a hot session waits while this holds its lock. What is read before may change
    meanwhile: the session is read again behind its lock, and of what is not (where the person has a booking, whom the
    facility serves) a little later would have been as true: the database refuses a second live booking of a person.

    Raises SessionClosed, BookingOver, Exhausted.
    """
    if not live_at:
        _refuse_if_full(db, session, command.medium, now)
    kinds = eligible(applicant_of(person, command), served_at(db, [session])[session.id])
    locked = lock_sessions(db, {session.id, *live_at})
    session = locked[session.id]
    over = session.state is SessionState.CLOSED or session.closes_at <= now
    # Who came without a booking is often written down after the doors are shut: a record, and no promise.
    if over and (command.medium is not Medium.WALK_IN or session.opens_at > now):
        raise SessionClosed(session=str(session.id))
    if is_too_late(session.opens_at, session.closes_at, command.medium, now):
        raise BookingOver(session=str(session.id))
    seats, ran_out = seats_now(db, session, locked, now)
    if ran_out:
        # Before anybody is told that it is full.
        lapse_in(db, locked, buckets_of(db, list(locked)), now)
        seats, _ = seats_now(db, session, locked, now)
    if over:
        bucket_id = bucket_for(session, buckets_of(db, [session.id]), kinds, now, record=True).id
    else:
        bucket_id = chosen_seat(session, seats, kinds, now).id
    booking = _insert(
        db, command, person, session, bucket_id=bucket_id, expires_at=expires_at, now=now, replaces_id=replaces_id
    )
    if booking is None:
        return None
    back(db, booking, session, now, record=over)
    return booking


def _refuse_if_full(db: Session, session: VaccinationSession, medium: Medium, now: datetime) -> None:
    """Raise Exhausted without the lock of an open session that was full a moment ago: thousands would wait for one another to be told so.

    A place that is given back meanwhile is a later one's. Where a reservation has run out its place is looked for behind the lock.
    """
    is_open = session.state is not SessionState.CLOSED and session.closes_at > now
    is_open = is_open and not is_too_late(session.opens_at, session.closes_at, medium, now)
    if is_open and session.taken >= session.capacity and not seats_now(db, session, (session.id,), now)[1]:
        raise Exhausted(session=str(session.id), reason="capacity")


def bucket_for(
    session: VaccinationSession,
    buckets: Mapping[UUID, Bucket],
    kinds: list[BucketKind],
    now: datetime,
    *,
    record: bool = False,
) -> Bucket:
    """The bucket whose place is taken; raises Exhausted. A `record` of somebody served finds one in any case."""
    seats = seats_of(buckets.values())
    if record:
        chosen = choose(seats, kinds, now)
        ranked = sorted(buckets.values(), key=lambda each: kinds.index(each.kind) if each.kind in kinds else len(kinds))
        bucket = ranked[0] if chosen is None else buckets[chosen.id]
        make_room(session, bucket)
        return bucket
    return buckets[chosen_seat(session, seats, kinds, now).id]


def chosen_seat(session: VaccinationSession, seats: Sequence[Seats], kinds: list[BucketKind], now: datetime) -> Seats:
    """Whose place is taken; raises Exhausted."""
    if session.taken >= session.capacity:
        raise Exhausted(session=str(session.id), reason="capacity")
    chosen = choose(seats, kinds, now)
    if chosen is None:
        raise Exhausted(session=str(session.id), reason="bucket")
    return chosen


def booked_before(db: Session, command: Book) -> Booking | None:
    """What the same was booked as, wherever its owner has come since; raises OtherBooking."""
    found = db.get(Booking, command.id, populate_existing=True)
    if found is None:
        return None
    if (found.person_id, found.dose, found.medium) != (command.person_id, command.dose, command.medium):
        raise OtherBooking(id=str(command.id))
    # Whoever came to another session since was booked in this one all the same.
    was_in = BookingStep.before["session"].astext
    if found.session_id != command.session_id and not db.scalar(
        select(exists().where(BookingStep.booking_id == found.id, was_in == str(command.session_id)))
    ):
        raise OtherBooking(id=str(command.id))
    return found


def _twin(db: Session, command: Book, session: VaccinationSession, *, tell_where: bool) -> Booking:
    """Somebody was faster: the same booking, or another one of the same person.

    Whoever serves the person is told which and where, so that it can be moved here.
    """
    found = booked_before(db, command)
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


_COLUMNS = (
    "id", "session_id", "bucket_id", "person_id", "vaccine_id", "dose", "medium", "state", "made_at", "changed_at",
    "expires_at", "replaces_id", "override", "made_by",
)  # fmt: skip
_TAKE = f"""
    WITH made AS (
        INSERT INTO booking ({", ".join(_COLUMNS)}) VALUES ({", ".join(f"%({name})s" for name in _COLUMNS)})
        ON CONFLICT DO NOTHING RETURNING id
    ), bucket AS (
        UPDATE session_bucket SET taken = taken + 1 WHERE id = %(bucket_id)s AND EXISTS (SELECT FROM made)
    ), counted AS (
        UPDATE vaccination_session SET taken = taken + 1, live = live + 1
        WHERE id = %(session_id)s AND EXISTS (SELECT FROM made)
    ), served AS (
        {SERVE} WHERE %(is_guest)s AND EXISTS (SELECT FROM made) {SERVED}
    ), told AS (
        {APPEND} WHERE EXISTS (SELECT FROM made)
    )
    SELECT 'true' FROM made
"""


def _insert(
    db: Session,
    command: Book,
    person: Person,
    session: VaccinationSession,
    *,
    bucket_id: UUID,
    expires_at: datetime,
    now: datetime,
    replaces_id: UUID | None,
) -> Booking | None:
    """Write the booking, count it, note whom the facility serves and tell it, in one statement; None where it, or another, is there."""
    booking = Booking(
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
        screening=None,
        vaccinated_at=None,
        late=False,
        open_vial_id=None,
        batch_id=None,
    )
    told = booking_happening(BookingMade(**facts_of(session, booking)), now)
    values = {
        **{name: getattr(booking, name) for name in _COLUMNS},
        "medium": booking.medium.value,
        "state": booking.state.value,
        "facility_id": session.facility_id,
        "is_guest": person.unit_id != session.facility_id,
        **appended(db, [told], now=now),
    }
    # A place more that was made for who has been served must be there first.
    db.flush()
    if not ask(db.connection(), _TAKE, values):
        return None
    db.expire(session, ["taken", "live"])
    make_transient_to_detached(booking)
    return db.merge(booking, load=False)


def back(db: Session, booking: Booking, session: VaccinationSession, now: datetime, *, record: bool = False) -> None:
    """Put vials behind the booking, its own claim's first; raises Exhausted when there are none.

    A `record` of somebody who has been there takes what there is: it promises nothing.
    """
    claim = claim_of(db, booking.person_id, booking.vaccine_id, booking.dose)
    here = (session.facility_id, session.presentation_id)
    others: list[PoolFacts] = []
    if claim is not None and (claim.facility_id, claim.presentation_id) != (session.place_id or here[0], here[1]):
        others.append(pool_facts(db, claim.facility_id, claim.presentation_id, now))
    db.flush()
    lock_anchors(db, {here, *(each.anchor for each in others)})
    if claim is not None:
        use_claim(db, claim, booking)
    standing = stand_of(db, *here, session.place_id, now)
    if claim is None and standing.claims_wait:
        # Who has no claim comes after all who have; who has one is in line with it.
        fund_claims(db, standing.pool, now)
        standing = stand_of(db, *here, session.place_id, now)
    rows = binding(standing.book.steps, standing.pool.today)
    # What is short is promised twice already; a place in a half-filled vial of it would be a third time.
    if not record and (not rows or any(row.short > 0 and row.step <= session.day for row in rows)):
        raise Exhausted(session=str(session.id), reason="vials")
    try:
        settle_as(db, standing)
        for other in others:
            give_back_and_fund(db, other, now, None)
    except NotAvailable:
        if not record:
            raise Exhausted(session=str(session.id), reason="vials") from None
