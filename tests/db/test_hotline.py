"""A call from its first word to its outcome: the talk in an operator's mouth, proof, the ticket sent once, cut off and gone on with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import principal_of
from tracker.access.rules import Role
from tracker.access.service import NewAccount, add_account
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.feed.models import FeedPending
from tracker.hotline.commands import BeginCall, EndCall, SayInCall, SendTicket
from tracker.hotline.errors import (
    BirthDateUnsaid,
    CallNotFound,
    CallOpen,
    CallOver,
    NoteNamesSomebody,
    NoTicket,
    OtherCall,
)
from tracker.hotline.models import HotlineCall
from tracker.hotline.queries import calls_visible_to, own_calls, spelled_ticket
from tracker.hotline.rules.words import GOES_ON, CallOutcome, TicketBy
from tracker.hotline.service import (
    begin_call,
    choose_caller,
    end_call,
    end_left_calls,
    find_caller,
    say_in_call,
    send_ticket,
)
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.people.models import Person, PersonRecord
from tracker.people.rules.words import PersonAct
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState, Medium
from tracker.registration.models import TicketCode


class Line:
    """An operator at the telephone; `db` may be another transaction's."""

    def __init__(self, desk: Desk, who: Principal | None = None) -> None:
        self.desk, self.who, self.now = desk, who or desk.world.who(Role.OPERATOR), desk.now
        self.count = 0

    def begin(self, phone: str | None = None, call: UUID | None = None) -> HotlineCall:
        command = BeginCall(id=call or uuid7(), phone=phone)
        return begin_call(self.desk.db, self.who, command, vault=VAULT, office=OFFICE, now=self.now).call

    def say(self, call: HotlineCall, *words: str, message: str = "") -> str:
        said = ""
        for text in words:
            self.count += 1
            command = SayInCall(call_id=call.id, message_id=message or str(self.count), text=text)
            done = say_in_call(self.desk.db, self.who, command, vault=VAULT, office=OFFICE, now=self.now)
            said = "\n".join(done.replies)
        return said

    def send(self, call: HotlineCall, by: TicketBy = TicketBy.SMS) -> HotlineCall:
        return send_ticket(self.desk.db, self.who, SendTicket(call_id=call.id, by=by), now=self.now)

    def end(self, call: HotlineCall, outcome: CallOutcome, note: str | None = None) -> HotlineCall:
        return end_call(self.desk.db, self.who, EndCall(call_id=call.id, outcome=outcome, note=note), now=self.now)


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


@pytest.fixture
def line(desk: Desk) -> Line:
    return Line(desk)


def colleague(desk: Desk, name: str = "operator-2") -> Principal:
    new = NewAccount(username=name, name=name, password=None, role=Role.OPERATOR, unit="nasional")
    found = principal_of(desk.db, add_account(desk.db, SYSTEM, new, now=desk.now).id)
    assert found is not None
    return found


def registered(desk: Desk, **more: object) -> tuple[str, str, UUID]:
    nik = fresh_nik()
    phone = f"+62860{int(nik[-4:]):08d}"
    command = NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan", phone=phone, **more)  # type: ignore[arg-type]  # test data
    return nik, phone, register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person.id


def told(desk: Desk, template: str) -> list[OutMessage]:
    return list(desk.db.scalars(select(OutMessage).where(OutMessage.template == template)))


def test_a_caller_books_by_voice_and_the_ticket_is_read_out_and_sent_once(desk: Desk, line: Line) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session(ahead=1)
    nik, phone, person = registered(desk)
    call = line.begin(phone)
    line.say(call, nik[-6:], "Cipondoh", "1", "tidak", "tidak", "tidak", "ya")
    booking = desk.db.scalars(select(Booking)).one()
    assert (booking.person_id, booking.state, booking.medium) == (person, BookingState.CONFIRMED, Medium.HOTLINE)
    assert (call.person_id, call.booking_id) == (person, booking.id)
    spelled = spelled_ticket(desk.db, booking.id)
    assert (spelled.day, spelled.ending) == (desk.day(1), phone[-3:])
    assert "–" in spelled.hours
    assert not told(desk, "quota_confirmed"), "read out; sent when asked for"
    line.send(call, TicketBy.WHATSAPP)
    line.send(call, TicketBy.SMS)
    (message,) = told(desk, "quota_confirmed")
    assert (message.medium, message.recipient_ref) == ("whatsapp", str(person))
    line.end(call, CallOutcome.BOOKED, "ingin pagi")
    assert call.caller_sealed is None, "the number is kept no longer than the call"


