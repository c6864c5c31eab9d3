"""What follows a dose is told once, put right with its history, counted by batch, and answered by those above where it is serious."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.adverse.commands import AnswerAdverse, CorrectAdverse, TellAdverse, Told
from tracker.adverse.errors import (
    AdverseNotFound,
    BadOnset,
    DeathIsSerious,
    NoDose,
    NothingTold,
    NotSerious,
    OtherAdverse,
    UnknownSymptom,
)
from tracker.adverse.models import AdverseChange, AdverseEvent
from tracker.adverse.queries import adverse_visible_to, answers_of, count_waiting, symptoms_of, tally_of_batch
from tracker.adverse.rules.words import Level, Outcome
from tracker.adverse.service import answer_adverse, correct_adverse, tell_adverse
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.people.errors import PersonNotFound
from tracker.people.service import read_person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import TakeBack
from tracker.quota.service.correcting import take_back


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


@pytest.fixture
def given(desk: Desk) -> Booking:
    """A dose given today."""
    desk.stock("az-10/AZ001", 2)
    booking = desk.move(desk.move(desk.confirmed(desk.session(ahead=0)), BookingState.ARRIVED), BookingState.FIT)
    desk.vaccinate(booking)
    desk.now += timedelta(hours=1)
    return booking


def told(desk: Desk, **more: object) -> Told:
    usual = {
        "onset_at": desk.now - timedelta(minutes=5),
        "symptoms": ("fever",),
        "words": None,
        "serious": False,
        "outcome": Outcome.RECOVERING,
    }
    return Told(**{**usual, **more})  # type: ignore[arg-type]  # test data


def tell(desk: Desk, booking: Booking, **more: object) -> AdverseEvent:
    command = TellAdverse(id=uuid7(), booking_id=booking.id, told=told(desk, **more))
    return tell_adverse(desk.db, SYSTEM, command, now=desk.now)[0]


def test_told_again_it_is_the_same_event_whatever_was_put_right_since(desk: Desk, given: Booking) -> None:
    command = TellAdverse(id=uuid7(), booking_id=given.id, told=told(desk))
    event, fresh = tell_adverse(desk.db, SYSTEM, command, now=desk.now)
    assert fresh
    right = told(desk, symptoms=("rash", "fever"), words="semalam")
    correct = CorrectAdverse(event_id=event.id, told=right, withdrawn=False, reason="lupa ruamnya")
    for _ in range(2):
        correct_adverse(desk.db, SYSTEM, correct, now=desk.now)
    assert tell_adverse(desk.db, SYSTEM, command, now=desk.now) == (event, False)
    assert symptoms_of(desk.db, event.id) == ["fever", "rash"]
    (change,) = desk.db.scalars(select(AdverseChange).where(AdverseChange.event_id == event.id))
    assert (change.before["symptoms"], change.reason) == (["fever"], "lupa ruamnya")
    with pytest.raises(OtherAdverse):
        tell_adverse(desk.db, SYSTEM, replace(command, told=right), now=desk.now)


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"symptoms": ()}, NothingTold),
        ({"symptoms": ("hiccup",)}, UnknownSymptom),
        ({"outcome": Outcome.DIED}, DeathIsSerious),
    ],
)
def test_what_cannot_be_told_so_is_refused(
    desk: Desk, given: Booking, more: dict[str, object], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        tell(desk, given, **more)


def test_it_begins_after_the_dose_and_not_in_time_to_come(desk: Desk, given: Booking) -> None:
    assert given.vaccinated_at is not None
    for at in (given.vaccinated_at - timedelta(seconds=1), desk.now + timedelta(seconds=1)):
        with pytest.raises(BadOnset):
            tell(desk, given, onset_at=at)
    tell(desk, given, onset_at=given.vaccinated_at)


def test_where_no_dose_stands_nothing_followed_one(desk: Desk, given: Booking) -> None:
    event = tell(desk, given)
    with pytest.raises(NoDose):
        tell(desk, desk.confirmed(desk.session(ahead=1)))
    undo = TakeBack(booking_id=given.id, state=BookingState.REFUSED, reason="salah orang")
    take_back(desk.db, SYSTEM, undo, now=desk.now)
    with pytest.raises(NoDose):
        tell(desk, given)
    gone = CorrectAdverse(event_id=event.id, told=told(desk), withdrawn=True, reason="salah orang")
    assert correct_adverse(desk.db, SYSTEM, gone, now=desk.now).withdrawn


def test_a_batch_is_told_of_what_followed_its_doses_and_of_nothing_withdrawn(
    desk: Desk, given: Booking, world: World
) -> None:
    assert given.batch_id is not None
    first = tell(desk, given, symptoms=("fever", "headache"), serious=True)
    tell(desk, given)
    tally = tally_of_batch(desk.db, world.who(Role.CITY), given.batch_id)
    assert (tally.told, tally.serious) == (2, 1)
    assert [(one.code, times) for one, times in tally.symptoms] == [("fever", 2), ("headache", 1)]
    gone = CorrectAdverse(event_id=first.id, told=told(desk, serious=True), withdrawn=True, reason="salah orang")
    correct_adverse(desk.db, SYSTEM, gone, now=desk.now)
    tally = tally_of_batch(desk.db, world.who(Role.CITY), given.batch_id)
    assert (tally.told, tally.serious) == (1, 0)


def test_a_serious_one_waits_for_the_head_and_for_the_office_each(desk: Desk, given: Booking, world: World) -> None:
    head, office, nurse = world.who(Role.MANAGER), world.who(Role.CITY), world.who(Role.VACCINATOR)
    mild = tell(desk, given)
    command = TellAdverse(id=uuid7(), booking_id=given.id, told=told(desk, serious=True))
    event, _ = tell_adverse(desk.db, nurse, command, now=desk.now)

    def waiting() -> tuple[int, int]:
        return (
            count_waiting(desk.db, head, Level.FACILITY, world.puskesmas.id),
            count_waiting(desk.db, office, Level.OFFICE),
        )

    def answer(who: object, of: AdverseEvent) -> None:
        said = AnswerAdverse(event_id=of.id, words="Dirujuk ke RSUD.")
        answer_adverse(desk.db, who, said, now=desk.now)  # type: ignore[arg-type]  # principals

    assert waiting() == (1, 1)
    with pytest.raises(Forbidden):
        answer(nurse, event)
    with pytest.raises(NotSerious):
        answer(head, mild)
    answer(head, event)
    answer(head, event)
    assert waiting() == (0, 1)
    answer(office, event)
    assert waiting() == (0, 0)
    assert {one.level for one in answers_of(desk.db, event.id)} == {Level.FACILITY, Level.OFFICE}
    assert count_waiting(desk.db, nurse, Level.FACILITY) == 0


def test_whoever_does_not_see_the_place_learns_of_nothing(desk: Desk, world: World) -> None:
    desk.stock("az-10/AZ001", 2, place="pkm-tanah-tinggi-k1")
    there = desk.session(ahead=0, facility=world.facilities["pkm-tanah-tinggi"])
    booking = desk.move(desk.move(desk.confirmed(there), BookingState.ARRIVED), BookingState.FIT)
    desk.vaccinate(booking)
    nurse = world.who(Role.VACCINATOR)
    with pytest.raises(BookingNotFound):
        tell_adverse(desk.db, nurse, TellAdverse(id=uuid7(), booking_id=booking.id, told=told(desk)), now=desk.now)
    event = tell(desk, booking, onset_at=desk.now)
    gone = CorrectAdverse(event_id=event.id, told=told(desk), withdrawn=True, reason="salah orang")
    with pytest.raises(AdverseNotFound):
        correct_adverse(desk.db, nurse, gone, now=desk.now)
    assert booking.batch_id is not None
    assert tally_of_batch(desk.db, nurse, booking.batch_id).told == 0


def test_the_database_knows_no_death_that_is_not_serious(desk: Desk, given: Booking) -> None:
    event = tell(desk, given)
    with pytest.raises(IntegrityError, match="death_is_serious"):
        desk.db.execute(text("UPDATE adverse_event SET outcome = 'died' WHERE id = :id"), {"id": event.id})


def test_told_where_somebody_came_with_it_both_facilities_and_their_office_see_it(desk: Desk, world: World) -> None:
    desk.stock("az-10/AZ001", 2, place="pkm-tanah-tinggi-k1")
    there = desk.session(ahead=0, facility=world.neighbour)
    booking = desk.vaccinate(desk.move(desk.move(desk.confirmed(there), BookingState.ARRIVED), BookingState.FIT))
    nurse, head = world.who(Role.VACCINATOR), world.who(Role.MANAGER)
    tell_it = TellAdverse(
        id=uuid7(),
        booking_id=booking.id,
        told=told(desk, onset_at=desk.now, serious=True),
        facility_id=world.puskesmas.id,
    )
    for place, refusal in ((world.neighbour, BookingNotFound), (world.city, NotFound)):
        with pytest.raises(refusal):
            tell_adverse(desk.db, nurse, replace(tell_it, facility_id=place.id), now=desk.now)
    event, _ = tell_adverse(desk.db, nurse, tell_it, now=desk.now)
    assert tell_adverse(desk.db, nurse, tell_it, now=desk.now) == (event, False)
    assert read_person(desk.db, nurse, booking.person_id, now=desk.now).id == booking.person_id
    for who in (nurse, head, world.who(Role.CITY)):
        assert [row[0].id for row in desk.db.execute(adverse_visible_to(who))] == [event.id]
    # It is told here, and looked into where the dose was given and by the office.
    assert count_waiting(desk.db, head, Level.FACILITY) == 0
    with pytest.raises(NotFound):
        answer_adverse(desk.db, head, AnswerAdverse(event_id=event.id, words="Dirujuk."), now=desk.now)
    assert count_waiting(desk.db, world.who(Role.CITY), Level.OFFICE) == 1
    right = CorrectAdverse(
        event_id=event.id, told=told(desk, onset_at=desk.now), withdrawn=False, reason="tidak dirawat"
    )
    assert not correct_adverse(desk.db, nurse, right, now=desk.now).serious


def test_of_no_dose_and_no_booking_nothing_is_told_elsewhere_and_nobody_is_shown(desk: Desk, world: World) -> None:
    desk.stock("az-10/AZ001", 1, place="pkm-tanah-tinggi-k1")
    booking = desk.confirmed(desk.session(ahead=1, facility=world.neighbour))
    nurse = world.who(Role.VACCINATOR)
    for of, refusal in ((booking.id, NoDose), (uuid7(), BookingNotFound)):
        command = TellAdverse(id=uuid7(), booking_id=of, told=told(desk), facility_id=world.puskesmas.id)
        with pytest.raises(refusal):
            tell_adverse(desk.db, nurse, command, now=desk.now)
    with pytest.raises(PersonNotFound):
        read_person(desk.db, nurse, booking.person_id, now=desk.now)
