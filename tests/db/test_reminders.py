"""Whoever is booked is reminded the day before: once, by day, and of what stands when the message leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from dashboard.planning.queries import to_call
from tests.support.counting import counted
from tests.support.quota import OFFICE, Desk
from tests.support.world import NOW, World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.delivery.messages import Sent, deliver_due
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.senders import RecordingSender
from tracker.delivery.service import queue_message
from tracker.network.models import Facility
from tracker.people.queries import phone_of
from tracker.quota.models import Booking, ClaimReminder, VaccinationSession
from tracker.quota.queries.untold import untold_of
from tracker.quota.rules.reminding import Reminding
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import ChangeDay, CorrectDose, TakeBack
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.ending import cancel_session
from tracker.quota.service.rebooking import change_day
from tracker.quota.service.reminding import MOST_WAITING, RemindersRound, remind_session
from tracker.quota.service.reminding_doses import remind_claims
from tracker.quota.service.rereading import facts_now

USUAL = Reminding()
_T = TypeVar("_T")
FOUR = NOW + timedelta(hours=6)  # 16:00 in Jakarta; the session is tomorrow from 08:00 on
NIGHT = NOW + timedelta(hours=12)  # 22:00
SEVEN = NOW + timedelta(hours=21)  # 07:00 of its day
EIGHT = NOW + timedelta(hours=22)


def at_desk(engine: Engine, world: World, act: Callable[[Desk], _T], now: datetime = NOW) -> _T:
    with transaction(engine) as db:
        return act(Desk(db, world, now))


def booked(engine: Engine, world: World, *, phone: str | None = "0812-3456-789") -> Booking:
    """Somebody with a place tomorrow."""

    def act(desk: Desk) -> Booking:
        desk.stock("az-10/AZ003", 2)
        return desk.confirmed(desk.session(), desk.person(phone=phone))

    return at_desk(engine, world, act)


def remind(engine: Engine, now: datetime) -> int:
    return RemindersRound(engine, USUAL)(now)


def queued_of(engine: Engine, booking: Booking, template: str, **params: str) -> None:
    """A message about a booking, as it is queued: of a day and a place that may change."""
    told = {"booking": str(booking.id), "facility": "Tempat Lama", "day": "2026-01-01", "hours": "?", **params}
    with transaction(engine) as db:
        queue_message(
            db,
            medium="sms",
            recipient_ref=str(booking.person_id),
            template=template,
            params=told,
            unit_id=booking.person_id,
            now=NOW,
        )


def test_news_of_a_booking_says_what_stands_as_it_leaves_or_nothing(engine: Engine, committed_world: World) -> None:
    kept, cancelled = booked(engine, committed_world), booked(engine, committed_world, phone="0812-3456-780")
    news = {"answer_by": "2026-12-31T00:00:00+07:00", "new_day": "2026-01-01", "new_facility": "Tempat Lama"}
    words = ("confirmed", "moved", "session_changed", "cancelled", "offer", "displaced_no_place")
    for booking in (kept, cancelled):
        for word in words:
            queued_of(engine, booking, f"quota_{word}", **news)
    at_desk(
        engine, committed_world, lambda desk: desk.move(desk.db.get_one(Booking, cancelled.id), BookingState.CANCELLED)
    )
    sent = []
    while (step := send(engine, NOW))[0] != Sent():
        sent += step[1].sent
    told = {(one.recipient == str(kept.person_id), one.template.removeprefix("quota_")) for one in sent}
    assert told == {(True, "confirmed"), (True, "moved"), (True, "session_changed"), (False, "cancelled")}
    for one in sent:
        if one.template != "quota_cancelled":
            assert "Tempat Lama" not in one.text
            assert "01-01-2026" not in one.text


def of_doses(engine: Engine, now: datetime) -> list[str]:
    """What a round says of next doses and the outbox then sends, by the day of the place's morning."""
    remind_claims(engine, now=now, reminding=USUAL)
    return [said.text.split(". ")[0] for said in send(engine, now)[1].sent]


