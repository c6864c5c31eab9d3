"""What a message about a booking says as it leaves: what was true when it was queued may be so no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.delivery.rules.templates import REMINDERS
from tracker.kit.days import hours_there
from tracker.network.models import Facility
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.rules.reminding import TEMPLATE as OF_A_SESSION
from tracker.quota.rules.words import LIVE, BookingState, OfferState
from tracker.quota.service.changing import clock_there
from tracker.quota.service.reminding import reminder_now
from tracker.quota.service.reminding_doses import dose_now

# In which state of its booking a message is still true. An offer's booking is reserved until it is answered.
_TRUE_WHILE: Mapping[str, frozenset[BookingState]] = {
    "quota_confirmed": LIVE,
    "quota_moved": LIVE,
    "quota_session_changed": LIVE,
    "quota_offer": frozenset({BookingState.RESERVED}),
    "quota_cancelled": frozenset({BookingState.CANCELLED}),
    "quota_displaced_no_place": frozenset({BookingState.DISPLACED}),
}


def facts_now(db: Session, template: str, params: Mapping[str, object], now: datetime) -> Mapping[str, object] | None:
    """What fills a message of `READ_AGAIN` now; None where it is true no more."""
    if template == OF_A_SESSION:
        return reminder_now(db, params, now)
    return dose_now(db, params, now) if template in REMINDERS else _booking_now(db, template, params, now)


def _booking_now(
    db: Session, template: str, params: Mapping[str, object], now: datetime
) -> Mapping[str, object] | None:
    """Day, place and hours as they are; what an earlier version queued names no booking and goes as it is."""
    if "booking" not in params:
        return {}
    booking = db.get(Booking, UUID(str(params["booking"])))
    if booking is None or booking.state not in _TRUE_WHILE[template]:
        return None
    if template == "quota_displaced_no_place":
        displacement = db.get(Displacement, booking.id)
        return {} if displacement is not None and displacement.state is OfferState.NONE_FOUND else None
    return {} if template == "quota_cancelled" else _place_of(db, booking, now, offered=template == "quota_offer")


def _place_of(db: Session, booking: Booking, now: datetime, *, offered: bool) -> Mapping[str, object] | None:
    session = db.get_one(VaccinationSession, booking.session_id)
    if session.closes_at <= now:
        return None
    facility = db.get_one(Facility, session.facility_id)
    facts = {
        "facility": facility.name,
        "day": session.day.isoformat(),
        "hours": hours_there(session.opens_at, session.closes_at, facility.timezone),
    }
    if offered:
        return {f"new_{name}": value for name, value in facts.items()}  # the day and place that were lost are kept
    opens, closes = (clock_there(at, facility.timezone) for at in (session.opens_at, session.closes_at))
    return facts | {"opens": opens, "closes": closes}
