"""Reservations that ran out, and what became of offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.quota.models import Bucket, Displacement, VaccinationSession
from tracker.quota.rules.words import BookingState, OfferState
from tracker.quota.service.claims import restore_claim
from tracker.quota.service.seating import lapsed_in, move


def lapse_in(
    db: Session, sessions: Mapping[UUID, VaccinationSession], buckets: Mapping[UUID, Bucket], now: datetime
) -> int:
    """Take back the reservations that ran out in these locked sessions; returns how many.

    Their vials are given back by whoever settles the pool next.
    """
    lapsed = lapsed_in(db, list(sessions), now) if sessions else []
    today = _local_days(db, {sessions[booking.session_id].facility_id for booking in lapsed}, now)
    for booking in lapsed:
        move(booking, sessions[booking.session_id], buckets[booking.bucket_id], BookingState.LAPSED, now)
        answer_offer(db, booking.id, OfferState.LAPSED, now)
        restore_claim(db, booking, today[sessions[booking.session_id].facility_id])
    db.flush()
    return len(lapsed)


def _local_days(db: Session, facility_ids: Collection[UUID], now: datetime) -> dict[UUID, date]:
    """The day it is at each facility."""
    if not facility_ids:
        return {}
    return {
        each.id: local_day(now, each.timezone)
        for each in db.scalars(select(Facility).where(Facility.id.in_(facility_ids)))
    }


def answer_offer(db: Session, offer_id: UUID, state: OfferState, now: datetime) -> None:
    """Note what became of an offer, where the booking was one."""
    db.execute(
        update(Displacement)
        .where(Displacement.offer_id == offer_id, Displacement.state == OfferState.OFFERED)
        .values(state=state, changed_at=now)
        .execution_options(synchronize_session=False)
    )
