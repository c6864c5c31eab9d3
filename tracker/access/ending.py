"""Use cases that end something: an account, its log-ins and tokens. All hold at once (keys: `keys.py`).

Log-ins and keys are rows; a token is none, so an account knows since when tokens count. Whoever has a live page
open is asked again who it is: the ring goes out with the commit, in this transaction, as it is rung so seldom.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tracker.access.errors import GrantBeyondOwn
from tracker.access.events import AccountLocked, AccountUnlocked, LoginsEnded
from tracker.access.models import Login, LoginAccount, RoleGrant, Unit
from tracker.access.principal import Grant, Principal
from tracker.access.rules import ROLE_PERMISSIONS, Permission, plain_username
from tracker.access.telling import tell_of
from tracker.feed.bell import ACCESS
from tracker.kit.errors import Forbidden, NotFound


def account_in_reach(db: Session, principal: Principal, username: str) -> LoginAccount:
    """An account that the caller may manage, active or not: every unit it has a role in, with no right beyond the caller's.

    Raises NotFound, Forbidden, GrantBeyondOwn.
    """
    principal.require(Permission.USER_WRITE)
    account = db.scalar(select(LoginAccount).where(LoginAccount.username == plain_username(username)))
    grants = [] if account is None else grants_of(db, account.id)
    if account is None or not all(principal.sees(grant.path) for grant in grants):
        raise NotFound
    if not grants and not principal.may(Permission.FEED_READ_NATION):
        raise NotFound
    for grant in grants:
        principal.require(Permission.USER_WRITE, grant.path)
        if any(not principal.may(permission, grant.path) for permission in ROLE_PERMISSIONS[grant.role]):
            raise GrantBeyondOwn(field="username")
    return account


def lock_account(db: Session, principal: Principal, username: str, *, now: datetime) -> LoginAccount:
    """Nobody gets in as this account any more, by password, log-in, token or key. Locking twice is harmless."""
    account = account_in_reach(db, principal, username)
    if account.id == principal.account_id:
        raise Forbidden  # the last one in a house would have locked it from inside
    if account.active:
        tell_of(db, principal, account, lambda who: AccountLocked(**who), now=now)
    account.active = False
    return end_logins(db, account, now=now)


def unlock_account(db: Session, principal: Principal, username: str, *, now: datetime) -> LoginAccount:
    """The account may log in again; its keys work again, its old log-ins and tokens do not."""
    account = account_in_reach(db, principal, username)
    if not account.active:
        tell_of(db, principal, account, lambda who: AccountUnlocked(**who), now=now)
    account.active = True
    db.flush()
    return account


def end_logins_of(db: Session, principal: Principal, username: str, *, now: datetime) -> LoginAccount:
    """Whoever is in as this account must log in again: a phone was lost. One's own, too."""
    own = own_account(db, principal)
    mine = own is not None and own.username == plain_username(username)
    account = own if own is not None and mine else account_in_reach(db, principal, username)
    tell_of(db, principal, account, lambda who: LoginsEnded(**who), now=now)
    return end_logins(db, account, now=now)


def own_account(db: Session, principal: Principal) -> LoginAccount | None:
    """The caller's account; none for who came with a narrowed key, which does not reach beside its scope."""
    if principal.account_id is None or principal.is_narrowed:
        return None
    return db.get_one(LoginAccount, principal.account_id)


def end_logins(db: Session, account: LoginAccount, *, now: datetime, but: bytes = b"") -> LoginAccount:
    """End all log-ins but the one with this digest, and every token issued until now."""
    db.execute(delete(Login).where(Login.account_id == account.id, Login.digest != but))
    account.tokens_from = now
    tell_ended(db)
    db.flush()
    return account


def tell_ended(db: Session) -> None:
    """Ring, with the commit, for whoever holds something open."""
    db.execute(select(func.pg_notify(ACCESS, "")))


def grants_of(db: Session, account_id: UUID) -> list[Grant]:
    """An account's roles and where, whether it is locked or not."""
    rows = db.execute(
        select(RoleGrant.role, Unit.path)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.account_id == account_id)
    )
    return [Grant(role=row.role, path=row.path) for row in rows]
