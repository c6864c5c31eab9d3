"""Whom to tell about an alarm that one may see and not answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import cast, func, select
from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.rules import ROLE_PERMISSIONS, Permission
from tracker.database.types import Ltree

MOST = 3
_ANSWER = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.ALARM_ACKNOWLEDGE in permissions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Somebody who may answer: name, role and where the role was given."""

    name: str
    role: str
    unit: str


def responders_of(db: Session, paths: Iterable[str]) -> dict[str, list[Responder]]:
    """By the path of a place who may answer its alarms: those of the nearest unit that has any, at most three."""
    return {path: _nearest(db, path) for path in set(paths)}


def _nearest(db: Session, path: str) -> list[Responder]:
    query = (
        select(LoginAccount.name, RoleGrant.role, Unit.name.label("unit"), Unit.path)
        .join(RoleGrant, RoleGrant.account_id == LoginAccount.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(
            LoginAccount.active,
            RoleGrant.role.in_(_ANSWER),
            cast(path, Ltree()).op("<@", is_comparison=True)(Unit.path),
        )
        .order_by(func.nlevel(Unit.path).desc(), LoginAccount.name)
        .limit(MOST)
    )
    rows = db.execute(query).all()
    return [Responder(name=row.name, role=row.role.value, unit=row.unit) for row in rows if row.path == rows[0].path]