def test_a_number_that_is_not_shown_is_proved_by_the_code_that_is_sent_there(desk: Desk, line: Line) -> None:
    nik, phone, person = registered(desk)
    call = line.begin(None)
    line.say(call, f"{nik} {phone}")
    assert call.person_id is None
    code = desk.db.scalars(select(TicketCode)).one()
    wrong, right = ("000000" if OFFICE.codes_of(code.id)[0] != "000000" else "000001"), OFFICE.codes_of(code.id)[0]
    line.say(call, wrong)
    assert call.person_id is None
    line.say(call, right)
    assert call.person_id == person


def test_the_same_words_again_get_the_same_and_change_nothing(desk: Desk, line: Line) -> None:
    nik, phone, _ = registered(desk)
    call = line.begin(phone)
    first = line.say(call, nik[-6:], message="m1")
    line.say(call, "Cipondoh", message="m2")
    assert line.say(call, nik[-6:], message="m1") == first
    line.end(call, CallOutcome.INFORMED)
    assert line.say(call, nik[-6:], message="m1") == first, "also when the answer was lost and the call is over"
    with pytest.raises(CallOver):
        line.say(call, "VAKSIN", message="m3")


def test_a_call_is_taken_once_and_one_at_a_time(desk: Desk, line: Line) -> None:
    call = line.begin("0860 12345678")
    assert line.begin("+6286012345678", call.id) is call
    with pytest.raises(OtherCall):
        line.begin(None, call.id)
    with pytest.raises(OtherCall):
        Line(desk, colleague(desk)).begin("+6286012345678", call.id)
    with pytest.raises(CallOpen) as refused:
        line.begin(None)
    assert refused.value.params["call"] == str(call.id)
    begun = select(FeedPending).where(FeedPending.kind == "hotline.call_begun")
    assert len(desk.db.scalars(begun).all()) == 1


@pytest.mark.parametrize(("minutes", "goes_on"), [(9, True), (11, False)])
def test_whoever_calls_again_within_minutes_goes_on_where_the_line_broke(
    desk: Desk, line: Line, minutes: int, goes_on: bool
) -> None:
    nik, phone, person = registered(desk)
    call = line.begin(phone)
    line.say(call, nik[-6:])
    line.end(call, CallOutcome.CUT_OFF)
    other = Line(desk, colleague(desk))
    other.now = desk.now + timedelta(minutes=minutes)
    again = other.begin(phone)
    assert (again.conversation_id == call.conversation_id) is goes_on
    assert again.person_id == (person if goes_on else None)
    asked = other.say(again, "bantuan")
    assert ("kelurahan" in asked.lower()) is goes_on


@pytest.mark.parametrize("outcome", [CallOutcome.INFORMED, CallOutcome.BOOKED])
def test_a_call_that_was_ended_is_not_gone_on_with(desk: Desk, line: Line, outcome: CallOutcome) -> None:
    phone = registered(desk)[1]
    call = line.begin(phone)
    line.end(call, outcome)
    assert line.begin(phone).conversation_id != call.conversation_id


def test_what_nobody_goes_on_with_was_cut_off_when_it_was_last_heard_of(desk: Desk, line: Line) -> None:
    call = line.begin(None)
    line.now += timedelta(minutes=4)
    line.say(call, "halo")
    assert end_left_calls(desk.db, now=line.now + GOES_ON) == 0
    assert end_left_calls(desk.db, now=line.now + GOES_ON + timedelta(seconds=1)) == 1
    assert (call.outcome, call.ended_at) == (CallOutcome.CUT_OFF, line.now)
    ended = desk.db.scalars(select(FeedPending).where(FeedPending.kind == "hotline.call_ended")).one()
    assert ended.data["seconds"] == 240
    left = line.begin(None)
    line.now += GOES_ON + timedelta(minutes=1)
    assert line.begin(None).id != left.id, "nor does it keep its operator from the next"


