"""Use cases that end something: an account, its log-ins and tokens, a password, a key. All hold at once.

Log-ins and keys are rows; a token is none, so an account knows since when tokens count. Whoever has a live page
open is asked again who it is: the ring goes out with the commit, in this transaction, as it is rung so seldom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tracker.access.errors import GrantBeyondOwn
from tracker.access.models import ApiKey, Login, LoginAccount, RoleGrant, Unit
from tracker.access.principal import Grant, Principal
from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role
from tracker.feed.bell import ACCESS
from tracker.kit.errors import Forbidden, NotFound


def account_in_reach(db: Session, principal: Principal, username: str) -> LoginAccount:
    """An account that the caller may manage, active or not: every unit it has a role in, with no right beyond the caller's.

    Raises NotFound, Forbidden, GrantBeyondOwn.
    """
    principal.require(Permission.USER_WRITE)
    account = db.scalar(select(LoginAccount).where(LoginAccount.username == username.strip().lower()))
    grants = [] if account is None else _grants(db, account.id)
    if account is None or not all(principal.sees(grant.path) for grant in grants):
        raise NotFound
    nation = principal.is_system or any(grant.role is Role.NATIONAL for grant in principal.grants)
    if not grants and not nation:
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
    account.active = False
    return end_logins(db, account, now=now)


def unlock_account(db: Session, principal: Principal, username: str) -> LoginAccount:
    """The account may log in again; its keys work again, its old log-ins and tokens do not."""
    account = account_in_reach(db, principal, username)
    account.active = True
    db.flush()
    return account


def end_logins_of(db: Session, principal: Principal, username: str, *, now: datetime) -> LoginAccount:
    """Whoever is in as this account must log in again: a phone was lost. One's own, too."""
    own = principal.account_id is not None and db.get_one(LoginAccount, principal.account_id)
    if own and own.username == username.strip().lower():
        return end_logins(db, own, now=now)
    return end_logins(db, account_in_reach(db, principal, username), now=now)


def end_logins(db: Session, account: LoginAccount, *, now: datetime, but: bytes = b"") -> LoginAccount:
    """End all log-ins but the one with this digest, and every token issued until now."""
    db.execute(delete(Login).where(Login.account_id == account.id, Login.digest != but))
    account.tokens_from = now
    tell_ended(db)
    db.flush()
    return account


def keys_of(db: Session, account: LoginAccount) -> Sequence[ApiKey]:
    """The keys of an account, revoked ones too, the newest first."""
    return db.scalars(select(ApiKey).where(ApiKey.account_id == account.id).order_by(ApiKey.id.desc()).limit(500)).all()


def revoke_api_key(db: Session, principal: Principal, key_id: UUID, *, now: datetime) -> ApiKey:
    """The key opens nothing any more. Revoking twice keeps the first instant. Raises NotFound, Forbidden, GrantBeyondOwn."""
    key = db.get(ApiKey, key_id, with_for_update=True)
    owner = None if key is None else db.get_one(LoginAccount, key.account_id)
    if key is None or owner is None:
        raise NotFound
    if owner.id != principal.account_id:
        account_in_reach(db, principal, owner.username)
    if key.revoked_at is None:
        key.revoked_at = now
        tell_ended(db)
        db.flush()
    return key


def tell_ended(db: Session) -> None:
    """Ring, with the commit, for whoever holds something open."""
    db.execute(select(func.pg_notify(ACCESS, "")))


def _grants(db: Session, account_id: UUID) -> list[Grant]:
    rows = db.execute(
        select(RoleGrant.role, Unit.path)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.account_id == account_id)
    )
    return [Grant(role=row.role, path=row.path) for row in rows]
