"""A question is understood whole or refused, and every listing can be read to its end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, time
from typing import Annotated, Any, get_args

import pytest
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from ingest.http import router as readings_router
from tests.support.network_api import Door
from tests.support.untied import none_untied
from tests.support.world import World
from tracker.api import accounts, keys, live, tokens
from tracker.api.app import ROOM_ROUTERS
from tracker.edge.hop import Route
from tracker.edge.services import Services
from tracker.kit.ids import uuid7

ROUTES = [
    route
    for router in (tokens.router, accounts.router, keys.router, live.router, readings_router, *ROOM_ROUTERS)
    for route in router.routes
    if isinstance(route, Route)
]


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Iterator[Door]:
    with none_untied(app_services.engine):
        yield Door(client=api, services=app_services, world=committed_world)


def listings() -> list[str]:
    return sorted(
        route.path
        for route in ROUTES
        if route.methods == {"GET"} and any(field.alias == "cursor" for field in route.dependant.query_params)
    )


def needed(path: str) -> dict[str, str]:
    """What a listing does not answer without: a stock card is some facility's."""
    given = {"facility": "pkm-cipondoh"}
    (route,) = (route for route in ROUTES if route.path == path and route.methods == {"GET"})
    return {field.alias: given[field.alias] for field in route.dependant.query_params if field.field_info.is_required()}


# Lists that a route answers whole, and why each is short.
_WHOLE = {
    "/api/v1/handsets/holdings": "of one facility; how large that grows has a test",
    "/api/v1/persons/{person_id}/health-answers": "the newest of one person",
    "/api/v1/tickets/key": "keys that are being replaced",
    "/api/v1/cards/keys": "keys of this house",
    "/api/v1/adverse-events/tally": "a fixed list of symptoms",
    "/api/v1/hotline/answers": "a fixed catalogue",
    "/api/v1/adverse-events/{adverse_id}": "of one report",
    "/api/v1/persons/{person_id}/history": "of one person",
    "/api/v1/schedule": "the nation's immunization schedule",
    "/api/v1/sessions/{session_id}": "a fixed list of kinds",
    "/api/v1/sessions/{session_id}/leftovers": "opened vials of one session",
    "/api/v1/persons/{person_id}": "a fixed list of groups",
    "/api/v1/batches/{batch:path}/passport": "of the road to one facility",
    "/api/v1/shipments/{ref}": "lines of one shipment, bounded where it is made",
    "/api/v1/stock/count-sheets/{sheet_id}": "lots of one place",
    "/api/v1/stock/events/{event_id}": "lines of one event, bounded where it is told",
    "/api/v1/stock/availability": "steps of one pool",
    "/api/v1/stock/pick": "lots of one place",
    "/api/v1/products/{ref}": "of one product",
    "/api/v1/batches/{ref:path}": "changes of one lot",
    "/api/v1/facilities/{ref}/service-areas": "of one facility, bounded where they are set",
    "/api/v1/webhooks/{webhook_id}": "a fixed list of kinds",
    "/api/v1/sessions/{session_id}/standby": "those who wait for one session's last doses",
    "/api/v1/facilities/{ref}/session-templates": "of one facility, bounded where they are saved",
    "/api/v1/facilities/{ref}/nearest": "as many as were asked for",
    "/api/v1/me": "roles of one account",
    "/api/v1/accounts/{username}/keys": "of one account, bounded where they are made",
}


def _lists(model: Any) -> bool:
    return any("list[" in str(field.annotation) for field in getattr(model, "model_fields", {}).values())


def test_whatever_answers_a_list_goes_on_by_a_cursor_or_is_known_to_be_short() -> None:
    whole = {route.path for route in ROUTES if route.methods == {"GET"} and _lists(route.response_model)}
    assert whole - set(listings()) == set(_WHOLE)


def test_every_route_refuses_a_name_it_does_not_know(door: Door) -> None:
    for route in ROUTES:
        path = route.path.replace("{ref:path}", "x").replace("{batch:path}", "x")
        for name in route.param_convertors:
            path = path.replace("{" + name + "}", "00000000-0000-7000-8000-000000000000")
        if path.startswith(("/api/v1/ems", "/api/v1/logger-files")):
            continue  # another program's, not in this application; test_telemetry_deliveries.py asks them
        method = next(iter(route.methods or {"GET"}))
        answer = door.ask(method, f"{path}?facilty=x")
        if path.startswith("/epcis"):
            assert answer.json()["type"] == "epcisException:QueryParameterException"
            continue
        told = [one["field"] for one in answer.json().get("errors", ())]
        assert answer.status_code in (400, 422), (method, path, answer.text)
        assert "query.facilty" in told, (method, path, answer.text)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("stock?facilty=pkm-cipondoh", "facility"),
        ("sensors?facilities=pkm-cipondoh", "facility"),
        ("bookings?status=confirmed", "state"),
        ("holds?State=active", "state"),
        ("stock?facility=pkm-cipondoh&facility=kota-tangerang", "more than once"),
        ("stock?as_of=2026-01-01T00:00:00+07:00", "%2B"),
    ],
)
def test_what_is_not_understood_is_named_with_the_way_out(door: Door, query: str, says: str) -> None:
    answer = door.ask("GET", f"/api/v1/{query}")
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["errors"][0]["message"]


