"""When a session ends: closed, cancelled, and opened again where that was a mistake."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.ids import uuid7
from tracker.quota.errors import CannotAwait
from tracker.quota.errors import SessionClosed as AlreadyClosed
from tracker.quota.events import SessionCancelled, SessionChanged, SessionClosed
from tracker.quota.models import Booking, SessionChange, VaccinationSession
from tracker.quota.rules.words import DISPLACEABLE, LIVE, BookingState, SessionAct, SessionState
from tracker.quota.service.claims import give_back_and_fund, restore_claims
from tracker.quota.service.pools import PoolFacts, lock_pool, pool_of
from tracker.quota.service.seating import buckets_of, lock_sessions, move_all
from tracker.quota.service.sessions import session_for, take_along
from tracker.quota.service.telling import tell_session
from tracker.quota.service.withdrawing import withdraw
from tracker.stock.service.places import lock_facility, set_apart


def close_session(
    db: Session, principal: Principal, session_id: UUID, *, now: datetime, reason: str | None = None
) -> VaccinationSession:
    """Close a session: what was promised to who has not come is free. Twice is harmless.

    After its end they are no-shows; before it they give way and are looked another place for. Who came and was not
    vaccinated becomes a no-show of the vaccine, not of the person: deferred. Raises SessionNotFound, Forbidden.
    """
    session, pool = _locked(db, principal, session_id, now)
    if session.state is SessionState.CLOSED:
        return session
    keep_session(db, principal, session, SessionAct.CLOSED, reason, now)
    buckets = buckets_of(db, [session_id])
    live = _live(db, session_id)
    awaited = [booking for booking in live if booking.state in DISPLACEABLE]
    came = [booking for booking in live if booking.state not in DISPLACEABLE]
    sessions = {session_id: session}
    if now < session.closes_at:
        withdraw(db, pool, awaited, sessions, buckets, now)
    else:
        move_all(db, awaited, sessions, buckets, BookingState.NO_SHOW, now)
        restore_claims(db, awaited, pool.today)
    move_all(db, came, sessions, buckets, BookingState.DEFERRED, now)
    restore_claims(db, came, pool.today)
    session.state, session.closed_at = SessionState.CLOSED, now
    give_back_and_fund(db, pool, now, {session.day})
    bring_back(db, session.facility_id, session.place_id, now)
    tell_session(db, session, SessionClosed, now)
    db.flush()
    return session


def cancel_session(
    db: Session, principal: Principal, session_id: UUID, reason: str, *, now: datetime
) -> VaccinationSession:
    """A session does not take place: everybody booked gives way, who has arrived too, and is looked another place for.

    Cancelled already is fine, and another reason is kept. Raises SessionNotFound, Forbidden, SessionClosed.
    """
    session, pool = _locked(db, principal, session_id, now)
    if session.cancelled is not None:
        _keep_reason(db, principal, session, SessionAct.CANCELLED, reason, now)
        return session
    if session.state is SessionState.CLOSED:
        raise AlreadyClosed(session=str(session_id))
    keep_session(db, principal, session, SessionAct.CANCELLED, reason, now)
    buckets = buckets_of(db, [session_id])
    withdraw(db, pool, _live(db, session_id), {session_id: session}, buckets, now)
    session.state, session.closed_at, session.cancelled = SessionState.CLOSED, now, reason
    give_back_and_fund(db, pool, now, {session.day})
    bring_back(db, session.facility_id, session.place_id, now)
    tell_session(db, session, SessionCancelled, now)
    db.flush()
    return session


def reopen_session(
    db: Session, principal: Principal, session_id: UUID, reason: str, *, now: datetime
) -> VaccinationSession:
    """A session was closed or cancelled by mistake: it takes place after all. Open already is fine, and another reason is kept.

    Who gave way and waits is offered a place in it again. Raises SessionNotFound, Forbidden, CannotAwait (its end has passed), PlacePromised.
    """
    session, _ = _locked(db, principal, session_id, now)
    if session.state is not SessionState.CLOSED:
        _keep_reason(db, principal, session, SessionAct.REOPENED, reason, now)
        return session
    if session.closes_at <= now:
        raise CannotAwait(session=str(session_id), to=BookingState.CONFIRMED.value)
    keep_session(db, principal, session, SessionAct.REOPENED, reason, now)
    session.state = SessionState.OPEN if session.opens_at <= now else SessionState.PLANNED
    session.closed_at = session.cancelled = None
    if session.place_id is not None:
        take_along(db, session.facility_id, session.place_id, now)
    tell_session(db, session, SessionChanged, now)
    db.flush()
    return session


def keep_session(
    db: Session, principal: Principal, session: VaccinationSession, what: SessionAct, reason: str | None, now: datetime
) -> None:
    """Write down how the session stands before it changes, who changes it and why."""
    before = {
        "from": session.opens_at.isoformat(),
        "to": session.closes_at.isoformat(),
        "capacity": session.capacity,
        "taken": session.taken,
        "place": None if session.place_id is None else str(session.place_id),
        "buckets": [
            {
                "kind": bucket.kind.value,
                "places": bucket.places,
                "release_at": bucket.release_at and bucket.release_at.isoformat(),
            }
            for bucket in buckets_of(db, [session.id]).values()
        ],
        "state": session.state.value,
        "cancelled": session.cancelled,
    }
    db.add(
        SessionChange(
            id=uuid7(),
            session_id=session.id,
            what=what,
            reason=reason,
            before=before,
            recorded_by=principal.name,
            recorded_at=now,
        )
    )


def _keep_reason(
    db: Session, principal: Principal, session: VaccinationSession, what: SessionAct, reason: str, now: datetime
) -> None:
    """It was done before; said again for another reason, that one is kept beside the first."""
    done = select(SessionChange.reason).where(SessionChange.session_id == session.id, SessionChange.what == what)
    if (reasons := set(db.scalars(done))) and reason not in reasons:
        keep_session(db, principal, session, what, reason, now)


def _locked(db: Session, principal: Principal, session_id: UUID, now: datetime) -> tuple[VaccinationSession, PoolFacts]:
    session_for(db, principal, session_id, Permission.SESSION_WRITE)
    session = lock_sessions(db, [session_id])[session_id]
    pool = pool_of(db, session, now)
    if session.place_id is None:
        lock_pool(db, pool)
    else:
        lock_facility(db, session.facility_id)
    return session, pool


def bring_back(db: Session, facility_id: UUID, place_id: UUID | None, now: datetime) -> None:
    """What lies in a place that no session takes along any more is the facility's again; `lock_facility` is held."""
    if place_id is None:
        return
    db.flush()
    awaited = db.scalar(
        select(VaccinationSession.id)
        .where(VaccinationSession.place_id == place_id, VaccinationSession.state != SessionState.CLOSED)
        .limit(1)
    )
    if awaited is None:
        set_apart(db, facility_id, place_id, False, now=now)


def _live(db: Session, session_id: UUID) -> list[Booking]:
    return list(
        db.scalars(
            select(Booking)
            .where(Booking.session_id == session_id, Booking.state.in_(LIVE))
            .order_by(Booking.id)
            .execution_options(populate_existing=True)
        )
    )
