"""Accounts, log-ins and passwords: made, locked, reset, ended. What is ended is ended at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from sqlalchemy import select

from tracker.access import ending
from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.access.service import NewAccount, add_account, set_password
from tracker.api.account_schemas import AccountIn, AccountOut, PasswordIn
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
def unlock(username: Username, db: Db, caller: Caller, now: Now) -> AccountOut:
    """The account may log in again."""
    return account_out(ending.unlock_account(db, caller, username, now=now))


@router.post("/accounts/{username}/end-logins", operation_id="end_logins")
def end_logins(username: Username, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Whoever is in as this account must log in again."""
    return account_out(ending.end_logins_of(db, caller, username, now=now))


@router.put("/accounts/{username}/password", operation_id="set_password")
def put_password(username: Username, body: PasswordIn, db: Db, caller: Caller, now: Now) -> AccountOut:
    """Give an account a new password; its log-ins and tokens end."""
    return account_out(set_password(db, caller, username, body.password.get_secret_value(), now=now))


def account_out(account: LoginAccount) -> AccountOut:
    """An account as it is told."""
    return AccountOut(id=account.id, username=account.username, name=account.name, active=account.active)