def send(engine: Engine, now: datetime) -> tuple[Sent, RecordingSender]:
    def facts_of(template: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        with transaction(engine) as db:
            return facts_now(db, template, params, now)

    def address_of(recipient_ref: str, medium: str) -> str | None:
        del medium
        with transaction(engine) as db:
            return phone_of(db, UUID(recipient_ref))

    sender = RecordingSender()
    done = deliver_due(
        engine,
        sender,
        address_of,
        now=now,
        facts_of=facts_of,
        night=USUAL.night,
        link_of=lambda booking: OFFICE.link(OFFICE.sealed(UUID(booking))),
    )
    return done, sender


def queued(engine: Engine) -> list[OutMessage]:
    with transaction(engine) as db:
        return list(db.scalars(select(OutMessage).where(OutMessage.template == "quota_reminder")))


def test_from_four_on_the_day_before_with_place_window_and_ticket_and_once(
    engine: Engine, committed_world: World
) -> None:
    booked(engine, committed_world)
    assert remind(engine, FOUR - timedelta(minutes=1)) == 0
    assert [remind(engine, FOUR), remind(engine, FOUR), remind(engine, EIGHT - timedelta(minutes=1))] == [1, 0, 0]
    done, sender = send(engine, FOUR)
    assert done.sent == 1
    (said,) = sender.sent
    assert "Puskesmas Cipondoh, 03-03-2026, 08.00–23.00 WIB" in said.text
    assert said.text.endswith(said.link)
    assert said.link.startswith("https://rantai.example/daftar/tiket/")
    assert len(said.text) <= 160


@pytest.mark.parametrize(("zone", "earlier"), [("Asia/Jakarta", 0), ("Asia/Makassar", 1), ("Asia/Jayapura", 2)])
def test_the_hour_is_that_of_the_place(engine: Engine, committed_world: World, zone: str, earlier: int) -> None:
    with transaction(engine) as db:
        facility = committed_world.puskesmas.id
        db.execute(update(Facility).where(Facility.id == facility).values(timezone=zone))
    booked(engine, committed_world)
    there = FOUR - timedelta(hours=earlier)
    assert [remind(engine, there - timedelta(minutes=1)), remind(engine, there)] == [0, 1]


@pytest.mark.parametrize("state", [BookingState.CANCELLED, BookingState.DISPLACED, BookingState.RESERVED, "later"])
def test_who_is_not_awaited_or_chose_the_day_since_is_not_reminded(
    engine: Engine, committed_world: World, state: str
) -> None:
    def act(desk: Desk) -> None:
        desk.stock("az-10/AZ003", 2)
        session = desk.session()
        desk.confirmed(session)  # the session is due in any case
        if state == "later":
            desk.now = FOUR + timedelta(minutes=30)
            desk.confirmed(session)
            return
        booking = desk.book(session)
        if state is not BookingState.RESERVED:
            booking.state = BookingState(state)

    at_desk(engine, committed_world, act)
    # The worker was down over the hour.
    assert remind(engine, FOUR + timedelta(hours=1)) == 1
    assert len(queued(engine)) == 1


def test_a_booking_moved_to_another_day_is_reminded_of_that_one(engine: Engine, committed_world: World) -> None:
    booking = booked(engine, committed_world)
    remind(engine, FOUR)

    def move(desk: Desk) -> None:
        change_day(desk.db, SYSTEM, ChangeDay(booking_id=booking.id, session_id=desk.session(ahead=2)), now=desk.now)

    at_desk(engine, committed_world, move, FOUR + timedelta(minutes=1))
    # What was queued for the day that it left is not said any more.
    done, sender = send(engine, FOUR + timedelta(minutes=2))
    assert (done.given_up, sender.sent) == (1, [])
    assert remind(engine, FOUR + timedelta(days=1)) == 1
    _, sender = send(engine, FOUR + timedelta(days=1))
    assert ["04-03-2026" in said.text for said in sender.sent] == [True]


@pytest.mark.parametrize("how", ["cancelled", "arrived", "session cancelled", "begun"])
def test_what_is_so_no_more_when_it_leaves_is_not_sent(engine: Engine, committed_world: World, how: str) -> None:
    booking = booked(engine, committed_world)
    assert remind(engine, FOUR) == 1

    def act(desk: Desk) -> None:
        if how == "cancelled":
            desk.move(booking, BookingState.CANCELLED)
        elif how == "session cancelled":
            cancel_session(desk.db, SYSTEM, booking.session_id, "listrik padam", now=desk.now)
        elif how == "arrived":
            desk.db.get_one(Booking, booking.id).state = BookingState.ARRIVED

    at_desk(engine, committed_world, act, FOUR)
    done, sender = send(engine, EIGHT if how == "begun" else FOUR)
    assert [said for said in sender.sent if said.template == "quota_reminder"] == []
    assert done.given_up >= 1


def test_other_hours_are_those_that_stand_when_it_leaves(engine: Engine, committed_world: World) -> None:
    booking = booked(engine, committed_world)
    remind(engine, FOUR)
    with transaction(engine) as db:
        session = db.get_one(VaccinationSession, booking.session_id)
        session.opens_at += timedelta(hours=2)
    _, sender = send(engine, FOUR)
    assert ["10.00–23.00 WIB" in said.text for said in sender.sent] == [True]


def test_nobody_is_woken_and_the_morning_makes_up_for_the_evening(engine: Engine, committed_world: World) -> None:
    """Queued before the night and sent after it, or not queued before the morning: once."""
    booked(engine, committed_world)
    remind(engine, FOUR)
    done, sender = send(engine, NIGHT)
    assert (done, sender.sent) == (Sent(), [])
    assert [message.attempts for message in queued(engine)] == [0]
    assert send(engine, SEVEN - timedelta(minutes=1))[0] == Sent()
    assert send(engine, SEVEN)[0].sent == 1


def test_a_worker_that_was_down_over_the_evening_reminds_in_the_morning(engine: Engine, committed_world: World) -> None:
    booked(engine, committed_world)
    assert [remind(engine, NIGHT), remind(engine, SEVEN - timedelta(minutes=1))] == [0, 0]
    assert [remind(engine, SEVEN), remind(engine, SEVEN)] == [1, 0]


def test_once_the_session_has_begun_nobody_is_reminded(engine: Engine, committed_world: World) -> None:
    booked(engine, committed_world)
    assert remind(engine, EIGHT) == 0


def test_two_workers_at_once_remind_once(engine: Engine, committed_world: World) -> None:
    def act(desk: Desk) -> None:
        desk.stock("az-10/AZ003", 4)
        for _ in range(3):
            desk.booked(desk.session(), 5)

    at_desk(engine, committed_world, act)
    gate = Barrier(2)

    def work() -> int:
        gate.wait()
        return remind(engine, FOUR)

    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(work), pool.submit(work)]]
    assert sum(done) == 3
    told = [message.params["booking"] for message in queued(engine)]
    assert (len(told), len(set(told))) == (15, 15)


def test_a_second_worker_waits_for_the_first_and_takes_over_where_that_one_dies(
    engine: Engine, committed_world: World
) -> None:
    """Row and messages stand in one transaction: a death in the middle leaves neither."""
    session = booked(engine, committed_world).session_id
    with Session(engine) as first:
        assert remind_session(first, session, reminding=USUAL, now=FOUR)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(remind, engine, FOUR)
            first.rollback()
            assert second.result() == 1
    assert len(queued(engine)) == 1


def test_whom_no_reminder_reached_stands_on_the_page_of_the_session(engine: Engine, committed_world: World) -> None:
    booking = booked(engine, committed_world, phone=None)
    remind(engine, FOUR)
    send(engine, FOUR)
    assert [message.state for message in queued(engine)] == [MessageState.UNDELIVERABLE]
    with transaction(engine) as db:
        session = db.get_one(VaccinationSession, booking.session_id)
        assert [row.id for row in db.execute(untold_of(session))] == [booking.id]


def test_a_code_waits_behind_no_crowd_of_reminders(engine: Engine, committed_world: World) -> None:
    booked(engine, committed_world)
    with transaction(engine) as db:
        first = {"medium": "sms", "recipient_ref": "p", "template": "quota_cancelled", "params": {}, "language": "id"}
        db.add_all(
            OutMessage(id=UUID(int=n), **first, state="pending", attempts=0, next_at=FOUR, created_at=FOUR)
            for n in range(MOST_WAITING)
        )
    assert remind(engine, FOUR) == 0
    with transaction(engine) as db:
        db.execute(update(OutMessage).where(OutMessage.id == UUID(int=0)).values(next_at=FOUR + timedelta(hours=1)))
    assert remind(engine, FOUR) == 1


