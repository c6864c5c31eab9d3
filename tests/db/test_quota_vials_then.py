"""A dose hangs on a vial that was open, not past its time and not used up when it was given, whenever it is typed."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.quota.errors import NoVial
from tracker.quota.models import Booking
from tracker.quota.service.commands import CorrectDose, Vaccinate
from tracker.quota.service.correcting import correct_dose
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import DiscardDoses, StatusChange, StatusLine
from tracker.stock.service.opening import discard_doses

MORNING = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # 08:30 in Jakarta
AFTERNOON = MORNING.replace(hour=8, minute=0)  # 15:00
LOTA, LOTB = "az-10/AZ002", "az-10/AZ003"


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    """The morning's desk: stock of the day before, the books open at 08:00."""
    return Desk(db, world, MORNING.replace(minute=0))


def give(desk: Desk, booking: Booking, at: datetime, now: datetime = AFTERNOON) -> OpenVial:
    given = vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=booking.id, occurred_at=at), now=now)
    return desk.db.get_one(OpenVial, given.open_vial_id, populate_existing=True)


def vials(desk: Desk) -> list[tuple[datetime, int]]:
    desk.db.flush()
    rows = desk.db.scalars(select(OpenVial).order_by(OpenVial.opened_at).execution_options(populate_existing=True))
    return [(row.opened_at, row.given) for row in rows]


def open_one(desk: Desk, batch: str, at: datetime) -> None:
    desk.ledger.post(Kind.OPENING, desk.ledger.line(batch, 1), at=at, now=AFTERNOON)


def stop_everything(desk: Desk, batch: str, at: datetime) -> None:
    stop(desk, batch, at, {Account.PLACE: desk.world.fridge.id, Account.OPEN: desk.world.puskesmas.id})


def stop(desk: Desk, batch: str, at: datetime, where: dict[Account, UUID]) -> None:
    lines = tuple(
        StatusLine(
            batch_id=desk.world.batches[batch].id,
            holder_id=holder,
            from_status=Status.USABLE,
            to_status=Status.HELD,
            account=account,
        )
        for account, holder in where.items()
    )
    command = StatusChange(id=uuid7(), facility_id=desk.world.puskesmas.id, lines=lines, cause=uuid7())
    change_status(desk.db, SYSTEM, command, now=at)


def test_ten_doses_of_the_morning_typed_in_the_afternoon_come_from_one_vial(desk: Desk) -> None:
    desk.stock(LOTB, 10)
    for booking in desk.booked(desk.session(ahead=0), 10):
        give(desk, booking, MORNING)
    assert vials(desk) == [(MORNING, 10)]
    assert desk.ledger.vials(LOTB) == 9
    check_books(desk.db)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_doses_typed_in_any_order_come_from_the_same_vials(desk: Desk, seed: int) -> None:
    desk.stock(LOTB, 10)
    bookings = desk.booked(desk.session(ahead=0), 12)
    at = [MORNING + timedelta(minutes=5 * index) for index in range(12)]
    together = list(zip(bookings, at, strict=True))
    random.Random(seed).shuffle(together)
    for booking, instant in together:
        give(desk, booking, instant)
    assert sorted(given for _, given in vials(desk)) == [2, 10]
    assert vials(desk)[0][0] == MORNING
    assert desk.ledger.vials(LOTB) == 8
    check_books(desk.db)


def test_no_dose_comes_from_a_vial_that_was_opened_after_it(desk: Desk) -> None:
    desk.stock(LOTA, 5)
    desk.stock(LOTB, 5)
    session = desk.session(ahead=0)
    booking, later = desk.booked(session, 2)
    open_one(desk, LOTB, MORNING + timedelta(hours=5, minutes=40))  # 14:10, by hand
    nine = give(desk, booking, MORNING + timedelta(minutes=30))
    assert (nine.opened_at, nine.batch_id) == (MORNING + timedelta(minutes=30), desk.world.batches[LOTA].id)
    assert give(desk, later, MORNING + timedelta(hours=6)).given >= 1


def test_a_batch_on_its_last_day_serves_the_dose_of_that_evening_typed_after_midnight(desk: Desk) -> None:
    batch = desk.world.batches[LOTA]
    batch.expiry = date(2026, 3, 2)
    desk.db.flush()
    desk.stock(LOTA, 2)
    booking = desk.booked(desk.session(ahead=0), 1)[0]
    evening = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # 21:00 in Jakarta
    vial = give(desk, booking, evening, now=evening + timedelta(hours=4))
    assert (vial.batch_id, vial.opened_at) == (batch.id, evening)


