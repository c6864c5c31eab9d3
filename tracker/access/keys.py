"""API keys: how a machine proves who it acts for. Made, rotated, revoked and used; all hold at once, in every process.

A key acts as its account and opens no more than that account may at the time of use; with a scope (a role over a
unit) it opens only what both may. The key itself is told once and kept as a digest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, aliased

from tracker.access.ending import account_in_reach, grants_of, own_account, tell_ended
from tracker.access.errors import GrantBeyondOwn, KeyEnded, OtherKey, TooManyKeys, UnknownUnit
from tracker.access.events import KeyMade, KeyRevoked, KeyRotated
from tracker.access.models import ApiKey, LoginAccount, Unit
from tracker.access.principal import Grant, Principal, narrowed
from tracker.access.queries import holder_of_key, principal_of, unit_by_ref
from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role, plain_username
from tracker.access.telling import tell_of
from tracker.access.tokens import KEY_PREFIX, digest_of, new_secret
from tracker.kit.errors import NotFound
from tracker.kit.ids import uuid7

MOST_LIVE = 20
"""Keys of one account that open something at a time."""
_SHOWN = 500
# Writing the time of last use at every request would serialise the machine's requests on one row.
_LAST_USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key for `account` (user name): what it is for, for how many days (None: until revoked).

    With `role` and `unit` (code or id; both or neither) it opens only what that role may there. An `id` made by who
    asks makes the same request twice one key.
    """

    account: str
    label: str
    days: int | None = 365
    role: Role | None = None
    unit: str | UUID | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key's row and the key itself; `secret` None when it had been made, and told, before."""

    key: ApiKey
    secret: str | None


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as lists have it: with the code of its scope's unit and the user names of who owns, made and revoked it."""

    key: ApiKey
    account: str
    unit: str | None
    made_by: str | None
    revoked_by: str | None


def make_key(db: Session, principal: Principal, command: NewKey, *, now: datetime) -> MadeKey:
    """Make a key for an account within the caller's reach and rights; nobody makes one stronger than themself.

    Raises NotFound, Forbidden, GrantBeyondOwn (a scope beyond the account's own), UnknownUnit, TooManyKeys, OtherKey.
    """
    owner = _locked(db, account_in_reach(db, principal, command.account))
    earlier = db.get(ApiKey, command.id) if command.id is not None else None
    if earlier is not None:
        if earlier.account_id != owner.id:
            raise NotFound
        unit = unit_by_ref(db, command.unit) if command.role is not None and command.unit is not None else None
        asked = (command.label, command.role if unit else None, unit.id if unit else None)
        if (earlier.label, earlier.role, earlier.unit_id) != asked:
            raise OtherKey(id=str(command.id))
        return MadeKey(earlier, None)
    scope = _scope(db, principal, owner, command)
    _require_room(db, owner, now=now)
    expires_at = now + timedelta(days=command.days) if command.days else None
    key, secret = _written(
        db, principal, owner, command.label, scope, expires_at, role=command.role, key_id=command.id, now=now
    )
    tell_of(db, principal, owner, lambda who: KeyMade(**who, key_id=key.id), scope, now=now)
    return MadeKey(key, secret)


def rotate_key(db: Session, principal: Principal, key_id: UUID, *, overlap_hours: int = 24, now: datetime) -> MadeKey:
    """A new key like this one; the old one goes on for `overlap_hours` (0: ends at once), so that nothing stands still.

    Raises NotFound, Forbidden, GrantBeyondOwn; KeyEnded for one that was rotated, revoked or has run out; TooManyKeys.
    """
    key, owner = _key_in_reach(db, principal, key_id, own=False)
    _locked(db, owner)
    db.refresh(key, with_for_update=True)
    if key.replaced_by is not None or key.revoked_at is not None or (key.expires_at and key.expires_at <= now):
        raise KeyEnded
    _require_room(db, owner, now=now)
    lasts = None if key.expires_at is None else now + (key.expires_at - key.created_at)
    scope = None if key.unit_id is None else db.get_one(Unit, key.unit_id)
    # Its scope was judged when it was made; what the account may since bounds every use.
    new, secret = _written(db, principal, owner, key.label, scope, lasts, role=key.role, now=now)
    key.replaced_by = new.id
    end = now + timedelta(hours=overlap_hours)
    key.expires_at = end if key.expires_at is None else min(key.expires_at, end)
    if overlap_hours == 0:
        _revoke(db, principal, key, now=now)
    db.flush()
    tell_of(db, principal, owner, lambda who: KeyRotated(**who, key_id=key.id, new_key_id=new.id), scope, now=now)
    return MadeKey(new, secret)


def revoke_key(db: Session, principal: Principal, key_id: UUID, *, now: datetime) -> ApiKey:
    """The key opens nothing any more. Revoking twice keeps the first instant. One's own, too.

    Raises NotFound, Forbidden, GrantBeyondOwn.
    """
    key, owner = _key_in_reach(db, principal, key_id, own=True)
    db.refresh(key, with_for_update=True)
    if key.revoked_at is None:
        _revoke(db, principal, key, now=now)
        scope = None if key.unit_id is None else db.get_one(Unit, key.unit_id)
        tell_of(db, principal, owner, lambda who: KeyRevoked(**who, key_id=key.id), scope, now=now)
    return key


