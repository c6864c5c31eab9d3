"""Persons, sessions, bookings and the quota as another system meets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import event, text

from tests.support.accounts import signed_in
from tests.support.counting import counted
from tests.support.quota import Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

LOT = "az-10/HTTP"


@pytest.fixture
def world(app_services: Services, committed_world: World) -> World:
    """The small world, with six vials of ten at the puskesmas and six next door."""
    now = utc_now()
    with transaction(app_services.engine) as db:
        world = replace(committed_world, now=now)
        batch = NewBatch(presentation="az-10", lot="HTTP", expiry=now.date() + timedelta(days=200))
        world.batches[LOT] = add_batch(db, SYSTEM, batch, now=now)
        desk = Desk(db, world, now)
        desk.stock(LOT, 6)
        desk.stock(LOT, 6, place="pkm-tanah-tinggi-k1")
    return world


class Caller:
    """One account over HTTP."""

    def __init__(self, client: TestClient, services: Services, world: World, role: Role) -> None:
        self.client = client
        self.world = world
        self.headers = signed_in(services, world, role)

    def get(self, path: str, **query: Any) -> Response:
        return self.client.get(f"/api/v1/{path}", params=query, headers=self.headers)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Response:
        return self.client.post(f"/api/v1/{path}", json=body, headers=self.headers)

    def person(self) -> str:
        person = str(uuid7())
        answer = self.post("persons", {"id": person, "nik": fresh_nik(), "name": "Warga Rekaan"})
        assert answer.status_code == 201, answer.text
        return person

    def session(self, **more: Any) -> str:
        answer = self.post("sessions", session_body(**more))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def book(self, session: str, person: str | None = None, **more: Any) -> Response:
        body = {"id": str(uuid7()), "person": person or self.person(), "session": session, "dose": 1, "medium": "app"}
        return self.post("bookings", {**body, **more})


@pytest.fixture
def city(api: TestClient, app_services: Services, world: World) -> Caller:
    return Caller(api, app_services, world, Role.CITY)


def session_body(**more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "facility": "pkm-cipondoh",
        "date": (utc_now().date() + timedelta(days=2)).isoformat(),
        "from": "08:00",
        "to": "12:00",
        "presentation": "az-10",
        "doses": [1, 2],
        "capacity": 50,
        "buckets": [{"kind": "general", "share": 0.8}, {"kind": "second_dose", "share": 0.2}],
        **more,
    }


def test_a_booking_goes_from_reserved_to_vaccinated_and_the_quota_counts_along(city: Caller) -> None:
    session = today_session(city)
    before = city.get("quota", facility="pkm-cipondoh", product="az-10").json()["items"]
    assert {(item["dose"], item["bucket"]) for item in before} == {(1, "general"), (2, "general"), (2, "second_dose")}
    reserved = city.book(session)
    assert (reserved.status_code, reserved.json()["state"]) == (201, "reserved")
    booking = reserved.json()["id"]
    for step, body, state in (
        ("confirm", None, "confirmed"),
        ("arrive", None, "arrived"),
        ("screen", {"result": "fit"}, "fit"),
        ("vaccinate", None, "vaccinated"),
    ):
        answer = city.post(f"bookings/{booking}/{step}", body)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    assert answer.json()["batch"] == str(city.world.batches[LOT].id)
    after = next(item for item in city.get("quota", product="az-10").json()["items"] if item["session"] == session)
    assert after["pool_vials"] == 5
    (claim,) = city.get("claims").json()["items"]
    assert (claim["dose"], claim["state"]) == (2, "funded")


def test_the_same_bodies_again_are_answered_200_and_other_content_409(city: Caller) -> None:
    body = session_body()
    assert [city.post("sessions", body).status_code for _ in range(2)] == [201, 200]
    changed = city.post("sessions", {**body, "capacity": 51})
    assert (changed.status_code, changed.json()["code"]) == (409, "quota.other_session")
    person = {"id": str(uuid7()), "nik": fresh_nik(), "name": "Warga Rekaan", "phone": "081234567890"}
    assert [city.post("persons", person).status_code for _ in range(2)] == [201, 200]
    booking = {"id": str(uuid7()), "person": person["id"], "session": body["id"], "dose": 1, "medium": "web"}
    assert [city.post("bookings", booking).status_code for _ in range(2)] == [201, 200]


def test_a_full_session_answers_with_the_nearest_that_has_room(city: Caller) -> None:
    full, other = city.session(capacity=1, buckets=[]), city.session(facility="pkm-tanah-tinggi", buckets=[])
    assert city.book(full).status_code == 201
    refused = city.book(full)
    assert (refused.status_code, refused.json()["code"]) == (409, "quota.exhausted")
    (alternative,) = refused.json()["params"]["alternatives"]
    assert (alternative["session"], alternative["facility"]) == (other, "pkm-tanah-tinggi")
    assert alternative["distance_km"] > 1


def test_nobody_waits_at_a_full_session(city: Caller, app_services: Services) -> None:
    """Thousands who want one session would stand behind its lock to be told that it is full."""
    full = city.session(capacity=1, buckets=[])
    city.session(facility="pkm-tanah-tinggi", buckets=[])
    city.book(full)
    with counted(app_services.engine) as asked:
        refused = city.book(full)
    assert refused.json()["params"]["alternatives"]
    assert not [words for words in asked if "FOR NO KEY UPDATE" in words]


def test_nobody_waits_where_nothing_is_left_for_them_while_other_places_are_looked_for(
    city: Caller, app_services: Services
) -> None:
    halves = [{"kind": "general", "share": 0.5}, {"kind": "nakes", "share": 0.5}]
    full = city.session(capacity=2, buckets=halves)
    city.session(facility="pkm-tanah-tinggi", buckets=[])
    assert city.book(full).status_code == 201
    engine = app_services.engine

    def undone(*_: object) -> None:
        asked.append("UNDONE")

    with counted(engine) as asked:
        event.listen(engine, "rollback", undone)
        try:
            refused = city.book(full)
        finally:
            event.remove(engine, "rollback", undone)
    assert refused.json()["params"]["reason"] == "bucket"
    assert refused.json()["params"]["alternatives"]
    last_lock = max(n for n, words in enumerate(asked) if "FOR NO KEY UPDATE" in words)
    search = next(n for n, words in enumerate(asked) if "ST_Distance" in words)
    assert last_lock < asked.index("UNDONE", last_lock) < search


def test_a_reservation_that_has_run_out_keeps_no_session_full(city: Caller, app_services: Services) -> None:
    session = city.session(capacity=1, buckets=[])
    assert city.book(session).status_code == 201
    with app_services.engine.begin() as connection:
        connection.execute(
            text("UPDATE booking SET expires_at = now() - interval '1 second' WHERE session_id = :id"), {"id": session}
        )
    assert city.book(session).status_code == 201


def test_a_refused_booking_leaves_nothing_behind(city: Caller) -> None:
    session = city.session(capacity=1, buckets=[])
    city.book(session)
    city.book(session)
    assert city.get(f"sessions/{session}").json()["taken"] == 1
    assert len(city.get("bookings", session=session).json()["items"]) == 1


def test_no_answer_shows_an_identity_number_not_even_a_refusal(city: Caller) -> None:
    nik = fresh_nik()
    first = city.post("persons", {"id": str(uuid7()), "nik": nik, "name": "A"})
    taken = city.post("persons", {"id": str(uuid7()), "nik": nik, "name": "B"})
    bad = city.post("persons", {"id": str(uuid7()), "nik": nik[:-1], "name": "C"})
    wrong_type = city.post("persons", {"id": str(uuid7()), "nik": int(nik), "name": "D"})
    assert [answer.status_code for answer in (first, taken, bad, wrong_type)] == [201, 409, 422, 422]
    assert taken.json()["params"]["person"] == first.json()["id"]
    assert bad.json()["errors"] == [{"field": "nik"}]
    for answer in (first, taken, bad, wrong_type):
        assert nik[:-1] not in answer.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"presentation": "nothing"}, "catalog.presentation_not_found"),
        ({"facility": "nowhere"}, "network.facility_not_found"),
        ({"date": "2020-01-01"}, "quota.session_in_past"),
        ({"to": "07:00"}, "quota.bad_window"),
        ({"buckets": [{"kind": "general", "share": 0.6}, {"kind": "nakes", "share": 0.6}]}, "quota.bad_share"),
        ({"buckets": [{"kind": "vip", "share": 0.6}]}, "quota.unknown_bucket_kind"),
        ({"buckets": [{"kind": "nakes", "share": 0.1}, {"kind": "nakes", "share": 0.1}]}, "quota.bucket_twice"),
        ({"doses": [1, 1]}, "quota.bad_doses"),
        ({"capacity": 0}, "api.invalid"),
        ({"from": "noon"}, "api.invalid"),
    ],
)
def test_a_session_that_cannot_be_is_refused_with_its_reason(city: Caller, change: dict[str, Any], code: str) -> None:
    answer = city.post("sessions", session_body(**change))
    assert answer.json()["code"] == code, answer.text
    assert answer.status_code in (404, 422)
    assert city.get("sessions").json()["items"] == []


def test_each_role_does_its_own(api: TestClient, app_services: Services, city: Caller, world: World) -> None:
    session = city.session(buckets=[])
    auditor = Caller(api, app_services, world, Role.AUDITOR)
    assert auditor.get("quota", facility="pkm-cipondoh").json()["items"]
    assert auditor.post("sessions", session_body()).status_code == 403
    assert auditor.book(session, city.person()).status_code == 403
    manager = Caller(api, app_services, world, Role.MANAGER)
    hidden = city.session(facility="pkm-tanah-tinggi", buckets=[])
    assert manager.get(f"sessions/{hidden}").status_code == 404
    assert manager.book(hidden, city.person()).status_code == 404
    assert {item["session"] for item in manager.get("quota").json()["items"]} == {session}
    assert api.get("/api/v1/quota").status_code == 401


def test_listings_come_in_pages(city: Caller) -> None:
    session = city.session(buckets=[])
    made = {city.book(session).json()["id"] for _ in range(3)}
    first = city.get("bookings", limit=2).json()
    second = city.get("bookings", limit=2, cursor=first["next_cursor"]).json()
    assert {item["id"] for item in first["items"] + second["items"]} == made
    assert second["next_cursor"] is None
    assert city.get("sessions", limit=1).json()["items"][0]["id"] == session


def test_a_period_that_cannot_be_is_refused(city: Caller) -> None:
    for query in ({"from": "2026-03-02", "to": "2026-03-01"}, {"from": "2026-01-01", "to": "2026-12-31"}):
        answer = city.get("quota", **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "quota.bad_period")
    assert city.get("quota", **{"from": "9999-12-31"}).status_code == 200


def test_the_quota_comes_in_pages_that_part_no_session(city: Caller) -> None:
    sessions = [city.session(buckets=[]), city.session(facility="pkm-tanah-tinggi", buckets=[])]
    whole = city.get("quota").json()
    first = city.get("quota", limit=1).json()
    second = city.get("quota", limit=1, cursor=first["next_cursor"]).json()
    assert second["next_cursor"] is whole["next_cursor"] is None
    assert [len({item["session"] for item in page["items"]}) for page in (first, second)] == [1, 1]
    told = [(item["session"], item["dose"], item["bucket"]) for item in first["items"] + second["items"]]
    assert told == [(item["session"], item["dose"], item["bucket"]) for item in whole["items"]]
    assert {session for session, _, _ in told} == set(sessions)


@pytest.mark.parametrize("steps", [("confirm", "arrive", "screen", "vaccinate"), ("cancel",)])
def test_a_step_of_a_booking_repeated_under_its_key_gets_the_first_answer(city: Caller, steps: tuple[str, ...]) -> None:
    session = today_session(city)
    booking = city.book(session).json()["id"]
    for step in steps:
        body = {"result": "fit"} if step == "screen" else None
        city.headers["Idempotency-Key"] = step
        first, again = (city.post(f"bookings/{booking}/{step}", body) for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert again.json() == first.json()
    stock = city.get("quota", facility="pkm-cipondoh", product="az-10").json()["items"]
    assert {item["pool_vials"] for item in stock} <= {5, 6}
    other = city.post(f"bookings/{booking}/{'arrive' if steps[-1] == 'cancel' else 'cancel'}")
    assert (other.status_code, other.json()["code"]) == (409, "api.idempotency_mismatch")


def test_area_and_vaccine_filter_the_quota(city: Caller) -> None:
    city.session(buckets=[])
    city.session(facility="pkm-tanah-tinggi", buckets=[])
    assert len({item["session"] for item in city.get("quota", area="kota-tangerang").json()["items"]}) == 2
    assert len({item["session"] for item in city.get("quota", product="astrazeneca").json()["items"]}) == 2
    assert city.get("quota", area="36.03").json()["items"] == []
    assert city.get("quota", product="penta-5").json()["items"] == []


def test_an_instant_without_its_offset_is_refused_and_breaks_nothing(city: Caller) -> None:
    booking = city.book(city.session()).json()["id"]
    answer = city.post(f"bookings/{booking}/vaccinate", {"occurred_at": "2026-03-02T10:00:00"})
    assert (answer.status_code, answer.json()["code"]) == (422, "api.invalid")
    bucket = {"kind": "general", "share": 1, "release_at": "2026-03-02T10:00:00"}
    assert city.post("sessions", session_body(buckets=[bucket])).status_code == 422


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [("0001-01-01", "00:30:00+14:00", "01:30:00+14:00"), ("9999-12-31", "22:00:00-14:00", "23:00:00-14:00")],
)
def test_a_day_at_the_calendars_end_is_refused_and_breaks_nothing(
    city: Caller, day: str, opens: str, closes: str
) -> None:
    body = session_body(date=day, **{"from": opens, "to": closes})
    assert city.post("sessions", body).status_code == 422


def today_session(city: Caller, **more: Any) -> str:
    """A session that can be booked and served whenever the test runs: one of the evening ends at three the next morning."""
    now = utc_now().astimezone(ZoneInfo("Asia/Jakarta"))
    hours = ("00:00", "23:59:59") if now.hour < 12 else ("12:00", "20:00:00+00:00")
    return city.session(date=now.date().isoformat(), **dict(zip(("from", "to"), hours, strict=True)), **more)


def test_a_dose_typed_wrong_is_taken_back_over_http_and_each_version_is_read(city: Caller) -> None:
    booking = city.book(today_session(city, buckets=[])).json()["id"]
    first = city.post(f"bookings/{booking}/vaccinate").json()
    reason = {"reason": "orang lain yang disuntik"}
    undone = city.post(f"bookings/{booking}/take-back", {"state": "arrived", **reason})
    assert (undone.status_code, undone.json()["state"], undone.json()["vaccinated_at"]) == (200, "arrived", None)
    assert city.post(f"bookings/{booking}/screen", {"result": "deferred", "note": "tensi"}).status_code == 200
    assert city.post(f"bookings/{booking}/screen", {"result": "fit"}).status_code == 200
    assert city.post(f"bookings/{booking}/vaccinate").status_code == 200
    moved = city.post(f"bookings/{booking}/correct-dose", {"occurred_at": first["vaccinated_at"], **reason})
    assert (moved.status_code, moved.json()["vaccinated_at"]) == (200, first["vaccinated_at"])
    read = city.get(f"bookings/{booking}/steps").json()["items"]
    assert [step["to_state"] for step in read] == [
        "vaccinated",
        "arrived",
        "deferred",
        "fit",
        "vaccinated",
        "vaccinated",
    ]
    assert datetime.fromisoformat(read[1]["before"]["vaccinated_at"]) == datetime.fromisoformat(first["vaccinated_at"])
    assert read[3]["before"]["screening"] == {"result": "deferred", "note": "tensi"}
    vial = moved.json()["open_vial"]
    assert city.post(f"stock/open-vials/{vial}/take-back", {"doses": 1, **reason}).status_code == 422
    discard = {"occurred_at": utc_now().isoformat(), "reason": "contamination"}
    assert city.post(f"stock/open-vials/{vial}/discard", discard).json()["remaining"] == 0
    kept = city.post(f"stock/open-vials/{vial}/take-back", {"doses": 9, **reason})
    assert (kept.status_code, kept.json()["remaining"]) == (200, 9)
    assert [c["discarded"] for c in city.get(f"stock/open-vials/{vial}/changes").json()["items"]][-1] == 9


def test_a_dose_that_is_not_due_names_its_first_day_and_a_reason_sets_it_aside(city: Caller) -> None:
    person = city.person()
    first = city.book(today_session(city, buckets=[]), person).json()["id"]
    assert city.post(f"bookings/{first}/vaccinate").status_code == 200
    later = city.session(buckets=[])
    refused = city.book(later, person, dose=2)
    assert (refused.status_code, refused.json()["code"]) == (409, "quota.not_due")
    assert refused.json()["params"]["first_day"] == (utc_now() + timedelta(hours=7, days=56)).date().isoformat()
    assert city.book(later, person, dose=2, override="berangkat haji").status_code == 201


def test_the_schedule_is_written_by_the_ministry_and_asked_from_its_day_on(
    api: TestClient, app_services: Services, city: Caller, world: World
) -> None:
    ministry = Caller(api, app_services, world, Role.NATIONAL)
    today = (utc_now() + timedelta(hours=7)).date()
    rule = {
        "rule": "interval",
        "vaccine": "astrazeneca",
        "dose": 3,
        "after": "coronavac",
        "from_day": today.isoformat(),
        "min_days": 90,
        "due_days": 180,
        "max_days": 700,
        "source": "surat edaran rekaan",
    }
    assert city.post("schedule", rule).status_code == 403
    assert [ministry.post("schedule", rule).status_code for _ in range(2)] == [201, 200]
    other = ministry.post("schedule", {**rule, "due_days": 200})
    assert (other.status_code, other.json()["code"]) == (409, "quota.other_rule")
    assert ministry.post("schedule", {**rule, "min_days": 300}).status_code == 422
    assert ministry.post("schedule", {**rule, "after": "tidak-ada"}).json()["code"] == "quota.unknown_vaccine"
    age = {"rule": "age", "vaccine": "astrazeneca", "dose": 1, "from_day": today.isoformat(), "min_months": 1200}
    assert ministry.post("schedule", {**age, "source": "uji coba"}).status_code == 201
    read = city.get("schedule", vaccine="astrazeneca").json()["items"]
    assert rule in read
    refused = city.book(today_session(city, buckets=[]), city.person())
    assert (refused.status_code, refused.json()["code"]) == (409, "quota.too_young")


def template_body(**more: Any) -> dict[str, Any]:
    planned = session_body()
    return {
        "facility": planned["facility"],
        "name": "Poli pagi",
        "weekday": 1,
        "from": "08:00",
        "to": "12:00",
        "presentation": planned["presentation"],
        "doses": [1],
        "capacity": 40,
        "buckets": [{"kind": "kelurahan", "share": 0.5, "release_hours": 24}],
        **more,
    }


def test_a_template_is_saved_replaced_planned_from_and_removed(city: Caller) -> None:
    template = str(uuid7())

    def save(**more: Any) -> Response:
        path = f"/api/v1/session-templates/{template}"
        return city.client.put(path, json=template_body(**more), headers=city.headers)

    assert save().status_code == 200
    assert save(capacity=50).json()["capacity"] == 50
    facility = template_body()["facility"]
    listed = city.get(f"facilities/{facility}/session-templates").json()["items"]
    assert [(one["id"], one["from"], one["capacity"]) for one in listed] == [(template, "08:00", 50)]
    for wrong, code in (
        ({"to": "08:00"}, "quota.bad_window"),
        ({"doses": [1, 1]}, "quota.bad_doses"),
        ({"buckets": [{"kind": "city", "share": 0.6}, {"kind": "kota", "share": 0.1}]}, "quota.bucket_twice"),
        ({"presentation": "no-such"}, "catalog.presentation_not_found"),
    ):
        assert save(**wrong).json()["code"] == code
    other = f"/api/v1/session-templates/{uuid7()}"
    assert city.client.put(other, json=template_body(), headers=city.headers).json()["code"] == "quota.other_template"
    assert city.get(f"facilities/{facility}/session-templates").json()["items"] == listed

    long_ago = city.post(f"session-templates/{template}/sessions", {"id": str(uuid7()), "date": "0001-01-01"})
    assert long_ago.json()["code"] == "quota.session_in_past"
    asked = {"id": str(uuid7()), "date": session_body()["date"]}
    first, again = (city.post(f"session-templates/{template}/sessions", asked) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    kept = {one["kind"]: one for one in first.json()["buckets"]}
    assert (kept["kelurahan"]["places"], kept["general"]["places"]) == (25, 25)
    opens = datetime.fromisoformat(first.json()["from"])
    assert opens - datetime.fromisoformat(kept["kelurahan"]["release_at"]) == timedelta(hours=24)
    assert city.client.delete(f"/api/v1/session-templates/{template}", headers=city.headers).status_code == 204
    gone = city.post(f"session-templates/{template}/sessions", {**asked, "id": str(uuid7())})
    assert gone.json()["code"] == "quota.template_not_found"


def told_of(city: Caller, session: str) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Each write of the desk that has an id: where, what is sent, and what else is sent under the same id."""
    other_session, somebody, person = city.session(), city.person(), city.person()
    nik = fresh_nik()
    walk = {"id": str(uuid7()), "nik": nik, "name": "Warga Rekaan"}
    twin = {"id": str(uuid7()), "nik": fresh_nik(), "name": "Warga Lain"}
    booking = {"id": str(uuid7()), "person": person, "session": session, "dose": 1, "medium": "app"}
    return [
        (
            "bookings",
            booking,
            [{"person": somebody}, {"session": other_session}, {"dose": 2}, {"medium": "web"}],
        ),
        (
            f"sessions/{session}/walk-ins",
            {"id": str(uuid7()), "person": walk, "dose": 1},
            [{"person": twin}, {"dose": 2}],
        ),
        (
            f"sessions/{session}/standby",
            {"id": str(uuid7()), "person": city.person(), "dose": 1},
            [{"person": somebody}, {"dose": 2}],
        ),
        (
            "persons",
            {**twin, "id": str(uuid7()), "nik": fresh_nik()},
            [{"name": "Nama Lain"}, {"phone": "081234567890"}],
        ),
    ]


@pytest.mark.parametrize("moved_on", [False, True])
def test_a_write_under_the_id_of_another_is_a_difference_and_the_same_is_a_repeat_whatever_came_since(
    city: Caller, moved_on: bool
) -> None:
    session = today_session(city)
    writes = told_of(city, session)
    first = {path: city.post(path, body) for path, body, _ in writes}
    assert {answer.status_code for answer in first.values()} <= {200, 201}, [each.text for each in first.values()]
    if moved_on:
        booking, walk_in = writes[0][1]["id"], writes[1][1]["id"]
        steps = (("confirm", None), ("arrive", None), ("screen", {"result": "fit"}), ("vaccinate", None))
        for made, step, told in [*((booking, *each) for each in steps), *((walk_in, *each) for each in steps[2:])]:
            answer = city.post(f"bookings/{made}/{step}", told)
            assert answer.status_code == 200, answer.text
        assert city.post(f"sessions/{session}/close").status_code == 200
    for path, body, others in writes:
        again = city.post(path, body)
        assert again.status_code in {200, 201}, (path, again.text)
        assert again.json()["id"] == first[path].json()["id"]
        for other in others:
            answer = city.post(path, {**body, **other})
            assert answer.status_code in {409, 422}, (path, other, answer.text)
