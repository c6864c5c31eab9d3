"""Telling the feed what was done to an account: by whom, and under which unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount, RoleGrant, Unit
from tracker.access.principal import Principal
from tracker.feed.contract import Event
from tracker.feed.service import append


class Who(TypedDict):
    """What every event of this room says."""

    account_id: UUID
    by_account_id: UUID | None


def tell_of(
    db: Session,
    principal: Principal,
    account: LoginAccount,
    event: Callable[[Who], Event],
    unit: Unit | None = None,
    *,
    now: datetime,
) -> None:
    """Append the event that `event` makes, under `unit` or the highest unit of the account; an account without a role
    belongs to the nation's unit.
    """
    unit_id = unit.id if unit is not None else _unit_of(db, account.id)
    if unit_id is None:
        return  # a house without a unit has nobody who could read it
    who = Who(account_id=account.id, by_account_id=principal.account_id)
    append(db, event(who), unit_id=unit_id, subject=account.id, occurred_at=now, now=now)


def _unit_of(db: Session, account_id: UUID) -> UUID | None:
    own = select(Unit.id).join(RoleGrant, RoleGrant.unit_id == Unit.id).where(RoleGrant.account_id == account_id)
    found = db.scalar(own.order_by(func.nlevel(Unit.path), Unit.path).limit(1))
    return found or db.scalar(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.path).limit(1))
