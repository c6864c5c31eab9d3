"""The counters of a session, changed only here and only under the session's lock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from tracker.database.hot import ask
from tracker.database.turns import Wanted, take_turns
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.buckets import Seats
from tracker.quota.rules.words import LIVE, SEATED, BookingState, BucketKind

# Made once: many wait while it is asked.
_LOCKED = (
    select(VaccinationSession)
    .where(VaccinationSession.id.in_(bindparam("ids", expanding=True)))
    .order_by(VaccinationSession.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def lock_sessions(db: Session, ids: Iterable[UUID]) -> dict[UUID, VaccinationSession]:
    """Lock sessions in the house's order, until the transaction ends, and read them as they are now."""
    ids = set(ids)
    take_turns(Wanted.SESSION, ((one,) for one in ids))
    return {row.id: row for row in db.scalars(_LOCKED, {"ids": sorted(ids)})}


def buckets_of(db: Session, session_ids: Collection[UUID]) -> dict[UUID, Bucket]:
    """The buckets of locked sessions, by bucket id."""
    rows = db.scalars(
        select(Bucket)
        .where(Bucket.session_id.in_(session_ids))
        .order_by(Bucket.id)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


_SEATS = """
    SELECT json_build_object(
        'seats', (
            SELECT json_agg(json_build_array(id, kind, places, taken, release_at) ORDER BY id)
            FROM session_bucket WHERE session_id = %(session)s
        ),
        'ran_out', EXISTS (
            SELECT FROM booking WHERE session_id = ANY(%(locked)s) AND state = 'reserved' AND expires_at <= %(now)s
        )
    )::text
"""


def seats_now(
    db: Session, session: VaccinationSession, locked: Collection[UUID], now: datetime
) -> tuple[list[Seats], bool]:
    """What the pure rules see of a locked session's buckets, and whether reservations of the `locked` ones have run out."""
    asked = {"session": session.id, "locked": list(locked), "now": now}
    found = ask(db.connection(), _SEATS, asked)
    seats = [
        Seats(
            id=UUID(key),
            kind=BucketKind(kind),
            places=places,
            taken=taken,
            release_at=release_at and datetime.fromisoformat(release_at),
        )
        for key, kind, places, taken, release_at in found["seats"] or ()
    ]
    return seats, found["ran_out"]


def seats_of(buckets: Iterable[Bucket]) -> list[Seats]:
    """What the pure rules see of them."""
    return [Seats(id=b.id, kind=b.kind, places=b.places, taken=b.taken, release_at=b.release_at) for b in buckets]


def move(booking: Booking, session: VaccinationSession, bucket: Bucket, state: BookingState, now: datetime) -> None:
    """Put a booking into `state` and count it; the caller has asked whether it may go there."""
    before, after = booking.state, state
    seats = int(after in SEATED) - int(before in SEATED)
    session.taken += seats
    bucket.taken += seats
    session.live += int(after in LIVE) - int(before in LIVE)
    session.vaccinated += int(after is BookingState.VACCINATED) - int(before is BookingState.VACCINATED)
    booking.state = state
    booking.changed_at = now
    if state is BookingState.ARRIVED:
        give_number(booking, session)


def give_number(booking: Booking, session: VaccinationSession) -> None:
    """Whoever comes has the next number of the locked session's queue; who has one keeps it."""
    if booking.number is None:
        session.arrivals += 1
        booking.number = session.arrivals


def move_all(
    db: Session,
    bookings: Collection[Booking],
    sessions: Mapping[UUID, VaccinationSession],
    buckets: Mapping[UUID, Bucket],
    state: BookingState,
    now: datetime,
) -> None:
    """`move` for many: counted each, written in one statement."""
    for booking in bookings:
        move(booking, sessions[booking.session_id], buckets[booking.bucket_id], state, now)
        # Written below: the session's memory need not write them one by one.
        set_committed_value(booking, "state", state)
        set_committed_value(booking, "changed_at", now)
    if bookings:
        db.execute(
            update(Booking)
            .where(Booking.id.in_([booking.id for booking in bookings]))
            .values(state=state, changed_at=now)
            .execution_options(synchronize_session=False)
        )


def make_room(session: VaccinationSession, bucket: Bucket) -> None:
    """One place more where all are taken: the staff have served somebody, so they could."""
    session.capacity = max(session.capacity, session.taken + 1)
    bucket.places = max(bucket.places, bucket.taken + 1)


def seat(booking: Booking, session: VaccinationSession, bucket: Bucket) -> None:
    """Count a booking that has just been made."""
    session.taken += 1
    bucket.taken += 1
    session.live += 1
    booking.bucket_id = bucket.id


def lapsed_in(db: Session, session_ids: Collection[UUID], now: datetime) -> list[Booking]:
    """Reservations of these sessions that nobody confirmed in time."""
    return list(
        db.scalars(
            select(Booking)
            .where(
                Booking.session_id.in_(session_ids),
                Booking.state == BookingState.RESERVED,
                Booking.expires_at <= now,
            )
            .order_by(Booking.id)
            .execution_options(populate_existing=True)
        )
    )
