"""Persons who never had a dose and whose bookings are long over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from tracker.people.forgetting import anonymise, old_persons
from tracker.people.models import Person
from tracker.quota.models import Booking, Claim, Displacement
from tracker.quota.rules.words import SEATED, OfferState


def persons_without_use(before: datetime) -> Select[UUID]:
    """Persons whom nothing medical and nothing under way speaks of, and with whom nothing was done since that instant.

    A dose, a screening and a claim are medical facts and stay with their person; so does whoever waits to be offered a place.
    """
    theirs = select(Booking.id).where(Booking.person_id == Person.id)
    needed = theirs.where(
        or_(
            Booking.changed_at >= before,
            Booking.state.in_(SEATED),
            Booking.screening.is_not(None),
            Booking.vaccinated_at.is_not(None),
        )
    )
    waits = theirs.join(Displacement, Displacement.booking_id == Booking.id).where(
        Displacement.state == OfferState.PENDING
    )
    claims = select(Claim.id).where(Claim.person_id == Person.id)
    return old_persons(before).where(~needed.exists(), ~waits.exists(), ~claims.exists())


def forget_persons(db: Session, ids: Collection[UUID], now: datetime) -> None:
    """Make them nobody; their bookings stay, for counting, without a word that somebody wrote about them."""
    db.execute(update(Booking).where(Booking.person_id.in_(ids)).values(override=None))
    anonymise(db, ids, now)
