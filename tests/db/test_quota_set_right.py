"""What was typed wrong is set right as if it had been typed right at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import CorrectDose, TakeBack, Vaccinate
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial, OpenVialChange
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import ReverseEvent, StatusChange, StatusLine
from tracker.stock.service.places import set_in_service
from tracker.stock.service.reversing import reverse_event
from tracker.trace.recalls import StartRecall, start_recall

LOT = "az-10/AZ003"
HOUR = timedelta(hours=1)


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


def correct(desk: Desk, booking: Booking, minutes: int | None = None, vial: UUID | None = None) -> None:
    at = None if minutes is None else desk.now + timedelta(minutes=minutes)
    command = CorrectDose(booking_id=booking.id, reason="salah ketik", occurred_at=at, open_vial_id=vial)
    correct_dose(desk.db, SYSTEM, command, now=desk.now + timedelta(hours=9))


def not_given(desk: Desk, booking: Booking) -> None:
    back = TakeBack(booking_id=booking.id, state=BookingState.NO_SHOW, reason="salah orang")
    take_back(desk.db, SYSTEM, back, now=desk.now + timedelta(hours=1))


@pytest.mark.parametrize(
    ("typed", "right", "opened"),
    [
        ([0], {0: 30}, [(30, 1)]),
        ([0, 20, 40], {0: 60}, [(20, 3)]),
        ([0, 20], {0: None}, [(20, 1)]),
        ([0], {0: None}, []),
        ([0, 5], {0: 480}, [(5, 1), (480, 1)]),
        ([0], {0: 480}, [(480, 1)]),
    ],
    ids=["only dose", "first of three", "first not given", "only dose not given", "past its time", "hours later"],
)
def test_an_inferred_opening_is_at_the_first_dose_that_is_left(
    desk: Desk, typed: list[int], right: dict[int, int | None], opened: list[tuple[int, int]]
) -> None:
    booked = desk.booked(desk.session(ahead=0), len(typed))
    for booking, minutes in zip(booked, typed, strict=True):
        vaccinate(
            desk.db,
            SYSTEM,
            Vaccinate(booking_id=booking.id, occurred_at=desk.now + timedelta(minutes=minutes)),
            now=desk.now + timedelta(hours=1),
        )
    for index, instead in right.items():
        if instead is None:
            not_given(desk, booked[index])
        else:
            correct(desk, booked[index], instead)
    assert [((vial.opened_at - desk.now) / timedelta(minutes=1), vial.given) for vial in vials(desk)] == opened
    assert desk.ledger.vials(LOT) == 4 - len(opened)
    check_books(desk.db)


def test_whom_a_vial_would_have_served_need_it_again_when_it_was_not_opened(desk: Desk) -> None:
    booked = desk.booked(desk.session(ahead=0), 12)
    desk.vaccinate(booked[0])
    assert desk.need()[desk.today] == 1
    not_given(desk, booked[0])
    assert desk.need() == {desk.today: 2}
    check_books(desk.db)


def stopped(desk: Desk) -> None:
    """A hold of all that lies there, and of what is open."""
    lines = tuple(
        StatusLine(
            batch_id=desk.world.batches[LOT].id,
            holder_id=holder,
            from_status=Status.USABLE,
            to_status=Status.HELD,
            account=account,
        )
        for account, holder in ((Account.PLACE, desk.world.fridge.id), (Account.OPEN, desk.world.puskesmas.id))
    )
    command = StatusChange(id=uuid7(), facility_id=desk.world.puskesmas.id, lines=lines, cause=uuid7())
    change_status(desk.db, SYSTEM, command, now=desk.now + timedelta(minutes=30))


def counted(desk: Desk) -> None:
    desk.ledger.post(Kind.COUNT, desk.ledger.line(LOT, 3), at=desk.now + timedelta(minutes=30), now=desk.now + HOUR)


def out_of_service(desk: Desk) -> None:
    set_in_service(desk.db, SYSTEM, desk.world.fridge.code, False, now=desk.now + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("since", "lying"),
    [(stopped, (Status.HELD, 4)), (counted, (Status.USABLE, 3)), (out_of_service, (Status.USABLE, 4))],
)
def test_a_vial_that_was_not_opened_meets_what_has_happened_to_its_place_since(
    desk: Desk, since: Callable[[Desk], None], lying: tuple[Status, int]
) -> None:
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    since(desk)
    not_given(desk, booking)
    assert (vials(desk), desk.ledger.vials(LOT, status=lying[0])) == ([], lying[1])
    check_books(desk.db)


def test_a_dose_of_after_its_fridge_was_put_out_of_service_leaves_its_vial_opened_before(desk: Desk) -> None:
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    out_of_service(desk)
    correct(desk, booking, 45)
    assert [(vial.opened_at, vial.given) for vial in vials(desk)] == [(desk.now, 1)]
    check_books(desk.db)


def test_a_dose_moved_to_another_vial_leaves_none_that_only_it_had_opened(desk: Desk) -> None:
    booking = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    desk.ledger.post(Kind.OPENING, desk.ledger.line(LOT), at=desk.now - timedelta(minutes=5))
    (by_hand,) = [vial.id for vial in vials(desk) if vial.opened_at < desk.now]
    correct(desk, booking, vial=by_hand)
    assert [(vial.id, vial.given) for vial in vials(desk)] == [(by_hand, 1)]
    check_books(desk.db)


@pytest.mark.parametrize("of_itself", [False, True], ids=["another's", "its own"])
def test_a_dose_put_into_a_named_vial_earlier_than_its_inferred_opening_moves_that(desk: Desk, of_itself: bool) -> None:
    first, other = desk.booked(desk.session(ahead=0), 2)
    desk.vaccinate(first)
    (vial,) = vials(desk)
    if not of_itself:
        desk.ledger.post(Kind.OPENING, desk.ledger.line(LOT), at=desk.now - timedelta(hours=1))
        by_hand = next(each.id for each in vials(desk) if each.id != vial.id)
        command = Vaccinate(booking_id=other.id, occurred_at=desk.now, open_vial_id=by_hand)
        vaccinate(desk.db, SYSTEM, command, now=desk.now)
    correct(desk, first if of_itself else other, -30, vial.id)
    desk.db.refresh(vial)
    assert (vial.opened_at, vial.given) == (desk.now - timedelta(minutes=30), 1 if of_itself else 2)
    check_books(desk.db)


def test_an_opening_is_taken_back_also_after_its_only_dose_was(desk: Desk) -> None:
    """What was kept of the dose is kept on."""
    opened = desk.ledger.post(Kind.OPENING, desk.ledger.line(LOT), at=desk.now)
    not_given(desk, desk.vaccinate(desk.confirmed(desk.session(ahead=0))))
    command = ReverseEvent(id=uuid7(), event_id=opened.event_id, reason="salah vial")
    reverse_event(desk.db, SYSTEM, command, now=desk.now + timedelta(hours=2))
    assert (vials(desk), desk.ledger.vials(LOT)) == ([], 4)
    assert [change.reason for change in desk.db.scalars(select(OpenVialChange))] == ["salah orang"]
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
