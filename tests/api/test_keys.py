"""API keys over HTTP, by page and by scope: never stronger than who made them, told once, ended at once, on the record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from dashboard.app import mount_pages
from tests.support.accounts import make_account
from tests.support.network_api import Door
from tests.support.world import PASSWORD, World
from tracker.access.errors import OtherKey
from tracker.access.keys import MOST_LIVE, NewKey, make_key, principal_of_key, rotate_key
from tracker.access.principal import SYSTEM, Grant, Principal, narrowed
from tracker.access.rules import Permission, Role
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.feed.numbering import number_pending
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7

PUSKESMAS = "pkm-cipondoh"


@pytest.fixture
def door(api: TestClient, app_services: Services, committed_world: World) -> Door:
    return Door(client=api, services=app_services, world=committed_world)


@pytest.fixture
def jaki(door: Door) -> str:
    """A machine's account over the city where the puskesmas lies."""
    make_account(door.services, "mesin", None, role=Role.INTEGRATOR, unit="kota-tangerang")
    return "mesin"


def made(door: Door, username: str, role: Role = Role.NATIONAL, **body: Any) -> Any:
    return door.ask("POST", f"/api/v1/accounts/{username}/keys", role, json={"label": "JAKI", **body})


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def me(door: Door, key: str) -> int:
    return int(door.client.get("/api/v1/me", headers=by(key)).status_code)


def test_a_key_tells_its_scope_its_end_its_maker_and_its_use(door: Door, jaki: str) -> None:
    answer = made(door, jaki, days=30, scope={"role": "integrator", "unit": PUSKESMAS})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert me(door, told["key"]) == 200
    (listed,) = door.get(f"/api/v1/accounts/{jaki}/keys")["items"]
    assert listed["scope"] == {"role": "integrator", "unit": PUSKESMAS}
    assert listed["made_by"] == door.world.usernames[Role.NATIONAL]
    assert listed["last_used_at"] is not None
    assert listed["expires_at"] is not None
    assert "key" not in listed


def test_a_key_with_a_scope_opens_what_both_it_and_its_account_may(door: Door, jaki: str) -> None:
    key = made(door, jaki, scope={"role": "auditor", "unit": PUSKESMAS})
    # An auditor reads audits, which an integrator does not: nothing beyond the account's own.
    assert (key.status_code, key.json()["code"]) == (403, "access.grant_beyond_own")
    narrow = made(door, jaki, scope={"role": "integrator", "unit": PUSKESMAS}).json()["key"]
    wide = made(door, jaki).json()["key"]
    seen = {
        name: {
            each["code"] for each in door.client.get("/api/v1/facilities?limit=100", headers=by(key)).json()["items"]
        }
        for name, key in (("narrow", narrow), ("wide", wide))
    }
    assert seen["narrow"] == {PUSKESMAS}
    assert seen["narrow"] < seen["wide"]
    # What the account loses, its keys lose with it.
    with door.services.engine.begin() as connection:
        connection.execute(
            text("DELETE FROM role_grant WHERE account_id = (SELECT id FROM account WHERE username = 'mesin')")
        )
    for key in (narrow, wide):
        assert door.client.get("/api/v1/facilities", headers=by(key)).json()["items"] == []


ROLES = st.sampled_from(list(Role))
PATHS = st.sampled_from(["id", "id.banten", "id.banten.kota", "id.banten.kota.pkm", "id.jakarta"])
GRANTS = st.lists(st.builds(Grant, role=ROLES, path=PATHS), max_size=3)


