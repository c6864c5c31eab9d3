"""The desk of a session on phones: its list for the day, its steps without a network, told in time, late, twice and at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from tests.support.phone import Phone
from tests.support.quota import Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.tokens import issue_token
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.handsets.models import HandsetStep
from tracker.handsets.sealed import sealed_for
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.people.models import Person, PersonRecord
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.quota.models import Booking, BookingStep, Claim
from tracker.quota.rules.words import BookingState
from tracker.quota.service.ending import close_session
from tracker.sealing.keyring import Keyring
from tracker.settings import Settings
from tracker.stock.models import OpenVial

PLACE = "pkm-cipondoh"
LOT = "az-10/AZ003"
LETTER: dict[str, Any] = {"nik": None, "without_nik": WithoutNik.UNKNOWN, "sex": Sex.FEMALE}


@dataclass
class Meja:
    """A session of today with vials of ten doses, and a clock that the test sets."""

    client: TestClient
    services: Services
    world: World
    now: datetime
    session: str = ""

    def done(self, work: Any) -> Any:
        """Something the house did."""
        with transaction(self.services.engine) as db:
            return work(Desk(db, replace(self.world, now=self.now), self.now))

    def headers(self, role: Role) -> dict[str, str]:
        account = self.world.who(role).account_id
        assert account is not None
        token = issue_token(Keyring.of(self.services.settings), account, now=self.now, minutes=2_000)
        return {"Authorization": f"Bearer {token}"}

    def phone(self, role: Role = Role.VACCINATOR) -> Phone:
        found = Phone(self.client, self.headers(role), PLACE, self.now)
        assert found.enrol().status_code == 201
        return found

    def booked(self, number: int = 1) -> list[str]:
        return [str(one.id) for one in self.done(lambda desk: desk.booked(UUID(self.session), number))]

    def list_of(self, role: Role = Role.VACCINATOR, **more: str) -> Any:
        asked = {"facility": PLACE, "session": self.session, **more}
        return self.client.get("/api/v1/handsets/holdings", params=asked, headers=self.headers(role))

    def read(self, booking: str) -> Booking:
        found: Booking = self.done(lambda desk: desk.db.get_one(Booking, UUID(booking)))
        return found

    def steps(self, booking: str) -> list[str]:
        with transaction(self.services.engine) as db:
            rows = db.scalars(
                select(BookingStep.to_state)
                .where(BookingStep.booking_id == UUID(booking))
                .order_by(BookingStep.recorded_at, BookingStep.id)
            )
            return [row.value for row in rows]

    def vials(self) -> list[tuple[int, int]]:
        """Given and left, of each opened vial."""
        with transaction(self.services.engine) as db:
            return [(row.given, row.remaining) for row in db.scalars(select(OpenVial).order_by(OpenVial.id))]


@pytest.fixture
def meja(engine: Engine, app_settings: Settings, committed_world: World) -> Iterator[Meja]:
    made: list[Meja] = []
    services = Services(engine=engine, settings=app_settings, clock=lambda: made[0].now)
    with TestClient(create_app(services)) as client:
        made.append(Meja(client, services, committed_world, committed_world.now))

        def plan(desk: Desk) -> str:
            desk.stock("az-10/AZ003", 3)
            return str(desk.session(ahead=0, capacity=40))

        made[0].session = made[0].done(plan)
        yield made[0]


def arrives(phone: Phone, booking: str, at: datetime, **more: Any) -> str:
    body = {"booking": booking, "occurred_at": at.isoformat(), **more}
    return phone.write("booking.arrive", body)


def screened(
    phone: Phone, booking: str, at: datetime, result: str = "fit", needs: list[str] | None = None, **more: Any
) -> str:
    body = {"booking": booking, "result": result, "note": None, "occurred_at": at.isoformat(), **more}
    return phone.write("booking.screen", body, needs=needs)


def injected(phone: Phone, booking: str, vial: str, at: datetime, *, needs: list[str] | None = None) -> str:
    body = {"booking": booking, "open_vial": vial, "occurred_at": at.isoformat()}
    return phone.write("booking.vaccinate", body, needs=needs)


def opens(phone: Phone) -> str:
    return phone.event("opening", 1, batch=LOT)


def due_after(desk: Desk, session: str) -> list[dict[str, Any]]:
    """What the house makes of a first dose and of a second: the dose after it, after how many days; nothing is kept."""
    trial = desk.db.begin_nested()
    found = []
    for dose in (1, 2):
        booking = desk.vaccinate(desk.move(desk.booked(UUID(session), 1, dose=dose)[0], BookingState.ARRIVED))
        for claim in desk.db.scalars(select(Claim).where(Claim.given_booking_id == booking.id)):
            days = [(day - desk.today).days for day in (claim.from_day, claim.due_day)]
            found.append({"dose": claim.dose, "due": tuple(days)})
    trial.rollback()
    return found


def states(items: list[dict[str, Any]]) -> list[str]:
    return [item["state"] for item in items]


def test_the_list_of_a_session_is_handed_to_its_desk_for_its_day_and_each_look_is_kept(meja: Meja) -> None:
    nik = fresh_nik()

    def book(desk: Desk) -> str:
        person = desk.person(nik=nik, name="Siti Aminah")
        return str(desk.confirmed(UUID(meja.session), person).id)

    def looks(desk: Desk) -> int:
        return desk.db.scalar(select(func.count()).select_from(PersonRecord)) or 0

    booking = meja.done(book)
    bare = meja.client.get(
        "/api/v1/handsets/holdings", params={"facility": PLACE}, headers=meja.headers(Role.VACCINATOR)
    ).json()
    assert [row["id"] for row in bare["sessions"]] == [meja.session]
    assert (bare["guests"], bare["keys"], meja.done(looks)) == ([], [], 0)
    held = meja.list_of(since=bare["token"]).json()
    assert held["whole"] is False
    assert {row["dose"]: row["due"] for row in meja.done(lambda desk: due_after(desk, meja.session))} == {
        int(dose) + 1: (rule["min_days"], rule["due_days"]) for dose, rule in bare["sessions"][0]["next"].items()
    }, "the phone says the days that the house will say"
    assert held["sessions"] == [], "told already"
    (guest,) = held["guests"]
    assert (guest["id"], guest["name"], guest["digits"], guest["dose"]) == (booking, "Siti Aminah", nik[-4:], 1)
    assert nik not in json.dumps(held)
    assert {row["id"] for row in held["keys"]} == {"tickets", "seal"}
    assert meja.done(looks) == 1
    again = meja.list_of(since=held["token"]).json()
    assert (again["guests"], meja.done(looks)) == ([], 1), "who is not told again is not looked at again"
    # Another session, or none: the phone is to forget who it held.
    gone = meja.client.get(
        "/api/v1/handsets/holdings",
        params={"facility": PLACE, "since": held["token"]},
        headers=meja.headers(Role.VACCINATOR),
    ).json()["gone"]
    assert gone["guests"] == [booking]
    assert meja.list_of(Role.AUDITOR).json()["code"] == "quota.session_not_found"
    tomorrow = str(meja.done(lambda desk: desk.session(ahead=1)))
    assert meja.list_of(session=tomorrow).json()["code"] == "quota.session_not_found"
    assert guest["number"] is None
    meja.done(lambda desk: desk.move(desk.db.get_one(Booking, UUID(booking)), BookingState.ARRIVED))
    assert [row["number"] for row in meja.list_of().json()["guests"]] == [1]


def test_a_day_at_the_desk_is_told_in_one_batch_and_again_without_harm(meja: Meja) -> None:
    one, other, third = meja.booked(3)
    phone, at = meja.phone(), meja.now
    arrives(phone, one, at)
    screened(phone, one, at)
    arrives(phone, other, at, session=meja.session)
    screened(phone, other, at, "deferred")
    vial = opens(phone)
    injected(phone, one, vial, at + timedelta(minutes=1), needs=[vial])
    injected(phone, third, vial, at + timedelta(minutes=2), needs=[vial])
    meja.now += timedelta(minutes=5)
    for _ in range(2):
        assert states(phone.sent()) == ["done"] * 7
    assert [meja.read(each).state.value for each in (one, other, third)] == ["vaccinated", "deferred", "vaccinated"]
    assert meja.vials() == [(2, 8)]
    assert meja.read(one).vaccinated_at == at + timedelta(minutes=1)


def test_who_comes_without_a_place_is_sealed_on_the_phone_and_known_by_their_number(meja: Meja) -> None:
    point = next(row for row in meja.list_of().json()["keys"] if row["id"] == "seal")["keys"][0]
    known, stranger = fresh_nik(), fresh_nik()
    had = meja.done(lambda desk: str(desk.confirmed(desk.session(ahead=3), desk.person(nik=known)).id))
    phone, at = meja.phone(), meja.now
    vial, walked = opens(phone), []
    for nik in (known, stranger):
        person = {"id": str(uuid7()), "nik": nik, "name": "Warga Tanpa Janji"}
        step = str(uuid7())
        body = {"session": meja.session, "id": step, "sealed": sealed_for(point, person), "occurred_at": at.isoformat()}
        phone.write("session.walk_in", body, id=step)
        injected(phone, step, vial, at + timedelta(minutes=5), needs=[vial, step])
        walked.append(step)
    items = phone.sent()
    assert states(items) == ["done"] * 5, items
    assert [item["result_id"] for item in items[1::2]] == [had, walked[1]]
    assert all(meja.read(each).state is BookingState.VACCINATED for each in (had, walked[1]))
    with transaction(meja.services.engine) as db:
        texts = " ".join(db.scalars(select(HandsetStep.text)))
        people = db.scalar(select(func.count()).select_from(Person))
    assert known not in texts
    assert stranger not in texts
    assert "Warga" not in texts
    assert people == 2
    wrong = {"session": meja.session, "id": str(uuid7()), "sealed": "bukan", "occurred_at": at.isoformat()}
    phone.write("session.walk_in", wrong)
    phone.write("session.walk_in", {**wrong, "sealed": sealed_for(point, {"nik": "123"})})
    assert [(item["code"], item["params"]) for item in phone.sent()[-2:]] == [
        ("handsets.body_wrong", {"fields": ["sealed"]}),
        ("handsets.body_wrong", {"fields": ["person.id", "person.name"]}),
    ]


def test_who_comes_by_date_with_a_letter_alone_uses_their_own_claim_and_nobody_elses(meja: Meja) -> None:
    point = next(row for row in meja.list_of().json()["keys"] if row["id"] == "seal")["keys"][0]

    def vaccinated(desk: Desk) -> list[UUID]:
        """Three first doses of three months ago: two of one name, two of one birth date."""
        past = Desk(desk.db, replace(desk.world, now=desk.now - timedelta(days=90)), desk.now - timedelta(days=90))
        past.stock(LOT, 1, place="pkm-cipondoh-k2")
        told = (("Siti Aminah", date(1990, 7, 1)), ("Siti Aminah", date(1991, 7, 1)), ("Budi", date(1990, 7, 1)))
        people = [past.person(name=name, **LETTER, birth_date=born) for name, born in told]
        session = past.session(ahead=0)
        for person in people:
            past.vaccinate(past.move(past.confirmed(session, person), BookingState.ARRIVED))
        return people

    siti, *others = meja.done(vaccinated)
    phone, at, step = meja.phone(), meja.now, str(uuid7())
    letter = {"name": "siti  AMINAH", "birth_date": "1990-07-01", "without_nik": "unknown", "sex": "female"}
    body = {"session": meja.session, "id": step, "dose": None, "occurred_at": at.isoformat()}
    phone.write("session.walk_in", body | {"sealed": sealed_for(point, {"id": str(uuid7()), **letter})}, id=step)
    assert states(phone.sent()) == ["done"]
    booking = meja.read(step)
    assert (booking.person_id, booking.dose, booking.state) == (siti, 2, BookingState.ARRIVED)
    with transaction(meja.services.engine) as db:
        used = {row[0]: row[1] for row in db.execute(select(Claim.person_id, Claim.used_by_id))}
        assert db.scalar(select(func.count()).select_from(Person)) == 3
    assert used == {siti: booking.id, **dict.fromkeys(others)}
    # The other desk has seen the letter, too; and a name that nobody's claim bears is somebody new.
    other, second = meja.phone(), str(uuid7())
    body |= {"id": second}
    other.write("session.walk_in", body | {"sealed": sealed_for(point, {"id": str(uuid7()), **letter})}, id=second)
    (item,) = other.sent()
    assert (item["state"], item["result_id"]) == ("done", step)


def test_what_is_told_after_closing_stands_as_it_was_and_a_dose_is_late_and_not_refused(meja: Meja) -> None:
    given, came, refused, absent = meja.booked(4)
    phone, at = meja.phone(), meja.now
    vial = opens(phone)
    for booking in (given, came, refused):
        arrives(phone, booking, at)
    screened(phone, given, at)
    screened(phone, refused, at, "refused")
    injected(phone, given, vial, at + timedelta(minutes=9), needs=[vial])
    meja.now += timedelta(hours=20)
    meja.done(lambda desk: close_session(desk.db, SYSTEM, UUID(meja.session), now=desk.now))
    assert meja.read(given).state is BookingState.NO_SHOW
    items = phone.sent()
    assert states(items) == ["done"] * 7, items
    assert [meja.read(each).state.value for each in (given, came, refused, absent)] == [
        "vaccinated", "deferred", "refused", "no_show",
    ]  # fmt: skip
    assert meja.read(given).late
    assert meja.vials() == [(1, 9)]


def test_who_came_before_their_place_was_taken_away_has_it_back(meja: Meja) -> None:
    (booking,) = meja.booked()
    phone, at = meja.phone(), meja.now
    arrives(phone, booking, at)
    screened(phone, booking, at)
    meja.now += timedelta(minutes=20)

    def displace(desk: Desk) -> None:
        desk.move(desk.db.get_one(Booking, UUID(booking)), BookingState.DISPLACED)

    meja.done(displace)
    assert states(phone.sent()) == ["done", "done"]
    assert meja.read(booking).state is BookingState.FIT
    assert meja.steps(booking)[-2:] == ["arrived", "fit"]


def test_a_later_word_of_screening_stands_and_who_is_further_stays_there(meja: Meja) -> None:
    (booking,) = meja.booked()
    slow, quick = meja.phone(), meja.phone(Role.MANAGER)
    arrives(slow, booking, meja.now)
    screened(slow, booking, meja.now)
    meja.now += timedelta(minutes=5)
    arrives(quick, booking, meja.now)
    until = (local_day(meja.now, "Asia/Jakarta") + timedelta(days=14)).isoformat()
    screened(quick, booking, meja.now, "deferred", until=until)
    assert states(quick.sent()) == ["done", "done"]
    assert [(row["state"], row["until"]) for row in meja.list_of().json()["guests"]] == [("deferred", until)]
    meja.now += timedelta(minutes=5)
    assert states(slow.sent()) == ["done", "done"]
    assert meja.read(booking).state is BookingState.DEFERRED
    assert meja.steps(booking)[-1] == "fit", "and what the slow phone said is kept"
    assert meja.read(booking).deferred_until == date.fromisoformat(until)


@pytest.mark.parametrize(("result", "days"), [("deferred", 0), ("deferred", -1), ("fit", 14), ("refused", 14)])
def test_only_who_is_deferred_has_a_day_until_and_it_is_to_come(meja: Meja, result: str, days: int) -> None:
    (booking,) = meja.booked()
    meja.client.post(f"/api/v1/bookings/{booking}/arrive", headers=meja.headers(Role.VACCINATOR))
    until = (local_day(meja.now, "Asia/Jakarta") + timedelta(days=days)).isoformat()
    said = meja.client.post(
        f"/api/v1/bookings/{booking}/screen",
        json={"result": result, "until": until},
        headers=meja.headers(Role.VACCINATOR),
    )
    assert (said.status_code, said.json()["code"], until in said.text) == (422, "quota.bad_deferral", True)
    assert meja.read(booking).state is BookingState.ARRIVED


def test_two_desks_one_vaccinator_and_a_slow_phone_give_nobody_two_doses_and_no_vial_eleven(meja: Meja) -> None:
    bookings = meja.booked(14)
    phones = [meja.phone(), meja.phone(Role.MANAGER), meja.phone()]
    vial = opens(phones[0])
    assert states(phones[0].sent()) == ["done"]
    for place, phone in enumerate(phones):
        for number, booking in enumerate(bookings):
            at = meja.now + timedelta(minutes=number, seconds=place)
            arrives(phone, booking, at)
            injected(phone, booking, vial, at)
    meja.now += timedelta(minutes=30)

    def send(phone: Phone) -> None:
        for _ in range(10):
            answer = phone.send()
            if answer.status_code != 503:
                break
        assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(len(phones)) as crowd:
        list(crowd.map(send, phones))
    items = [item for phone in phones for item in phone.sent()]
    doses = [item for item in items if item["kind"] == "booking.vaccinate"]
    assert sum(item["state"] == "done" for item in doses) == 10
    assert {item["code"] for item in doses if item["state"] == "conflict"} == {
        "quota.dose_differs", "stock.vial_stopped",
    }  # fmt: skip
    assert all(item["message_id"] for item in doses if item["state"] == "conflict")
    assert {item["state"] for item in items if item["kind"] == "booking.arrive"} == {"done"}
    assert meja.vials() == [(10, 0)]
    given = [meja.read(each) for each in bookings]
    assert sum(one.vaccinated_at is not None for one in given) == 10
    # A way out of the eleventh: it came from another vial, which somebody opened.
    late = next(item for item in doses if item["code"] == "stock.vial_stopped")
    owner = next(phone for phone in phones if late["id"] in phone.ids)
    other = opens(phones[0])
    assert states(phones[0].sent()[-1:]) == ["done"]
    body = json.loads(owner.lines[owner.ids.index(late["id"])]["text"])["body"] | {
        "open_vial": other, "occurred_at": meja.now.isoformat(),
    }  # fmt: skip
    assert owner.settle(late["id"], "correct", body=body).status_code == 200
    assert sorted(meja.vials()) == [(1, 9), (10, 0)]