def test_a_vial_past_its_time_when_the_dose_was_given_is_not_taken(desk: Desk) -> None:
    desk.stock(LOTB, 3)
    first, second = desk.booked(desk.session(ahead=0), 2)
    open_one(desk, LOTB, MORNING - timedelta(minutes=20))
    assert give(desk, first, MORNING).opened_at == MORNING - timedelta(minutes=20)
    late = MORNING + timedelta(hours=6)
    assert give(desk, second, late).opened_at == late


def test_a_dose_of_before_a_hold_is_given_from_what_was_usable_then(desk: Desk) -> None:
    desk.stock(LOTB, 3)
    session = desk.session(ahead=0)
    first, second, third = desk.booked(session, 3)
    stop_everything(desk, LOTB, MORNING + timedelta(hours=2))
    vial = give(desk, first, MORNING)
    assert vial.opened_at == MORNING
    stop_everything(desk, LOTB, MORNING + timedelta(hours=3))
    assert give(desk, second, MORNING + timedelta(hours=1)).id == vial.id
    with pytest.raises(NoVial):
        give(desk, third, MORNING + timedelta(hours=4))
    assert desk.ledger.vials(LOTB, status=Status.HELD) == 2
    check_books(desk.db)


def test_a_dose_of_before_the_rest_was_thrown_away_is_given_from_that_vial(desk: Desk) -> None:
    desk.stock(LOTB, 3)
    first, second = desk.booked(desk.session(ahead=0), 2)
    vial = give(desk, first, MORNING)
    end = MORNING + timedelta(hours=4)
    discard = DiscardDoses(open_vial_id=vial.id, occurred_at=end, reason=OpenWaste.SESSION_END)
    discard_doses(desk.db, SYSTEM, discard, now=AFTERNOON)
    again = give(desk, second, MORNING + timedelta(hours=3))
    assert (again.id, again.given, again.discarded) == (vial.id, 2, 8)


@pytest.mark.parametrize("corrected", [False, True])
def test_a_dose_of_before_an_inferred_opening_moves_it_also_when_the_rest_was_thrown_away(
    desk: Desk, corrected: bool
) -> None:
    desk.stock(LOTB, 3)
    first, second = desk.booked(desk.session(ahead=0), 2)
    vial = give(desk, first, MORNING + timedelta(hours=1))
    if corrected:
        give(desk, second, MORNING + timedelta(hours=2))
    discard(desk, AFTERNOON)  # past its time by the earlier opening
    if corrected:
        correct(desk, second, MORNING)
    else:
        give(desk, second, MORNING)
    desk.db.refresh(vial)
    assert (vial.opened_at, vial.given, vial.discarded) == (MORNING, 2, 8)
    assert vials(desk) == [(MORNING, 2)]
    assert vial.closed_at == AFTERNOON
    assert desk.ledger.vials(LOTB) == 2
    check_books(desk.db)


def discard(desk: Desk, at: datetime) -> None:
    """The rest of all that is open is thrown away."""
    for vial_id in desk.db.scalars(select(OpenVial.id).where(OpenVial.closed_at.is_(None)).order_by(OpenVial.id)).all():
        command = DiscardDoses(open_vial_id=vial_id, occurred_at=at, reason=OpenWaste.SESSION_END)
        discard_doses(desk.db, SYSTEM, command, now=AFTERNOON)


def correct(desk: Desk, booking: Booking, at: datetime) -> None:
    command = CorrectDose(booking_id=booking.id, reason="salah ketik", occurred_at=at)
    correct_dose(desk.db, SYSTEM, command, now=AFTERNOON)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    order=st.permutations(range(12)),
    wrong=st.dictionaries(st.integers(0, 11), st.sampled_from(["early", "late"]), max_size=4),
    thrown=st.integers(1, 11),
)
@example(order=[11, *range(11)], wrong={}, thrown=1)
@example(order=list(range(12)), wrong={0: "late"}, thrown=11)
@example(order=[11, *range(11)], wrong={11: "early"}, thrown=12)
def test_doses_corrections_and_a_discard_told_in_any_order_leave_the_vials_of_the_order_of_time(
    db: Session, world: World, order: list[int], wrong: dict[int, str], thrown: int
) -> None:
    """`wrong` were typed as the session's first or last and put right at the end; after `thrown` doses the rest was thrown away."""
    outer = db.begin_nested()
    try:
        desk = Desk(db, world, MORNING.replace(minute=0))
        desk.stock(LOTB, 10)
        bookings = desk.booked(desk.session(ahead=0), 12)
        at = [MORNING + timedelta(minutes=5 * index) for index in range(12)]
        end = MORNING + timedelta(hours=5)
        mistyped = {"early": MORNING - timedelta(minutes=15), "late": end - timedelta(minutes=15)}
        for told, index in enumerate(order, 1):
            typed = mistyped[wrong[index]] + timedelta(minutes=index) if index in wrong else at[index]
            give(desk, bookings[index], typed)
            if told == thrown:
                discard(desk, end)
        for index in sorted(wrong):
            correct(desk, bookings[index], at[index])
        discard(desk, end)
        assert sorted(given for _, given in vials(desk)) == [2, 10]
        assert vials(desk)[0][0] == MORNING
        assert desk.ledger.vials(LOTB) == 8
        check_books(db)
    finally:
        outer.rollback()
        db.expire_all()


