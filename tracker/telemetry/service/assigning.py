"""What channels watch, from when to when: put to a place, ended, corrected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.turns import Wanted, take_turns
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.network.errors import EquipmentNotFound
from tracker.network.models import Equipment
from tracker.network.queries import equipment_by_ref, path_of
from tracker.shipments.errors import ShipmentNotFound
from tracker.shipments.queries.finding import shipment_by_ref
from tracker.telemetry.errors import (
    AssignmentOverlap,
    MonthArchived,
    NothingWatched,
    OneTarget,
    ReasonMissing,
    UnknownTarget,
)
from tracker.telemetry.events import WatchCorrected
from tracker.telemetry.models import Assignment, Channel, DayFigures, Device, Reading, WatchCorrection
from tracker.telemetry.queries.archive import archived_until
from tracker.telemetry.queries.devices import device_by_ref
from tracker.telemetry.queries.sensors import channel_named
from tracker.telemetry.service.commands import ChannelUse, CorrectWatch
from tracker.telemetry.service.writer import mark

# A watch is handed over within three intervals of a day at most: who watches near one that changes is judged anew.
_NEAR = timedelta(days=3)


def lock_device(db: Session, device_id: UUID) -> None:
    """Keep other changes of this device's channels out until commit."""
    take_turns(Wanted.DEVICE, [(device_id,)])
    db.execute(select(Device.id).where(Device.id == device_id).with_for_update())


def put_to(
    db: Session, channel_id: int, equipment_id: UUID | None, shipment_id: UUID | None, *, from_at: datetime
) -> None:
    """From an instant on the channel watches this, or nothing; what it watched until then ends.

    A later watch in which nothing was measured gives way. Raises AssignmentOverlap where something was, MonthArchived where nobody can tell.
    """
    _insist_on_readings(db, from_at)
    for later in watches_of(db, channel_id, after=from_at):
        if _has_measured(db, later):
            raise AssignmentOverlap(field="from", next_from=later.from_at.isoformat())
        db.delete(later)
    db.flush()
    current = _in_force(db, channel_id, from_at)
    if current is not None:
        if (current.equipment_id, current.shipment_id) == (equipment_id, shipment_id):
            current.to_at = None
            return
        if current.from_at == from_at:
            db.delete(current)
        else:
            current.to_at = from_at
        db.flush()
    if equipment_id is None and shipment_id is None:
        return
    db.add(
        Assignment(
            id=uuid7(), channel_id=channel_id, equipment_id=equipment_id, shipment_id=shipment_id, from_at=from_at
        )
    )
    db.flush()


def end_watches(db: Session, device_id: UUID, at: datetime) -> None:
    """All channels of a device watch nothing from an instant on."""
    for channel_id in db.scalars(select(Channel.id).where(Channel.device_id == device_id).order_by(Channel.id)).all():
        current = _in_force(db, channel_id, at)
        if current is not None and current.from_at < at:
            current.to_at = at
        elif current is not None:
            db.delete(current)
        mark(db, channel_id, at)
    db.flush()


def correct_watch(db: Session, principal: Principal, command: CorrectWatch, *, now: datetime) -> Channel:
    """Say that a watch was of other equipment; its episodes move there, and holds with them. Twice is harmless.

    Holds of the wrong place are lifted by it, so the caller needs the right to lift them there. Raises
    UnknownDevice, NothingWatched, UnknownTarget, ReasonMissing, MonthArchived, Forbidden.
    """
    if not command.reason.strip():
        raise ReasonMissing(field="reason")
    device = device_by_ref(db, principal, command.device)
    lock_device(db, device.id)
    channel = channel_named(db, device.id, command.name, command.quantity)
    watches = [] if channel is None else watches_of(db, channel.id)
    at = command.at
    found = [one for one in watches if at is None or (one.from_at <= at and (one.to_at is None or at < one.to_at))]
    if channel is None or not found:
        raise NothingWatched(field="at")
    wrong = found[-1]
    try:
        right = equipment_by_ref(db, principal, command.equipment)
    except EquipmentNotFound as error:
        raise UnknownTarget(field="equipment") from error
    principal.require(Permission.TELEMETRY_WRITE, path_of(db, right.facility_id))
    if wrong.equipment_id == right.id:
        return channel
    owner = device.unit_id
    if wrong.equipment_id is not None:
        owner = db.get_one(Equipment, wrong.equipment_id).facility_id
    principal.require(Permission.TELEMETRY_WRITE, path_of(db, owner))
    principal.require(Permission.HOLD_RELEASE, path_of(db, owner))
    _insist_on_readings(db, wrong.from_at)
    _replace(db, principal, channel, wrong, right.id, command.reason.strip(), now)
    append(
        db,
        WatchCorrected(
            device_code=device.code,
            channel_name=channel.name,
            from_equipment_id=wrong.equipment_id,
            to_equipment_id=right.id,
        ),
        unit_id=right.facility_id,
        subject=str(channel.id),
        occurred_at=now,
        now=now,
    )
    return channel


