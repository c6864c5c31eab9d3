"""What is ended is ended at once: accounts, log-ins, tokens, passwords, keys, and pages that are open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from tests.support.accounts import bearer, key_for, make_account
from tests.support.network_api import Door
from tests.support.server import served
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.rules import Role
from tracker.access.service import check_password, close_login, open_login
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.delivery.models import Webhook
from tracker.delivery.webhooks import claim_requests
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.events import KINDS
from tracker.feed.models import FeedEvent
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now
from tracker.sealing.keyring import Keyring

OLD, NEW = "kata-sandi-lama", "kata-sandi-baru"


@pytest.fixture
def national(api: TestClient, app_services: Services) -> dict[str, str]:
    return bearer(api, app_services)


@pytest.fixture
def rina(app_services: Services) -> UUID:
    return make_account(app_services, "rina", OLD, role=Role.VACCINATOR)


@pytest.mark.parametrize("act", ["lock", "end-logins"])
def test_an_ended_account_is_out_with_every_proof_it_has(
    api: TestClient, app_services: Services, national: dict[str, str], rina: UUID, act: str
) -> None:
    mine = bearer(api, app_services, "rina", OLD)
    with transaction(app_services.engine) as db:
        key = {"Authorization": "Bearer " + key_for(db, rina)}
        cookie = {
            "Cookie": f"{LOGIN_COOKIE}={open_login(db, check_password(db, 'rina', OLD), now=utc_now(), hours=1).cookie}"
        }
    for proof in (mine, key, cookie):
        assert api.get("/api/v1/me", headers=proof).status_code == 200
    assert api.post(f"/api/v1/accounts/rina/{act}", headers=national).status_code == 200
    for proof in (mine, cookie):
        assert api.get("/api/v1/me", headers=proof).status_code == 401
    locked = act == "lock"
    assert api.get("/api/v1/me", headers=key).status_code == (401 if locked else 200)
    again = api.post("/api/v1/tokens", json={"username": "rina", "password": OLD})
    assert again.status_code == (401 if locked else 200)
    if locked:
        assert api.post("/api/v1/accounts/rina/unlock", headers=national).json()["active"] is True
        assert api.get("/api/v1/me", headers=mine).status_code == 401
        assert api.post("/api/v1/tokens", json={"username": "rina", "password": OLD}).status_code == 200


def test_a_reset_password_ends_what_the_old_one_opened(
    api: TestClient, app_services: Services, national: dict[str, str], rina: UUID
) -> None:
    mine = bearer(api, app_services, "rina", OLD)
    assert api.put("/api/v1/accounts/rina/password", json={"password": "pendek"}, headers=national).status_code == 422
    assert api.put("/api/v1/accounts/rina/password", json={"password": NEW}, headers=national).status_code == 200
    assert api.get("/api/v1/me", headers=mine).status_code == 401
    assert api.post("/api/v1/tokens", json={"username": "rina", "password": OLD}).status_code == 401
    assert api.post("/api/v1/tokens", json={"username": "rina", "password": NEW}).status_code == 200


def test_a_key_is_made_told_once_listed_and_revoked(api: TestClient, national: dict[str, str], rina: UUID) -> None:
    made = api.post("/api/v1/accounts/rina/keys", json={"label": "JAKI"}, headers=national).json()
    key = {"Authorization": f"Bearer {made['key']}"}
    assert api.get("/api/v1/me", headers=key).json()["id"] == str(rina)
    listed = api.get("/api/v1/accounts/rina/keys", headers=national)
    assert [one["id"] for one in listed.json()["items"]] == [made["id"]]
    assert made["key"] not in listed.text
    assert api.post(f"/api/v1/keys/{made['id']}/revoke", headers=national).json()["revoked_at"] is not None
    assert api.get("/api/v1/me", headers=key).status_code == 401


def test_nobody_ends_an_account_beyond_their_reach_or_their_own_rights(
    api: TestClient, app_services: Services, committed_world: World
) -> None:
    door = Door(client=api, services=app_services, world=committed_world)
    national = committed_world.usernames[Role.NATIONAL]
    manager = committed_world.usernames[Role.MANAGER]
    for act in ("lock", "unlock", "end-logins"):
        assert door.ask("POST", f"/api/v1/accounts/{national}/{act}", Role.CITY).status_code == 404
        assert door.ask("POST", f"/api/v1/accounts/{manager}/{act}", Role.VACCINATOR).status_code == 403
    body = {"password": NEW}
    assert door.ask("PUT", f"/api/v1/accounts/{national}/password", Role.PROVINCE, json=body).status_code == 404
    # A greater role over one's own unit is beyond one's own rights, too; an account without any role is the nation's.
    with app_services.engine.begin() as connection:
        connection.execute(text("UPDATE role_grant SET role = 'national' WHERE role = 'facility_manager'"))
    assert door.ask("PUT", f"/api/v1/accounts/{manager}/password", Role.CITY, json=body).status_code == 403
    with app_services.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM role_grant WHERE unit_id IN (SELECT id FROM unit WHERE code = 'pkm-cipondoh')")
        )
    assert door.ask("PUT", f"/api/v1/accounts/{manager}/password", Role.CITY, json=body).status_code == 404
    own = door.ask("POST", f"/api/v1/accounts/{national}/lock")
    assert own.status_code == 403


@pytest.fixture
def address(app_services: Services) -> Iterator[str]:
    with served(create_app(app_services)) as address:
        yield address


@pytest.mark.parametrize("end", ["account", "key"])
def test_an_open_live_page_ends_with_the_access_it_was_opened_with(
    app_services: Services, address: str, end: str
) -> None:
    account = make_account(app_services, "jaki", None, role=Role.INTEGRATOR)
    make_account(app_services, "pusat", OLD)
    with transaction(app_services.engine) as db:
        key = key_for(db, account)
    ended, begun = threading.Event(), threading.Event()

    def listen() -> None:
        login = {"Authorization": f"Bearer {key}"}
        with httpx2.stream("GET", f"{address}/api/v1/feed", headers=login, timeout=60) as stream:
            begun.set()
            for _ in stream.iter_bytes():
                pass
        ended.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    eventually(begun.is_set, what="the beginning of the stream")
    token = httpx2.post(f"{address}/api/v1/tokens", json={"username": "pusat", "password": OLD}, timeout=30).json()
    login = {"Authorization": f"Bearer {token['access_token']}"}
    with app_services.engine.begin() as connection:
        key_id = connection.scalar(text("SELECT id FROM api_key"))
    path = "/api/v1/accounts/jaki/lock" if end == "account" else f"/api/v1/keys/{key_id}/revoke"
    assert httpx2.post(address + path, headers=login, timeout=30).status_code == 200
    # Twice a minute is how often a stream asks by itself: this is well before.
    eventually(ended.is_set, timeout_s=15, what="the end of the stream")


def test_who_logs_out_ends_the_live_page_that_is_open(app_services: Services, rina: UUID) -> None:
    del rina
    app = create_app(app_services)
    with served(app) as address:
        with transaction(app_services.engine) as db:
            account = check_password(db, "rina", OLD)
            cookie = open_login(db, account, now=utc_now(), hours=1).cookie
        ended, begun = threading.Event(), threading.Event()

        def listen() -> None:
            sent = {"Cookie": f"{LOGIN_COOKIE}={cookie}"}
            with httpx2.stream("GET", f"{address}/api/v1/feed", headers=sent, timeout=60) as stream:
                begun.set()
                for _ in stream.iter_bytes():
                    pass
            ended.set()

        threading.Thread(target=listen, daemon=True).start()
        eventually(begun.is_set, what="the beginning of the stream")
        with transaction(app_services.engine) as db:
            close_login(db, cookie)
        eventually(ended.is_set, timeout_s=15, what="the end of the stream")


def test_a_webhook_hears_no_more_than_its_key_and_nothing_once_that_is_revoked(
    api: TestClient, app_services: Services, committed_world: World
) -> None:
    door = Door(client=api, services=app_services, world=committed_world)
    make_account(app_services, "mesin", None, role=Role.INTEGRATOR, unit="kota-tangerang")
    body = {"label": "k", "scope": {"role": "integrator", "unit": "pkm-cipondoh"}}
    made = door.ask("POST", "/api/v1/accounts/mesin/keys", json=body).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    hook = {"url": "https://example.org/hook", "since": 0}
    assert api.post("/api/v1/webhooks", json=hook, headers=headers).status_code == 201
    number_pending(app_services.engine)

    def heard() -> set[str]:
        """Units of the events that the next round would send."""
        with transaction(app_services.engine) as db:
            webhook = db.scalars(select(Webhook)).one()
            kept = webhook.position, webhook.next_at
            webhook.position, webhook.next_at = 0, utc_now()
        requests = claim_requests(app_services.engine, Keyring.of(app_services.settings), KINDS, utc_now(), None, 5)
        with transaction(app_services.engine) as db:
            webhook = db.scalars(select(Webhook)).one()
            webhook.position, webhook.next_at = kept
            ids = [event["id"] for request in requests for event in request.events]
            return set(
                db.scalars(select(Unit.code).join(FeedEvent, FeedEvent.unit_id == Unit.id).where(FeedEvent.id.in_(ids)))
            )

    assert heard() == {"pkm-cipondoh"}
    new = door.ask("POST", f"/api/v1/keys/{made['id']}/rotate", json={"overlap_hours": 0}).json()
    assert heard() == {"pkm-cipondoh"}
    assert door.ask("POST", "/api/v1/accounts/mesin/lock").status_code == 200
    assert heard() == set()
    assert door.ask("POST", "/api/v1/accounts/mesin/unlock").status_code == 200
    assert heard() == {"pkm-cipondoh"}
    # Whoever manages the account finds it and may end it.
    listed = door.ask("GET", "/api/v1/webhooks", params={"account": "mesin"}).json()["items"]
    assert len(listed) == 1
    assert door.ask("POST", f"/api/v1/keys/{new['id']}/revoke").status_code == 200
    assert heard() == set()
    assert door.ask("DELETE", f"/api/v1/webhooks/{listed[0]['id']}", Role.VACCINATOR).status_code == 404
    assert door.ask("DELETE", f"/api/v1/webhooks/{listed[0]['id']}").status_code == 204
    assert door.ask("GET", "/api/v1/webhooks", Role.VACCINATOR, params={"account": "mesin"}).status_code == 403


def test_wrong_passwords_from_elsewhere_do_not_lock_the_owner_out(app_services: Services, rina: UUID) -> None:
    del rina
    app = create_app(app_services)
    with TestClient(app, client=("10.0.0.1", 1)) as owner, TestClient(app, client=("10.6.6.6", 1)) as other:
        good = {"username": "rina", "password": OLD}
        assert owner.post("/api/v1/tokens", json=good).status_code == 200
        bad = {"username": "rina", "password": "salah"}
        tried = [other.post("/api/v1/tokens", json=bad).status_code for _ in range(12)]
        assert tried[-1] == 429
        assert owner.post("/api/v1/tokens", json=good).status_code == 200


def test_units_whose_codes_look_alike_are_two_units(app_services: Services) -> None:
    from tracker.access.rules import UnitKind
    from tracker.access.service import ensure_unit

    with transaction(app_services.engine) as db:
        nation = ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        made = [
            ensure_unit(db, code=code, name=code, kind=UnitKind.POST, parent=nation) for code in ("a-b", "a_b", "A.b")
        ]
    assert len({unit.path for unit in made}) == 3
