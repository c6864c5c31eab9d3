"""A number that was called out in the room stays its owner's, whoever comes and goes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.quota.models import Booking
from tracker.quota.queries.desk import WAITING, guests_of
from tracker.quota.rules.words import BookingState
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.commands import ArriveAt, TakeBack
from tracker.quota.service.correcting import take_back


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    desk = Desk(db, world, world.now)
    desk.stock("az-10/AZ001", 5)
    return desk


def arrived(desk: Desk, session: UUID, persons: int) -> list[Booking]:
    found = []
    for booking in desk.booked(session, persons):
        desk.now += timedelta(minutes=1)
        found.append(desk.move(booking, BookingState.ARRIVED))
    return found


def numbers(desk: Desk, session: UUID) -> dict[UUID, int | None]:
    desk.db.flush()
    return {one.booking.id: one.number for one in guests_of(desk.db, session, WAITING, most=50)}


def comes_to(desk: Desk, session: UUID, booking: Booking) -> Booking:
    desk.now += timedelta(minutes=1)
    return arrive_at(desk.db, SYSTEM, ArriveAt(booking_id=booking.id, session_id=session), now=desk.now)


def test_who_goes_to_another_desk_takes_no_number_of_others_along_and_gets_the_next_one_there(desk: Desk) -> None:
    session, other = desk.session(ahead=0), desk.session(ahead=0)
    first, second, third = arrived(desk, session, 3)
    (there,) = arrived(desk, other, 1)
    assert numbers(desk, session) == {first.id: 1, second.id: 2, third.id: 3}
    comes_to(desk, other, first)
    assert numbers(desk, session) == {second.id: 2, third.id: 3}
    assert numbers(desk, other) == {there.id: 1, first.id: 2}
    comes_to(desk, session, first)
    assert numbers(desk, session) == {second.id: 2, third.id: 3, first.id: 4}


def test_who_was_noted_as_here_by_mistake_or_screened_again_keeps_the_number(desk: Desk) -> None:
    session = desk.session(ahead=0)
    first, second = arrived(desk, session, 2)
    back = TakeBack(booking_id=first.id, state=BookingState.CONFIRMED, reason="salah ketuk")
    take_back(desk.db, SYSTEM, back, now=desk.now)
    desk.move(desk.move(second, BookingState.DEFERRED), BookingState.FIT)
    (third,) = arrived(desk, session, 1)
    assert numbers(desk, session) == {second.id: 2, third.id: 3}
    desk.move(first, BookingState.ARRIVED)
    assert numbers(desk, session) == {first.id: 1, second.id: 2, third.id: 3}
