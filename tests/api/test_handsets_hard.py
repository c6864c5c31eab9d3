"""What a broken or hostile phone writes into its book: kept, shown and settled, and it holds nobody else up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.support.accounts import signed_in
from tests.support.phone import Phone
from tests.support.world import World
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.edge.services import Services

PLACE = "pkm-cipondoh"


def a_phone(api: TestClient, services: Services, world: World, role: Role) -> Phone:
    found = Phone(api, signed_in(services, world, role), PLACE, world.now)
    assert found.enrol().status_code == 201
    return found


@pytest.fixture
def phone(api: TestClient, app_services: Services, committed_world: World) -> Phone:
    return a_phone(api, app_services, committed_world, Role.MANAGER)


def nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


BODIES: dict[str, str] = {
    "NUL as a field": '{"\\u0000": 1}',
    "NUL in a value": '{"kind": "su\\u0000pply"}',
    "half a letter as a field": '{"\\ud800": 1}',
    "half a letter in a value": '{"facility": "\\ud800"}',
    "no number": '{"lines": NaN, "more": -Infinity}',
    "deep": json.dumps({"lines": nested(400)}),
    "large number": '{"lines": ' + "9" * 400 + "}",
    "many fields": json.dumps({f"x{n}": n for n in range(2000)}),
}


@pytest.mark.parametrize("words", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("kind", ["stock.event", "shipment.cancel"])
def test_a_body_of_any_shape_is_refused_or_kept_and_shown_and_dropped(phone: Phone, kind: str, words: str) -> None:
    step_id = phone.write(kind, {})
    written = json.loads(phone.lines[0]["text"])
    phone.lines.clear()
    head = json.dumps({key: value for key, value in written.items() if key != "body"})
    phone.write_text(head[:-1] + ', "body": ' + words + "}")
    taken = phone.send()
    if taken.status_code == 422:
        assert taken.json()["code"] == "handsets.step_unreadable"
        return
    assert taken.status_code == 200, taken.text
    assert [item["state"] for item in taken.json()["items"]] == ["conflict"]
    assert taken.json()["items"][0]["code"] != "api.internal"
    listed = phone.client.get("/api/v1/handsets/conflicts", headers=phone.headers)
    assert listed.status_code == 200, listed.text
    settled = phone.settle(step_id, "again")
    assert settled.status_code in {404, 409, 422}, settled.text
    settled = phone.settle(step_id, "drop")
    assert settled.status_code == 200, settled.text


@pytest.mark.parametrize("words", BODIES.values(), ids=BODIES.keys())
def test_a_correction_of_any_shape_is_refused_and_changes_nothing(phone: Phone, words: str) -> None:
    bad = phone.write("stock.event", {"id": "x"})
    assert phone.sent()[0]["state"] == "conflict"
    said = '{"id": "' + bad + '", "way": "correct", "reason": "dicek", "body": ' + words + "}"
    headers = {**phone.headers, "content-type": "application/json"}
    answer = phone.client.post(f"/api/v1/handsets/steps/{bad}/settle", content=said, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert phone.sent()[0]["state"] == "conflict"


def test_what_follows_a_settled_step_is_done_with_the_rights_of_whoever_wrote_it(
    api: TestClient, app_services: Services, committed_world: World
) -> None:
    """Who settles sees one step; a phone must not get another's rights for what it wrote behind it."""
    theirs = a_phone(api, app_services, committed_world, Role.AUDITOR)
    head = a_phone(api, app_services, committed_world, Role.MANAGER)
    bad = theirs.write("stock.event", {"id": "x"})
    supply = json.loads(head.lines[0]["text"])["body"] if head.event("supply", 5) else {}
    behind = theirs.write("stock.event", supply, needs=[bad])
    assert [item["state"] for item in theirs.sent()] == ["conflict", "waiting"]
    assert head.settle(bad, "correct", body=supply | {"id": bad}).status_code == 200
    items = theirs.sent()
    assert items[0]["state"] == "done"
    assert (items[1]["state"], items[1]["code"]) == ("conflict", "access.forbidden")
    assert head.settle(behind, "again").status_code == 200


def test_what_follows_a_settled_step_of_a_locked_account_waits_for_a_person(
    api: TestClient, app_services: Services, committed_world: World
) -> None:
    theirs = a_phone(api, app_services, committed_world, Role.WAREHOUSE)
    head = a_phone(api, app_services, committed_world, Role.MANAGER)
    bad = theirs.write("stock.event", {"id": "x"})
    behind = theirs.event("supply", 1, needs=[bad])
    assert [item["state"] for item in theirs.sent()] == ["conflict", "waiting"]
    with transaction(app_services.engine) as db:
        db.execute(
            text("UPDATE account SET active = false WHERE id = (SELECT account_id FROM handset WHERE id = :id)"),
            {"id": theirs.id},
        )
    head.event("supply", 5)
    body = json.loads(head.lines[0]["text"])["body"] | {"id": bad}
    assert head.settle(bad, "correct", body=body).status_code == 200
    listed = head.client.get("/api/v1/handsets/conflicts", headers=head.headers).json()["items"]
    assert [(item["id"], item["code"]) for item in listed] == [(behind, "access.forbidden")]
