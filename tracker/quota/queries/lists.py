"""Listings of this room; each starts from what the caller may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation
from tracker.database.types import any_of
from tracker.network.models import Facility
from tracker.quota.models import Booking, BookingStep, Bucket, Claim, Displacement, SessionChange, VaccinationSession


def sessions_visible_to(principal: Principal) -> Select[VaccinationSession, str, str]:
    """A select of (session, facility code, presentation code), not ordered."""
    return (
        select(VaccinationSession, Facility.code, Presentation.code)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .join(Presentation, Presentation.id == VaccinationSession.presentation_id)
        .where(visible_to(principal, Unit.path, Permission.QUOTA_READ))
    )


def session_changes_visible_to(principal: Principal) -> Select[SessionChange]:
    """A select of (change,), not ordered."""
    return (
        select(SessionChange)
        .join(VaccinationSession, VaccinationSession.id == SessionChange.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(visible_to(principal, Unit.path, Permission.QUOTA_READ))
    )


def bookings_visible_to(principal: Principal) -> Select[Booking, Bucket]:
    """A select of (booking, bucket), not ordered."""
    return (
        select(Booking, Bucket)
        .join(Bucket, Bucket.id == Booking.bucket_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    )


def steps_visible_to(principal: Principal) -> Select[BookingStep]:
    """A select of (step,), not ordered."""
    return (
        select(BookingStep)
        .join(Booking, Booking.id == BookingStep.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    )


def claims_visible_to(principal: Principal) -> Select[Claim, str, str]:
    """A select of (claim, facility code, presentation code), not ordered."""
    return (
        select(Claim, Facility.code, Presentation.code)
        .join(Facility, Facility.id == Claim.facility_id)
        .join(Unit, Unit.id == Claim.facility_id)
        .join(Presentation, Presentation.id == Claim.presentation_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    )


def displacements_visible_to(principal: Principal) -> Select[Displacement, UUID]:
    """A select of (displacement, the session it was booked in), not ordered."""
    return (
        select(Displacement, Booking.session_id)
        .join(Booking, Booking.id == Displacement.booking_id)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_READ))
    )


def buckets_by_session(db: Session, session_ids: Collection[UUID]) -> dict[UUID, list[Bucket]]:
    """The buckets of many sessions in one statement."""
    found: dict[UUID, list[Bucket]] = defaultdict(list)
    for bucket in db.scalars(select(Bucket).where(any_of(Bucket.session_id, session_ids)).order_by(Bucket.id)):
        found[bucket.session_id].append(bucket)
    return found
