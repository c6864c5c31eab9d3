"""A webhook is kept: what was sent, off and on, sent again, another secret; by HTTP and by page, and by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from dashboard.app import mount_pages
from tests.support.network_api import Door
from tests.support.world import PASSWORD, World
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.database.forgotten import begin_run
from tracker.delivery.forgetting import webhooks_have_read
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.rules.signing import signed_at
from tracker.delivery.webhooks import DELIVERIES_KEPT, claim_requests, deliver_webhooks
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.feed.forgetting import WHAT as EVENTS
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring
from tracker.stock.events import StockMoved
from tracker.stock.rules.words import Kind

URL = "https://jaki.example.id/h"


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    number_pending(app_services.engine)
    return Door(client=api, services=app_services, world=committed_world)


@dataclass
class Hook:
    """A city's webhook, and its receiver, which answers with `status`."""

    door: Door
    id: str
    secret: str
    status: int = 204
    heard: list[httpx2.Request] = field(default_factory=list)

    def ask(self, what: str, role: Role = Role.CITY, **more: Any) -> Any:
        return self.door.ask("POST", f"/api/v1/webhooks/{self.id}/{what}", role, **more)

    def happen(self, subject: str) -> None:
        now, unit = utc_now(), self.door.world.city.id
        with transaction(self.door.services.engine) as db:
            moved = StockMoved(
                stock_event_id=uuid7(), kind=Kind.SUPPLY, facility_id=unit, presentation_ids=(), batch_ids=()
            )
            append(db, moved, unit_id=unit, subject=subject, occurred_at=now, now=now)
        number_pending(self.door.services.engine)

    def deliver(self) -> list[str]:
        """What is heard now."""
        self.heard.clear()
        deliver_webhooks(
            self.door.services.engine,
            lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer)),
            Keyring.of(self.door.services.settings),
            kinds=KINDS,
            now=utc_now(),
            resolve_host=lambda _host, _port: ["203.0.114.7"],
        )
        return [told["subject"] for one in self.heard for told in json.loads(one.content)["events"]]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request)
        return httpx2.Response(self.status)

    def sent(self) -> list[dict[str, Any]]:
        return list(self.door.get(f"/api/v1/webhooks/{self.id}/deliveries", Role.CITY)["items"])


@pytest.fixture
def hook(door: Door) -> Hook:
    made = door.ask("POST", "/api/v1/webhooks", Role.CITY, json={"url": URL}).json()
    return Hook(door=door, id=made["id"], secret=made["secret"])


def test_what_was_sent_is_listed_with_its_answer_and_sent_again_from_there(hook: Hook) -> None:
    hook.happen("a")
    hook.status = 503
    assert hook.deliver() == ["a"]
    hook.status = 204
    assert hook.deliver() == [], "it waits for its next try"
    assert hook.ask("start").json()["next_at"] <= utc_now().isoformat()
    assert hook.deliver() == ["a"]
    hook.happen("b")
    assert hook.deliver() == ["b"]
    last, again, first = hook.sent()
    assert [one["error"] for one in (first, again, last)] == ["status 503", None, None]
    assert all(one["answered_at"] and one["events"] == 1 for one in (first, again, last))
    assert json.loads(hook.heard[0].content)["delivery"] == last["id"]
    assert again["after"] < again["up_to"] == last["after"] < last["up_to"]
    assert hook.ask("replay", json={"after": again["after"]}).status_code == 200
    assert hook.deliver() == ["a", "b"]
    beyond = hook.ask("replay", json={"after": last["up_to"] + 1})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "delivery.bad_position")


def test_a_new_webhook_begins_at_no_place_that_the_feed_does_not_have(hook: Hook) -> None:
    hook.happen("a")
    hook.deliver()
    newest = hook.sent()[0]["up_to"]
    with transaction(hook.door.services.engine) as db:
        went = begin_run(db, EVENTS, before=utc_now(), now=utc_now())
        went.how_many, went.reached = 2, json.dumps([str(newest)])
    for since, status in ((newest - 1, 422), (newest + 1, 422), (newest, 201), (0, 201)):
        answer = hook.door.ask("POST", "/api/v1/webhooks", Role.CITY, json={"url": URL, "since": since})
        assert answer.status_code == status, (since, answer.text)
        if status == 422:
            told = answer.json()
            assert (told["code"], told["params"]["field"]) == ("delivery.bad_position", "since")
            assert told["params"]["kept_after"] == newest


def test_a_worker_killed_while_it_sends_leaves_a_request_without_an_answer(hook: Hook) -> None:
    hook.happen("a")
    keyring = Keyring.of(hook.door.services.settings)
    claim_requests(hook.door.services.engine, keyring, KINDS, utc_now(), None, 1)
    (sent,) = hook.sent()
    assert (sent["events"], sent["answered_at"], sent["error"]) == (1, None, None)


