"""Of whom a store asks for goods, and to whom it sends them back: the one above, and those beside it under the same one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.network.models import Facility


def neighbours_of(db: Session, facility: Facility) -> tuple[Select[Facility], Any]:
    """The facilities, not ordered, and the order that puts the one above first."""
    unit = db.get_one(Unit, facility.id)
    above = Facility.id == unit.parent_id
    beside = and_(Unit.parent_id == unit.parent_id, Facility.id != facility.id)
    return select(Facility).join(Unit, Unit.id == Facility.id).where(above | beside), above.desc()
