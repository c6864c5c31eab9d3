"""The addresses of tickets' pages: which opens now, and the way to change one that others have come to know."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.people.models import Person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking
from tracker.quota.queries.lists import bookings_visible_to
from tracker.registration.errors import TicketNotFound
from tracker.registration.models import PushBrowser, TicketAddress
from tracker.registration.service.tickets import TicketOffice


def secrets_of(db: Session, office: TicketOffice, bookings: Collection[UUID]) -> dict[UUID, str]:
    """What opens each booking's page now."""
    asked = select(TicketAddress.booking_id, TicketAddress.turn).where(TicketAddress.booking_id.in_(bookings))
    turns = {row.booking_id: row.turn for row in db.execute(asked)}
    return {booking: office.sealed(booking, turns.get(booking, 0)) for booking in bookings}


def secret_of(db: Session, office: TicketOffice, booking_id: UUID) -> str:
    """What opens a booking's page now: the part of its address that nobody can guess."""
    return secrets_of(db, office, (booking_id,))[booking_id]


def link_of(db: Session, office: TicketOffice, booking_id: UUID) -> str:
    """The whole address of a booking's page as it is now, for messages."""
    return office.link(secret_of(db, office, booking_id))


def booking_at(db: Session, office: TicketOffice, secret: str) -> UUID:
    """The booking whose page this opens; raises TicketNotFound, also for an address that was changed since."""
    booking_id, turn = office.unsealed(secret)
    if turn != (db.scalar(select(TicketAddress.turn).where(TicketAddress.booking_id == booking_id)) or 0):
        raise TicketNotFound
    return booking_id


def change_addresses(db: Session, bookings: Collection[UUID], *, by: str, now: datetime) -> None:
    """Give each of the bookings a new address; the former ones open nothing any more, and who had them is notified of nothing."""
    owners = select(func.coalesce(Person.guardian_id, Person.id)).join(Booking, Booking.person_id == Person.id)
    theirs = select(Booking.person_id).where(Booking.id.in_(bookings)).union(owners.where(Booking.id.in_(bookings)))
    db.execute(delete(PushBrowser).where(PushBrowser.person_id.in_(theirs)))
    for booking in sorted(bookings):
        row = insert(TicketAddress).values(booking_id=booking, turn=1, changed_at=now, changed_by=by)
        counted = {"turn": TicketAddress.turn + 1, "changed_at": now, "changed_by": by}
        db.execute(row.on_conflict_do_update(index_elements=["booking_id"], set_=counted))


def change_address(db: Session, principal: Principal, booking_id: UUID, *, now: datetime) -> None:
    """The same by whoever serves the booking; its owner gets the new address with a code to their phone.

    Raises Forbidden and BookingNotFound.
    """
    principal.require(Permission.BOOKING_WRITE)
    if db.execute(bookings_visible_to(principal).where(Booking.id == booking_id)).first() is None:
        raise BookingNotFound(booking=str(booking_id))
    change_addresses(db, (booking_id,), by=principal.name, now=now)
