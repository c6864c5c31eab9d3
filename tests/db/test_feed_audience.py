"""One rule says who may see an event: live pages and webhooks tell each account the same."""

from __future__ import annotations

import json

import httpx2
import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from tests.support.feed import say
from tests.support.world import NOW, World
from tracker.access.audience import events_visible_to
from tracker.access.rules import Permission, Role
from tracker.database.engine import transaction
from tracker.delivery.models import Webhook
from tracker.delivery.service import NewWebhook, add_webhook
from tracker.delivery.webhooks import deliver_webhooks
from tracker.events import KINDS
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.kit.ids import uuid7
from tracker.network.queries import path_of
from tracker.sealing.keyring import Keyring

SECRET = "a secret for tests only, at least 32 characters"


@pytest.fixture
def world(engine: Engine, committed_world: World) -> World:
    made = committed_world
    with transaction(engine) as db:
        for unit in (made.city, made.puskesmas, made.neighbour, made.warehouse):
            say(db, unit.id, [unit.code], now=NOW)
        say(db, None, ["nation"], now=NOW)
    number_pending(engine)
    return made


def live(engine: Engine, world: World, role: Role) -> list[str]:
    """What a live page of this role is told."""
    with transaction(engine) as db:
        query = select(FeedEvent.subject).where(events_visible_to(world.who(role))).order_by(FeedEvent.position)
        return list(db.scalars(query))


def delivered(engine: Engine, world: World, role: Role) -> tuple[list[str], list[dict[str, object]]]:
    """What a webhook of this role is sent: subjects, and the bodies."""
    with transaction(engine) as db:
        hook = NewWebhook(url="https://jaki.example.id/hook", since=0)
        if not world.who(role).may(Permission.WEBHOOK_WRITE):
            # Who may not subscribe may have done so in an earlier role: what is sent follows what may be seen.
            db.add(
                Webhook(
                    id=uuid7(), account_id=world.who(role).account_id, url=hook.url, kinds=[], position=0,
                    failures=0, next_at=NOW, created_at=NOW,
                )
            )  # fmt: skip
        else:
            add_webhook(
                db, world.who(role), hook, known=KINDS, private_allowed=True, keyring=Keyring((SECRET,)), now=NOW
            )
    bodies: list[dict[str, object]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(200)

    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    while deliver_webhooks(engine, client, Keyring((SECRET,)), kinds=KINDS, now=NOW, private_allowed=True):
        pass
    events = [event for body in bodies for event in body["events"]]  # type: ignore[attr-defined]  # JSON
    return [event["subject"] for event in events], bodies


@pytest.mark.parametrize("role", list(Role))
def test_a_webhook_is_sent_what_the_live_feed_shows_and_nothing_else(engine: Engine, world: World, role: Role) -> None:
    shown = live(engine, world, role)
    assert delivered(engine, world, role)[0] == shown
    who = world.who(role)
    with transaction(engine) as db:
        paths = {
            unit.code: path_of(db, unit.id) for unit in (world.city, world.puskesmas, world.neighbour, world.warehouse)
        }
    seen = {code for code, path in paths.items() if who.may(Permission.FEED_READ, path)} | (
        {"nation"} if role is Role.NATIONAL else set()
    )
    assert {*paths, "nation"} & set(shown) == seen


def test_what_is_delivered_is_what_the_description_of_the_api_promises(
    engine: Engine, world: World, api: TestClient
) -> None:
    document = api.get("/openapi.json").json()
    _, bodies = delivered(engine, world, Role.NATIONAL)
    seen = set()
    for body in bodies:
        for event in body["events"]:  # type: ignore[attr-defined]  # JSON
            if event["kind"] not in KINDS.names:
                continue
            content = document["webhooks"][event["kind"]]["post"]["requestBody"]["content"]["application/json"]
            schema = {**content["schema"], "components": document["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate({**body, "events": [event]})
            seen.add(event["kind"])
    assert {"network.facility_added", "catalog.batch_added"} <= seen


def test_former_names_are_described_as_such_in_every_depth(api: TestClient) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["StockMoved"]["properties"]["facility"]["deprecated"] is True
    assert schemas["DifferenceLine"]["properties"]["batch"]["deprecated"] is True
    assert "deprecated" not in schemas["StockMoved"]["properties"]["facility_id"]
