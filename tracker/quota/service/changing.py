"""Changing a session: its hours, how many it can serve, where its vials come from."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.delivery.service import queue_message
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.quota.errors import BadCapacity, BucketTaken, PlaceLacks, SessionClosed, SessionInPast, TooManySeated
from tracker.quota.events import SessionChanged
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.words import DISPLACEABLE, LIVE, BucketKind, SessionAct, SessionState
from tracker.quota.service.claims import fund_claims, give_back_and_fund
from tracker.quota.service.commands import ChangeSession
from tracker.quota.service.ending import bring_back, keep_session
from tracker.quota.service.pools import PoolFacts, give_back, lock_pool, pool_of, settle
from tracker.quota.service.seating import buckets_of, lock_sessions
from tracker.quota.service.sessions import (
    MOST_PERSONS,
    place_of,
    session_for,
    shared_out,
    take_along,
    window_of,
)
from tracker.quota.service.telling import tell_session
from tracker.quota.service.withdrawing import withdraw
from tracker.stock.errors import NotAvailable
from tracker.stock.service.places import lock_facility


def change_session(db: Session, principal: Principal, command: ChangeSession, *, now: datetime) -> VaccinationSession:
    """Change what is named; the same again changes nothing. Who keeps a place at other hours is told.

    With fewer places the newest bookings give way, first doses before later ones, and are looked another place for. Shares
    are changed whole; who is booked keeps their place, so none is less than what is taken of it. Raises BucketTaken,
    BadShare, UnknownBucketKind, BucketTwice, SessionNotFound, Forbidden, SessionClosed, BadWindow, SessionInPast, BadCapacity, TooManySeated, EquipmentNotFound,
    OtherPlace, PlacePromised (what lies there is promised to others), PlaceLacks (too little lies there for who has booked).
    """
    session_for(db, principal, command.session_id, Permission.SESSION_WRITE)
    session = lock_sessions(db, [command.session_id])[command.session_id]
    if session.state is SessionState.CLOSED:
        raise SessionClosed(session=str(session.id))
    facility = db.get_one(Facility, session.facility_id)
    hours = window_of(session.day, command.opens or session.opens_at, command.closes or session.closes_at, facility)
    capacity = session.capacity if command.capacity is None else command.capacity
    place_id = session.place_id if command.place is None else place_of(db, principal, command.place, facility.id)
    if hours[1] <= now:
        raise SessionInPast(field="to")
    if not 1 <= capacity <= MOST_PERSONS:
        raise BadCapacity(field="capacity")
    shares = None if command.buckets is None else shared_out(command.buckets, capacity)
    same = (hours, capacity, place_id) == ((session.opens_at, session.closes_at), session.capacity, session.place_id)
    if same and (shares is None or shares == _shares_now(db, session)):
        return session
    keep_session(db, principal, session, SessionAct.CHANGED, command.reason, now)
    pool = pool_of(db, session, now)
    if place_id == session.place_id:
        lock_pool(db, pool)
    else:
        lock_facility(db, session.facility_id)
    if capacity != session.capacity:
        _resize(db, pool, session, capacity, now)
    if shares is not None:
        _share_anew(db, session, shares)
    moved = hours != (session.opens_at, session.closes_at)
    session.opens_at, session.closes_at = hours
    if place_id != session.place_id:
        _take_along(db, pool, session, place_id, now)
    if moved:
        _tell_hours(db, session, facility, now)
    tell_session(db, session, SessionChanged, now)
    db.flush()
    return session


def _take_along(
    db: Session, pool: PoolFacts, session: VaccinationSession, place_id: UUID | None, now: datetime
) -> None:
    """The session's vials come from another place from now on; so do those behind its bookings."""
    left, session.place_id = session.place_id, place_id
    give_back(db, pool, now)
    if place_id is not None:
        take_along(db, session.facility_id, place_id, now)
    bring_back(db, session.facility_id, left, now)
    try:
        settle(db, pool_of(db, session, now), now)
    except NotAvailable:
        raise PlaceLacks(field="place", persons=session.live) from None
    fund_claims(db, pool, now)


