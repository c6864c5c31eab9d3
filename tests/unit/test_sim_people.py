"""Simulated people: made-up identities have the right form, phones insist politely, crowds end at once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.manifest import World
from simulators.people import http
from simulators.people.browser import Browser
from simulators.people.cast import cast_of
from simulators.people.crowd import Crowd
from simulators.people.http import Answer, Away, Phone, Stopped
from simulators.people.ids import DISTRICTS, make_up_person, uuid7
from simulators.people.vaccinators import Vaccinator
from simulators.people.work import Worker

NOW = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


@given(st.integers())
def test_made_up_numbers_have_the_form_of_an_identity_number(seed: int) -> None:
    person = make_up_person(random.Random(seed), date(2026, 3, 3))
    assert len(person.nik) == 16
    assert person.nik.isdigit()
    assert person.nik[:6] in DISTRICTS
    day = int(person.nik[6:8])
    assert (day > 40) == person.female
    born = date(person.born.year, int(person.nik[8:10]), day - 40 if person.female else day)
    assert born == person.born
    assert int(person.nik[10:12]) == person.born.year % 100
    assert int(person.nik[12:]) >= 9000, "the end of the series that is rarely given out"
    assert 18 <= (date(2026, 3, 3) - person.born).days / 365.25 <= 80.1
    assert person.phone.startswith("+62860"), "no mobile network has this prefix"


def test_ids_are_version_seven_and_carry_their_instant() -> None:
    dice = random.Random(1)
    made = [UUID(uuid7(NOW + timedelta(milliseconds=n), dice)) for n in range(50)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert [one.int >> 80 for one in made] == [int(NOW.timestamp() * 1000) + n for n in range(50)]


class Service:
    """A service behind a phone: answers are taken from a list, log-ins always work."""

    def __init__(self, *answers: int | type[Exception]) -> None:
        self.answers = list(answers)
        self.log_ins = 0
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/v1/tokens":
            self.log_ins += 1
            return httpx2.Response(200, json={"access_token": f"t{self.log_ins}"})
        self.asked.append((request.method, request.headers.get("authorization", "")))
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            return httpx2.Response(answer, json={"code": "x.y"} if answer >= 400 else {"items": [{"a": 1}]})
        raise answer("gone")


def phone(service: Callable[[httpx2.Request], httpx2.Response], stopped: threading.Event | None = None) -> Phone:
    return Phone(
        "http://rantai.invalid",
        "siti",
        "p",
        stopped=stopped or threading.Event(),
        transport=httpx2.MockTransport(service),
        first_pause_s=0.001,
    )


def test_a_phone_tries_again_until_the_service_is_back() -> None:
    service = Service(httpx2.ConnectError, 503, httpx2.ReadTimeout, 200)
    assert phone(service).get("/x").items() == [{"a": 1}]
    assert len(service.asked) == 4


def test_a_phone_gives_up_after_some_attempts_and_says_why() -> None:
    service = Service(*[httpx2.ConnectError] * http.ATTEMPTS)
    with pytest.raises(Away, match="ConnectError"):
        phone(service).post("/x")


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500])
def test_a_refusal_is_an_answer_and_not_repeated(status: int) -> None:
    service = Service(status)
    answer = phone(service).post("/x")
    assert (answer.status, answer.ok, answer.code, answer.items()) == (status, False, "x.y", [])
    assert len(service.asked) == 1


def test_an_expired_token_is_renewed_once() -> None:
    service = Service(200, 401, 200)
    one = phone(service)
    one.get("/x")
    assert one.get("/x").ok
    assert service.log_ins == 2
    assert service.asked[-1] == ("GET", "Bearer t2")


def test_a_phone_that_is_refused_for_good_does_not_log_in_for_ever() -> None:
    service = Service(401, 401)
    assert phone(service).get("/x").status == 401
    assert service.log_ins == 2


def test_an_end_interrupts_whoever_waits_for_an_answer() -> None:
    stopped = threading.Event()

    def away(request: httpx2.Request) -> httpx2.Response:
        stopped.set()
        raise httpx2.ConnectError("gone")

    with pytest.raises(Stopped):
        phone(away, stopped).get("/x")


class Somebody:
    """An actor that counts."""

    name = "somebody"

    def __init__(self, does: Callable[[], str | None]) -> None:
        self.does = does
        self.closed = False

    def act(self, now: datetime) -> str | None:
        return self.does()

    def rest_s(self) -> float:
        return 0.01

    def close(self) -> None:
        self.closed = True


def crowd(*actors: Somebody, told: Callable[[str, str], None] = lambda *_: None) -> Crowd:
    return Crowd(World(), "", seed="s", clock=lambda: datetime.now(UTC), told=told, actors=actors, apart_s=0)


def test_everybody_has_their_turn_and_one_who_cannot_reach_the_service_stops_nobody() -> None:
    acted: Counter[str] = Counter()
    told: list[tuple[str, str]] = []

    def away() -> str | None:
        acted["away"] += 1
        raise Away("GET /x: 503")

    def busy() -> str | None:
        acted["busy"] += 1
        if acted["busy"] == 20:
            whole.stop()
        return "did it" if acted["busy"] == 1 else None

    actors = [Somebody(away), Somebody(busy)]
    whole = crowd(*actors, told=lambda who, what: told.append((who, what)))
    whole.run()
    assert acted == {"away": 1, "busy": 20}, "who was refused rests for a while"
    assert ("somebody", "did it") in told
    assert any("will try again" in what for _, what in told)
    assert all(actor.closed for actor in actors)


def test_a_crowd_ends_at_once() -> None:
    slow = Somebody(lambda: None)
    slow.rest_s = lambda: 3600.0  # type: ignore[method-assign]  # a rest of our choosing
    whole = crowd(slow)
    thread = threading.Thread(target=whole.run)
    thread.start()
    began = monotonic()
    whole.stop()
    thread.join(5)
    assert monotonic() - began < 1
    assert slow.closed


def test_an_answer_that_is_no_listing_has_no_items() -> None:
    assert Answer(200, None).items() == []
    assert Answer(200, {"items": 3}).items() == []
    assert Answer(500, {"items": [{}]}).items() == []


def test_first_log_ins_are_spread_so_that_a_visitor_can_log_in_too() -> None:
    acted: list[float] = []

    def act() -> str | None:
        acted.append(monotonic())
        if len(acted) == 3:
            whole.stop()
        return None

    actors = [Somebody(act) for _ in range(3)]
    for actor in actors:
        actor.rest_s = lambda: 3600.0  # type: ignore[method-assign]  # a rest of our choosing
    whole = Crowd(
        World(), "", seed="s", clock=lambda: datetime.now(UTC), told=lambda *_: None, actors=actors, apart_s=0.1
    )
    whole.run()
    assert acted[2] - acted[0] >= 0.19


def test_an_account_that_does_two_things_has_one_phone() -> None:
    world = World.model_validate(
        {
            "staff": [
                {"username": "kepala", "password": "p", "role": "facility_manager", "facility": "pkm"},
                {"username": "auditor", "password": "p", "role": "auditor"},
                {"username": "jaki", "password": "p", "role": "integrator"},
            ]
        }
    )
    actors = list(cast_of(world, "http://rantai.invalid", "s", threading.Event()))
    assert [actor.name.split(" ")[0] for actor in actors] == ["jaki", "kepala", "kepala"]
    phones = {id(actor.phone) for actor in actors if isinstance(actor, Worker)}
    assert len(phones) == 2
    for actor in actors:
        actor.close()
        actor.close()


def test_nobody_waits_for_a_vial_that_does_not_come() -> None:
    sent: list[tuple[str, bytes]] = []
    session, booking = "0" * 36, "b" * 36
    person = f"/meja/orang/{booking}"
    pages = {
        "/scan": '<main data-csrf="c">',
        "/meja": f'<a href="/meja/{session}">',
        f"/meja/{session}": f'<section id="menunggu"><a href="{person}"><span><strong>1</strong></a></section>',
        person: f'<form method="post" action="{person}/suntik"></form><form method="post" action="{person}/tunda"></form>',
    }

    def service(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if request.method == "GET":
            # While somebody may still come, the desk's page has a field to look for them.
            finder = f'<form method="post" action="{path}/cari"></form>' if path == f"/meja/{session}" else ""
            return httpx2.Response(200, text=pages[path] + finder)
        if path == "/masuk":
            return httpx2.Response(303)
        sent.append((path.removeprefix(person), request.content))
        return httpx2.Response(422, text=pages[person]) if path.endswith("suntik") else httpx2.Response(303)

    browser = Browser(
        "http://rantai.invalid", "siti", "p", stopped=threading.Event(), transport=httpx2.MockTransport(service)
    )
    told = Vaccinator(browser, "pkm", seed="s", tickets={}).act(NOW - timedelta(hours=4))
    assert told is not None
    assert "another day" in told
    assert [what for what, _ in sent] == ["/suntik", "/tunda"]
    assert b"sampai=" in sent[1][1], "with a day"