def test_everybody_who_is_looked_for_or_looked_at_is_noted(desk: Desk, line: Line) -> None:
    nik, phone, person = registered(desk, unit_id=desk.world.facilities["pkm-cipondoh"].id)
    born = desk.db.get_one(Person, person).birth_date
    call = line.begin(None)
    for text in (nik, phone, f"warga {born:%d-%m-%Y}"):
        found = find_caller(desk.db, line.who, call.id, text, vault=VAULT, now=line.now)
        assert person in [one.id for one in found], text
    choose_caller(desk.db, line.who, call.id, person, now=line.now)
    mine = select(PersonRecord.act).where(
        PersonRecord.person_id == person, PersonRecord.account_id == line.who.account_id
    )
    noted = sorted(desk.db.scalars(mine))
    assert noted == [PersonAct.READ, PersonAct.SEARCHED, PersonAct.SEARCHED, PersonAct.SEARCHED]
    with pytest.raises(BirthDateUnsaid):
        find_caller(desk.db, line.who, call.id, "warga rekaan", vault=VAULT, now=line.now)


def test_nobody_speaks_in_another_s_call_and_the_log_is_one_s_own_or_the_units_one_oversees(
    desk: Desk, line: Line
) -> None:
    call = line.begin(None)
    other = Line(desk, colleague(desk))
    with pytest.raises(CallNotFound):
        other.say(call, "halo")
    for role in (Role.MANAGER, Role.VACCINATOR, Role.AUDITOR, Role.CITY):
        with pytest.raises(Forbidden):
            Line(desk, desk.world.who(role)).begin(None)
    assert [row[0].id for row in desk.db.execute(own_calls(line.who))] == [call.id]
    assert not desk.db.execute(own_calls(other.who)).all()
    seen = {
        role: bool(desk.db.execute(calls_visible_to(desk.world.who(role))).all())
        for role in (Role.NATIONAL, Role.AUDITOR, Role.CITY, Role.MANAGER, Role.OPERATOR)
    }
    assert seen == {
        Role.NATIONAL: True,
        Role.AUDITOR: True,
        Role.CITY: False,  # it oversees its city; the operator sits in the ministry
        Role.MANAGER: False,
        Role.OPERATOR: False,
    }


def test_what_cannot_be_is_refused(desk: Desk, line: Line) -> None:
    call = line.begin(None)
    with pytest.raises(NoTicket):
        line.send(call)
    with pytest.raises(NoteNamesSomebody):
        line.end(call, CallOutcome.COMPLAINT, "hubungi 0812 3456 7890")
    line.end(call, CallOutcome.COMPLAINT, "antrean lama")
    line.end(call, CallOutcome.COMPLAINT, "antrean lama")
    with pytest.raises(CallOver):
        line.end(call, CallOutcome.INFORMED, "antrean lama")


def test_a_ticket_that_stands_no_more_is_not_sent(desk: Desk, line: Line) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session(ahead=1)
    nik, phone, _ = registered(desk)
    call = line.begin(phone)
    line.say(call, nik[-6:], "Cipondoh", "1", "tidak", "tidak", "tidak", "ya")
    desk.db.execute(update(Booking).values(state=BookingState.CANCELLED))
    desk.db.expire_all()
    with pytest.raises(NoTicket):
        line.send(call)


def test_two_taps_at_once_begin_one_call(engine: Engine, committed_world: World) -> None:
    """Two connections with two ids: one call, and the other hears which."""
    who = committed_world.who(Role.OPERATOR)

    def begin(_: int) -> str:
        with transaction(engine) as db:
            command = BeginCall(id=uuid7(), phone=None)
            try:
                begin_call(db, who, command, vault=VAULT, office=OFFICE, now=committed_world.now)
            except CallOpen:
                return "open"
        return "begun"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, range(2))) == ["begun", "open"]
