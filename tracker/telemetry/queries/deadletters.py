"""Messages that could not become readings, as people look at them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to
from tracker.access.rules import Permission
from tracker.telemetry.models import DeadLetter, Device


def dead_letters_visible_to(principal: Principal) -> Select[Any]:
    """Letters of devices within reach; those of senders nobody knows are the nation's. Not ordered."""
    visible = Device.unit_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ))
    nation = principal.may(Permission.FEED_READ_NATION)
    return (
        select(DeadLetter)
        .outerjoin(Device, Device.id == DeadLetter.device_id)
        .where(or_(visible, DeadLetter.device_id.is_(None)) if nation else visible)
    )


def dead_letters_by_reason(db: Session) -> dict[str, int]:
    """How often each reason was met, repeats counted."""
    rows = db.execute(select(DeadLetter.reason, func.sum(DeadLetter.times)).group_by(DeadLetter.reason))
    return {reason: int(times) for reason, times in rows}
