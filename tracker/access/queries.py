"""Reads of this room, and the filter every listing starts from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, String, and_, bindparam, cast, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.access.models import ApiKey, LoginAccount, RoleGrant, Unit
from tracker.access.principal import Grant, Principal
from tracker.access.rules import Permission
from tracker.database.types import Ltree

PathColumn = ColumnElement[Any] | InstrumentedAttribute[Any]


def visible_to(principal: Principal, path: PathColumn, permission: Permission) -> ColumnElement[bool]:
    """True for rows whose unit lies in a subtree where `principal` holds `permission`."""
    if principal.is_system:
        return true()
    return at_or_below(path, principal.roots(permission))


def at_or_below(path: PathColumn, roots: Collection[str]) -> ColumnElement[bool]:
    """True for paths that are one of `roots` or lie below it; false of none.

    Said as a range of the order of paths, by which an index finds them and of which the planner knows how many there are
    (of `<@` it takes every subtree for a thousandth of the nation). So the roots stand in the statement itself.
    """
    return or_(*(and_(path >= _fixed(root), path < _fixed(root + _FIRST_SIGN)) for root in roots)) if roots else false()


# No label has a sign before it, so this is the first path behind a unit's whole subtree.
_FIRST_SIGN = "0"


def _fixed(path: str) -> ColumnElement[Any]:
    return cast(bindparam(None, path, String(), literal_execute=True), Ltree())


FEW_UNITS = 60


def few_units(db: Session, principal: Principal, permission: Permission) -> list[UUID] | None:
    """The ids of all units where `principal` holds `permission`, a city's at most; None where there are more.

    What a few units wrote is found by their ids and an index; what a province wrote is sooner read in its own order.
    Told only that it lies within a subtree, the planner takes the second way for a puskesmas, too.
    """
    if principal.is_system:
        return None
    ids = db.scalars(units_visible_to(principal, permission).limit(FEW_UNITS + 1)).all()
    return None if len(ids) > FEW_UNITS else list(ids)


def units_visible_to(principal: Principal, permission: Permission) -> Any:
    """A select of the ids of all units where `principal` holds `permission`; for `column.in_(…)`."""
    return select(Unit.id).where(visible_to(principal, Unit.path, permission))


# Every request asks who sends it. So these are made once, of tables: what a statement's making and mapping costs is
# more than the database needs to answer it.
_ACCOUNT, _GRANT, _UNIT = (model.metadata.tables[model.__tablename__].c for model in (LoginAccount, RoleGrant, Unit))
_KEY = ApiKey.metadata.tables[ApiKey.__tablename__].c
_WHO = (
    select(_ACCOUNT.id, _ACCOUNT.name, _ACCOUNT.language, _GRANT.role, _UNIT.path)
    .outerjoin_from(_ACCOUNT.id.table, _GRANT.account_id.table, _GRANT.account_id == _ACCOUNT.id)
    .outerjoin(_UNIT.id.table, _UNIT.id == _GRANT.unit_id)
    .where(_ACCOUNT.active)
)
_OF_ACCOUNT = _WHO.where(_ACCOUNT.id == bindparam("account_id"))
_OF_TOKEN = _OF_ACCOUNT.where(_ACCOUNT.tokens_from.is_(None) | (_ACCOUNT.tokens_from <= bindparam("issued_at")))
_SCOPE = _UNIT.id.table.alias("scope")
_OF_KEY = (
    _WHO.add_columns(
        _KEY.id.label("key_id"), _KEY.last_used_at, _KEY.role.label("key_role"), _SCOPE.c.path.label("key_path")
    )
    .join(_KEY.id.table, _KEY.account_id == _ACCOUNT.id)
    .outerjoin(_SCOPE, _SCOPE.c.id == _KEY.unit_id)
    .where(
        _KEY.digest == bindparam("digest"),
        _KEY.revoked_at.is_(None),
        _KEY.expires_at.is_(None) | (_KEY.expires_at > bindparam("now")),
    )
)


def principal_of(db: Session, account_id: UUID, *, issued_at: datetime | None = None) -> Principal | None:
    """The principal of an active account; None when there is none, or its tokens of `issued_at` were ended."""
    asked, which = (_OF_ACCOUNT, {}) if issued_at is None else (_OF_TOKEN, {"issued_at": issued_at})
    rows = db.connection().execute(asked, {"account_id": account_id, **which}).all()
    return _principal(rows) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHeld:
    """A live API key: what its account may, the scope that bounds it (None: none), and when it was last noted as used."""

    account: Principal
    key_id: UUID
    scope: Grant | None
    last_used_at: datetime | None


def holder_of_key(db: Session, digest: bytes, *, now: datetime) -> KeyHeld | None:
    """The live API key of a digest and who holds it; None for no such key."""
    rows = db.connection().execute(_OF_KEY, {"digest": digest, "now": now}).all()
    if not rows:
        return None
    key = rows[0]
    scope = None if key.key_role is None else Grant(role=key.key_role, path=key.key_path)
    return KeyHeld(account=_principal(rows), key_id=key.key_id, scope=scope, last_used_at=key.last_used_at)


def _principal(rows: Sequence[Row[*tuple[Any, ...]]]) -> Principal:
    """Of one account's rows, one a grant."""
    grants = tuple(Grant(role=row.role, path=row.path) for row in rows if row.path is not None)
    return Principal(account_id=rows[0].id, name=rows[0].name, language=rows[0].language, grants=grants)


def unit_by_ref(db: Session, ref: str | UUID) -> Unit | None:
    """A unit by id or code."""
    if isinstance(ref, UUID):
        return db.get(Unit, ref)
    return db.scalar(select(Unit).where(Unit.code == ref))
