"""Alarms over HTTP: who sees them, paging, acknowledging."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select

from tests.support.accounts import key_for
from tests.support.coldchain import at, living, new_channel, send
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.coldchain.models import Alarm
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.database.engine import transaction
from tracker.passport.service.holding import hold_for_episode
from tracker.stock.rules.words import Kind
from tracker.telemetry.models import Assignment, Channel


@pytest.fixture
def hot_world(engine: Engine, committed_world: World) -> World:
    """Two fridges of the puskesmas and one of its neighbour have been too warm for eleven hours."""
    with transaction(engine) as db:
        for code in ("pkm-cipondoh-k1", "pkm-cipondoh-k2", "pkm-tanah-tinggi-k1"):
            channel = new_channel(db, committed_world, equipment=code)
            send(db, channel, [(minute, 9.0) for minute in range(0, 670, 10)])
        evaluate_waiting(db, now=at(660))
    return committed_world


@pytest.fixture
def who(engine: Engine, hot_world: World) -> Callable[[Role], dict[str, str]]:
    """The headers of a role, by an API key of its own account."""

    def headers(role: Role) -> dict[str, str]:
        account_id = hot_world.who(role).account_id
        assert account_id is not None
        with transaction(engine) as db:
            return {"Authorization": f"Bearer {key_for(db, account_id)}"}

    return headers


Who = Callable[[Role], dict[str, str]]


def heat(api: TestClient, headers: dict[str, str]) -> list[dict[str, object]]:
    items = api.get("/api/v1/alarms", headers=headers).json()["items"]
    return [item for item in items if item["rule"] == "HEAT"]


def test_a_puskesmas_sees_its_own_alarms_and_the_city_sees_all(api: TestClient, hot_world: World, who: Who) -> None:
    own = heat(api, who(Role.MANAGER))
    assert {item["equipment"] for item in own} == {"pkm-cipondoh-k1", "pkm-cipondoh-k2"}
    assert len(heat(api, who(Role.CITY))) == 3
    assert own[0]["alarmed_at"] == "2026-03-01T10:00:00Z"
    assert own[0]["ended_at"] is None


def test_pages_follow_one_another_without_loss_or_repetition(api: TestClient, hot_world: World, who: Who) -> None:
    headers = who(Role.CITY)
    everything = [item["id"] for item in api.get("/api/v1/alarms", headers=headers).json()["items"]]
    seen, cursor = [], None
    while True:
        page = api.get(
            "/api/v1/alarms", headers=headers, params={"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == everything
    assert len(set(seen)) == 6  # three alarms, and three advisories at 30 minutes above 8 °C


def test_acknowledging_names_the_person_and_twice_the_same_is_harmless(
    api: TestClient, hot_world: World, who: Who
) -> None:
    headers = who(Role.MANAGER)
    alarm = heat(api, headers)[0]["id"]
    body = {"comment": "vaksin dipindah ke kulkas 2"}
    first = api.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=headers, json=body)
    assert first.status_code == 200
    assert first.json()["acknowledged_by"] == hot_world.who(Role.MANAGER).name
    assert first.json()["comment"] == body["comment"]
    assert api.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=headers, json=body).json() == first.json()
    other = api.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=who(Role.CITY), json=body)
    assert (other.status_code, other.json()["code"]) == (409, "coldchain.already_acknowledged")


def test_deciding_again_under_the_same_key_gets_the_first_answer(
    api: TestClient, engine: Engine, hot_world: World, who: Who
) -> None:
    with transaction(engine) as db:
        ledger = Ledger(db, hot_world)
        ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at(-600))
        channel = db.scalars(
            select(Channel)
            .join(Assignment, Assignment.channel_id == Channel.id)
            .where(Assignment.equipment_id == hot_world.fridge.id)
        ).one()
        send(db, channel, [(minute, 5.0) for minute in range(670, 800, 10)])
        evaluate_waiting(db, now=at(800))
        episodes = [one for one in living(db, channel) if one.alarmed_at is not None and one.rule == "HEAT"]
        hold_for_episode(db, SYSTEM, episodes[0].id, now=ledger.now)
    headers = who(Role.CITY)

    def ask(path: str, body: dict[str, object], key: str) -> Response:
        return api.post(f"/api/v1/{path}", headers={**headers, "Idempotency-Key": key}, json=body)

    alarm = next(item["id"] for item in heat(api, headers) if item["equipment"] == hot_world.fridge.code)
    hold = api.get("/api/v1/holds", headers=headers).json()["items"][0]["id"]
    steps: list[tuple[str, dict[str, object]]] = [
        (f"alarms/{alarm}/acknowledge", {"comment": "dilihat"}),
        (f"holds/{hold}/release", {"reason": "masih baik"}),
        (f"alarms/{alarm}/close", {"dispositions": [], "comment": "selesai"}),
    ]
    first = [ask(path, body, path) for path, body in steps]
    assert [answer.status_code for answer in first] == [200, 200, 200], [answer.text for answer in first]
    assert [ask(path, body, path).json() for path, body in steps] == [answer.json() for answer in first]
    closed = ask(*steps[-1], "another key")
    assert (closed.status_code, closed.json()["code"]) == (409, "coldchain.alarm_closed")


def test_an_alarm_of_another_subtree_does_not_exist_and_an_auditor_may_only_look(
    api: TestClient, engine: Engine, hot_world: World, who: Who
) -> None:
    with transaction(engine) as db:
        foreign = db.scalars(select(Alarm.id).where(Alarm.unit_id == hot_world.neighbour.id)).first()
    path = f"/api/v1/alarms/{foreign}/acknowledge"
    hidden = api.post(path, headers=who(Role.MANAGER), json={"comment": "x"})
    assert (hidden.status_code, hidden.json()["code"]) == (404, "coldchain.alarm_not_found")
    own = heat(api, who(Role.VACCINATOR))[0]["id"]
    looked = api.post(f"/api/v1/alarms/{own}/acknowledge", headers=who(Role.VACCINATOR), json={"comment": "x"})
    assert looked.status_code == 403


def test_a_blank_comment_is_refused(api: TestClient, hot_world: World, who: Who) -> None:
    headers = who(Role.MANAGER)
    alarm = heat(api, headers)[0]["id"]
    answer = api.post(f"/api/v1/alarms/{alarm}/acknowledge", headers=headers, json={"comment": "   "})
    assert (answer.status_code, answer.json()["code"]) == (422, "coldchain.comment_missing")


def test_a_sensors_episodes_are_listed(api: TestClient, hot_world: World, who: Who) -> None:
    headers = who(Role.MANAGER)
    sensor = heat(api, headers)[0]["channel"]
    items = api.get(f"/api/v1/sensors/{sensor}/episodes", headers=headers, params={"alarmed": True}).json()["items"]
    assert {(item["rule"], item["exposed_s"]) for item in items} == {("HEAT", 39_600), ("WARM", 39_600)}
