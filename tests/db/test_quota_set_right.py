"""What was typed wrong is set right as if it had been typed right at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import CorrectDose, TakeBack, Vaccinate
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Kind, Status
from tracker.trace.recalls import StartRecall, start_recall

LOT = "az-10/AZ003"


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    desk = Desk(db, world, world.now)
    desk.ledger.post(Kind.SUPPLY, desk.ledger.line(LOT, 4), at=world.now - timedelta(hours=9))
    return desk


def vials(desk: Desk) -> list[OpenVial]:
    desk.db.flush()
    query = select(OpenVial).order_by(OpenVial.opened_at)
    return list(desk.db.scalars(query.execution_options(populate_existing=True)))


@pytest.mark.parametrize("wrong", [10, 3], ids=["the extra one", "one of the ten"])
def test_an_extra_dose_taken_back_leaves_no_dose_that_never_was(desk: Desk, wrong: int) -> None:
    booked = desk.booked(desk.session(ahead=0), 11)
    for booking in booked[:10]:
        desk.vaccinate(booking)
    vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booked[10].id, extra="isi lebih"), now=desk.now)
    back = TakeBack(booking_id=booked[wrong].id, state=BookingState.CONFIRMED, reason="salah ketuk")
    take_back(desk.db, SYSTEM, back, now=desk.now)
    (vial,) = vials(desk)
    assert (vial.doses_per_vial, vial.given, vial.remaining) == (10, 10, 0)
    assert vial.closed_at is not None
    assert desk.need()[desk.today] == 1, "who waits again needs a vial"
    check_books(desk.db)


def test_a_dose_corrected_to_an_earlier_hour_moves_the_opening_that_was_inferred(desk: Desk) -> None:
    booked = desk.booked(desk.session(ahead=0), 3)
    for booking in booked:
        desk.vaccinate(booking)
    early = desk.now - timedelta(hours=1)
    correct_dose(
        desk.db, SYSTEM, CorrectDose(booking_id=booked[1].id, reason="salah jam", occurred_at=early), now=desk.now
    )
    (vial,) = vials(desk)
    assert (vial.opened_at, vial.given) == (early, 3)
    check_books(desk.db)


def test_a_dose_corrected_to_before_its_vial_was_opened_by_hand_comes_from_another(desk: Desk) -> None:
    desk.ledger.post(Kind.OPENING, desk.ledger.line(LOT), at=desk.now)
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    early = desk.now - timedelta(minutes=40)
    correct_dose(
        desk.db, SYSTEM, CorrectDose(booking_id=booking.id, reason="salah jam", occurred_at=early), now=desk.now
    )
    assert [(vial.opened_at, vial.given) for vial in vials(desk)] == [(early, 1), (desk.now, 0)]
    check_books(desk.db)


def test_the_last_dose_of_a_vial_taken_back_after_a_recall_is_recalled_with_its_vial(desk: Desk) -> None:
    booking = desk.booked(desk.session(ahead=0), 10)
    for each in booking:
        desk.vaccinate(each)
    command = StartRecall(id=uuid7(), batch=LOT, reason="potensi turun")
    start_recall(desk.db, SYSTEM, command, now=desk.now + timedelta(hours=1))
    desk.now += timedelta(hours=2)
    back = TakeBack(booking_id=booking[0].id, state=BookingState.NO_SHOW, reason="salah ketuk")
    take_back(desk.db, SYSTEM, back, now=desk.now)
    (vial,) = vials(desk)
    assert (vial.status, vial.remaining, vial.closed_at) == (Status.RECALLED, 1, None)
    assert desk.ledger.open_vials(LOT) == 1
    check_books(desk.db)
