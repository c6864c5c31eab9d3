"""Roles open their subtree and nothing beside it."""

from __future__ import annotations

import pytest

from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role, path_label, plain_username, within
from tracker.access.tokens import account_of_token, issue_token
from tracker.kit.clock import utc_now
from tracker.kit.errors import Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring, derived_key

BANTEN = Principal(account_id=uuid7(), name="Banten", grants=(Grant(role=Role.PROVINCE, path="id.36"),))
AUDITOR = Principal(account_id=uuid7(), name="Auditor", grants=(Grant(role=Role.AUDITOR, path="id.36"),))


def test_every_role_has_permissions_and_the_nation_has_all() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert ROLE_PERMISSIONS[Role.NATIONAL] == frozenset(Permission)


def test_a_neighbour_whose_code_begins_alike_is_not_inside() -> None:
    assert within("id.36.3671", "id.36")
    assert not within("id.367", "id.36")


def test_outside_the_subtree_a_thing_is_not_found_rather_than_forbidden() -> None:
    with pytest.raises(NotFound):
        BANTEN.require(Permission.STOCK_READ, "id.31")


def test_inside_the_subtree_a_missing_permission_is_forbidden() -> None:
    AUDITOR.require(Permission.STOCK_READ, "id.36.3671")
    with pytest.raises(Forbidden):
        AUDITOR.require(Permission.STOCK_WRITE, "id.36.3671")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.INTEGRATOR])
def test_those_who_only_look_cannot_change_stock(role: Role) -> None:
    assert Permission.STOCK_WRITE not in ROLE_PERMISSIONS[role]
    assert Permission.HOLD_RELEASE not in ROLE_PERMISSIONS[role]


def test_the_system_may_everything() -> None:
    assert all(SYSTEM.may(permission, "anywhere") for permission in Permission)


def test_a_code_becomes_a_label_an_old_ltree_takes() -> None:
    assert path_label("PKM-36.71/01") == "pkm_36_71_01"


def test_a_token_of_another_secret_or_an_ended_one_proves_nothing() -> None:
    now = utc_now()
    account = uuid7()
    one, another = Keyring(("one secret",)), Keyring(("another secret",))
    token = issue_token(one, account, now=now, minutes=5)
    assert account_of_token(one, token, now=now) == (account, now)
    assert account_of_token(another, token, now=now) is None
    assert account_of_token(Keyring((*another.secrets, *one.secrets)), token, now=now) == (account, now)
    assert account_of_token(one, token, now=now.replace(year=now.year + 1)) is None
    unsigned = "eyJhbGciOiJub25lIn0." + token.split(".")[1] + "."
    assert account_of_token(one, unsigned, now=now) is None


def test_keys_for_different_purposes_differ() -> None:
    assert derived_key("secret", "bearer token") != derived_key("secret", "NIK")


@pytest.mark.parametrize(
    "alike", [" Rina ", "rina\u200b", "ｒｉｎａ", "\u202erina", "ri\u00adna", "ri\u200dna", "RINA\ufeff"]
)
def test_user_names_that_look_alike_are_one(alike: str) -> None:
    assert plain_username(alike) == "rina"


@pytest.mark.parametrize("nothing", ["\u200b", " ", "\u3164", "\u2800", "\u200d"])
def test_a_user_name_that_nobody_sees_is_none(nothing: str) -> None:
    assert plain_username(nothing) == ""
