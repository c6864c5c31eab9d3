"""Use cases of this room: units, accounts, grants, log-ins."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.ending import account_in_reach, end_logins, tell_ended
from tracker.access.errors import BadCredentials, BadUsername, GrantBeyondOwn, UnknownUnit, UsernameTaken, WeakPassword
from tracker.access.events import PasswordChanged
from tracker.access.models import Login, LoginAccount, RoleGrant, Unit
from tracker.access.principal import Principal
from tracker.access.queries import principal_of, unit_by_ref
from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role, UnitKind, path_label, plain_username
from tracker.access.telling import tell_of
from tracker.access.tokens import digest_of, new_secret
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7

_passwords = PasswordHash((Argon2Hasher(),))

MIN_PASSWORD = 10


@cache
def _nobodys_hash() -> str:
    """Verified against when the user name is unknown, so that the answer takes as long."""
    return _passwords.hash("no such person has this password")


def ensure_unit(db: Session, *, code: str, name: str, kind: UnitKind, parent: Unit | None) -> Unit:
    """The unit with this code, made if there is none; its place in the tree is never changed here."""
    found = unit_by_ref(db, code)
    if found is not None:
        return found
    label = _free_label(db, code, parent)
    unit = Unit(
        id=uuid7(),
        code=code,
        name=name,
        kind=kind,
        parent_id=parent.id if parent else None,
        path=f"{parent.path}.{label}" if parent else label,
    )
    db.add(unit)
    db.flush()
    return unit


def _free_label(db: Session, code: str, parent: Unit | None) -> str:
    """The code's label, with a mark where another code of the same parent is written alike (`a-b`, `a_b`)."""
    label = path_label(code)
    taken = db.scalar(select(Unit.id).where(Unit.path == (f"{parent.path}.{label}" if parent else label)))
    return label if taken is None else f"{label}__{hashlib.sha256(code.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account with one role over one unit."""

    username: str
    name: str
    password: str | None
    role: Role
    unit: str | UUID


def add_account(db: Session, principal: Principal, command: NewAccount, *, now: datetime) -> LoginAccount:
    """Make an account and give it a role.

    Raises WeakPassword, BadUsername, UsernameTaken, UnknownUnit, GrantBeyondOwn, Forbidden.
    """
    unit = unit_by_ref(db, command.unit)
    if unit is None or not principal.sees(unit.path):
        raise UnknownUnit(field="unit")
    principal.require(Permission.USER_WRITE, unit.path)
    if any(not principal.may(permission, unit.path) for permission in ROLE_PERMISSIONS[command.role]):
        raise GrantBeyondOwn(field="role")
    if command.password is not None and len(command.password) < MIN_PASSWORD:
        raise WeakPassword(field="password", least=MIN_PASSWORD)
    username = plain_username(command.username)
    if not username:
        raise BadUsername(field="username")
    made: LoginAccount | None = db.scalar(
        upsert(LoginAccount)
        .values(
            id=uuid7(),
            username=username,
            name=command.name,
            password_hash=_passwords.hash(command.password) if command.password else None,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[LoginAccount.username])
        .returning(LoginAccount)
    )
    if made is None:
        raise UsernameTaken(field="username")
    db.add(RoleGrant(account_id=made.id, role=command.role, unit_id=unit.id))
    db.flush()
    return made


def account_exists(db: Session, username: str) -> bool:
    """Whether the user name is taken."""
    return db.scalar(select(func.count()).where(LoginAccount.username == plain_username(username))) == 1


def change_own_password(db: Session, principal: Principal, current: str, new: str, *, keep: str, now: datetime) -> None:
    """Give the caller a new password; end its tokens, and every log-in but the one whose cookie is `keep`.

    Raises BadCredentials when `current` is not the password, WeakPassword for a short new one, Forbidden for who has
    no account.
    """
    account = db.get(LoginAccount, principal.account_id) if principal.account_id is not None else None
    if account is None:
        raise Forbidden
    if not account.password_hash or not _passwords.verify(current, account.password_hash):
        raise BadCredentials
    if len(new) < MIN_PASSWORD:
        raise WeakPassword(field="password", least=MIN_PASSWORD)
    account.password_hash = _passwords.hash(new)
    tell_of(db, principal, account, lambda who: PasswordChanged(**who), now=now)
    end_logins(db, account, now=now, but=digest_of(keep))


def set_password(db: Session, principal: Principal, username: str, password: str, *, now: datetime) -> LoginAccount:
    """Give an account of the caller's subtree a new password; its log-ins and tokens end.

    Raises WeakPassword, NotFound, Forbidden, GrantBeyondOwn.
    """
    account = account_in_reach(db, principal, username)
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(field="password", least=MIN_PASSWORD)
    account.password_hash = _passwords.hash(password)
    tell_of(db, principal, account, lambda who: PasswordChanged(**who), now=now)
    return end_logins(db, account, now=now)


def check_password(db: Session, username: str, password: str) -> LoginAccount:
    """The active account these credentials prove; raises BadCredentials, after the same time in all cases."""
    account = db.scalar(
        select(LoginAccount).where(LoginAccount.username == plain_username(username), LoginAccount.active)
    )
    stored = account.password_hash if account is not None else None
    valid, updated = _passwords.verify_and_update(password, stored or _nobodys_hash())
    if account is None or stored is None or not valid:
        raise BadCredentials
    if updated is not None:
        account.password_hash = updated
        db.flush()
    return account


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLogin:
    """A page log-in: the value for the cookie (told once) and what it stands for."""

    cookie: str
    csrf: str
    expires_at: datetime


def open_login(db: Session, account: LoginAccount, *, now: datetime, hours: int) -> OpenLogin:
    """Begin a page log-in; forgets the account's expired ones."""
    db.execute(delete(Login).where(Login.account_id == account.id, Login.expires_at <= now))
    opened = OpenLogin(cookie=new_secret(), csrf=new_secret(), expires_at=now + timedelta(hours=hours))
    db.add(
        Login(
            id=uuid7(),
            digest=digest_of(opened.cookie),
            account_id=account.id,
            csrf=opened.csrf,
            created_at=now,
            expires_at=opened.expires_at,
        )
    )
    db.flush()
    return opened


def login_of(db: Session, cookie: str, *, now: datetime) -> tuple[Principal, str] | None:
    """The principal and the CSRF secret of a live page log-in; None otherwise."""
    login = db.scalar(select(Login).where(Login.digest == digest_of(cookie), Login.expires_at > now))
    if login is None:
        return None
    principal = principal_of(db, login.account_id)
    return None if principal is None else (principal, login.csrf)


def close_login(db: Session, cookie: str) -> None:
    """End a page log-in, and the live pages that are open with it; ending it twice is harmless."""
    db.execute(delete(Login).where(Login.digest == digest_of(cookie)))
    tell_ended(db)


def csrf_matches(expected: str, given: str | None) -> bool:
    """Compare in constant time."""
    return given is not None and hmac.compare_digest(expected.encode(), given.encode())
