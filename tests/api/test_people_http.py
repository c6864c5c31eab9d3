"""Persons over HTTP: without a number, corrected, searched, merged, and who read them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.support.accounts import signed_in
from tests.support.quota import fresh_nik
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.kit.ids import uuid7


@pytest.fixture
def manager(app_services: Services, committed_world: World) -> dict[str, str]:
    return signed_in(app_services, committed_world, Role.MANAGER)


def test_the_life_of_a_record_that_was_typed_wrong(
    api: TestClient, manager: dict[str, str], app_services: Services, committed_world: World
) -> None:
    theirs, mine = fresh_nik(), fresh_nik()
    wrong, infant, person = (str(uuid7()) for _ in range(3))
    assert (
        api.post("/api/v1/persons", json={"id": wrong, "nik": theirs, "name": "A"}, headers=manager).status_code == 201
    )
    taken = api.post("/api/v1/persons", json={"id": person, "nik": theirs, "name": "B"}, headers=manager)
    assert (taken.status_code, taken.json()["params"]["person"]) == (409, wrong)
    fixed = api.put(f"/api/v1/persons/{wrong}/nik", json={"nik": mine, "reason": "salah ketik"}, headers=manager)
    assert (fixed.status_code, fixed.json()["identity"]) == (200, "proven")
    assert (
        api.post("/api/v1/persons", json={"id": person, "nik": theirs, "name": "B"}, headers=manager).status_code == 201
    )
    found = api.post("/api/v1/persons/search", json={"nik": theirs}, headers=manager).json()["items"]
    assert [one["id"] for one in found] == [person]
    child = {
        "id": infant,
        "name": "Bayi",
        "without_nik": "infant",
        "birth_date": "2026-01-05",
        "sex": "male",
        "guardian": person,
    }
    assert api.post("/api/v1/persons", json=child, headers=manager).json()["guardian"] == person
    assert api.post("/api/v1/persons", json={"id": str(uuid7()), "name": "X"}, headers=manager).status_code == 422
    moved = api.patch(
        f"/api/v1/persons/{person}", json={"phone": "0062 812 3456 789", "residence": None}, headers=manager
    )
    assert (moved.status_code, moved.json()["phone"]) == (200, "+628••••••789")
    assert api.patch(f"/api/v1/persons/{person}", json={"name": None}, headers=manager).status_code == 422
    assert api.patch(f"/api/v1/persons/{person}", json={"nik": mine}, headers=manager).status_code == 422
    twin = str(uuid7())
    alike = {"id": twin, "name": "B.", "without_nik": "unknown", "birth_date": "1990-01-01", "sex": "female"}
    assert api.post("/api/v1/persons", json=alike, headers=manager).status_code == 201
    merge = {"duplicate": twin, "reason": "orang yang sama"}
    for _ in range(2):
        assert api.post(f"/api/v1/persons/{person}/merge", json=merge, headers=manager).json()["person"] == person
    assert api.get(f"/api/v1/persons/{twin}", headers=manager).json()["id"] == person
    assert api.get(f"/api/v1/persons/{twin}/history", headers=manager).json()["appointments"] == []
    record = api.get(f"/api/v1/persons/{person}/record", headers=manager).json()["items"]
    assert {entry["act"] for entry in record} == {"read", "searched", "changed", "merged"}
    assert theirs not in str(record)
    outsider = signed_in(app_services, committed_world, Role.INTEGRATOR)
    for path in ("", "/history", "/record"):
        assert api.get(f"/api/v1/persons/{person}{path}", headers=outsider).status_code == 404
