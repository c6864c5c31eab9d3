"""Who sees what a channel measured: who owns the place it was at, and its device's unit while it was at none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to
from tracker.access.rules import Permission
from tracker.network.models import Equipment
from tracker.telemetry.models import Assignment, Channel, Device, Reading


def watched_by(principal: Principal) -> ColumnElement[bool]:
    """Of channels joined with their device: the caller's unit, or a place of the caller's at any time."""
    units = units_visible_to(principal, Permission.TELEMETRY_READ)
    at_mine = (
        select(Assignment.id)
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .where(Assignment.channel_id == Channel.id, Equipment.facility_id.in_(units))
        .exists()
    )
    return or_(Device.unit_id.in_(units), at_mine)


def readings_seen(
    db: Session, principal: Principal, channel_id: int, *, at: InstrumentedAttribute[datetime] = Reading.measured_at
) -> ColumnElement[bool]:
    """Which readings of one channel the caller sees, as a condition on `at`, the instant of what is read."""
    units = set(
        db.scalars(
            select(Device.unit_id)
            .join(Channel, Channel.device_id == Device.id)
            .where(Channel.id == channel_id, Device.unit_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ)))
        )
    )
    rows = db.execute(
        select(
            Assignment.from_at,
            Assignment.to_at,
            Equipment.facility_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ)).label("mine"),
        )
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .where(Assignment.channel_id == channel_id)
    ).all()
    mine = [_within(at, row.from_at, row.to_at) for row in rows if row.mine]
    others = [_within(at, row.from_at, row.to_at) for row in rows if not row.mine]
    if units:
        return not_(or_(*others)) if others else true()
    return or_(*mine) if mine else false()


def _within(at: InstrumentedAttribute[datetime], from_at: datetime, to_at: datetime | None) -> ColumnElement[bool]:
    begun = at >= from_at
    return begun if to_at is None else and_(begun, at < to_at)
