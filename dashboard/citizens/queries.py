"""What the public may see: places with room, and one's own booking. No person's data but one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, hypot, radians
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.quota.queries import ANYBODY, RESIDENTS, SessionRow, session_by_id, sessions_visible_to
from tracker.access.principal import SYSTEM
from tracker.network.models import Area, Facility
from tracker.network.rules.words import AreaLevel
from tracker.quota.models import Booking, Displacement, VaccinationSession
from tracker.quota.rules.last_booking import last_booking
from tracker.quota.rules.words import OfferState
from tracker.registration.errors import TicketNotFound

AHEAD = timedelta(days=14)
EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A session as a citizen sees it."""

    session: SessionRow
    room: int
    """Places for anybody."""
    local_room: int
    """Places only for who lives in the kelurahan or the city."""
    distance_km: float | None


def offers(db: Session, now: datetime, *, vaccine: str, near: tuple[float, float] | None) -> list[Offer]:
    """Sessions of a vaccine with room, the nearest first where a point (latitude, longitude) is given.

    Sessions are public, so the whole nation is read as the system; only counts leave this function.
    """
    found = [
        Offer(
            session=row,
            room=row.open_for(ANYBODY),
            local_room=row.open_for(RESIDENTS),
            distance_km=_distance(row, near),
        )
        for row in sessions_visible_to(db, SYSTEM, now, ahead=AHEAD, vaccine=vaccine or None, limit=500)
        if last_booking(row.opens_at, row.closes_at) > now
    ]
    found = [offer for offer in found if offer.room > 0 or offer.local_room > 0]
    if near is not None:
        found.sort(key=lambda offer: (offer.distance_km is None, offer.distance_km or 0.0, offer.session.day))
    return found


def _distance(row: SessionRow, near: tuple[float, float] | None) -> float | None:
    """Kilometres on an even patch of earth: right to a per cent within a city."""
    if near is None or row.lat is None or row.lon is None:
        return None
    north = radians(row.lat - near[0])
    east = radians(row.lon - near[1]) * cos(radians(near[0]))
    return EARTH_KM * hypot(north, east)


def villages(db: Session) -> list[tuple[str, str]]:
    """(code, name) of imported kelurahan, for saying where one lives."""
    query = (
        select(Area.code_kemendagri, Area.name)
        .where(Area.level == AreaLevel.VILLAGE, Area.code_kemendagri.is_not(None))
        .order_by(Area.name)
        .limit(1000)
    )
    return [(code, name) for code, name in db.execute(query) if code is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A booking with its session; `offered` is what was offered when it was displaced."""

    booking: Booking
    session: SessionRow | None
    zone: str
    offered: UUID | None


def ticket(db: Session, booking_id: UUID, now: datetime) -> Ticket:
    """One's own booking; raises TicketNotFound."""
    booking = db.get(Booking, booking_id)
    if booking is None:
        raise TicketNotFound
    offered = db.scalar(
        select(Displacement.offer_id).where(
            Displacement.booking_id == booking_id, Displacement.state == OfferState.OFFERED
        )
    )
    zone = (
        select(Facility.timezone)
        .join(VaccinationSession, VaccinationSession.facility_id == Facility.id)
        .where(VaccinationSession.id == booking.session_id)
    )
    session = session_by_id(db, booking.session_id, now)
    return Ticket(booking=booking, session=session, zone=db.scalars(zone).one(), offered=offered)
