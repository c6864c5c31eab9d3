"""One session, one booking, as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, String, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.delivery.models import MessageState, OutMessage
from tracker.network.models import Facility
from tracker.network.queries import path_of
from tracker.people.models import Person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, BookingStep, SessionChange, VaccinationSession
from tracker.quota.queries import lists
from tracker.quota.rules.words import LIVE
from tracker.quota.service.leftovers import leftovers
from tracker.quota.service.sessions import session_for
from tracker.stock.models import OpenVial

FIRST = 12
MOST_PEOPLE = 500


class Untold(NamedTuple):
    """Somebody to be called; name and phone are None where the viewer may not know them, or there is none."""

    booking_id: UUID
    name: str | None
    phone: str | None


_Reached = tuple[list[Untold], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A session; `people`: (booking, name), the name None where the viewer may not know it; `hidden` are not shown.

    `untold`: whom its new hours have not reached; of `untold_in_all`.
    """

    session: VaccinationSession
    facility: Facility
    product: str
    people: Sequence[tuple[Booking, str | None]]
    hidden: int
    untold: Sequence[Untold]
    untold_in_all: int
    left: Sequence[tuple[OpenVial, str]]
    changes: Sequence[SessionChange]
    over: bool
    may_plan: bool
    may_waste: bool

    def clock(self, at: datetime) -> str:
        """The time of day at the place, as a field for times takes it."""
        return at.astimezone(ZoneInfo(self.facility.timezone)).strftime("%H:%M")

    @property
    def doses_left(self) -> int:
        """Doses proposed as waste."""
        return sum(vial.remaining for vial, _ in self.left)


def session_page(
    db: Session, principal: Principal, session_id: UUID, now: datetime, *, every: bool = False
) -> SessionPage:
    """What the page of a session shows; raises SessionNotFound, Forbidden."""
    session = session_for(db, principal, session_id, Permission.QUOTA_READ)
    db.refresh(session)
    path = path_of(db, session.facility_id)
    people: list[tuple[Booking, str | None]] = []
    total = 0
    if principal.may(Permission.BOOKING_READ, path):
        mine = select(Booking, Person.name).join(Person, Person.id == Booking.person_id)
        mine = mine.where(Booking.session_id == session_id)
        total = db.scalar(select(func.count()).where(Booking.session_id == session_id)) or 0
        rows = db.execute(mine.order_by(Booking.made_at, Booking.id).limit(MOST_PEOPLE if every else FIRST))
        named = principal.may(Permission.PERSON_READ, path)
        people = [(booking, name if named else None) for booking, name in rows]
    changes = db.scalars(
        select(SessionChange)
        .where(SessionChange.session_id == session_id)
        .order_by(SessionChange.id.desc())
        .limit(FIRST)
    ).all()
    since = _hours_since(db, session)
    untold, in_all = _untold(db, principal, session, path, since, MOST_PEOPLE if every else FIRST)
    return SessionPage(
        session=session,
        facility=db.get_one(Facility, session.facility_id),
        product=db.get_one(Presentation, session.presentation_id).name,
        people=people,
        hidden=max(0, total - len(people)) if people else 0,
        untold=untold,
        untold_in_all=in_all,
        left=leftovers(db, session, now),
        changes=changes,
        over=session.closes_at <= now,
        may_plan=principal.may(Permission.SESSION_WRITE, path),
        may_waste=principal.may(Permission.STOCK_WRITE, path),
    )


def _hours_since(db: Session, session: VaccinationSession) -> datetime | None:
    """Since when the session has the hours it has; None where they are as they were planned."""
    before = SessionChange.before
    other = or_(
        cast(before["from"].astext, DateTime(timezone=True)) != session.opens_at,
        cast(before["to"].astext, DateTime(timezone=True)) != session.closes_at,
    )
    since: datetime | None = db.scalar(
        select(func.max(SessionChange.recorded_at)).where(SessionChange.session_id == session.id, other)
    )
    return since


def _untold(
    db: Session, principal: Principal, session: VaccinationSession, path: str, since: datetime | None, most: int
) -> _Reached:
    """Who keeps a place and has no message of the hours since then: none could be sent, or none has been yet."""
    if since is None or not principal.may(Permission.BOOKING_READ, path):
        return [], 0
    guardian = aliased(Person)
    reached = exists().where(
        OutMessage.template == "quota_session_changed",
        OutMessage.recipient_ref == cast(Booking.person_id, String),
        OutMessage.created_at >= since,
        OutMessage.state == MessageState.SENT,
    )
    which = (Booking.session_id == session.id, Booking.state.in_(LIVE), Booking.made_at < since, ~reached)
    rows = db.execute(
        select(Booking.id, Person.name, func.coalesce(Person.phone, guardian.phone).label("phone"))
        .join(Person, Person.id == Booking.person_id)
        .outerjoin(guardian, guardian.id == Person.guardian_id)
        .where(*which)
        .order_by(Booking.made_at, Booking.id)
        .limit(most)
    )
    named, calls = principal.may(Permission.PERSON_READ, path), principal.may(Permission.BOOKING_WRITE, path)
    shown = [Untold(row.id, row.name if named else None, row.phone if named and calls else None) for row in rows]
    return shown, db.scalar(select(func.count()).select_from(Booking).where(*which)) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingPage:
    """A booking at the desk; `name` and `lot` are None where not known, or not to be known."""

    booking: Booking
    session: VaccinationSession
    facility: str
    product: str
    zone: str
    name: str | None
    lot: str | None
    steps: Sequence[BookingStep]
    may_serve: bool

    @property
    def given_at(self) -> str:
        """The dose's instant by the clock of the place, as a field for instants takes it; empty without a dose."""
        at = self.booking.vaccinated_at
        return "" if at is None else at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%dT%H:%M")


def booking_page(db: Session, principal: Principal, booking_id: UUID) -> BookingPage:
    """What the page of a booking shows; raises BookingNotFound."""
    row = db.execute(lists.bookings_visible_to(principal).where(Booking.id == booking_id)).one_or_none()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    booking: Booking = row[0]
    db.refresh(booking)
    session = db.get_one(VaccinationSession, booking.session_id)
    facility = db.get_one(Facility, session.facility_id)
    path = path_of(db, facility.id)
    named = principal.may(Permission.PERSON_READ, path)
    steps = db.scalars(
        select(BookingStep).where(BookingStep.booking_id == booking_id).order_by(BookingStep.id.desc()).limit(FIRST)
    )
    return BookingPage(
        booking=booking,
        session=session,
        facility=facility.name,
        product=db.get_one(Presentation, session.presentation_id).name,
        zone=facility.timezone,
        name=db.scalar(select(Person.name).where(Person.id == booking.person_id)) if named else None,
        lot=db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
        steps=steps.all(),
        may_serve=principal.may(Permission.BOOKING_SERVE, path),
    )
