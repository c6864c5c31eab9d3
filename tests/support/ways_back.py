"""Doses told, taken back and read again, for the tests of late facts and of ways back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from tests.support.quota import Desk
from tracker.access.principal import SYSTEM
from tracker.quota.models import Booking, BookingStep, Claim
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial

WHY = "salah ketuk"
B = BookingState


def give(desk: Desk, booking: Booking, at: datetime | None = None, **more: object) -> Booking:
    return vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booking.id, occurred_at=at, **more), now=desk.now)  # type: ignore[arg-type]  # test data


def back(desk: Desk, booking: Booking, state: BookingState) -> Booking:
    return take_back(desk.db, SYSTEM, TakeBack(booking_id=booking.id, state=state, reason=WHY), now=desk.now)


def steps(desk: Desk, booking: Booking) -> list[BookingStep]:
    desk.db.flush()
    query = select(BookingStep).where(BookingStep.booking_id == booking.id).order_by(BookingStep.id)
    return list(desk.db.scalars(query))


def claims(desk: Desk, booking: Booking) -> list[Claim]:
    desk.db.flush()
    query = select(Claim).where(Claim.given_booking_id == booking.id).order_by(Claim.id)
    return list(desk.db.scalars(query.execution_options(populate_existing=True)))


def vial(desk: Desk) -> OpenVial:
    desk.db.flush()
    return desk.db.scalars(select(OpenVial).execution_options(populate_existing=True)).one()
