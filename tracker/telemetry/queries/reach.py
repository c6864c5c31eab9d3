"""Who sees what a channel measured: who owns the place it was at, and its device's unit while it was at none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.network.models import Equipment
from tracker.telemetry.models import Assignment, Channel, Device, Reading


def watched_by(principal: Principal) -> ColumnElement[bool]:
    """Of channels joined with their device: the caller's unit, or a place of the caller's at any time."""
    mine = visible_to(principal, Unit.path, Permission.TELEMETRY_READ)
    at_mine = (
        select(Assignment.id)
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .join(Unit, Unit.id == Equipment.facility_id)
        .where(Assignment.channel_id == Channel.id, mine)
        .correlate(Channel)
        .exists()
    )
    # Asked of the one unit, not of a list of all that the caller sees.
    owned = select(Unit.id).where(Unit.id == Device.unit_id, mine).correlate(Device).exists()
    return or_(owned, at_mine)


def readings_seen(
    db: Session, principal: Principal, channel_id: int, *, at: InstrumentedAttribute[datetime] = Reading.measured_at
) -> ColumnElement[bool]:
    """Which readings of one channel the caller sees, as a condition on `at`, the instant of what is read."""
    seen = visible_to(principal, Unit.path, Permission.TELEMETRY_READ)
    owned = db.scalar(
        select(Device.id)
        .join(Channel, Channel.device_id == Device.id)
        .join(Unit, Unit.id == Device.unit_id)
        .where(Channel.id == channel_id, seen)
    )
    rows = db.execute(
        select(Assignment.from_at, Assignment.to_at, seen.label("mine"))
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .join(Unit, Unit.id == Equipment.facility_id)
        .where(Assignment.channel_id == channel_id)
    ).all()
    mine = [_within(at, row.from_at, row.to_at) for row in rows if row.mine]
    others = [_within(at, row.from_at, row.to_at) for row in rows if not row.mine]
    if owned is not None:
        return not_(or_(*others)) if others else true()
    return or_(*mine) if mine else false()


def _within(at: InstrumentedAttribute[datetime], from_at: datetime, to_at: datetime | None) -> ColumnElement[bool]:
    begun = at >= from_at
    return begun if to_at is None else and_(begun, at < to_at)
