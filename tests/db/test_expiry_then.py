"""An expiry is put right: what was done before counts by what the catalogue said then, and opened vials follow the new day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.catalog.correcting import BatchChange
from tracker.catalog.history import Correction
from tracker.quota.errors import NoVial
from tracker.quota.models import Booking
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.displacing import displace
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.errors import Expired
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Kind
from tracker.stock.service.places import correct_batch

EIGHT = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 08:00 in Jakarta
LOT = "az-10/AZ002"
YESTERDAY, LATER = date(2026, 3, 1), date(2026, 12, 31)


def hour(at: int) -> datetime:
    return EIGHT + timedelta(hours=at - 8)


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    desk = Desk(db, world, EIGHT)
    desk.stock(LOT, 10)
    desk.stock("penta-5/PB001", 10)
    return desk


def put_right(desk: Desk, expiry: date, at: datetime, lot: str = LOT) -> None:
    command = BatchChange(expiry=expiry, why=Correction(reason="salah ketik dari dus"))
    correct_batch(desk.db, SYSTEM, desk.world.batches[lot].id, command, now=at)


def give(desk: Desk, booking: Booking, at: datetime, now: datetime | None = None) -> Booking:
    return vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booking.id, occurred_at=at), now=now or hour(12))


def open_one(desk: Desk, at: datetime, lot: str = LOT) -> None:
    desk.ledger.post(Kind.OPENING, desk.ledger.line(lot, 1), at=at, now=hour(12))


def vials(desk: Desk) -> list[OpenVial]:
    desk.db.flush()
    return list(
        desk.db.scalars(select(OpenVial).order_by(OpenVial.opened_at).execution_options(populate_existing=True))
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_doses_of_before_a_lot_was_found_expired_are_recorded(desk: Desk, *, backwards: bool) -> None:
    booked = desk.booked(desk.session(ahead=0), 4)
    put_right(desk, YESTERDAY, hour(10))
    morning = [(booked[0], hour(9)), (booked[1], hour(9) + timedelta(minutes=20))]
    for booking, at in reversed(morning) if backwards else morning:
        assert not give(desk, booking, at).late
    assert [(vial.opened_at, vial.given) for vial in vials(desk)] == [(hour(9), 2)]
    with pytest.raises(NoVial):
        give(desk, booked[2], hour(11))
    check_books(desk.db)


def test_a_vial_opened_before_its_lot_was_found_expired_is_a_fact(desk: Desk) -> None:
    put_right(desk, YESTERDAY, hour(10))
    open_one(desk, hour(9))
    with pytest.raises(Expired):
        open_one(desk, hour(11))
    assert [vial.discard_by for vial in vials(desk)] == [hour(10)]


def test_what_the_lot_says_now_counts_too(desk: Desk) -> None:
    put_right(desk, YESTERDAY, EIGHT)
    put_right(desk, LATER, hour(10))
    open_one(desk, hour(9))
    assert [vial.discard_by for vial in vials(desk)] == [hour(15)]


def test_doses_left_in_an_opened_vial_follow_the_expiry_of_its_lot(desk: Desk) -> None:
    open_one(desk, hour(9))
    session = desk.session(ahead=0)
    booked = desk.booked(session, 4)
    give(desk, booked[0], hour(9) + timedelta(minutes=30))
    put_right(desk, YESTERDAY, hour(10))
    assert [vial.discard_by for vial in vials(desk)] == [hour(10)]
    desk.now = hour(11)
    assert desk.available(session) == 0
    assert len(desk.ledger.told("stock.open_doses_fell")) == 1
    pool = desk.world.puskesmas.id, desk.world.presentations["az-10"].id
    assert len(displace(desk.db, *pool, now=desk.now).bookings) == 3
    put_right(desk, LATER, hour(11))
    assert [vial.discard_by for vial in vials(desk)] == [hour(15)]
    assert desk.available(session) > 0


def test_a_vial_that_keeps_for_days_is_kept_as_long_as_its_lot_is_extended(desk: Desk) -> None:
    put_right(desk, date(2026, 3, 4), EIGHT, "penta-5/PB001")
    open_one(desk, hour(9), "penta-5/PB001")
    (vial,) = vials(desk)
    assert vial.discard_by == datetime(2026, 3, 4, 17, tzinfo=UTC)
    put_right(desk, LATER, hour(10), "penta-5/PB001")
    (vial,) = vials(desk)
    assert vial.discard_by == hour(9) + timedelta(days=28)