def test_no_more_than_the_last_requests_are_kept(hook: Hook) -> None:
    early = utc_now() - timedelta(days=1)
    with transaction(hook.door.services.engine) as db:
        for number in range(DELIVERIES_KEPT + 3):
            one = WebhookDelivery(
                id=UUID(int=number), webhook_id=UUID(hook.id), after=0, up_to=1, events=1, sent_at=early
            )
            db.add(one)
    hook.happen("a")
    hook.deliver()
    with transaction(hook.door.services.engine) as db:
        assert db.scalar(select(func.count()).select_from(WebhookDelivery)) == DELIVERIES_KEPT
    assert hook.sent()[0]["answered_at"] is not None


def test_switched_off_it_hears_nothing_keeps_nothing_from_going_and_goes_on_where_it_was(hook: Hook) -> None:
    for _ in range(2):
        assert hook.ask("stop").json()["stopped_at"] is not None
    hook.happen("meanwhile")
    assert hook.deliver() == []
    with transaction(hook.door.services.engine) as db:
        assert webhooks_have_read(db) is None
    assert hook.ask("start").json()["stopped_at"] is None
    assert hook.deliver() == ["meanwhile"]


def test_another_secret_is_told_once_and_signs_what_comes_next(hook: Hook) -> None:
    new = hook.ask("secret").json()["secret"]
    assert new != hook.secret
    hook.happen("a")
    hook.deliver()
    (request,) = hook.heard
    given = request.headers["X-Signature"]
    second = request.headers["X-Timestamp"]
    assert given == signed_at(new, second, request.content) != signed_at(hook.secret, second, request.content)
    shown = hook.door.ask("GET", f"/api/v1/webhooks/{hook.id}", Role.CITY).text
    assert new not in shown


def test_only_who_may_keeps_it(hook: Hook) -> None:
    for what in ("stop", "start", "secret"):
        assert hook.ask(what, Role.VACCINATOR).status_code == 404
        assert hook.ask(what, Role.PROVINCE).status_code == 200, "who manages the account"
    path = f"/api/v1/webhooks/{hook.id}/deliveries"
    assert hook.door.ask("GET", path, Role.VACCINATOR).status_code == 404
    assert hook.ask("replay", json={"after": -1}).status_code == 422
    hook.happen("a")
    hook.deliver()
    assert hook.door.ask("DELETE", f"/api/v1/webhooks/{hook.id}", Role.CITY).status_code == 204, "with what was sent"


@pytest.fixture
def site(app_services: Services, committed_world: World) -> Iterator[TestClient]:
    app = create_app(app_services)
    mount_pages(app, app_services)
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as client:
        client.headers["accept"] = "text/html"
        yield client


def enter(site: TestClient, username: str) -> str:
    answer = site.post("/masuk", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return re.search(r'name="csrf" value="([^"]+)"', site.get("/akun").text)[1]  # type: ignore[index]  # it is there


def test_the_page_shows_what_was_sent_and_does_all_of_it(hook: Hook, site: TestClient) -> None:
    csrf = {"csrf": enter(site, hook.door.world.usernames[Role.CITY])}
    assert "/akun/webhook" in site.get("/akun").text
    page = f"/akun/webhook/{hook.id}"
    assert page in site.get("/akun/webhook").text
    hook.happen("a")
    hook.status = 503
    hook.deliver()
    shown = site.get(page).text
    assert "Menolak: 503" in shown
    assert hook.secret not in shown
    assert site.post(f"{page}/berhenti", data={"csrf": "x"}).status_code == 403
    assert site.post(f"{page}/berhenti", data=csrf).status_code == 303
    assert "Dimatikan" in site.get(page).text
    assert site.post(f"{page}/mulai", data=csrf).status_code == 303
    hook.status = 204
    assert hook.deliver() == ["a"]
    after = re.search(r'name="posisi" value="(\d+)"', site.get(page).text)
    assert after is not None
    assert site.post(f"{page}/ulang", data={**csrf, "posisi": after[1]}).status_code == 303
    assert hook.deliver() == ["a"]
    far = site.post(f"{page}/ulang", data={**csrf, "posisi": "999999999"})
    assert far.status_code == 422
    assert "999999999" in far.text.replace(".", "")
    renewed = site.post(f"{page}/rahasia", data=csrf)
    secret = re.search(r'id="rahasia-baru">([0-9a-f]{64})<', renewed.text)
    assert secret is not None
    assert secret[1] not in site.get(page).text
    assert site.post(f"{page}/hapus", data=csrf).headers["location"] == "/akun/webhook?akun=&dihapus=1"
    assert site.get(page).status_code == 404
    with transaction(hook.door.services.engine) as db:
        assert db.get(Webhook, UUID(hook.id)) is None


def test_who_may_have_none_has_no_such_page(hook: Hook, site: TestClient) -> None:
    enter(site, hook.door.world.usernames[Role.VACCINATOR])
    assert "/akun/webhook" not in site.get("/akun").text
    assert site.get("/akun/webhook").status_code == 403
    assert site.get(f"/akun/webhook/{hook.id}").status_code in (403, 404)
    assert site.post(f"/akun/webhook/{uuid7()}/hapus", data={"csrf": "x"}).status_code == 403