def keys_of(db: Session, principal: Principal, username: str) -> list[ShownKey]:
    """The keys of an account in reach or one's own, those that may still open something first, then the newest."""
    own = own_account(db, principal)
    owner = own if own and own.username == plain_username(username) else account_in_reach(db, principal, username)
    return _shown(db, ApiKey.account_id == owner.id)


def key_shown(db: Session, key: ApiKey) -> ShownKey:
    """One key as lists have it."""
    return _shown(db, ApiKey.id == key.id)[0]


def principal_of_key(db: Session, key: str, *, now: datetime) -> Principal | None:
    """The principal of a live API key; None otherwise."""
    found = holder_of_key(db, digest_of(key), now=now)
    if found is None:
        return None
    if found.last_used_at is None or now - found.last_used_at > _LAST_USED_EVERY:
        db.execute(update(ApiKey).where(ApiKey.id == found.key_id).values(last_used_at=now))
    return _with_key(found.account, found.key_id, found.scope)


def principal_behind(db: Session, key_id: UUID, *, now: datetime) -> Principal | None:
    """Whom a key's work is still done for: the key's principal, or that of the one it was rotated to; None once revoked."""
    key = db.get(ApiKey, key_id)
    while key is not None and key.replaced_by is not None:
        key = db.get(ApiKey, key.replaced_by)
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    principal = principal_of(db, key.account_id)
    if principal is None:
        return None
    scope = None if key.role is None else Grant(role=key.role, path=db.get_one(Unit, key.unit_id).path)
    return _with_key(principal, key.id, scope)


def _with_key(account: Principal, key_id: UUID, scope: Grant | None) -> Principal:
    """What an account may with one of its keys."""
    principal = replace(account, key_id=key_id)
    return principal if scope is None else narrowed(principal, scope)


def _live(now: datetime) -> ColumnElement[bool]:
    return ApiKey.revoked_at.is_(None) & (ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now))


def _key_in_reach(db: Session, principal: Principal, key_id: UUID, *, own: bool) -> tuple[ApiKey, LoginAccount]:
    """A key of an account in reach, or (`own`) one's own; who manages none is told of no other's whether it exists."""
    key = db.get(ApiKey, key_id)
    owner = None if key is None else db.get_one(LoginAccount, key.account_id)
    if key is None or owner is None:
        raise NotFound
    if not own or own_account(db, principal) is not owner:
        if not principal.may(Permission.USER_WRITE):
            raise NotFound
        account_in_reach(db, principal, owner.username)
    return key, owner


def _locked(db: Session, account: LoginAccount) -> LoginAccount:
    """One after another for one account: two at once would each see room for one more."""
    db.refresh(account, with_for_update=True)
    return account


def _require_room(db: Session, owner: LoginAccount, *, now: datetime) -> None:
    live = db.scalar(select(func.count()).where(ApiKey.account_id == owner.id, _live(now))) or 0
    if live >= MOST_LIVE:
        raise TooManyKeys(most=MOST_LIVE)


def _scope(db: Session, principal: Principal, owner: LoginAccount, command: NewKey) -> Unit | None:
    if command.role is None or command.unit is None:
        return None
    unit = unit_by_ref(db, command.unit)
    if unit is None or not principal.sees(unit.path):
        raise UnknownUnit(field="unit")
    its = Principal(account_id=owner.id, name=owner.name, grants=tuple(grants_of(db, owner.id)))
    for one in (its, principal):
        if any(not one.may(permission, unit.path) for permission in ROLE_PERMISSIONS[command.role]):
            raise GrantBeyondOwn(field="role")
    return unit


def _written(
    db: Session,
    principal: Principal,
    owner: LoginAccount,
    label: str,
    scope: Unit | None,
    expires_at: datetime | None,
    *,
    role: Role | None,
    key_id: UUID | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    secret = new_secret(KEY_PREFIX)
    key = ApiKey(
        id=key_id or uuid7(),
        account_id=owner.id,
        label=label,
        prefix=secret[:8],
        digest=digest_of(secret),
        role=role if scope is not None else None,
        unit_id=None if scope is None else scope.id,
        created_at=now,
        made_by=principal.account_id,
        expires_at=expires_at,
    )
    db.add(key)
    db.flush()
    return key, secret


def _revoke(db: Session, principal: Principal, key: ApiKey, *, now: datetime) -> None:
    key.revoked_at = now
    key.revoked_by = principal.account_id
    tell_ended(db)
    db.flush()


def _shown(db: Session, where: ColumnElement[bool]) -> list[ShownKey]:
    owner, maker, revoker = aliased(LoginAccount), aliased(LoginAccount), aliased(LoginAccount)
    rows = db.execute(
        select(ApiKey, owner.username, Unit.code, maker.username, revoker.username)
        .join(owner, owner.id == ApiKey.account_id)
        .outerjoin(Unit, Unit.id == ApiKey.unit_id)
        .outerjoin(maker, maker.id == ApiKey.made_by)
        .outerjoin(revoker, revoker.id == ApiKey.revoked_by)
        .where(where)
        .order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
        .limit(_SHOWN)
    )
    return [ShownKey(*row) for row in rows]
