"""Webhooks, traces, recalls and EPCIS over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.support.network_api import Door
from tests.support.world import World
from tracker.access.rules import Role
from tracker.delivery.rules.signing import HEADER, verify
from tracker.delivery.webhooks import deliver_webhooks
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


def supply(door: Door, vials: int = 10, lot: str = "AZ003") -> dict[str, Any]:
    body = {
        "id": str(uuid7()),
        "kind": "supply",
        "facility": "pkm-cipondoh",
        "occurred_at": utc_now().isoformat(),
        "lines": [{"batch": f"az-10/{lot}", "place": "pkm-cipondoh-k1", "vials": vials}],
    }
    answer = door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body)
    assert answer.status_code == 201, answer.text
    return body


def test_a_webhook_is_made_told_its_secret_once_heard_and_removed(door: Door) -> None:
    made = door.ask("POST", "/api/v1/webhooks", Role.INTEGRATOR, json={"url": "https://jaki.example.id/h"})
    assert made.status_code == 201, made.text
    hook = made.json()
    shown = door.get("/api/v1/webhooks", Role.INTEGRATOR)["items"]
    assert [each["id"] for each in shown] == [hook["id"]]
    assert "secret" not in shown[0]
    body = supply(door)
    number_pending(door.services.engine)
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(204)

    secret_key = door.services.settings.secret_key.get_secret_value()

    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    deliver_webhooks(
        door.services.engine,
        client,
        Keyring((secret_key,)),
        kinds=KINDS,
        now=utc_now(),
        resolve_host=lambda _host, _port: ["203.0.114.7"],
    )
    assert verify(hook["secret"], requests[0].content, requests[0].headers[HEADER])
    moved = [event for event in json.loads(requests[0].content)["events"] if event["kind"] == "stock.moved"]
    assert [event["subject"] for event in moved] == [body["id"]]
    path = f"/api/v1/webhooks/{hook['id']}"
    assert door.get(path, Role.INTEGRATOR)["delivered_at"] is not None
    assert door.ask("DELETE", path, Role.CITY).status_code == 404
    assert door.ask("DELETE", path, Role.INTEGRATOR).status_code == 204
    assert door.ask("GET", path, Role.INTEGRATOR).status_code == 404


def test_the_same_webhook_under_one_key_is_made_once(door: Door) -> None:
    def ask() -> Any:
        return door.ask(
            "POST",
            "/api/v1/webhooks",
            Role.INTEGRATOR,
            json={"url": "https://jaki.example.id/h"},
            headers={"Idempotency-Key": "one"},
        )

    first, again = ask(), ask()
    assert (first.status_code, again.json()) == (201, first.json())
    assert len(door.get("/api/v1/webhooks", Role.INTEGRATOR)["items"]) == 1


def test_webhooks_into_ones_own_network_are_refused(door: Door) -> None:
    answer = door.ask("POST", "/api/v1/webhooks", Role.CITY, json={"url": "http://169.254.169.254/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "delivery.bad_webhook_url")
    assert door.ask("POST", "/api/v1/webhooks", Role.VACCINATOR, json={"url": "https://a.id/"}).status_code == 403


def test_a_trace_tells_the_road_and_what_is_left(door: Door) -> None:
    supply(door, 10)
    found = door.get("/api/v1/batches/AZ003/trace", Role.MANAGER)
    assert found["now"] == [
        {"account": "place", "facility": "pkm-cipondoh", "holder": "pkm-cipondoh-k1", "vials": {"usable": 10}}
    ]
    assert [event["kind"] for event in found["events"]] == ["supply"]
    assert door.get("/api/v1/batches/AZ003/trace", Role.CITY, facility="pkm-tanah-tinggi")["events"] == []
    assert door.ask("GET", "/api/v1/batches/tidak-ada/trace").json()["code"] == "catalog.batch_not_found"


@pytest.mark.parametrize("ref", ["az-10/AZ003", "az-10%2FAZ003"])
def test_the_routes_of_a_batch_take_product_and_lot(door: Door, ref: str) -> None:
    supply(door)
    batch = str(door.world.batches["az-10/AZ003"].id)
    assert door.get(f"/api/v1/batches/{ref}")["id"] == batch
    assert door.get(f"/api/v1/batches/{ref}/trace")["batch"] == batch
    assert door.get(f"/api/v1/batches/{ref}/passport", facility="pkm-cipondoh")["batch"] == batch
    fixed = door.ask("PUT", f"/api/v1/batches/{ref}", json={"manufacturer": "Catalent"})
    assert fixed.json()["manufacturer"] == "Catalent"


@pytest.mark.parametrize("ref", ["A%2FB", "az-10%2FA%2FB", "az-10/A/B", "A/B"])
def test_a_lot_may_have_a_slash_itself(door: Door, ref: str) -> None:
    body = {"product": "az-10", "lot": "A/B", "expiry": "2027-01-31"}
    batch = door.ask("POST", "/api/v1/batches", json=body).json()["id"]
    supply(door, lot="A/B")
    assert door.get(f"/api/v1/batches/{ref}")["id"] == batch
    assert door.get(f"/api/v1/batches/{ref}/trace")["batch"] == batch
    assert door.get(f"/api/v1/batches/{ref}/passport", facility="pkm-cipondoh")["batch"] == batch


def test_a_recall_over_http_freezes_counts_and_closes(door: Door) -> None:
    supply(door, 10)
    body = {"id": str(uuid7()), "batch": "AZ003", "reason": "hasil uji"}
    assert door.ask("POST", "/api/v1/recalls", Role.MANAGER, json=body).status_code == 403
    made = door.ask("POST", "/api/v1/recalls", Role.PROVINCE, json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["vials_found"], made.json()["vials_left"]) == (10, 10)
    assert door.ask("POST", "/api/v1/recalls", Role.PROVINCE, json=body).status_code == 200
    path = f"/api/v1/recalls/{body['id']}"
    assert (
        door.ask("POST", f"{path}/close", Role.PROVINCE, json={"reason": "dimusnahkan"}).json()["code"]
        == "trace.recall_unfinished"
    )
    destroy = {
        "id": str(uuid7()),
        "kind": "destruction",
        "facility": "pkm-cipondoh",
        "occurred_at": utc_now().isoformat(),
        "lines": [{"batch": "AZ003", "place": "pkm-cipondoh-k1", "vials": 10, "status": "recalled"}],
    }
    alone = door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=destroy)
    assert (alone.status_code, alone.json()["code"]) == (422, "stock.witnesses_missing")
    destroy["witnesses"] = [{"name": "Ibu Rina", "position": "Dinkes"}, {"name": "Pak Budi"}]
    done = door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=destroy)
    assert done.status_code == 201, done.text
    assert door.get(path, Role.MANAGER)["vials_gone"] == 10
    assert (
        door.ask("POST", f"{path}/close", Role.PROVINCE, json={"reason": "dimusnahkan"}).json()["closed_at"] is not None
    )
    assert [each["lot"] for each in door.get("/api/v1/recalls", Role.MANAGER)["items"]] == ["AZ003"]
    assert door.get("/api/v1/recalls", Role.WAREHOUSE)["items"] != []


def test_epcis_events_come_in_pages_linked_as_the_standard_says(door: Door) -> None:
    for _ in range(3):
        supply(door)
    seen: list[str] = []
    params: dict[str, str] = {"perPage": "2"}
    while True:
        answer = door.ask("GET", "/epcis/events", Role.MANAGER, params=params)
        assert answer.status_code == 200, answer.text
        results = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        seen += [event["eventID"] for event in results]
        link = answer.headers.get("Link")
        if link is None:
            break
        params = {name: values[0] for name, values in parse_qs(urlsplit(link[1 : link.index(">")]).query).items()}
    assert len(seen) == len(set(seen)) == 3
    nothing = door.ask("GET", "/epcis/events", Role.MANAGER, params={"LT_eventTime": "2020-01-01T00:00:00Z"})
    assert nothing.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []
    assert door.ask("GET", "/epcis/events", Role.MANAGER, params={"GE_eventTime": "kemarin"}).status_code == 400


def told(door: Door, **params: str) -> list[dict[str, Any]]:
    answer = door.ask("GET", "/epcis/events", Role.MANAGER, params=params)
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return events


def test_an_epcis_query_answers_what_was_asked_and_no_more(door: Door) -> None:
    supplied = supply(door)
    counted = {**supply(door, lot="AZ002"), "id": str(uuid7()), "kind": "count"}
    assert door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=counted).status_code == 201
    everything = told(door)
    assert len(everything) == 3
    for name, value, passes in (
        ("EQ_bizStep", "cycle_counting", lambda e: e["bizStep"] == "cycle_counting"),
        ("EQ_bizStep", "urn:epcglobal:cbv:bizstep:commissioning|shipping", lambda e: e["bizStep"] == "commissioning"),
        ("EQ_bizStep", "shipping", lambda _: False),
        ("EQ_action", "ADD", lambda e: e["action"] == "ADD"),
        ("EQ_disposition", "https://ref.gs1.org/cbv/Disp-active", lambda e: e["disposition"] == "active"),
        ("EQ_eventID", f"urn:uuid:{supplied['id']}", lambda e: e["eventID"] == f"urn:uuid:{supplied['id']}"),
        ("EQ_eventID", f"URN:UUID:{supplied['id'].upper()}", lambda e: e["eventID"] == f"urn:uuid:{supplied['id']}"),
        ("EQ_eventID", "urn:uuid:nobody", lambda _: False),
        ("EQ_bizLocation", "urn:rantai:equipment:pkm-cipondoh-k1", lambda e: "bizLocation" in e),
        ("EQ_bizLocation", "urn:rantai:equipment:elsewhere", lambda _: False),
        ("MATCH_epcClass", everything[0]["quantityList"][0]["epcClass"], lambda e: e["quantityList"][0] == everything[0]["quantityList"][0]),
        ("eventType", "ObjectEvent", lambda _: True),
        ("eventType", "AggregationEvent", lambda _: False),
    ):  # fmt: skip
        assert told(door, **{name: value}) == [event for event in everything if passes(event)], (name, value)
    assert told(door, orderBy="recordTime", orderDirection="ASC") == everything
    assert told(door, EQ_bizStep="cycle_counting", EQ_action="ADD") == []


def test_an_epcis_event_says_of_all_its_goods_only_what_is_true_of_all(door: Door) -> None:
    supply(door)
    supply(door, lot="AZ002")
    mixed = [("AZ003", {"to_status": "held"}), ("AZ002", {"to_status": "unusable"})]
    moved = [("AZ003", {"to_place": "pkm-cipondoh-k2"}), ("AZ002", {"to_place": "pkm-cipondoh-b1"})]
    for kind, lines in (("status", mixed), ("status", mixed[:1]), ("transfer", moved), ("transfer", moved[:1])):
        body = {
            "id": str(uuid7()),
            "kind": kind,
            "facility": "pkm-cipondoh",
            "occurred_at": utc_now().isoformat(),
            "lines": [{"batch": f"az-10/{lot}", "place": "pkm-cipondoh-k1", "vials": 1} | more for lot, more in lines],
        }
        assert door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=body).status_code == 201
    supply_then_return = supply(door) | {"id": str(uuid7()), "kind": "return"}
    assert door.ask("POST", "/api/v1/stock/events", Role.MANAGER, json=supply_then_return).status_code == 201
    k1, k2 = ({"id": f"urn:rantai:equipment:pkm-cipondoh-{code}"} for code in ("k1", "k2"))
    assert [(each.get("disposition"), each.get("bizLocation")) for each in told(door)] == [
        ("active", k1),
        ("active", k1),
        (None, k1),
        ("non_conformant", k1),
        ("in_progress", None),
        ("in_progress", k2),
        ("active", k1),
        ("returned", None),
    ]
    assert [each["bizStep"] for each in told(door, EQ_disposition="non_conformant|damaged")] == ["inspecting"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("GE_eventtime=2021-01-01T00:00:00Z", "GE_eventtime"),
        ("EQ_bizstep=shipping", "EQ_bizstep"),
        ("MATCH_epc=urn:x", "MATCH_epc"),
        ("EQ_action=SHIP", "EQ_action"),
        ("eventType=ObjektEvent", "eventType"),
        ("EQ_bizStep=shipping,receiving", "EQ_bizStep"),
        ("MATCH_anyEPCClass=urn:epc:idpat:sgtin:*", "MATCH_anyEPCClass"),
        ("orderBy=eventTime", "orderBy"),
        ("orderBy=recordTime", "orderDirection"),
        ("EQ_bizStep=shipping&EQ_bizStep=receiving", "EQ_bizStep"),
        ("GE_eventTime=2021-01-01T00:00:00+07:00", "GE_eventTime"),
    ],
)
def test_an_epcis_query_that_is_not_answered_is_refused_by_its_name(door: Door, query: str, name: str) -> None:
    answer = door.ask("GET", f"/epcis/events?{query}", Role.MANAGER)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "epcisException:QueryParameterException"
    assert answer.json()["params"]["field"] == name
    assert door.client.get(f"/epcis/events?{query}").status_code == 401


def test_a_link_to_the_next_page_names_no_house(door: Door) -> None:
    for _ in range(2):
        supply(door)
    answer = door.ask("GET", "/epcis/events?perPage=1", Role.MANAGER, headers={"Host": "evil.example"})
    link = answer.headers["Link"]
    assert link.startswith("</epcis/events?perPage=1&nextPageToken=")


@pytest.mark.parametrize("path", ["/epcis/events/", "/api/v1/facilities/", "/readyz/"])
def test_a_slash_too_many_leads_to_no_house_that_the_caller_made_up(door: Door, path: str) -> None:
    answer = door.client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, "evil.example" in str(answer.headers)) == (404, False)
