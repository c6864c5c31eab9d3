"""What every request may rely on: committed before answered, guarded, refused with a code and a place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from rantai.local.ports import free_port
from tests.support.accounts import bearer, key_for, make_account
from tests.support.feed import say
from tracker.access.rules import Role
from tracker.access.service import open_login
from tracker.api.app import create_app
from tracker.api.health import BEAT_WITHIN_S, PROGRAMS
from tracker.database.engine import transaction
from tracker.database.forgotten import begin_run
from tracker.database.heartbeat import beat
from tracker.edge.deps import CSRF_HEADER, LOGIN_COOKIE, Caller, Db
from tracker.edge.hop import Router
from tracker.edge.services import Services
from tracker.feed.forgetting import WHAT as EVENTS
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now

trial = Router(prefix="/api/v1/trial")


@trial.post("/write", status_code=201)
def write(db: Db) -> dict[str, str]:
    """Writes a row whose constraint is checked at the commit only."""
    db.execute(text("INSERT INTO trial VALUES (1)"))
    return {"stored": "yes"}


@trial.post("/count", status_code=201)
def count(db: Db, caller: Caller, body: dict[str, int]) -> dict[str, int]:
    """Counts how often the work was really done."""
    del caller, body
    done = db.scalar(text("INSERT INTO trial_count DEFAULT VALUES RETURNING n"))
    return {"n": int(done or 0)}


@pytest.fixture
def app(app_services: Services) -> FastAPI:
    """The application with two routes for trying."""
    return create_app(app_services, more=[trial])


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Not logged in."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_commit_that_fails_does_not_answer_created(client: TestClient, app_services: Services) -> None:
    with app_services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE other (id int PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE trial (id int REFERENCES other DEFERRABLE INITIALLY DEFERRED)"))
    answer = client.post("/api/v1/trial/write")
    assert answer.status_code >= 400
    with app_services.engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM trial")) == 0


def test_the_answer_leaves_after_the_commit(client: TestClient, app_services: Services) -> None:
    with app_services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE trial (id int)"))
    order: list[str] = []

    def committed(db: Session) -> None:
        # Threads that other tests left behind commit too, elsewhere.
        if db.get_bind() is app_services.engine:
            order.append("commit")

    event.listen(Session, "after_commit", committed)
    try:
        answer = client.post("/api/v1/trial/write")
    finally:
        event.remove(Session, "after_commit", committed)
    assert answer.status_code == 201
    assert order == ["commit"]


def test_the_same_key_and_request_give_the_first_answer_and_another_request_is_a_conflict(
    client: TestClient, app_services: Services
) -> None:
    with app_services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE trial_count (n serial)"))
    headers = {**bearer(client, app_services), "Idempotency-Key": "k1"}
    first = client.post("/api/v1/trial/count", json={"a": 1}, headers=headers)
    again = client.post("/api/v1/trial/count", json={"a": 1}, headers=headers)
    other = client.post("/api/v1/trial/count", json={"a": 2}, headers=headers)
    assert first.json() == again.json() == {"n": 1}
    assert (other.status_code, other.json()["code"]) == (409, "api.idempotency_mismatch")


def test_an_unknown_path_is_a_problem_and_not_a_page(client: TestClient) -> None:
    answer = client.get("/api/v1/nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "api.not_found"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "api.malformed"),
        (b"[" * 50_000, 400, "api.malformed"),
        (b"\xff\xfe\x00", 400, "api.malformed"),
        (b'{"username": 1, "password": []}', 422, "api.invalid"),
        (b'{"username": "a\\u0000b", "password": "x"}', 422, "api.invalid"),
        (b" " * 1_100_000, 413, "api.too_large"),
    ],
)
def test_a_hostile_body_is_refused_with_its_reason(client: TestClient, body: bytes, status: int, code: str) -> None:
    answer = client.post("/api/v1/tokens", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_that_hides_its_length_is_cut_off_too(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    answer = client.post("/api/v1/tokens", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_large")


def test_problems_speak_the_callers_language(client: TestClient) -> None:
    english = client.get("/api/v1/me", headers={"Accept-Language": "en-GB"}).json()["detail"]
    indonesian = client.get("/api/v1/me").json()["detail"]
    assert english.startswith("Log in first")
    assert indonesian.startswith("Masuk dahulu")


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client: TestClient, app_services: Services) -> None:
    make_account(app_services, "rina", "kata-sandi-rina")
    wrong = client.post("/api/v1/tokens", json={"username": "rina", "password": "bukan ini"})
    unknown = client.post("/api/v1/tokens", json={"username": "siapa", "password": "bukan ini"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_log_in_is_throttled_for_a_name_however_many_addresses_try(client: TestClient, app_services: Services) -> None:
    allowed = app_services.settings.api.login_attempts_per_minute
    answers = [client.post("/api/v1/tokens", json={"username": "rina", "password": "x"}) for _ in range(allowed + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [401] * allowed
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "access.too_many_attempts")


def test_a_token_ends_and_a_withdrawn_account_is_out_at_once(client: TestClient, app_services: Services) -> None:
    headers = bearer(client, app_services)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    with app_services.engine.begin() as connection:
        connection.execute(text("UPDATE account SET active = false"))
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer ey.no.no"}).status_code == 401


def test_an_api_key_opens_what_its_account_may(client: TestClient, app_services: Services) -> None:
    account_id = make_account(app_services, "jaki", None, role=Role.INTEGRATOR)
    with transaction(app_services.engine) as db:
        key = key_for(db, account_id)
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).json()["id"] == str(account_id)
    with app_services.engine.begin() as connection:
        stored = connection.execute(text("SELECT digest, prefix FROM api_key")).one()
        assert key.encode() not in bytes(stored.digest)
        connection.execute(text("UPDATE api_key SET revoked_at = now()"))
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_a_cookie_writes_only_with_the_csrf_token_of_its_own_log_in(client: TestClient, app_services: Services) -> None:
    with app_services.engine.begin() as connection:
        connection.execute(text("CREATE TABLE trial_count (n serial)"))
    account_id = make_account(app_services, "rina", "kata-sandi-rina")
    with transaction(app_services.engine) as db:
        from tracker.access.models import LoginAccount

        account = db.get_one(LoginAccount, account_id)
        login = open_login(db, account, now=utc_now(), hours=1)
        other = open_login(db, account, now=utc_now(), hours=1)
    client.cookies.set(LOGIN_COOKIE, login.cookie)
    assert client.get("/api/v1/me").status_code == 200
    assert client.post("/api/v1/trial/count", json={}).json()["code"] == "access.csrf_failed"
    foreign = client.post("/api/v1/trial/count", json={}, headers={CSRF_HEADER: other.csrf})
    assert foreign.json()["code"] == "access.csrf_failed"
    assert client.post("/api/v1/trial/count", json={}, headers={CSRF_HEADER: login.csrf}).status_code == 201


def _tell(app_services: Services, unit_id: UUID | None, subject: str) -> None:
    now = utc_now()
    with transaction(app_services.engine) as db:
        say(db, unit_id, [subject], now=now)
    number_pending(app_services.engine)


def test_the_live_feed_shows_the_callers_subtree_only_and_resumes_from_the_last_event_id(
    client: TestClient, app_services: Services
) -> None:
    from tracker.access.rules import UnitKind
    from tracker.access.service import ensure_unit

    make_account(app_services, "pusat", "kata-sandi-pusat", role=Role.NATIONAL)
    with transaction(app_services.engine) as db:
        nation = ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        banten = ensure_unit(db, code="36", name="Banten", kind=UnitKind.PROVINCE, parent=nation)
        jakarta = ensure_unit(db, code="31", name="DKI Jakarta", kind=UnitKind.PROVINCE, parent=nation)
    make_account(app_services, "banten", "kata-sandi-banten", role=Role.PROVINCE, unit="36")
    _tell(app_services, banten.id, "of Banten")
    _tell(app_services, jakarta.id, "of Jakarta")
    _tell(app_services, None, "of the nation")

    def heard(username: str, password: str, **headers: str) -> list[str]:
        login = bearer(client, app_services, username=username, password=password)
        answer = client.get("/api/v1/feed?after=0&wait=false", headers={**login, **headers})
        lines = (line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: "))
        return [json.loads(line)["subject"] for line in lines]

    assert heard("banten", "kata-sandi-banten") == ["of Banten"]
    assert heard("pusat", "kata-sandi-pusat") == ["of Banten", "of Jakarta", "of the nation"]
    assert heard("pusat", "kata-sandi-pusat", **{"Last-Event-ID": "2"}) == ["of the nation"]
    refused = client.get(
        "/api/v1/feed", headers={**bearer(client, app_services, "pusat", "kata-sandi-pusat"), "Last-Event-ID": "x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "api.bad_event_id")
    assert client.get("/api/v1/feed").status_code == 401
    with transaction(app_services.engine) as db:
        went = begin_run(db, EVENTS, before=utc_now(), now=utc_now())
        went.how_many, went.reached = 2, '["2"]'
    missed = client.get(
        "/api/v1/feed", headers={**bearer(client, app_services, "pusat", "kata-sandi-pusat"), "Last-Event-ID": "1"}
    )
    assert (missed.status_code, missed.json()["code"]) == (410, "api.position_gone")
    assert missed.json()["params"] == {"position": 1, "kept_after": 2}
    assert heard("pusat", "kata-sandi-pusat", **{"Last-Event-ID": "2"}) == ["of the nation"]
    assert len(heard("pusat", "kata-sandi-pusat")) == 3, "from the beginning is from what is kept"


@pytest.mark.parametrize("missing", ["", "broker", "ingest", "worker"])
def test_readyz_says_which_part_is_missing(client: TestClient, app_services: Services, missing: str) -> None:
    """Whoever watches the house hears of a program that stopped, not only of one that was never started."""
    silent = client.get("/readyz")
    checks = {
        "database": True,
        "migrations": True,
        "secret_key": True,
        "broker": True,
        "ingest": False,
        "worker": False,
    }
    assert (silent.status_code, silent.json()["checks"]) == (503, checks)
    now = utc_now()
    with transaction(app_services.engine) as db:
        for program, loop in PROGRAMS.items():
            stopped = timedelta(seconds=BEAT_WITHIN_S + 5) if program == missing else timedelta(0)
            beat(db, loop, now - stopped)
    if missing == "broker":
        app_services.settings.mqtt_url = SecretStr(f"mqtt://127.0.0.1:{free_port()}")
    told = client.get("/readyz")
    wanted = {name: name != missing for name in checks}
    assert (told.status_code, told.json()["checks"]) == (503 if missing else 200, wanted)
    assert client.get("/livez").json() == {"status": "ok"}