def _resize(db: Session, pool: PoolFacts, session: VaccinationSession, capacity: int, now: datetime) -> None:
    buckets = buckets_of(db, [session.id])
    surplus = session.taken - capacity
    if surplus > 0:
        movable = db.scalars(
            select(Booking)
            .where(Booking.session_id == session.id, Booking.state.in_(DISPLACEABLE))
            .order_by(Booking.dose, Booking.made_at.desc(), Booking.id.desc())
            .execution_options(populate_existing=True)
        ).all()
        if surplus > len(movable):
            raise TooManySeated(least=session.taken - len(movable))
        withdraw(db, pool, movable[:surplus], {session.id: session}, buckets, now)
    _share(db, session, list(buckets.values()), capacity)
    session.capacity = capacity
    if surplus > 0:
        give_back_and_fund(db, pool, now, {session.day})


def _share(db: Session, session: VaccinationSession, buckets: list[Bucket], capacity: int) -> None:
    """Places more are for anybody; places fewer are first those for anybody, then whoever's are free."""
    spare = capacity - sum(bucket.places for bucket in buckets)
    general = next((bucket for bucket in buckets if bucket.kind is BucketKind.GENERAL), None)
    if spare > 0 and general is not None:
        general.places += spare
    elif spare > 0:
        kind = BucketKind.GENERAL
        db.add(Bucket(id=uuid7(), session_id=session.id, kind=kind, places=spare, taken=0, release_at=None))
    for bucket in sorted(buckets, key=lambda each: (each.kind is not BucketKind.GENERAL, each.taken - each.places)):
        fewer = min(max(0, -spare), bucket.places - bucket.taken)
        bucket.places -= fewer
        spare += fewer


def _shares_now(db: Session, session: VaccinationSession) -> dict[BucketKind, tuple[int, datetime | None]]:
    """Places and release of each kind that has any."""
    rows = buckets_of(db, [session.id]).values()
    return {bucket.kind: (bucket.places, bucket.release_at) for bucket in rows if bucket.places}


def _share_anew(
    db: Session, session: VaccinationSession, shares: dict[BucketKind, tuple[int, datetime | None]]
) -> None:
    """Every kind has the places it was given; of one that is named no more, none. Raises BucketTaken."""
    db.flush()
    standing = {bucket.kind: bucket for bucket in buckets_of(db, [session.id]).values()}
    for kind, bucket in standing.items():
        places, release_at = shares.get(kind, (0, None))
        if places < bucket.taken:
            raise BucketTaken(field="buckets", kind=kind.value, least=bucket.taken, persons=places)
        bucket.places, bucket.release_at = places, release_at
    for kind, (places, release_at) in shares.items():
        if kind not in standing:
            new = Bucket(id=uuid7(), session_id=session.id, kind=kind, places=places, taken=0, release_at=release_at)
            db.add(new)


def _tell_hours(db: Session, session: VaccinationSession, facility: Facility, now: datetime) -> None:
    """The hours as the clock of the place shows them."""
    params = {
        "facility": facility.name,
        "day": session.day.isoformat(),
        "opens": clock_there(session.opens_at, facility.timezone),
        "closes": clock_there(session.closes_at, facility.timezone),
    }
    for booking in db.scalars(select(Booking).where(Booking.session_id == session.id, Booking.state.in_(LIVE))):
        queue_message(
            db,
            medium=booking.medium.value,
            recipient_ref=str(booking.person_id),
            template="quota_session_changed",
            params={**params, "booking": str(booking.id)},
            unit_id=facility.id,
            now=now,
        )


def clock_there(at: datetime, zone: str) -> str:
    """A time of day on the clocks of a place: 08.00."""
    return at.astimezone(ZoneInfo(zone)).strftime("%H.%M")
