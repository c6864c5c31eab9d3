"""What this room says: on the feed to programs, through the delivery room to persons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import append
from tracker.quota.models import Booking, VaccinationSession


def tell_session(db: Session, session: VaccinationSession, kind: str, now: datetime) -> None:
    """`quota.session_planned`, `quota.session_closed`, `quota.changed`: numbers of a session are others now."""
    append(
        db,
        kind,
        unit_id=session.facility_id,
        subject=str(session.id),
        data={
            "session": str(session.id),
            "facility_id": str(session.facility_id),
            "presentation_id": str(session.presentation_id),
            "day": session.day.isoformat(),
            "capacity_left": session.capacity - session.taken,
        },
        occurred_at=now,
        now=now,
    )


def tell_booking(
    db: Session,
    session: VaccinationSession,
    booking: Booking,
    kind: str,
    *,
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    """`quota.booked`, `quota.moved`, `quota.displaced`, `quota.offered`, `quota.vaccinated`; ids only, nobody's name."""
    append(
        db,
        kind,
        unit_id=session.facility_id,
        subject=str(booking.id),
        data={
            "booking": str(booking.id),
            "session": str(session.id),
            "facility_id": str(session.facility_id),
            "presentation_id": str(session.presentation_id),
            "dose": booking.dose,
            "state": booking.state.value,
            **(more or {}),
        },
        occurred_at=now,
        now=now,
    )


def tell_pool_changed(db: Session, facility_id: UUID, presentation_id: UUID, now: datetime) -> None:
    """`quota.changed` for a whole pool: what may be promised there is another number now."""
    append(
        db,
        "quota.changed",
        unit_id=facility_id,
        subject=str(facility_id),
        data={"facility_id": str(facility_id), "presentation_id": str(presentation_id)},
        occurred_at=now,
        now=now,
    )