def test_a_round_costs_what_is_due_and_not_what_was(engine: Engine, committed_world: World) -> None:
    def days(first: int, last: int) -> None:
        def act(desk: Desk) -> None:
            desk.stock("az-10/AZ003", last - first)
            for ahead in range(first, last):
                desk.booked(desk.session(ahead=ahead), 10)

        at_desk(engine, committed_world, act)

    def asked(at: datetime) -> int:
        with counted(engine) as statements:
            assert remind(engine, at) == 1
        return len(statements)

    days(1, 2)
    first = asked(FOUR)
    days(2, 9)
    for ahead in range(1, 7):
        assert remind(engine, FOUR + timedelta(days=ahead)) == 1
    assert asked(FOUR + timedelta(days=7)) == first
    with transaction(engine) as db:
        assert db.scalar(select(func.count()).select_from(OutMessage)) == 80


def test_a_day_that_is_done_is_not_looked_at_again(engine: Engine, committed_world: World) -> None:
    booked(engine, committed_world)
    work = RemindersRound(engine, USUAL)
    assert [work(FOUR), work(FOUR)] == [1, 0]
    with counted(engine) as statements:
        for at in (FOUR, FOUR + timedelta(hours=1), NIGHT, SEVEN):
            assert work(at) == 0
    assert statements == []


DUE = 56  # days after the first dose
THREE_BEFORE, WEEK_AFTER = NOW + timedelta(days=DUE - 3), NOW + timedelta(days=DUE + 7)
NEXT = "Dosis 2 Anda: 27-04-2026, Puskesmas Cipondoh"
SOON = "Dosis 2 Anda jatuh tempo 27-04-2026, Puskesmas Cipondoh"
AWAITED = "Dosis 2 Anda ditunggu sejak 27-04-2026, Puskesmas Cipondoh"


def vaccinated(engine: Engine, world: World, now: datetime = NOW) -> Booking:
    def act(desk: Desk) -> Booking:
        desk.stock("az-10/AZ003", 3)
        return desk.vaccinate(desk.confirmed(desk.session(ahead=0), desk.person(phone="0812-3456-789")))

    return at_desk(engine, world, act, now)


def test_a_first_dose_tells_when_the_second_is_due_and_where_then_before_and_after_it_once_each(
    engine: Engine, committed_world: World
) -> None:
    booking = vaccinated(engine, committed_world)
    remind_claims(engine, now=NOW, reminding=USUAL)
    (said,) = send(engine, NOW)[1].sent
    assert said.text == f"{NEXT}. Pesan tempat: {said.link}"
    assert said.link == OFFICE.link(OFFICE.sealed(booking.id))
    assert of_doses(engine, THREE_BEFORE - timedelta(days=1)) == []
    assert [of_doses(engine, THREE_BEFORE) for _ in range(2)] == [[SOON], []]
    assert of_doses(engine, WEEK_AFTER - timedelta(days=1)) == []
    assert [of_doses(engine, WEEK_AFTER) for _ in range(2)] == [[AWAITED], []]
    with transaction(engine) as db:
        assert db.scalars(select(ClaimReminder)).all() == []


def test_who_no_reminder_of_a_next_dose_reached_stands_on_the_list_of_the_place_until_they_have_booked(
    engine: Engine, committed_world: World
) -> None:
    def act(desk: Desk) -> Booking:
        desk.stock("az-10/AZ003", 3)
        session = desk.session(ahead=0)
        desk.vaccinate(desk.confirmed(session, desk.person(phone="0812-3456-789")))
        return desk.vaccinate(desk.confirmed(session, desk.person(phone=None)))

    unreachable = at_desk(engine, committed_world, act)

    def listed(now: datetime) -> list[tuple[UUID, str | None]]:
        with transaction(engine) as db:
            found = to_call(db, committed_world.who(Role.MANAGER), committed_world.puskesmas.id, now.date(), after="")
            assert found is not None
            assert found.in_all == len(found.people)
            return [(one.given_booking_id, one.phone) for one in found.people]

    of_doses(engine, NOW)
    assert listed(NOW) == [], "they were told at the desk"
    assert of_doses(engine, THREE_BEFORE) == [SOON]
    assert listed(THREE_BEFORE) == [(unreachable.id, None)]
    at_desk(engine, committed_world, lambda desk: desk.book(desk.session(ahead=58), unreachable.person_id, dose=2))
    assert listed(THREE_BEFORE) == []


