"""Which vials may be used where they lie, in SQL: what `rules.use` decides, for statements over many places."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func

from tracker.network.models import Equipment
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import VVM_UNUSABLE_FROM, Status


def bearing_vials() -> ColumnElement[Any]:
    """Vials of a StockBalance, joined with its Equipment, that may be used on any day up to their last."""
    may_be_used = and_(
        StockBalance.status == Status.USABLE,
        func.coalesce(StockBalance.vvm_stage, 0) < VVM_UNUSABLE_FROM,
        Equipment.in_service,
    )
    return case((may_be_used, func.greatest(StockBalance.vials - StockBalance.packed, 0)), else_=0)
