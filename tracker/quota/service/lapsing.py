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
from tracker.quota.service.claims import restore_claims
from tracker.quota.service.seating import lapsed_in, move_all


def lapse_in(
    db: Session, sessions: Mapping[UUID, VaccinationSession], buckets: Mapping[UUID, Bucket], now: datetime
) -> int:
    """Take back the reservations that ran out in these locked sessions; returns how many.

    Their vials are given back by whoever settles the pool next.
    """
    lapsed = lapsed_in(db, list(sessions), now) if sessions else []
    if lapsed:
        move_all(db, lapsed, sessions, buckets, BookingState.LAPSED, now)
        answer_offers(db, [booking.id for booking in lapsed], OfferState.LAPSED, now)
        for facility_id, today in _local_days(db, {each.facility_id for each in sessions.values()}, now).items():
            there = [booking for booking in lapsed if sessions[booking.session_id].facility_id == facility_id]
            restore_claims(db, there, today)
    db.flush()
    return len(lapsed)


def _local_days(db: Session, facility_ids: Collection[UUID], now: datetime) -> dict[UUID, date]:
    """The day it is at each facility."""
    return {
        each.id: local_day(now, each.timezone)
        for each in db.scalars(select(Facility).where(Facility.id.in_(facility_ids)))
    }


def answer_offer(db: Session, offer_id: UUID, state: OfferState, now: datetime) -> None:
    """Note what became of an offer, where the booking was one."""
    answer_offers(db, [offer_id], state, now)


def answer_offers(db: Session, offer_ids: Collection[UUID], state: OfferState, now: datetime) -> None:
    """`answer_offer` for many, in one statement."""
    db.execute(
        update(Displacement)
        .where(Displacement.offer_id.in_(offer_ids), Displacement.state == OfferState.OFFERED)
        .values(state=state, changed_at=now)
        .execution_options(synchronize_session=False)
    )