def test_who_was_vaccinated_at_night_hears_of_it_in_the_morning(engine: Engine, committed_world: World) -> None:
    vaccinated(engine, committed_world, NIGHT)
    assert of_doses(engine, NIGHT) == []
    assert of_doses(engine, SEVEN) == [NEXT]


def test_a_worker_that_was_down_says_what_is_still_true(engine: Engine, committed_world: World) -> None:
    vaccinated(engine, committed_world)
    of_doses(engine, NOW)
    back = NOW + timedelta(days=DUE + 30)
    # That it is due soon is not said of what was due a month ago.
    assert [of_doses(engine, back) for _ in range(3)] == [[], [AWAITED], []]


def test_who_has_booked_is_not_reminded_and_is_again_once_that_is_given_up(
    engine: Engine, committed_world: World
) -> None:
    booking = vaccinated(engine, committed_world)
    of_doses(engine, NOW)
    second = at_desk(engine, committed_world, lambda desk: desk.book(desk.session(ahead=58), booking.person_id, dose=2))
    assert of_doses(engine, THREE_BEFORE) == []
    at_desk(engine, committed_world, lambda desk: desk.move(second, BookingState.CANCELLED))
    assert of_doses(engine, WEEK_AFTER) == [AWAITED]


def test_who_books_between_queueing_and_sending_is_not_reminded(engine: Engine, committed_world: World) -> None:
    booking = vaccinated(engine, committed_world)
    remind_claims(engine, now=NOW, reminding=USUAL)
    at_desk(engine, committed_world, lambda desk: desk.book(desk.session(ahead=58), booking.person_id, dose=2))
    done, sender = send(engine, NOW)
    assert (done.given_up, sender.sent) == (1, [])


@pytest.mark.parametrize("queued_before", [True, False])
def test_a_dose_that_was_not_given_takes_its_reminders_along(
    engine: Engine, committed_world: World, queued_before: bool
) -> None:
    booking = vaccinated(engine, committed_world)
    if queued_before:
        remind_claims(engine, now=NOW, reminding=USUAL)
    back = TakeBack(booking_id=booking.id, state=BookingState.CONFIRMED, reason="salah orang")
    at_desk(engine, committed_world, lambda desk: take_back(desk.db, SYSTEM, back, now=desk.now))
    assert [of_doses(engine, at) for at in (NOW, THREE_BEFORE, WEEK_AFTER)] == [[], [], []]
    with transaction(engine) as db:
        assert db.scalars(select(ClaimReminder)).all() == []


def test_a_dose_put_right_on_the_same_day_is_told_of_once(engine: Engine, committed_world: World) -> None:
    """Also where the first message still waits: what it says is true of the claim that was made anew."""
    booking = vaccinated(engine, committed_world)
    remind_claims(engine, now=NOW, reminding=USUAL)
    later = NOW + timedelta(minutes=20)

    def correct(desk: Desk) -> None:
        right = CorrectDose(booking_id=booking.id, reason="jam salah", occurred_at=NOW + timedelta(minutes=5))
        correct_dose(desk.db, SYSTEM, right, now=desk.now)

    at_desk(engine, committed_world, correct, later)
    assert [of_doses(engine, at) for at in (later, later, THREE_BEFORE)] == [[NEXT], [], [SOON]]


def test_two_workers_at_once_tell_of_each_dose_once(engine: Engine, committed_world: World) -> None:
    def act(desk: Desk) -> None:
        desk.stock("az-10/AZ003", 4)
        session = desk.session(ahead=0)
        for _ in range(6):
            desk.vaccinate(desk.confirmed(session))

    at_desk(engine, committed_world, act)
    with Session(engine) as slow, ThreadPoolExecutor(1) as pool:
        # Half of the rows are another worker's, who is slow, and dies.
        slow.scalars(select(ClaimReminder).order_by(ClaimReminder.claim_id).limit(3).with_for_update()).all()
        assert pool.submit(remind_claims, engine, now=NOW, reminding=USUAL).result() == 3
        slow.rollback()
    assert [remind_claims(engine, now=NOW, reminding=USUAL) for _ in range(2)] == [3, 0]
    with transaction(engine) as db:
        told = db.scalars(select(OutMessage.recipient_ref).where(OutMessage.template == "dose_next")).all()
    assert (len(told), len(set(told))) == (6, 6)