@given(
    grants=GRANTS,
    scope=st.builds(Grant, role=ROLES, path=PATHS),
    permission=st.sampled_from(list(Permission)),
    at=PATHS,
)
def test_a_narrowed_principal_may_exactly_what_both_may(
    grants: list[Grant], scope: Grant, permission: Permission, at: str
) -> None:
    whole = Principal(account_id=uuid4(), name="x", grants=tuple(grants))
    alone = Principal(account_id=uuid4(), name="x", grants=(scope,))
    narrow = narrowed(whole, scope)
    assert narrow.may(permission, at) == (whole.may(permission, at) and alone.may(permission, at))
    assert narrow.sees(at) == (whole.sees(at) and alone.sees(at))
    assert not narrow.may(permission) or (whole.may(permission) and alone.may(permission))


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.NATIONAL, Role.PROVINCE, Role.CITY)])
def test_who_manages_no_accounts_makes_lists_rotates_and_revokes_no_key(door: Door, jaki: str, role: Role) -> None:
    key_id = made(door, jaki).json()["id"]
    assert made(door, jaki, role).status_code == 403
    assert door.ask("GET", f"/api/v1/accounts/{jaki}/keys", role).status_code == 403
    for act in ("rotate", "revoke"):
        known, unknown = (door.ask("POST", f"/api/v1/keys/{each}/{act}", role) for each in (key_id, uuid4()))
        # The same answer for a key that is there and one that is not.
        assert (known.status_code, unknown.status_code) == (404, 404)
        assert known.json()["detail"] == unknown.json()["detail"]


def test_nobody_makes_a_key_stronger_than_themself(door: Door) -> None:
    world = door.world
    assert made(door, world.usernames[Role.NATIONAL], Role.CITY).status_code == 404
    assert made(door, world.usernames[Role.PROVINCE], Role.CITY).status_code == 404
    # The nation's role over one's own unit is beyond one's own rights.
    make_account(door.services, "besar", None, role=Role.NATIONAL, unit=PUSKESMAS)
    assert made(door, "besar", Role.CITY).json()["code"] == "access.grant_beyond_own"
    make_account(door.services, "kecil", None, role=Role.VACCINATOR, unit=PUSKESMAS)
    for scope in ({"role": "national", "unit": PUSKESMAS}, {"role": "vaccinator", "unit": "kota-tangerang"}):
        answer = made(door, "kecil", Role.CITY, scope=scope)
        assert answer.json()["code"] == "access.grant_beyond_own", scope
    assert (
        made(door, "kecil", Role.CITY, scope={"role": "vaccinator", "unit": "ID"}).json()["code"]
        == "access.unknown_unit"
    )
    assert made(door, "kecil", Role.CITY).status_code == 201


def test_a_narrowed_key_of_a_manager_does_not_reach_beside_its_scope(door: Door, jaki: str) -> None:
    """A key of the province's account, for its city only, ends neither its account's other keys nor its log-ins."""
    province = door.world.usernames[Role.PROVINCE]
    whole = made(door, province).json()
    narrow = made(door, province, scope={"role": "city", "unit": "kota-tangerang"}).json()["key"]
    for method, path in (
        ("GET", f"/api/v1/accounts/{province}/keys"),
        ("POST", f"/api/v1/accounts/{province}/keys"),
        ("POST", f"/api/v1/keys/{whole['id']}/revoke"),
        ("POST", f"/api/v1/keys/{whole['id']}/rotate"),
        ("POST", f"/api/v1/accounts/{province}/end-logins"),
        ("POST", f"/api/v1/accounts/{province}/lock"),
    ):
        body = {"label": "x"} if path.endswith("keys") and method == "POST" else None
        assert door.client.request(method, path, headers=by(narrow), json=body).status_code == 404, path
    assert door.client.post(f"/api/v1/accounts/{jaki}/keys", headers=by(narrow), json={"label": "x"}).status_code == 201


