"""Who is willing is told of places where they live: the longest waiting first, as many as there are places for, each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.delivery.rules.night import Night
from tracker.interest.models import Interest
from tracker.interest.queries import standing_of
from tracker.interest.rules.telling import COUNTS_FOR, more_to_tell
from tracker.interest.service import TEMPLATE, Willing, ask_to_be_told, be_told, take_back, tell_code, tell_of_places
from tracker.kit.ids import uuid7
from tracker.people.errors import BadResidence
from tracker.people.models import Person
from tracker.people.service import NewPerson, register_person
from tracker.registration.errors import NoMessages
from tracker.registration.models import TicketCode

HERE, NEXT, AWAY = "36.71.05.1002", "36.71.06.1001", "32.73.01.1001"
AWAKE = Night(begins=0, ends=0)


class Waiting:
    """People who are willing, a minute after one another."""

    def __init__(self, db: Session, world: World) -> None:
        self.desk = Desk(db, world, world.now)
        self.minutes = 0

    def session(self, vials: int = 1, **more: object) -> UUID:
        self.desk.stock("az-10/AZ002", vials)
        return self.desk.session(areas=(HERE,), **more)  # type: ignore[arg-type]  # test data

    def asks(self, residence: str = HERE, person: UUID | None = None, nik: str | None = None) -> Interest:
        self.minutes += 1
        nik = nik or fresh_nik()
        if person is None:
            new = NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan", phone=f"+62860{int(nik[-4:]):08d}")
            person = register_person(self.desk.db, SYSTEM, new, vault=VAULT, now=self.desk.now).person.id
        willing = Willing(vaccine="astrazeneca", nik=nik, name="Warga", phone="", residence=residence)
        at = self.desk.now - timedelta(hours=5) + timedelta(minutes=self.minutes)
        return be_told(self.desk.db, person, willing, now=at)

    def tell(self, *, later: timedelta = timedelta(0), night: Night = AWAKE) -> int:
        now = self.desk.now + later
        return tell_of_places(self.desk.db, address="https://rantai.example", night=night, now=now).people

    def messages(self) -> list[OutMessage]:
        told = select(OutMessage).where(OutMessage.template == TEMPLATE).order_by(OutMessage.id)
        return list(self.desk.db.scalars(told))


@pytest.fixture
def waiting(db: Session, world: World) -> Waiting:
    return Waiting(db, world)


@pytest.mark.parametrize(("room", "told", "more"), [(10, 0, 15), (10, 15, 0), (1, 0, 2), (0, 0, 0), (3, 9, 0)])
def test_more_are_told_than_there_are_places_but_not_many_more(room: int, told: int, more: int) -> None:
    assert more_to_tell(room, told) == more


def test_the_longest_waiting_are_told_first_as_many_as_there_are_places_for_and_once(waiting: Waiting) -> None:
    people = [waiting.asks() for _ in range(6)]
    session = waiting.session(capacity=2)
    assert waiting.tell() == 3, "two places, half as many again"
    assert waiting.tell() == 0, "and nobody twice"
    assert [one.recipient_ref for one in waiting.messages()] == [str(one.person_id) for one in people[:3]]
    (first, *_) = waiting.messages()
    assert first.params["link"] == f"https://rantai.example/daftar/{session}"
    assert [one.session_id for one in people] == [session] * 3 + [None] * 3
    assert waiting.tell(later=COUNTS_FOR + timedelta(seconds=1)) == 3, "whoever did not come leaves it to the next"


@pytest.mark.parametrize(("residence", "told"), [(HERE, 1), (NEXT, 1), (AWAY, 0)])
def test_only_who_lives_in_the_city_is_told(waiting: Waiting, residence: str, told: int) -> None:
    waiting.asks(residence)
    waiting.session()
    assert waiting.tell() == told


def test_sessions_that_have_nothing_for_who_waits_keep_no_later_one_from_being_looked_at(waiting: Waiting) -> None:
    """A round looks at some hundred in a transaction: here at one."""
    waiting.asks()
    waiting.desk.session(areas=(HERE,), ahead=1, product="penta-5")
    for ahead in (1, 2):
        waiting.desk.session(areas=(NEXT,), ahead=ahead, facility=waiting.desk.world.neighbour)
    waiting.session(ahead=3)
    told, after, looks = 0, None, 0
    while looks == 0 or after is not None:
        page = tell_of_places(
            waiting.desk.db, address="https://x", night=AWAKE, now=waiting.desk.now, after=after, most=1
        )
        told, after, looks = told + page.people, page.after, looks + 1
    assert (told, looks) == (1, 4), "two without a vial, the one with, and nothing behind it"


def test_who_has_a_place_took_it_back_or_is_too_young_is_not_told_and_keeps_nobody_waiting(waiting: Waiting) -> None:
    booked, back, _, last = (waiting.asks(), waiting.asks(), waiting.asks(nik="3671055505240001"), waiting.asks())
    session = waiting.session()
    waiting.desk.confirmed(session, booked.person_id)
    take_back(waiting.desk.db, back.id, now=waiting.desk.now)
    waiting.tell()
    assert [one.recipient_ref for one in waiting.messages()] == [str(last.person_id)]
    assert standing_of(waiting.desk.db, booked.id).place


def test_at_night_nobody_is_told_and_in_the_morning_they_are(waiting: Waiting) -> None:
    waiting.asks()
    waiting.session()
    hour = waiting.desk.now.astimezone(ZoneInfo(waiting.desk.world.puskesmas.timezone)).hour
    night = Night(begins=hour, ends=(hour + 2) % 24)
    assert waiting.tell(night=night) == 0
    assert waiting.tell(later=timedelta(hours=2), night=night) == 1


def test_one_wish_a_person_and_vaccine_keeps_its_place_until_it_was_told_or_taken_back(waiting: Waiting) -> None:
    first = waiting.asks()
    began = first.at
    second = waiting.asks()
    again = waiting.asks(person=first.person_id)
    assert (again.id, again.at) == (first.id, began), "who waits loses nothing by asking again"
    assert standing_of(waiting.desk.db, second.id).before == 1
    take_back(waiting.desk.db, first.id, now=waiting.desk.now)
    assert standing_of(waiting.desk.db, second.id).before == 0
    waiting.asks(person=first.person_id)
    assert standing_of(waiting.desk.db, first.id).before == 1, "who took it back waits behind the others"


def test_nothing_is_kept_before_the_phone_is_shown(waiting: Waiting) -> None:
    db, now = waiting.desk.db, waiting.desk.now
    nik = fresh_nik()
    willing = Willing(vaccine="astrazeneca", nik=nik, name="Siti Rekaan", phone="0860 1234 5678", residence=HERE)
    code = ask_to_be_told(db, willing, office=OFFICE, now=now)
    typed = db.scalars(select(TicketCode.typed).where(TicketCode.id == code)).one()
    assert typed is not None
    assert nik.encode() not in typed
    assert not db.scalars(select(Interest)).all()
    assert not db.scalars(select(Person)).all()
    right = OFFICE.codes_of(code)[0]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    def tell(text: str, at: datetime) -> Interest | None:
        return tell_code(db, code, text, vault=VAULT, office=OFFICE, now=at)

    assert tell(wrong, now) is None
    kept = tell(right, now)
    assert kept is not None
    assert db.get_one(Person, kept.person_id).phone == "+6286012345678"
    again = tell(right, now + timedelta(minutes=1))
    assert again is not None, "a double tap opens the same"
    assert again.id == kept.id
    assert db.scalars(select(TicketCode.typed)).all() == [None]


def test_what_cannot_be_is_refused(waiting: Waiting) -> None:
    willing = {"vaccine": "astrazeneca", "nik": fresh_nik(), "name": "Siti", "phone": "0860 1234 5678"}
    for wrong, error in (({"residence": "36.71"}, BadResidence), ({"phone": "021 3456789"}, NoMessages)):
        with pytest.raises(error):
            asked = Willing(**{"residence": HERE, **willing, **wrong})
            ask_to_be_told(waiting.desk.db, asked, office=OFFICE, now=waiting.desk.now)


def test_two_workers_at_once_tell_nobody_twice_and_no_more_than_there_are_places_for(
    engine: Engine, committed_world: World
) -> None:
    with transaction(engine) as db:
        waiting = Waiting(db, committed_world)
        for _ in range(8):
            waiting.asks()
        waiting.session(capacity=2)
    together = Barrier(2)

    def work(_: int) -> int:
        told = 0
        for _turn in range(3):
            together.wait(timeout=30)
            with transaction(engine) as db:
                told += tell_of_places(db, address="https://x", night=AWAKE, now=committed_world.now).people
        return told

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 3
    with transaction(engine) as db:
        refs = db.scalars(select(OutMessage.recipient_ref).where(OutMessage.template == TEMPLATE)).all()
        assert (len(refs), len(set(refs))) == (3, 3)