def _insist_on_readings(db: Session, from_at: datetime) -> None:
    until = archived_until(db)
    if until is not None and from_at < until:
        raise MonthArchived(field="from", until=until.isoformat())


def _replace(
    db: Session, principal: Principal, channel: Channel, wrong: Assignment, right: UUID, reason: str, now: datetime
) -> None:
    db.add(
        WatchCorrection(
            assignment_id=wrong.id,
            channel_id=channel.id,
            from_equipment_id=wrong.equipment_id,
            to_equipment_id=right,
            from_at=wrong.from_at,
            to_at=wrong.to_at,
            reason=reason,
            corrected_at=now,
            corrected_by=principal.account_id,
            corrected_name=principal.name,
        )
    )
    _mark_near(db, {wrong.equipment_id, right}, wrong)
    db.delete(wrong)
    db.flush()
    db.add(Assignment(id=uuid7(), channel_id=channel.id, equipment_id=right, from_at=wrong.from_at, to_at=wrong.to_at))
    db.flush()
    mark(db, channel.id, wrong.from_at)


def _mark_near(db: Session, places: Iterable[UUID | None], changed: Assignment) -> None:
    """Have those judged anew who may have taken a watch over from the one that changes."""
    latest = (changed.to_at or changed.from_at) + _NEAR
    rows = db.execute(
        select(Assignment.channel_id, Assignment.from_at).where(
            Assignment.equipment_id.in_([place for place in places if place is not None]),
            Assignment.channel_id != changed.channel_id,
            Assignment.from_at.between(changed.from_at - _NEAR, latest),
        )
    )
    for channel_id, from_at in rows.all():
        mark(db, channel_id, from_at)


def watches_of(db: Session, channel_id: int, *, after: datetime | None = None) -> list[Assignment]:
    """What a channel watched, in order; with `after` only what began later."""
    query = select(Assignment).where(Assignment.channel_id == channel_id).order_by(Assignment.from_at)
    return list(db.scalars(query if after is None else query.where(Assignment.from_at > after)))


def _in_force(db: Session, channel_id: int, at: datetime) -> Assignment | None:
    return db.scalar(
        select(Assignment).where(
            Assignment.channel_id == channel_id,
            Assignment.from_at <= at,
            or_(Assignment.to_at.is_(None), Assignment.to_at > at),
        )
    )


def _has_measured(db: Session, watch: Assignment) -> bool:
    """Whether anything was measured in it: readings, or days of a logger that prints no more."""
    readings = select(Reading.channel_id).where(
        Reading.channel_id == watch.channel_id, Reading.measured_at >= watch.from_at
    )
    days = select(DayFigures.channel_id).where(
        DayFigures.channel_id == watch.channel_id, DayFigures.to_at > watch.from_at
    )
    if watch.to_at is not None:
        readings = readings.where(Reading.measured_at < watch.to_at)
        days = days.where(DayFigures.from_at < watch.to_at)
    return any(db.scalar(query.limit(1)) is not None for query in (readings, days))


def targets_of(db: Session, principal: Principal, command: ChannelUse) -> tuple[UUID | None, UUID | None]:
    """Equipment or shipment a command names; raises OneTarget, UnknownTarget, Forbidden."""
    if command.equipment is not None and command.shipment is not None:
        raise OneTarget(field="shipment")
    if command.equipment is not None:
        try:
            found = equipment_by_ref(db, principal, command.equipment, Permission.DEVICE_WRITE)
        except EquipmentNotFound as error:
            raise UnknownTarget(field="equipment") from error
        return found.id, None
    if command.shipment is not None:
        try:
            return None, shipment_by_ref(db, principal, command.shipment).id
        except ShipmentNotFound as error:
            raise UnknownTarget(field="shipment") from error
    return None, None


def goes_on_watching(db: Session, channel: Channel, equipment_id: UUID, *, since: datetime, until: datetime) -> bool:
    """Whether the channel's last assignment is to this equipment and did not end before `until`.

    A first assignment that began after `since` is dated back to it, and what was read from there on is judged anew.
    """
    assignments = db.scalars(
        select(Assignment).where(Assignment.channel_id == channel.id).order_by(Assignment.from_at)
    ).all()
    if not assignments or assignments[-1].equipment_id != equipment_id:
        return False
    ended_at = assignments[-1].to_at
    if ended_at is not None and ended_at <= until:
        return False
    if len(assignments) == 1 and since < assignments[0].from_at:
        assignments[0].from_at = since
        db.flush()
        mark(db, channel.id, since)
    return True


def watched_since(db: Session, channel: Channel, equipment_id: UUID) -> datetime | None:
    """Since when the channel watches this equipment in its last watch; None: it does not."""
    watches = watches_of(db, channel.id)
    return watches[-1].from_at if watches and watches[-1].equipment_id == equipment_id else None
