"""Whom to tell about what one may see and not do: answer an alarm, act for a recall."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ARRAY, func, literal, select
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
    above = {path: _upwards(path) for path in set(paths)}
    at = _at(db, {unit for units in above.values() for unit in units}, roles)
    return {path: next((at[unit] for unit in units if unit in at), []) for path, units in above.items()}


def _upwards(path: str) -> list[str]:
    """The paths of a unit and of those above it, the nearest first."""
    labels = path.split(".")
    return [".".join(labels[:length]) for length in range(len(labels), 0, -1)]


def _at(db: Session, paths: Collection[str], roles: Collection[Role]) -> dict[str, list[Responder]]:
    """The first by name at each of these units that has any; of all units in one statement."""
    place = func.row_number().over(partition_by=Unit.id, order_by=(LoginAccount.name, RoleGrant.role)).label("place")
    here = (
        select(LoginAccount.name, RoleGrant.role, Unit.name.label("unit"), Unit.path, place)
        .join(RoleGrant, RoleGrant.account_id == LoginAccount.id)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(
            LoginAccount.active,
            RoleGrant.role.in_(roles),
            Unit.path == func.any(literal(sorted(paths), ARRAY(Ltree()))),
        )
        .subquery()
    )
    found: dict[str, list[Responder]] = {}
    for row in db.execute(select(here).where(here.c.place <= MOST).order_by(here.c.path, here.c.place)):
        found.setdefault(str(row.path), []).append(Responder(name=row.name, role=row.role.value, unit=row.unit))
    return found
