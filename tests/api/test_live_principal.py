"""An open live stream looks again who listens, and ends when nobody may any more."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.support.accounts import make_account, signed_in
from tests.support.feed import say
from tests.support.loops import finished
from tests.support.server import served
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.principal import SYSTEM, Principal
from tracker.access.queries import principal_of
from tracker.access.rules import Role, UnitKind
from tracker.access.service import ensure_unit
from tracker.api.app import create_app
from tracker.api.sse import FeedHub, TooManyStreams
from tracker.database.engine import transaction
from tracker.edge.places import Places
from tracker.edge.services import Services
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now


def tell(engine: Engine, unit_id: UUID, subject: str) -> None:
    now = utc_now()
    with transaction(engine) as db:
        say(db, unit_id, [subject], now=now)
    number_pending(engine)


@pytest.fixture
def hub(engine: Engine) -> FeedHub:
    return FeedHub(engine, Places(4, queue=5, patience_s=5.0), most=5, most_each=5, recheck_s=0.05)


def test_a_waiting_stream_ends_when_its_account_is_withdrawn(hub: FeedHub) -> None:
    async def listen() -> list[object]:
        return [item async for item in hub.follow(SYSTEM, 0, still=lambda: None)]

    assert finished(listen(), 5) == []
    assert hub.open == 0


def test_a_stream_tells_by_the_grants_of_now_and_not_of_its_beginning(hub: FeedHub, app_services: Services) -> None:
    with transaction(hub.engine) as db:
        nation = ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        banten = ensure_unit(db, code="36", name="Banten", kind=UnitKind.PROVINCE, parent=nation)
        jakarta = ensure_unit(db, code="31", name="DKI Jakarta", kind=UnitKind.PROVINCE, parent=nation)
    moved_to = make_account(app_services, "kini", None, role=Role.PROVINCE, unit="31")
    looks: list[Principal | None] = []

    def still() -> Principal | None:
        with transaction(hub.engine) as db:
            found = None if len(looks) == 3 else principal_of(db, moved_to)
        if not looks:
            tell(hub.engine, banten.id, "of Banten")
            tell(hub.engine, jakarta.id, "of Jakarta")
        looks.append(found)
        return found

    account_id = make_account(app_services, "dulu", None, role=Role.PROVINCE, unit="36")
    with transaction(hub.engine) as db:
        before = principal_of(db, account_id)
    assert before is not None

    async def listen() -> list[str]:
        return [item.subject async for item in hub.follow(before, 0, still=still)]

    assert finished(listen(), 10) == ["of Jakarta"]


def test_one_account_has_so_many_streams_and_leaves_the_others_theirs(hub: FeedHub) -> None:
    one, other = Principal(account_id=UUID(int=1), name="a"), Principal(account_id=UUID(int=2), name="b")
    hub.most_each = 2
    with hub.room(one), hub.room(one):
        with pytest.raises(TooManyStreams), hub.room(one):
            pass
        with hub.room(other), hub.room(other):
            hub.most = 4
            with pytest.raises(TooManyStreams), hub.room(Principal(account_id=UUID(int=3), name="c")):
                pass
        assert hub.open == 2
    with hub.room(one):
        assert hub.open == 1
    assert hub.open == 0


def test_many_streams_of_one_account_opened_at_once_are_no_more_than_opened_in_turn(
    app_services: Services, committed_world: World
) -> None:
    app_services.settings.api.sse_connections_each = 2
    app = create_app(app_services)
    headers = signed_in(app_services, committed_world, Role.NATIONAL)
    with served(app) as address:
        parts = urlsplit(address)
        ask = "GET /api/v1/feed HTTP/1.1\r\nHost: x\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        streams = [socket.create_connection((str(parts.hostname), int(parts.port or 0))) for _ in range(8)]
        try:
            for one in streams:
                one.sendall(ask.encode())
            statuses = sorted(one.recv(12).decode()[-3:] for one in streams)
        finally:
            for one in streams:
                one.close()
        assert statuses == ["200"] * 2 + ["503"] * 6
        eventually(lambda: app.state.hub.open == 0, what="the room given back")
