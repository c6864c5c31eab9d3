"""`/meja/orang/{booking}/kartu`: the vaccination card of a dose, printed at the desk."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from dashboard.citizens.card import card_page
from dashboard.frame.viewer import Member
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.people.service import read_person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking
from tracker.quota.queries import lists
from tracker.registration.service.cards import issue_card

router = Router(include_in_schema=False)


@router.get("/meja/orang/{booking_id}/kartu")
def show_card(booking_id: UUID, viewer: Member, db: Db, now: Now, shared: Shared) -> Response:
    """The card of the dose as it stands; that its person was looked at is kept."""
    row = db.execute(lists.bookings_visible_to(viewer.known()).where(Booking.id == booking_id)).first()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    read_person(db, viewer.known(), row[0].person_id, now=now)
    issued = issue_card(db, shared.settings, booking_id, now=now)
    return card_page(viewer, db, issued, back=f"/meja/orang/{booking_id}")
