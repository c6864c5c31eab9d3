"""Two API processes on one database: a log-in made at one is good at the other, and ended at both at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from dashboard.app import mount_pages
from ingest.files.importer import import_logger_file
from tests.support.accounts import bearer, signed_in
from tests.support.page_site import HTML, csrf_of, log_in
from tests.support.phone import Phone
from tests.support.world import PASSWORD, World
from tracker.access.rules import Role
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.deps import LOGIN_COOKIE
from tracker.edge.services import Services
from tracker.handsets.models import HandsetStep
from tracker.kit.ids import uuid7
from tracker.stock.models import StockEvent


@pytest.fixture
def pair(app_services: Services) -> Iterator[tuple[TestClient, TestClient]]:
    # Each with an application of its own: nothing is shared but the database and the settings.
    with ExitStack() as stack:
        one, other = (
            TestClient(create_app(Services(engine=app_services.engine, settings=app_services.settings))) for _ in "12"
        )
        yield stack.enter_context(one), stack.enter_context(other)


def test_a_token_of_one_is_good_at_the_other_until_the_account_is_ended_there(
    pair: tuple[TestClient, TestClient], app_services: Services, committed_world: World
) -> None:
    one, other = pair
    username = committed_world.usernames[Role.CITY]
    token = bearer(one, app_services, username, PASSWORD)
    assert other.get("/api/v1/me", headers=token).json()["id"] == one.get("/api/v1/me", headers=token).json()["id"]
    boss = signed_in(app_services, committed_world, Role.NATIONAL)
    assert other.post(f"/api/v1/accounts/{username}/end-logins", headers=boss).status_code in (200, 204)
    assert [each.get("/api/v1/me", headers=token).status_code for each in pair] == [401, 401]


def test_a_request_repeated_at_the_other_gets_the_first_answer(
    pair: tuple[TestClient, TestClient], app_services: Services, committed_world: World
) -> None:
    one, other = pair
    boss = {**signed_in(app_services, committed_world, Role.NATIONAL), "Idempotency-Key": str(uuid7())}
    hook = {"url": "https://jaki.example.id/hook"}
    first, again = (each.post("/api/v1/webhooks", json=hook, headers=boss) for each in (one, other))
    assert first.status_code == 201
    assert again.json() == first.json(), "its secret is told once, and to whoever asks the same again"
    assert len(one.get("/api/v1/webhooks", headers=boss).json()["items"]) == 1


def test_a_log_in_of_one_works_at_the_other_and_ended_there_is_ended_at_both(
    app_services: Services, committed_world: World
) -> None:
    with ExitStack() as stack:
        sites = []
        for _ in "12":
            own = Services(engine=app_services.engine, settings=app_services.settings)
            app = create_app(own)
            mount_pages(app, own, take_logger_file=import_logger_file)
            sites.append(stack.enter_context(TestClient(app, headers=HTML, follow_redirects=False)))
        one, other = sites
        username = committed_world.usernames[Role.NATIONAL]
        cookie = log_in(one, username).cookies[LOGIN_COOKIE]
        # The browser sends one cookie to whichever process the proxy chooses.
        other.cookies.set(LOGIN_COOKIE, cookie)
        form = {"csrf": csrf_of(one.get("/akun/kunci").text), "akun": username, "label": "sistem kami"}
        assert "sistem kami" in other.post("/akun/kunci", data=form).text, "a form drawn by one is taken by the other"
        assert "sistem kami" in one.get(f"/akun/kunci?akun={username}").text
        assert other.post("/keluar", data={"csrf": form["csrf"]}).status_code == 303
        for site in sites:
            site.cookies.set(LOGIN_COOKIE, cookie)
            assert site.get("/akun/kunci").headers["location"].startswith("/masuk")


def test_a_phone_whose_line_broke_sends_its_book_to_both_and_each_step_is_taken_once(
    pair: tuple[TestClient, TestClient], app_services: Services, committed_world: World
) -> None:
    headers = signed_in(app_services, committed_world, Role.MANAGER)
    phone = Phone(pair[0], headers, "pkm-cipondoh", committed_world.now)
    assert phone.enrol().status_code == 201
    for _ in range(12):
        phone.event("supply", 1)

    def send(one: TestClient, upto: int) -> int:
        body = {"steps": phone.lines[:upto]}
        return one.post(f"/api/v1/handsets/{phone.id}/steps", json=body, headers=headers).status_code

    with ThreadPoolExecutor(6) as crowd:
        sending = [crowd.submit(send, pair[each % 2], upto) for each, upto in enumerate((12, 4, 8, 12, 6, 12))]
        assert {each.result() for each in sending} <= {200, 503}
    assert [item["state"] for item in phone.sent()] == ["done"] * 12
    with transaction(app_services.engine) as db:
        taken = db.scalars(select(StockEvent.id).where(StockEvent.id.in_(phone.ids))).all()
        steps = db.scalar(select(func.count()).select_from(HandsetStep))
    assert (len(taken), steps) == (12, 12)