def test_a_rotated_key_goes_on_for_a_while_and_the_new_one_has_its_scope(door: Door, jaki: str) -> None:
    old = made(door, jaki, scope={"role": "integrator", "unit": PUSKESMAS}).json()
    new = door.ask("POST", f"/api/v1/keys/{old['id']}/rotate").json()
    assert new["scope"] == old["scope"]
    assert new["key"] != old["key"]
    assert me(door, old["key"]) == me(door, new["key"]) == 200
    with transaction(door.services.engine) as db:
        assert principal_of_key(db, old["key"], now=utc_now() + timedelta(hours=25)) is None
        assert principal_of_key(db, new["key"], now=utc_now() + timedelta(hours=25)) is not None
    again = door.ask("POST", f"/api/v1/keys/{old['id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "access.key_ended")
    at_once = door.ask("POST", f"/api/v1/keys/{new['id']}/rotate", json={"overlap_hours": 0}).json()
    assert me(door, new["key"]) == 401
    assert me(door, at_once["key"]) == 200
    door.ask("POST", f"/api/v1/keys/{at_once['id']}/revoke")
    assert door.ask("POST", f"/api/v1/keys/{at_once['id']}/rotate").json()["code"] == "access.key_ended"


def test_a_repeat_under_one_name_is_one_key_told_again(door: Door, jaki: str) -> None:
    headers = {"Idempotency-Key": "sekali"}
    answers = [
        door.ask("POST", f"/api/v1/accounts/{jaki}/keys", json={"label": "JAKI"}, headers=headers).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    rotated = [
        door.ask("POST", f"/api/v1/keys/{answers[0]['id']}/rotate", headers={"Idempotency-Key": "putar"}).json()
        for _ in range(2)
    ]
    assert rotated[0] == rotated[1]
    assert len(door.get(f"/api/v1/accounts/{jaki}/keys")["items"]) == 2
    revoked = [door.ask("POST", f"/api/v1/keys/{answers[0]['id']}/revoke").json()["revoked_at"] for _ in range(2)]
    assert revoked[0] == revoked[1]


def test_another_key_under_the_same_id_is_a_difference(door: Door, jaki: str) -> None:
    made = uuid7()
    with transaction(door.services.engine) as db:
        now = utc_now()
        wide = make_key(db, SYSTEM, NewKey(id=made, account=jaki, label="JAKI"), now=now)
        assert make_key(db, SYSTEM, NewKey(id=made, account=jaki, label="JAKI"), now=now).key is wide.key
        narrow = NewKey(id=made, account=jaki, label="JAKI", role=Role.INTEGRATOR, unit="pkm-cipondoh")
        with pytest.raises(OtherKey):
            make_key(db, SYSTEM, narrow, now=now)


def test_many_at_once_make_no_more_keys_than_an_account_may_have_and_rotate_one_once(door: Door, jaki: str) -> None:
    first = made(door, jaki).json()["id"]

    def rotate(_: int) -> str:
        try:
            with transaction(door.services.engine) as db:
                return str(rotate_key(db, SYSTEM, UUID(first), now=utc_now()).key.id)
        except Exception as error:  # noqa: BLE001 - the refusal is what is counted
            return type(error).__name__

    with ThreadPoolExecutor(6) as crowd:
        told = list(crowd.map(rotate, range(6)))
    assert sorted(told)[1:] == ["KeyEnded"] * 5

    def make(_: int) -> str:
        try:
            with transaction(door.services.engine) as db:
                make_key(db, SYSTEM, NewKey(account=jaki, label="k"), now=utc_now())
        except Exception as error:  # noqa: BLE001 - the same
            return type(error).__name__
        return "made"

    with ThreadPoolExecutor(8) as crowd:
        told = list(crowd.map(make, range(MOST_LIVE + 4)))
    assert told.count("made") == MOST_LIVE - 2
    assert set(told) == {"made", "TooManyKeys"}


def test_what_is_done_to_keys_and_accounts_stands_on_the_feed_with_ids_only(door: Door, jaki: str) -> None:
    key = made(door, jaki, Role.CITY).json()
    new = door.ask("POST", f"/api/v1/keys/{key['id']}/rotate", Role.CITY).json()
    door.ask("POST", f"/api/v1/keys/{new['id']}/revoke", Role.CITY)
    for act in ("lock", "lock", "unlock", "unlock", "end-logins"):
        assert door.ask("POST", f"/api/v1/accounts/{jaki}/{act}", Role.CITY).status_code == 200
    number_pending(door.services.engine)
    with door.services.engine.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT kind, data::text AS data, subject FROM feed_event WHERE kind LIKE 'access.%' ORDER BY position"
            )
        ).all()
    kinds = ["key_made", "key_rotated", "key_revoked", "account_locked", "account_unlocked", "logins_ended"]
    assert [row.kind for row in rows] == [f"access.{kind}" for kind in kinds]
    city = door.world.who(Role.CITY).account_id
    for row in rows:
        assert str(city) in row.data
        assert not any(word in row.data for word in (jaki, "JAKI", key["prefix"], key["key"], new["key"]))


