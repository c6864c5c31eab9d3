"""Who asked to be called is called in an order that is drawn once and that anybody can reckon again."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from tests.support.quota import VAULT, Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.quota.errors import AlreadyBooked, BadDoses, NotDrawn, SessionClosed, StandbyNotFound
from tracker.quota.models import Standby
from tracker.quota.queries.report import session_report
from tracker.quota.rules.standby import Group, Waiting, drawn, group_of
from tracker.quota.rules.words import BookingState, Said
from tracker.quota.service.commands import AskStandby, MergePersons, NoteCall
from tracker.quota.service.ending import close_session
from tracker.quota.service.leftovers import throw_leftovers_away
from tracker.quota.service.merging import merge_persons
from tracker.quota.service.standby import ask_standby, call_list, draw_standby, end_standby, note_call


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    desk = Desk(db, world, world.now)
    desk.stock("az-10/AZ001", 5)
    return desk


def ask(desk: Desk, session: UUID, person: UUID | None = None, dose: int = 1) -> Standby:
    command = AskStandby(id=uuid7(), session_id=session, person_id=person or desk.person(), dose=dose)
    return ask_standby(desk.db, SYSTEM, command, now=desk.now)


def order(desk: Desk, session: UUID) -> list[UUID]:
    return [one.standby.id for one in call_list(desk.db, desk.read(session)).order]


def test_the_order_is_by_group_and_then_by_the_seed_that_was_written_down(desk: Desk) -> None:
    session = desk.session(ahead=0)
    others = [ask(desk, session) for _ in range(4)]
    nurse = ask(desk, session, desk.person(groups=("nakes",)))
    assert order(desk, session) == []
    draw = draw_standby(desk.db, SYSTEM, session, now=desk.now)
    by_hand = sorted(others, key=lambda one: hashlib.sha256(f"{draw.seed}:{one.id}".encode()).hexdigest())
    assert order(desk, session) == [nurse.id, *(one.id for one in by_hand)]
    desk.now += timedelta(minutes=1)
    assert draw_standby(desk.db, SYSTEM, session, now=desk.now).seed == draw.seed
    late = ask(desk, session)
    later_nurse = ask(desk, session, desk.person(groups=("nakes",)))
    assert order(desk, session) == [nurse.id, *(one.id for one in by_hand), late.id, later_nurse.id]


def test_who_asks_twice_stands_there_once_and_who_has_a_place_or_ends_it_is_not_called(desk: Desk) -> None:
    session = desk.session(ahead=0)
    person, other, third = desk.person(), desk.person(), desk.person()
    assert ask(desk, session, person).id == ask(desk, session, person).id
    gone, stays = ask(desk, session, other), ask(desk, session, third)
    draw_standby(desk.db, SYSTEM, session, now=desk.now)
    desk.confirmed(session, person)
    end_standby(desk.db, SYSTEM, session, gone.id, now=desk.now)
    assert order(desk, session) == [stays.id]
    with pytest.raises(AlreadyBooked):
        ask(desk, session, person)
    with pytest.raises(BadDoses):
        ask(desk, session, dose=3)


def test_what_is_said_on_the_phone_is_kept_with_the_session(desk: Desk, world: World) -> None:
    session = desk.session(ahead=0)
    one = ask(desk, session)
    said = NoteCall(session_id=session, standby_id=one.id, said=Said.UNREACHED)
    with pytest.raises(NotDrawn):
        note_call(desk.db, SYSTEM, said, now=desk.now)
    draw_standby(desk.db, SYSTEM, session, now=desk.now)
    note_call(desk.db, SYSTEM, said, now=desk.now)
    coming = NoteCall(session_id=session, standby_id=one.id, said=Said.COMING)
    note_call(desk.db, SYSTEM, coming, now=desk.now)
    assert [each.said for each in call_list(desk.db, desk.read(session)).order] == [Said.COMING]
    with pytest.raises(StandbyNotFound):
        note_call(desk.db, SYSTEM, NoteCall(session_id=session, standby_id=uuid4(), said=Said.COMING), now=desk.now)
    with pytest.raises(Forbidden):
        draw_standby(desk.db, world.who(Role.AUDITOR), session, now=desk.now)


def test_a_closed_session_draws_nobody(desk: Desk) -> None:
    session = desk.session(ahead=0)
    ask(desk, session)
    close_session(desk.db, SYSTEM, session, now=desk.now)
    with pytest.raises(SessionClosed):
        draw_standby(desk.db, SYSTEM, session, now=desk.now)


def test_two_records_of_one_person_are_called_once(desk: Desk) -> None:
    session = desk.session(ahead=0)
    keep, gone = desk.person(), desk.person(nik=None, without_nik="unknown", birth_date=date(1990, 1, 1), sex="female")
    first, _ = ask(desk, session, gone), ask(desk, session, keep)
    command = MergePersons(person_id=keep, duplicate_id=gone, reason="orang yang sama")
    merge_persons(desk.db, SYSTEM, command, vault=VAULT, now=desk.now)
    draw_standby(desk.db, SYSTEM, session, now=desk.now)
    (only,) = call_list(desk.db, desk.read(session)).order
    assert (only.standby.id, only.person.id) == (first.id, keep)


def test_groups_are_told_by_word_and_by_age() -> None:
    day = date(2026, 11, 28)
    assert group_of(["nakes"], date(1960, 1, 1), day) is Group.NAKES
    assert group_of([], date(1966, 11, 28), day) is Group.ELDERLY
    assert group_of([], date(1966, 11, 29), day) is Group.OTHERS
    assert group_of(["Lansia"], date(1990, 1, 1), day) is Group.ELDERLY


def test_another_seed_is_another_order() -> None:
    waiting = [Waiting(id=UUID(int=number), group=Group.OTHERS) for number in range(20)]
    assert drawn("a", waiting) != drawn("b", waiting)
    assert drawn("a", waiting) == drawn("a", reversed(waiting))


def test_a_session_is_reported_in_persons_and_doses(desk: Desk) -> None:
    session = desk.session(ahead=0, capacity=20)
    one, two, three = desk.booked(session, 3)
    for each in (one, two):
        desk.move(desk.move(each, BookingState.ARRIVED), BookingState.FIT)
    desk.vaccinate(one)
    desk.move(desk.move(desk.confirmed(session), BookingState.ARRIVED), BookingState.DEFERRED)
    desk.db.flush()
    report = session_report(desk.db, desk.read(session))
    assert (report.target, report.booked, report.came, report.awaited, report.at_the_desk) == (20, 4, 3, 1, 1)
    assert (report.given, report.deferred, report.no_show) == ({1: 1}, 1, 0)
    assert (report.vials, report.doses_opened, report.doses_given, report.doses_left) == (1, 10, 1, 9)
    desk.now = desk.read(session).closes_at + timedelta(minutes=1)
    close_session(desk.db, SYSTEM, session, now=desk.now)
    throw_leftovers_away(desk.db, SYSTEM, session, now=desk.now)
    report = session_report(desk.db, desk.read(session))
    assert (report.no_show, report.deferred, report.doses_left) == (1, 2, 0)
    assert sum(report.wasted.values()) == 9
    assert desk.state(three) is BookingState.NO_SHOW
