"""Accounts and log-ins for tests of the HTTP edge."""

from __future__ import annotations

from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.keys import NewKey, make_key
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.access.service import NewAccount, account_exists, add_account, ensure_unit
from tracker.access.tokens import issue_token
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now
from tracker.sealing.keyring import Keyring


def make_account(
    services: Services, username: str, password: str | None, *, role: Role = Role.NATIONAL, unit: str = "ID"
) -> UUID:
    """An account with one role; the nation's unit is made when missing."""
    with transaction(services.engine) as db:
        ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        command = NewAccount(username=username, name=username.title(), password=password, role=role, unit=unit)
        return add_account(db, SYSTEM, command, now=utc_now()).id


def signed_in(services: Services, world: World, role: Role) -> dict[str, str]:
    """The Authorization header of the world's account with this role, without the password's costly hash."""
    account = world.who(role).account_id
    assert account is not None
    keyring = Keyring.of(services.settings)
    return {"Authorization": f"Bearer {issue_token(keyring, account, now=utc_now(), minutes=5)}"}


def bearer(
    client: TestClient, services: Services, username: str = "pusat", password: str = "kata-sandi-pusat"
) -> dict[str, str]:
    """The Authorization header of an account, made as national when it does not exist."""
    with transaction(services.engine) as db:
        exists = account_exists(db, username)
    if not exists:
        make_account(services, username, password)
    token = client.post("/api/v1/tokens", json={"username": username, "password": password}).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def key_for(db: Session, account_id: UUID) -> str:
    """A key of an account."""
    command = NewKey(account=db.get_one(LoginAccount, account_id).username, label="test")
    return make_key(db, SYSTEM, command, now=utc_now()).secret or ""
