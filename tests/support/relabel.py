"""Correcting a lot in tests: the wrong one was written, and what it has become since."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tracker.access.principal import SYSTEM, Principal
from tracker.kit.ids import uuid7
from tracker.quota.service.relabelling import Corrected, correct_lot
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.commands import CorrectLot

WRONG, RIGHT = "az-10/AZ002", "az-10/AZ003"
WHY = "salah baca label"


def command(desk: Desk, event: UUID, *, wrong: str = WRONG, right: str = RIGHT, vials: int | None = None) -> CorrectLot:
    lots = {name: str(desk.world.batches[name].id) for name in (wrong, right)}
    return CorrectLot(id=uuid7(), event_id=event, wrong=lots[wrong], right=lots[right], reason=WHY, vials=vials)


def correct(
    desk: Desk,
    event: UUID,
    *,
    wrong: str = WRONG,
    right: str = RIGHT,
    vials: int | None = None,
    principal: Principal = SYSTEM,
) -> Corrected:
    return correct_lot(desk.db, principal, command(desk, event, wrong=wrong, right=right, vials=vials), now=desk.now)


def lying(db: Session, batch_id: UUID) -> dict[tuple[Account, Status], int]:
    """Vials of the lot by account and status, zeros left out."""
    rows = db.execute(
        select(StockBalance.account, StockBalance.status, func.sum(StockBalance.vials))
        .where(StockBalance.batch_id == batch_id, StockBalance.vials > 0)
        .group_by(StockBalance.account, StockBalance.status)
    )
    return {(account, status): int(vials) for account, status, vials in rows}