def test_an_account_lists_and_revokes_its_own_keys_and_makes_none(door: Door, jaki: str) -> None:
    key = made(door, jaki).json()
    headers = by(key["key"])
    assert door.client.get(f"/api/v1/accounts/{jaki}/keys", headers=headers).json()["items"][0]["id"] == key["id"]
    assert door.client.post(f"/api/v1/accounts/{jaki}/keys", headers=headers, json={"label": "x"}).status_code == 403
    assert door.client.post(f"/api/v1/keys/{key['id']}/rotate", headers=headers).status_code == 404
    assert door.client.post(f"/api/v1/keys/{key['id']}/revoke", headers=headers).status_code == 200
    assert me(door, key["key"]) == 401


@pytest.fixture
def site(app_services: Services, committed_world: World) -> Iterator[TestClient]:
    app = create_app(app_services)
    mount_pages(app, app_services)
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as client:
        client.headers["accept"] = "text/html"
        yield client


def enter(site: TestClient, username: str) -> str:
    """Logs in; gives the form's secret."""
    answer = site.post("/masuk", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return re.search(r'name="csrf" value="([^"]+)"', site.get("/akun").text)[1]  # type: ignore[index]  # it is there


def test_the_page_makes_shows_once_replaces_and_revokes(site: TestClient, door: Door, jaki: str) -> None:
    csrf = enter(site, door.world.usernames[Role.CITY])
    assert jaki in site.get("/akun/kunci").text
    sent = {"csrf": csrf, "akun": jaki, "label": "JAKI", "hari": "90", "nomor": str(uuid4())}
    shown = site.post("/akun/kunci", data=sent).text
    key = re.search(r"rnt_[\w-]{20,}", shown)
    assert key is not None
    assert me(door, key[0]) == 200
    # The same form once more is the same key, and it is not told again; nor by the list.
    again = site.post("/akun/kunci", data=sent)
    assert again.status_code == 200
    assert key[0] not in again.text + site.get(f"/akun/kunci?akun={jaki}").text
    (row,) = door.get(f"/api/v1/accounts/{jaki}/keys")["items"]
    assert site.post(f"/akun/kunci/{row['id']}/cabut", data={"akun": jaki, "csrf": "x"}).status_code == 403
    new = re.search(
        r"rnt_[\w-]{20,}", site.post(f"/akun/kunci/{row['id']}/ganti", data={"akun": jaki, "csrf": csrf}).text
    )
    assert new is not None
    assert site.post(f"/akun/kunci/{row['id']}/cabut", data={"akun": jaki, "csrf": csrf}).status_code == 303
    assert (me(door, key[0]), me(door, new[0])) == (401, 200)
    beyond = site.post("/akun/kunci", data={**sent, "nomor": str(uuid4()), "peran": "national", "unit": PUSKESMAS})
    assert beyond.status_code == 403
    assert "melebihi wewenang" in beyond.text
    half = site.post("/akun/kunci", data={**sent, "nomor": str(uuid4()), "peran": "vaccinator"})
    assert half.status_code == 422


def test_who_manages_no_accounts_has_no_such_page(site: TestClient, door: Door, jaki: str) -> None:
    csrf = enter(site, door.world.usernames[Role.VACCINATOR])
    assert "/akun/kunci" not in site.get("/akun").text
    assert site.get(f"/akun/kunci?akun={jaki}").status_code == 403
    sent = {"csrf": csrf, "akun": jaki, "label": "JAKI", "hari": "90", "nomor": str(uuid4())}
    assert site.post("/akun/kunci", data=sent).status_code in (403, 422)
    assert door.get(f"/api/v1/accounts/{jaki}/keys")["items"] == []