def test_what_left_the_fridge_since_is_not_opened_twice(desk: Desk) -> None:
    desk.stock(LOTA, 1)
    desk.stock(LOTB, 1)
    booking = desk.booked(desk.session(ahead=0), 1)[0]
    desk.ledger.post(
        Kind.WASTE, desk.ledger.line(LOTA, 1, reason="broken"), at=MORNING + timedelta(hours=1), now=AFTERNOON
    )
    assert give(desk, booking, MORNING).batch_id == desk.world.batches[LOTB].id
    check_books(desk.db)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_hold_between_two_doses_leaves_them_the_same_lots_in_whatever_order_they_are_typed(
    desk: Desk, backwards: bool
) -> None:
    desk.stock(LOTA, 3)
    desk.stock(LOTB, 3)
    bookings = desk.booked(desk.session(ahead=0), 2)
    stop_everything(desk, LOTA, MORNING + timedelta(hours=1))
    doses = list(zip(bookings, (MORNING, MORNING + timedelta(hours=2)), strict=True))
    for booking, at in reversed(doses) if backwards else doses:
        give(desk, booking, at)
    lots = {id_: lot for lot, batch in desk.world.batches.items() for id_ in (batch.id,)}
    rows = desk.db.scalars(select(OpenVial).order_by(OpenVial.opened_at).execution_options(populate_existing=True))
    assert [(lots[row.batch_id], row.opened_at, row.given) for row in rows] == [
        (LOTA, MORNING, 1),
        (LOTB, MORNING + timedelta(hours=2), 1),
    ]
    assert (desk.ledger.vials(LOTA, status=Status.HELD), desk.ledger.vials(LOTB)) == (2, 2)
    check_books(desk.db)


def test_a_vial_that_a_hold_of_the_fridge_left_usable_is_given_on(desk: Desk) -> None:
    desk.stock(LOTA, 1)
    one, *others = desk.booked(desk.session(ahead=0), 10)
    give(desk, one, MORNING)
    desk.stock(LOTA, 2)
    stop(desk, LOTA, MORNING + timedelta(hours=1), {Account.PLACE: desk.world.fridge.id})
    for booking in others:
        give(desk, booking, MORNING + timedelta(hours=2))
    assert vials(desk) == [(MORNING, 10)]
    check_books(desk.db)


def release_everything(desk: Desk, batch: str, at: datetime) -> None:
    line = StatusLine(
        batch_id=desk.world.batches[batch].id,
        holder_id=desk.world.fridge.id,
        from_status=Status.HELD,
        to_status=Status.USABLE,
    )
    command = StatusChange(id=uuid7(), facility_id=desk.world.puskesmas.id, lines=(line,), cause=uuid7())
    change_status(desk.db, SYSTEM, command, now=at)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_hold_that_was_lifted_between_two_doses_leaves_them_one_vial(desk: Desk, backwards: bool) -> None:
    desk.stock(LOTA, 3)
    desk.stock(LOTB, 3)
    bookings = desk.booked(desk.session(ahead=0), 2)
    stop_everything(desk, LOTA, MORNING + timedelta(minutes=30))
    release_everything(desk, LOTA, MORNING + timedelta(hours=1))
    doses = list(zip(bookings, (MORNING, MORNING + timedelta(hours=2)), strict=True))
    for booking, at in reversed(doses) if backwards else doses:
        give(desk, booking, at)
    assert vials(desk) == [(MORNING, 2)]
    assert (desk.ledger.vials(LOTA), desk.ledger.vials(LOTB)) == (2, 3)
    check_books(desk.db)