def _models(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = [found for field in kind.model_fields.values() for found in _models(field.annotation)]
        return [kind, *inner]
    return [found for part in get_args(kind) for found in _models(part)]


def test_no_body_of_any_route_takes_a_field_it_does_not_know() -> None:
    lax = {
        f"{route.path}: {model.__name__}"
        for route in ROUTES
        for field in route.dependant.body_params
        for model in _models(field.field_info.annotation)
        if model.model_config.get("extra") != "forbid"
    }
    assert lax == set()


def _taken_for(kind: Any, value: Any) -> Iterator[object]:
    """What a field makes of a value that is of another kind, whatever it lies in."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    for given in (value, [value], {"0": value}):
        try:
            made = adapter.validate_python(given)
        except ValidationError:
            continue
        made = next(iter(made.values() if isinstance(made, dict) else made), None) if given is not value else made
        whole_for_part = type(value) is int and type(made) is float
        if isinstance(made, int | float | date | time) and type(made) is not type(value) and not whole_for_part:
            yield made


# A date written without its lines, seconds since 1970, an hour without its colon, yes and no: each could be read as another kind.
IMPOSTORS = (
    True,
    1,
    1.0,
    "1",
    "1.0",
    "true",
    "20261128",
    20261128,
    "1764288000",
    1764288000,
    1764288000.0,
    "0800",
    800,
)


def test_no_field_of_any_body_takes_one_kind_of_value_for_another() -> None:
    lax = {
        f"{route.path}: {model.__name__}.{name} takes {value!r} for {made!r}"
        for route in ROUTES
        for field in route.dependant.body_params
        for model in _models(field.field_info.annotation)
        for name, inner in model.model_fields.items()
        for value in IMPOSTORS
        for made in _taken_for(Annotated[inner.annotation, *inner.metadata, None], value)
    }
    assert lax == set()


def _asked_of(dependant: Dependant) -> list[ModelField]:
    return [*dependant.query_params, *(field for inner in dependant.dependencies for field in _asked_of(inner))]


def test_no_question_takes_a_number_for_a_day_or_an_instant() -> None:
    lax = {
        f"{route.path}: {field.alias} takes {value!r} for {made!r}"
        for route in ROUTES
        for field in _asked_of(route.dependant)
        for value in IMPOSTORS
        for made in _taken_for(Annotated[field.field_info.annotation, *field.field_info.metadata, None], value)
        if isinstance(made, date | time)
    }
    assert lax == set()


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON"])
@pytest.mark.parametrize(
    ("path", "body", "twice"),
    [
        ("/api/v1/recalls", '{"id": "%s", "batch": "AZ003", "batch": "AZ002", "reason": "partikel"}', "batch"),
        ("/api/v1/stock/events", '{"id": "%s", "lines": [{"batch": "AZ003", "vials": 3, "vials": 30}]}', "vials"),
    ],
)
def test_a_name_given_twice_in_a_body_is_refused(door: Door, path: str, body: str, twice: str, kind: str) -> None:
    content, headers = body % uuid7(), {"Content-Type": kind}
    answer = door.ask("POST", path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.invalid")
    assert [(one["field"], one["kind"]) for one in answer.json()["errors"]] == [(f"body.{twice}", "given_twice")]
    assert door.client.post(path, content=content, headers=headers).status_code == 401


@pytest.mark.parametrize("path", [path for path in listings() if "{" not in path])
def test_a_listing_is_walked_to_its_end_one_by_one(door: Door, path: str) -> None:
    seen: list[str] = []
    params: dict[str, str] = {"limit": "1"} | needed(path)
    for _ in range(60):
        answer = door.ask("GET", path, params=params)
        assert answer.status_code == 200, (path, params, answer.text)
        page = answer.json()
        seen += [json.dumps(item, sort_keys=True) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen))
    whole = door.ask("GET", path, params={"limit": "500"} | needed(path)).json()["items"]
    assert len(seen) == min(len(whole), 60)


@pytest.mark.parametrize("path", [path for path in listings() if "{" not in path])
def test_a_cursor_spoilt_on_the_way_is_refused(door: Door, path: str) -> None:
    def asked_with(values: list[str]) -> int:
        spoilt = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
        return door.ask("GET", path, params={"limit": "1", "cursor": spoilt} | needed(path)).status_code

    first = door.ask("GET", path, params={"limit": "1"} | needed(path)).json()
    cursor = first["next_cursor"]  # None where the small world has one of these at most
    key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))) if cursor else []
    assert [asked_with(values) for values in (["x"] * 9, [*key, *["x"] * 9], key[:-1])] == [422] * 3
    # A key of text takes any word; one of an instant, an id or a code of ours does not.
    assert {asked_with([*key[:at], "\u2603", *key[at + 1 :]]) for at in range(len(key))} <= {200, 422}


@pytest.mark.parametrize("value", ['["\\ud800"]', '["\\u0000"]', '["a\\udfff"]', "[[]]", "{}", "7"])
def test_a_cursor_that_holds_no_text_is_refused(door: Door, value: str) -> None:
    cursor = base64.urlsafe_b64encode(value.encode()).decode()
    assert door.ask("GET", f"/api/v1/facilities?cursor={cursor}").status_code == 422
