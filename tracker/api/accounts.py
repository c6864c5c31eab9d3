"""Accounts, log-ins, passwords and keys: made, locked, reset, revoked. What is ended is ended at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path
from sqlalchemy import select

from tracker.access import ending
from tracker.access.models import ApiKey, LoginAccount, RoleGrant, Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.access.service import NewAccount, add_account, add_api_key, set_password
from tracker.api.account_schemas import AccountIn, AccountOut, KeyIn, KeyMade, KeyOut, KeysOut, PasswordIn
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of

router = Router(prefix="/api/v1", tags=["access"])

Username = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/accounts", operation_id="list_accounts")
def list_accounts(db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[AccountOut]:
    """Accounts with a role in a unit where the caller manages accounts, by user name."""
    caller.require(Permission.USER_WRITE)
    managed = (
        select(RoleGrant.account_id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(visible_to(caller, Unit.path, Permission.USER_WRITE))
    )
    return page_of(
        db,
        select(LoginAccount).where(LoginAccount.id.in_(managed)),
        keys=[LoginAccount.username],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].username],
        present=lambda row: account_out(row[0]),
    )


@router.post("/accounts", status_code=201, operation_id="add_account")
def post_account(body: AccountIn, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Make an account with one role over one unit."""
    password = body.password.get_secret_value() if body.password else None
    command = NewAccount(username=body.username, name=body.name, password=password, role=body.role, unit=body.unit)
    return account_out(add_account(db, caller, command, now=now))


@router.post("/accounts/{username}/lock", operation_id="lock_account")
def lock(username: Username, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Nobody gets in as this account: its log-ins, tokens, keys and live pages end now."""
    return account_out(ending.lock_account(db, caller, username, now=now))


@router.post("/accounts/{username}/unlock", operation_id="unlock_account")
def unlock(username: Username, db: Db, caller: Caller) -> AccountOut:
    """The account may log in again."""
    return account_out(ending.unlock_account(db, caller, username))


@router.post("/accounts/{username}/end-logins", operation_id="end_logins")
def end_logins(username: Username, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Whoever is in as this account must log in again."""
    return account_out(ending.end_logins_of(db, caller, username, now=now))


@router.put("/accounts/{username}/password", operation_id="set_password")
def put_password(username: Username, body: PasswordIn, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Give an account a new password; its log-ins and tokens end."""
    return account_out(set_password(db, caller, username, body.password.get_secret_value(), now=now))


@router.get("/accounts/{username}/keys", operation_id="list_keys")
def list_keys(username: Username, db: Db, caller: Caller) -> KeysOut:
    """The account's API keys, revoked ones too."""
    return KeysOut(items=[key_out(key) for key in ending.keys_of(db, ending.account_in_reach(db, caller, username))])


@router.post("/accounts/{username}/keys", status_code=201, operation_id="add_key")
def post_key(username: Username, body: KeyIn, db: Db, caller: Caller, now: Now) -> KeyMade:
    """Make an API key; it is told in this answer only."""
    account = ending.account_in_reach(db, caller, username)
    made = add_api_key(db, caller, account.id, body.label, now=now, days=body.days)
    return KeyMade(id=ending.keys_of(db, account)[0].id, key=made)


@router.post("/keys/{key_id}/revoke", operation_id="revoke_key")
def revoke_key(key_id: UUID, db: Db, caller: Caller, now: Now) -> KeyOut:
    """The key opens nothing any more."""
    return key_out(ending.revoke_api_key(db, caller, key_id, now=now))


def account_out(account: LoginAccount) -> AccountOut:
    """An account as it is told."""
    return AccountOut(id=account.id, username=account.username, name=account.name, active=account.active)


def key_out(key: ApiKey) -> KeyOut:
    """A key as it is told."""
    return KeyOut(
        id=key.id,
        label=key.label,
        prefix=key.prefix,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )
