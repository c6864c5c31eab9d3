"""Reads of this room, and the filter every listing starts from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.principal import Grant, Principal
from tracker.access.rules import Permission
from tracker.database.types import Ltree

PathColumn = ColumnElement[Any] | InstrumentedAttribute[Any]


def visible_to(principal: Principal, path: PathColumn, permission: Permission) -> ColumnElement[bool]:
    """True for rows whose unit lies in a subtree where `principal` holds `permission`."""
    if principal.is_system:
        return true()
    roots = principal.roots(permission)
    if not roots:
        return false()
    return or_(*(path.op("<@", is_comparison=True)(cast(root, Ltree())) for root in roots))


def units_visible_to(principal: Principal, permission: Permission) -> Any:
    """A select of the ids of all units where `principal` holds `permission`; for `column.in_(…)`."""
    return select(Unit.id).where(visible_to(principal, Unit.path, permission))


def principal_of(db: Session, account_id: UUID, *, issued_at: datetime | None = None) -> Principal | None:
    """The principal of an active account; None when there is none, or its tokens of `issued_at` were ended."""
    rows = db.execute(
        select(LoginAccount.name, LoginAccount.language, RoleGrant.role, Unit.path)
        .outerjoin(RoleGrant, RoleGrant.account_id == LoginAccount.id)
        .outerjoin(Unit, Unit.id == RoleGrant.unit_id)
        .where(LoginAccount.id == account_id, LoginAccount.active, *_still(issued_at))
    ).all()
    if not rows:
        return None
    grants = tuple(Grant(role=row.role, path=row.path) for row in rows if row.path is not None)
    return Principal(account_id=account_id, name=rows[0].name, language=rows[0].language, grants=grants)


def _still(issued_at: datetime | None) -> list[ColumnElement[bool]]:
    if issued_at is None:
        return []
    return [LoginAccount.tokens_from.is_(None) | (LoginAccount.tokens_from <= issued_at)]


def unit_by_ref(db: Session, ref: str | UUID) -> Unit | None:
    """A unit by id or code."""
    if isinstance(ref, UUID):
        return db.get(Unit, ref)
    return db.scalar(select(Unit).where(Unit.code == ref))
