"""One session, one booking, as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import false, func, null, select, true
from sqlalchemy.orm import Session

from dashboard.frame.listing import FIELD, Listed, listed, newest
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.edge.versions import version_of
from tracker.network.models import Facility
from tracker.network.queries import path_of
from tracker.people.models import Person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, BookingStep, SessionChange, VaccinationSession
from tracker.quota.queries import lists
from tracker.quota.queries.untold import Untold, untold, untold_of
from tracker.quota.service.leftovers import leftovers
from tracker.quota.service.sessions import session_for
from tracker.stock.models import OpenVial

FIRST = 12
UNTOLD_FIELD = "belum"


def hours_of(session: VaccinationSession, zone: str) -> dict[str, str]:
    """Hours by the clock of the place, as a field for times takes them, and the capacity: by field of the form."""
    begins, ends = (at.astimezone(ZoneInfo(zone)).strftime("%H:%M") for at in (session.opens_at, session.closes_at))
    return {"mulai": begins, "selesai": ends, "kapasitas": str(session.capacity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A session; `people`: (booking, name), the name None where the viewer may not know it.

    `untold`: whom its new hours or its reminder have not reached, some of `untold_in_all`, as `untold_turned` goes on.
    """

    session: VaccinationSession
    facility: Facility
    product: str
    people: Listed[tuple[Booking, str | None]]
    untold: Sequence[Untold]
    untold_turned: Listed[Any]
    untold_in_all: int
    left: Sequence[tuple[OpenVial, str]]
    changes: Listed[SessionChange]
    over: bool
    may_plan: bool
    may_waste: bool

    @property
    def saved(self) -> dict[str, str]:
        """What the form of its hours and capacity shows, and saves whole."""
        return hours_of(self.session, self.facility.timezone)

    @property
    def version(self) -> str:
        """Of what that form shows."""
        return version_of(self.saved)

    @property
    def doses_left(self) -> int:
        """Doses proposed as waste."""
        return sum(vial.remaining for vial, _ in self.left)


def session_page(
    db: Session,
    principal: Principal,
    session_id: UUID,
    now: datetime,
    *,
    after: str = "",
    untold_after: str = "",
    changes_after: str = "",
) -> SessionPage:
    """What the page of a session shows; raises SessionNotFound, Forbidden, BadCursor."""
    session = session_for(db, principal, session_id, Permission.QUOTA_READ)
    db.refresh(session)
    path = path_of(db, session.facility_id)
    may_see, named = principal.may(Permission.BOOKING_READ, path), principal.may(Permission.PERSON_READ, path)
    mine = select(Booking, Person.name if named else null()).join(Person, Person.id == Booking.person_id)
    mine = mine.where(Booking.session_id == session_id if may_see else false())
    unreached = untold_of(session).where(true() if may_see else false())
    people, to_call = (
        listed(db, [query], keys=[Booking.made_at, Booking.id], key_of=key_of, most=FIRST, after=start, field=field)
        for query, key_of, start, field in (
            (mine, lambda row: [row[0].made_at.isoformat(), row[0].id], after, FIELD),
            (unreached, lambda row: [row.made_at.isoformat(), row.id], untold_after, UNTOLD_FIELD),
        )
    )
    told = select(SessionChange).where(SessionChange.session_id == session_id)
    return SessionPage(
        session=session,
        facility=db.get_one(Facility, session.facility_id),
        product=db.get_one(Presentation, session.presentation_id).name,
        people=people,
        untold=[untold(principal, path, row) for row in to_call.rows],
        untold_turned=to_call,
        untold_in_all=db.scalar(select(func.count()).select_from(unreached.subquery())) or 0,
        left=leftovers(db, session, now),
        changes=newest(db, told, [SessionChange.id], most=FIRST, after=changes_after, field="riwayat"),
        over=session.closes_at <= now,
        may_plan=principal.may(Permission.SESSION_WRITE, path),
        may_waste=principal.may(Permission.STOCK_WRITE, path),
    )


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
    steps: Listed[BookingStep]
    may_serve: bool

    @property
    def given_at(self) -> str:
        """The dose's instant by the clock of the place, as a field for instants takes it; empty without a dose."""
        at = self.booking.vaccinated_at
        return "" if at is None else at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%dT%H:%M")


def booking_page(db: Session, principal: Principal, booking_id: UUID, *, after: str = "") -> BookingPage:
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
    told = select(BookingStep).where(BookingStep.booking_id == booking_id)
    return BookingPage(
        booking=booking,
        session=session,
        facility=facility.name,
        product=db.get_one(Presentation, session.presentation_id).name,
        zone=facility.timezone,
        name=db.scalar(select(Person.name).where(Person.id == booking.person_id)) if named else None,
        lot=db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
        steps=newest(db, told, [BookingStep.id], most=FIRST, after=after, field="riwayat"),
        may_serve=principal.may(Permission.BOOKING_SERVE, path),
    )
