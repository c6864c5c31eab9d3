"""Whoever changes what they were shown may say what that was; a change that comes too late overwrites nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.test_asking import ROUTES
from tests.support.accounts import signed_in
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.edge.versions import version_of
from tracker.kit.ids import uuid7
from tracker.quota.routes.sessions import changeable
from tracker.quota.schemas import SessionOut

# Changes of what no address shows alone, or that say one thing whole: why nothing newer is lost.
_WITHOUT = {
    "PUT /api/v1/catalog": "adds what is missing; what is known otherwise is changed where it stands",
    "PUT /api/v1/adverse-symptoms/{code}": "two words by the national level, shown in a list only",
    "PUT /api/v1/accounts/{username}/password": "nobody was shown the password that it replaces",
    "PUT /api/v1/facilities/{ref}/pcare": "one choice with its code, shown on a page only",
    "PUT /api/v1/session-templates/{template_id}": "its owner's pattern, shown in a list only; sessions planned from it stay",
    "PUT /api/v1/equipment/{ref}/service": "one yes or no: the last word is meant, whatever stood",
}


def test_every_change_of_what_is_shown_honours_what_its_caller_was_shown() -> None:
    changes = {
        f"{method} {route.path}": getattr(route, "versioned", None)
        for route in ROUTES
        for method in (route.methods or set()) & {"PUT", "PATCH"}
    }
    assert {name for name, found in changes.items() if found is None} == set(_WITHOUT)
    reading = {route.path: getattr(route, "shows", None) for route in ROUTES if route.methods == {"GET"}}
    for name, found in changes.items():
        if found is not None and name != "PUT /api/v1/persons/{person_id}/nik":
            assert reading[name.split(" ")[1]] is found.part, name


@pytest.fixture
def national(app_services: Services, committed_world: World) -> dict[str, str]:
    return signed_in(app_services, committed_world, Role.NATIONAL)


def cases(api: TestClient, headers: dict[str, str]) -> dict[str, tuple[str, str, str, Any, Any]]:
    """By thing: how it is changed, its address, where it is read, and two changes."""
    person = {
        "id": str(uuid7()), "name": "Sri", "without_nik": "no_papers", "birth_date": "1990-01-02", "sex": "female",
        "phone": "081234567890", "unit": "pkm-cipondoh",
    }  # fmt: skip
    made = api.post("/api/v1/persons", json=person, headers=headers)
    assert made.status_code == 201, made.text
    session = {
        "id": str(uuid7()), "facility": "pkm-cipondoh", "date": "2029-05-07", "from": "08:00", "to": "11:00",
        "presentation": "coronavac-1", "doses": [1], "capacity": 10,
    }  # fmt: skip
    planned = api.post("/api/v1/sessions", json=session, headers=headers)
    assert planned.status_code == 201, planned.text
    order = {
        "id": str(uuid7()), "from": "kota-tangerang", "to": "pkm-cipondoh", "kind": "order",
        "lines": [{"product": "penta-5", "vials": 30}],
    }  # fmt: skip
    ordered = api.post("/api/v1/shipments", json=order, headers=headers)
    assert ordered.status_code == 201, ordered.text
    areas = "/api/v1/facilities/pkm-cipondoh/service-areas"
    of_person = f"/api/v1/persons/{person['id']}"
    of_order = f"/api/v1/shipments/{order['id']}"
    of_session = f"/api/v1/sessions/{session['id']}"
    return {
        "areas": ("PUT", areas, areas, {"areas": ["36.71.05.1001"]}, {"areas": ["36.71.05.1002"]}),
        "person": ("PATCH", of_person, of_person, {"name": "Sri W", "reason": "salah"}, {"name": "Sri", "reason": "salah"}),
        "session": ("PATCH", of_session, of_session, {"capacity": 20, "reason": "ramai"}, {"capacity": 12, "reason": "sepi"}),
        "order": ("POST", f"{of_order}/approve", of_order, {"vials": {"0": 20}}, {"vials": {"0": 10}}),
        "product": ("PUT", "/api/v1/products/penta-5", "/api/v1/products/penta-5", {"name": "A"}, {"name": "B"}),
        "lot": (
            "PUT", "/api/v1/batches/penta-5/PB001", "/api/v1/batches/penta-5/PB001",
            {"manufacturer": "Satu"}, {"manufacturer": "Dua"},
        ),
    }  # fmt: skip


def test_the_slower_of_two_who_change_the_same_is_told_what_stands_and_overwrites_nothing(
    api: TestClient, national: dict[str, str]
) -> None:
    for what, (method, url, reading, first, second) in cases(api, national).items():
        seen = api.get(reading, headers=national)
        tag = seen.headers["etag"]
        assert api.get(reading, headers=national).headers["etag"] == tag, what

        def change(body: Any, match: str | None) -> Any:
            more = {} if match is None else {"If-Match": match}
            return api.request(method, url, json=body, headers={**national, **more})  # noqa: B023 - called at once

        done = change(first, tag)
        assert done.status_code == 200, (what, done.text)
        assert done.headers["etag"] not in (tag, None), what
        late = change(second, tag)
        assert (late.status_code, late.json()["code"]) == (412, "api.stale"), (what, late.text)
        assert late.json()["params"]["now"]
        stands = api.get(reading, headers=national)
        assert stands.headers["etag"] == done.headers["etag"] == f'"{late.json()["params"]["version"]}"', what
        assert change(second, f'"x", {stands.headers["etag"]}').status_code == 200, what
        assert change(first, None).status_code == 200, f"{what}: whoever asks for no care is served as before"


def test_of_two_at_once_who_were_shown_the_same_one_is_told(api: TestClient, national: dict[str, str]) -> None:
    method, url, reading, first, second = cases(api, national)["areas"]
    tag = api.get(reading, headers=national).headers["etag"]
    with ThreadPoolExecutor(2) as two:
        done = two.map(
            lambda body: api.request(method, url, json=body, headers={**national, "If-Match": tag}), (first, second)
        )
    assert sorted(answer.status_code for answer in done) == [200, 412]


def test_who_books_a_place_changes_no_version_of_the_session(api: TestClient, national: dict[str, str]) -> None:
    _, _, reading, _, _ = cases(api, national)["session"]
    shown = SessionOut.model_validate(api.get(reading, headers=national).json())
    versions = [version_of(changeable(shown.model_copy(update=more))) for more in ({}, {"taken": 7}, {"capacity": 7})]
    assert versions[0] == versions[1] != versions[2]


def test_an_address_without_versions_says_so(api: TestClient, national: dict[str, str]) -> None:
    refused = api.put(
        "/api/v1/equipment/pkm-cipondoh-k1/service", json={"in_service": True}, headers={**national, "If-Match": '"x"'}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "api.no_versions")
