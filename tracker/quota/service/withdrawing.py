"""Bookings give way: many at once, in a few statements however many they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.feed.service import Happening, append_all
from tracker.quota.events import BookingDisplaced
from tracker.quota.models import Booking, Bucket, Displacement, VaccinationSession
from tracker.quota.rules.words import BookingState, OfferState
from tracker.quota.service.claims import restore_claims
from tracker.quota.service.lapsing import answer_offers
from tracker.quota.service.pools import PoolFacts
from tracker.quota.service.seating import move_all
from tracker.quota.service.telling import facts_of


def withdraw(
    db: Session,
    pool: PoolFacts,
    bookings: Collection[Booking],
    sessions: Mapping[UUID, VaccinationSession],
    buckets: Mapping[UUID, Bucket],
    now: datetime,
) -> None:
    """These give way: their persons wait for an offer, and are told. Sessions and pool are locked.

    One who was being offered this very place waits again; the pool is settled by the caller.
    """
    if not bookings:
        return
    restore_claims(db, bookings, pool.today)
    # An offer that is itself withdrawn: the first displacement's story goes on with this booking.
    answer_offers(db, [booking.id for booking in bookings], OfferState.LAPSED, now)
    move_all(db, bookings, sessions, buckets, BookingState.DISPLACED, now)
    db.flush()
    told = [
        Happening(
            event=BookingDisplaced(**facts_of(sessions[booking.session_id], booking)),
            unit_id=pool.facility_id,
            subject=booking.id,
            occurred_at=now,
        )
        for booking in bookings
    ]
    append_all(db, told, now=now)
    fresh = {"displaced_at": now, "state": OfferState.PENDING, "offer_id": None, "changed_at": now, "tried_at": None}
    insert = upsert(Displacement)
    # Whoever had this place again after giving way may have to give way once more.
    again = insert.on_conflict_do_update(
        index_elements=[Displacement.booking_id], set_={**fresh, "event_id": insert.excluded.event_id}
    )
    events = zip(bookings, told, strict=True)
    db.execute(again.values([{**fresh, "booking_id": booking.id, "event_id": each.id} for booking, each in events]))
