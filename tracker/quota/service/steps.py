"""Whose booking it is to change, and what is kept of each step."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.ids import uuid7
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, BookingStep, Bucket, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.quota.service.seating import buckets_of, lock_sessions


def locked_booking(
    db: Session, principal: Principal, booking_id: UUID, permission: Permission
) -> tuple[Booking, VaccinationSession, Bucket]:
    """A booking with its session and bucket, the session locked; raises BookingNotFound, Forbidden."""
    session_id = session_to_lock(db, principal, booking_id, permission)
    session = lock_sessions(db, [session_id])[session_id]
    booking = db.get(Booking, booking_id, populate_existing=True)
    if booking is None or booking.session_id != session_id:
        raise BookingNotFound(booking=str(booking_id))
    return booking, session, buckets_of(db, [session.id])[booking.bucket_id]


def session_to_lock(db: Session, principal: Principal, booking_id: UUID, permission: Permission) -> UUID:
    """The session of a booking the caller may do this to; raises BookingNotFound, Forbidden.

    Another system confirms and cancels what it booked itself; other people's bookings are the desk's.
    """
    row = db.execute(
        select(Booking.session_id, Booking.made_by, Unit.path)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(Booking.id == booking_id)
    ).one_or_none()
    if row is None or not principal.sees(row.path):
        raise BookingNotFound(booking=str(booking_id))
    own = principal.account_id is not None and row.made_by == principal.account_id
    principal.require(permission if own else Permission.BOOKING_SERVE, row.path)
    session_id: UUID = row.session_id
    return session_id


def write_step(
    db: Session,
    principal: Principal,
    booking: Booking,
    state: BookingState,
    reason: str | None,
    now: datetime,
    *,
    moved_from: UUID | None = None,
) -> None:
    """Keep the step with what it replaces: the screening, or the dose as it stood. Before the booking changes."""
    before: dict[str, Any] = {}
    if moved_from is not None:
        before["session"] = str(moved_from)
    if booking.screening is not None:
        before["screening"] = booking.screening
    if booking.vaccinated_at is not None:
        before |= {
            "vaccinated_at": booking.vaccinated_at.isoformat(),
            "batch": str(booking.batch_id),
            "open_vial": str(booking.open_vial_id),
        }
    db.add(
        BookingStep(
            id=uuid7(),
            booking_id=booking.id,
            from_state=booking.state,
            to_state=state,
            recorded_at=now,
            recorded_by=principal.name,
            reason=reason,
            before=before or None,
        )
    )


def keep_reason(db: Session, principal: Principal, booking: Booking, reason: str, now: datetime) -> None:
    """What was said again stands already; another reason for it is kept beside the first."""
    said = exists().where(
        BookingStep.booking_id == booking.id,
        BookingStep.to_state == booking.state,
        BookingStep.reason == reason,
    )
    if not db.scalar(select(said)):
        write_step(db, principal, booking, booking.state, reason, now)
