"""Whom to tell about what one may see and not do: answer an alarm, act for a recall."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import cast, func, select
from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role
from tracker.database.types import Ltree

MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Somebody who may answer: name, role and where the role was given."""

    name: str
    role: str
    unit: str


def responders_of(
    db: Session, paths: Iterable[str], permission: Permission = Permission.ALARM_ACKNOWLEDGE
) -> dict[str, list[Responder]]:
    """By the path of a place who may do this there: those of the nearest unit that has any, at most three."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    return {path: _nearest(db, path, roles) for path in set(paths)}


def _nearest(db: Session, path: str, roles: Collection[Role]) -> list[Responder]:
    query = (
        select(LoginAccount.name, RoleGrant.role, Unit.name.label("unit"), Unit.path)
        .join(RoleGrant, RoleGrant.account_id == LoginAccount.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(
            LoginAccount.active,
            RoleGrant.role.in_(roles),
            cast(path, Ltree()).op("<@", is_comparison=True)(Unit.path),
        )
        .order_by(func.nlevel(Unit.path).desc(), LoginAccount.name)
        .limit(MOST)
    )
    rows = db.execute(query).all()
    return [Responder(name=row.name, role=row.role.value, unit=row.unit) for row in rows if row.path == rows[0].path]
