"""docs/integrations/jaki.md as an app plays it: its client is taken from the page and runs as it stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import event

from tests.support.quota import Desk, fresh_nik
from tests.support.server import served
from tests.support.world import World
from tracker.access.keys import NewKey, make_key
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.catalog.service import NewBatch, add_batch
from tracker.database.engine import transaction
from tracker.delivery.rules.signing import signed_at
from tracker.delivery.webhooks import deliver_webhooks
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring
from tracker.stock.events import StockMoved
from tracker.stock.rules.words import Kind

PAGE = Path(__file__).parents[2] / "docs" / "integrations" / "jaki.md"
LOT = "az-10/JAKI"


@dataclass
class App:
    """The app of a city: the page's client with a key of its own."""

    services: Services
    world: World
    client: Any
    is_theirs: Any

    def session(self) -> str:
        with transaction(self.services.engine) as db:
            return str(Desk(db, self.world, self.world.now).session(capacity=5))

    def person(self) -> str:
        person = {"id": str(uuid7()), "nik": fresh_nik(), "name": "Warga Rekaan"}
        return str(self.client.http.post("persons", json=person).raise_for_status().json()["id"])

    def numbered(self) -> None:
        number_pending(self.services.engine)


@pytest.fixture
def app(app_services: Services, committed_world: World) -> Iterator[App]:
    now = utc_now()
    with transaction(app_services.engine) as db:
        world = replace(committed_world, now=now)
        batch = NewBatch(presentation="az-10", lot="JAKI", expiry=now.date() + timedelta(days=200))
        world.batches[LOT] = add_batch(db, SYSTEM, batch, now=now)
        Desk(db, world, now).stock(LOT, 6)
        owner = db.get_one(LoginAccount, world.who(Role.INTEGRATOR).account_id)
        key = make_key(db, SYSTEM, NewKey(account=owner.username, label="JAKI"), now=now).secret
    said: dict[str, Any] = {}
    exec(PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0], said)
    with served(create_app(app_services)) as house:
        client = said["Rantai"](house, key)
        yield App(app_services, world, client, said["is_theirs"])
        client.http.close()


def test_the_client_of_the_page_reads_follows_books_and_knows_whose_a_webhook_is(app: App) -> None:
    session, person = app.session(), app.person()
    app.numbered()
    before = {item["bucket"]: item["available"] for item in app.client.quota() if item["session"] == session}
    assert app.client.changes() == []
    hook = app.client.http.post("webhooks", json={"url": "https://jaki.example.id/h", "kinds": ["quota.*"]}).json()
    booking = str(uuid7())
    assert [app.client.book(person, session, booking)["state"] for _ in range(2)] == ["confirmed"] * 2
    app.numbered()
    assert booking in {told["subject"] for told in app.client.changes()}
    after = {item["bucket"]: item["available"] for item in app.client.quota() if item["session"] == session}
    assert sum(before.values()) > sum(after.values())

    heard: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        heard.append(request)
        return httpx2.Response(204)

    deliver_webhooks(
        app.services.engine,
        lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
        Keyring.of(app.services.settings),
        kinds=KINDS,
        now=utc_now(),
        resolve_host=lambda _host, _port: ["203.0.114.7"],
    )
    (request,) = heard
    assert booking.encode() in request.content
    assert app.is_theirs(hook["secret"], request.headers, request.content)
    assert not app.is_theirs(hook["secret"], request.headers, request.content + b" ")
    # Signed an hour ago: somebody's copy.
    for second in (str(int(request.headers["X-Timestamp"]) - 3600), "0"):
        signed = {"X-Timestamp": second, "X-Signature": signed_at(hook["secret"], second, request.content)}
        assert app.is_theirs(hook["secret"], signed, request.content) is False


def test_the_quota_is_told_once_until_a_number_changes(app: App) -> None:
    def ask(tag: str) -> httpx2.Response:
        answer: httpx2.Response = app.client.http.get("quota", headers={"If-None-Match": tag})
        return answer

    session, person = app.session(), app.person()
    first = ask("")
    tag = first.headers["ETag"]
    assert (first.status_code, tag[:3]) == (200, 'W/"')
    for same in (tag, tag.removeprefix("W/"), f'"another", {tag}', "*"):
        again = ask(same)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert ask('"another"').status_code == 200
    app.client.book(person, session, str(uuid7()))
    changed = ask(tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_what_is_committed_while_the_numbers_are_read_comes_behind_their_position(app: App) -> None:
    app.session()
    app.numbered()
    engine = app.services.engine
    late = str(uuid7())

    def say(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "vaccination_session" not in statement or late in said:
            return
        said.append(late)
        with transaction(engine) as db:
            unit = app.world.puskesmas.id
            moved = StockMoved(
                stock_event_id=UUID(late), kind=Kind.SUPPLY, facility_id=unit, presentation_ids=(), batch_ids=()
            )
            append(db, moved, unit_id=unit, subject=late, occurred_at=app.world.now, now=app.world.now)
        number_pending(engine)

    said: list[str] = []
    event.listen(engine, "after_cursor_execute", say)
    try:
        app.client.quota()
    finally:
        event.remove(engine, "after_cursor_execute", say)
    assert said == [late]
    assert late in {told["subject"] for told in app.client.changes()}
