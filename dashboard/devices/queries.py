"""Devices as their pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from dashboard.frame.choices import Choices, choices
from dashboard.frame.listing import Listed, listed, newest
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to, visible_to
from tracker.access.rules import Permission
from tracker.network.models import Equipment, Facility
from tracker.network.queries import zone_there
from tracker.shipments.models import Shipment
from tracker.telemetry.models import Assignment, Channel, DeadLetter, Device, WatchCorrection
from tracker.telemetry.queries.deadletters import dead_letters_visible_to
from tracker.telemetry.queries.devices import device_by_ref
from tracker.telemetry.rules.words import Quantity

A_PAGE = 25
MOST_LETTERS = 10
MOST_WATCHES = 20
# Each list of a device goes on by a field of its own.
WATCHES, CORRECTED, LETTERS = "pantau", "dikoreksi", "pesan"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLine:
    """A device in the list."""

    code: str
    unit: str
    kind: str
    status: str
    last_seen_at: datetime | None
    retired: bool


def devices_within(db: Session, principal: Principal, text: str, *, after: str = "") -> tuple[int, Listed[DeviceLine]]:
    """How many devices within reach have `text` in code or serial, and a page of them, by code; those in use first.

    Raises BadCursor.
    """
    query = (
        select(Device, Unit.name)
        .join(Unit, Unit.id == Device.unit_id)
        .where(visible_to(principal, Unit.path, Permission.TELEMETRY_READ))
    )
    if text:
        query = query.where(
            or_(Device.code.icontains(text, autoescape=True), Device.serial.icontains(text, autoescape=True))
        )
    total = db.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = listed(
        db,
        [query.where(Device.retired_at.is_(None)), query.where(Device.retired_at.is_not(None))],
        keys=[Device.code],
        key_of=lambda row: [row[0].code],
        most=A_PAGE,
        after=after,
    )
    rows = [
        DeviceLine(
            code=device.code,
            unit=unit,
            kind=device.kind.value,
            status=device.status.value,
            last_seen_at=device.last_seen_at,
            retired=device.retired_at is not None,
        )
        for device, unit in found.rows
    ]
    return total, Listed(rows=rows, onward=found.onward, begun=found.begun)


def letters_within(
    db: Session, principal: Principal, device_id: UUID | None = None, *, after: str
) -> Listed[DeadLetter]:
    """The newest messages that could not become readings, of one device or of all within reach; raises BadCursor."""
    query = dead_letters_visible_to(principal)
    if device_id is not None:
        query = query.where(DeadLetter.device_id == device_id)
    keys = [DeadLetter.last_received_at, DeadLetter.id]
    return newest(db, query, keys, most=MOST_LETTERS, after=after, field=LETTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a channel watched, or was said to until it was corrected; `place` None: elsewhere, out of the viewer's reach."""

    id: UUID
    channel: str
    quantity: str
    place: str | None
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A watch as it was said and as it is said now, with the reason."""

    channel: str
    before: str | None
    after: str | None
    from_at: datetime
    to_at: datetime | None
    reason: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """A device with its channels, watches and what was corrected; forms are shown to whom the acts are allowed."""

    device: Device
    unit: str
    zone: str
    channels: Sequence[Channel]
    watches: Listed[Watch]
    corrected: Listed[Corrected]
    letters: Listed[DeadLetter]
    places: Choices[Equipment]
    """Equipment it may be said to watch; some elsewhere, too, by code."""
    may_manage: bool
    may_correct: bool

    def clock(self, at: datetime) -> datetime:
        """An instant of a form, by the clock of the place where the form had no zone."""
        return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(self.zone))


def device_page(
    db: Session, principal: Principal, code: str, said: str = "", *, after: Mapping[str, str] = NOTHING
) -> DevicePage:
    """What the page of a device shows, `said` in the field for a place; raises UnknownDevice."""
    device = device_by_ref(db, principal, code)
    unit, zone = db.execute(
        select(Unit, zone_there()).outerjoin(Facility, Facility.id == Unit.id).where(Unit.id == device.unit_id)
    ).one()
    watches = _watches(db, principal, device.id, after.get(WATCHES, ""))
    return DevicePage(
        device=device,
        unit=unit.name,
        zone=zone,
        channels=db.scalars(select(Channel).where(Channel.device_id == device.id).order_by(Channel.id)).all(),
        watches=watches,
        corrected=_corrected(db, principal, device.id, after.get(CORRECTED, "")),
        letters=letters_within(db, principal, device.id, after=after.get(LETTERS, "")),
        places=equipment_at(db, device.unit_id, said),
        may_manage=principal.may(Permission.DEVICE_WRITE, unit.path),
        may_correct=principal.may(Permission.TELEMETRY_WRITE, unit.path)
        and principal.may(Permission.HOLD_RELEASE, unit.path),
    )


def _watches(db: Session, principal: Principal, device_id: UUID, after: str) -> Listed[Watch]:
    mine = Equipment.facility_id.in_(units_visible_to(principal, Permission.TELEMETRY_READ))
    query = (
        select(Assignment, Channel.name, Channel.quantity, Equipment.name, Shipment.code, mine.label("mine"))
        .join(Channel, Channel.id == Assignment.channel_id)
        .outerjoin(Equipment, Equipment.id == Assignment.equipment_id)
        .outerjoin(Shipment, Shipment.id == Assignment.shipment_id)
        .where(Channel.device_id == device_id)
    )
    keys = [Assignment.from_at, Assignment.id]
    return newest(db, query, keys, most=MOST_WATCHES, after=after, field=WATCHES, present=_watch)


def _watch(row: Any) -> Watch:
    return Watch(
        id=row[0].id,
        channel=row[1],
        quantity=row[2].value,
        place=row[4] if row[0].equipment_id is None else row[3] if row.mine else None,
        from_at=row[0].from_at,
        to_at=row[0].to_at,
    )


def _corrected(db: Session, principal: Principal, device_id: UUID, behind: str) -> Listed[Corrected]:
    before, after = aliased(Equipment), aliased(Equipment)
    mine = units_visible_to(principal, Permission.TELEMETRY_READ)
    query = (
        select(WatchCorrection, Channel.name, before.name, after.name)
        .join(Channel, Channel.id == WatchCorrection.channel_id)
        .outerjoin(before, (before.id == WatchCorrection.from_equipment_id) & before.facility_id.in_(mine))
        .outerjoin(after, (after.id == WatchCorrection.to_equipment_id) & after.facility_id.in_(mine))
        .where(Channel.device_id == device_id)
    )
    keys = [WatchCorrection.corrected_at, WatchCorrection.assignment_id]
    return newest(db, query, keys, most=MOST_WATCHES, after=behind, field=CORRECTED, present=_correction)


def _correction(row: Any) -> Corrected:
    return Corrected(
        channel=row[1],
        before=row[2],
        after=row[3],
        from_at=row[0].from_at,
        to_at=row[0].to_at,
        reason=row[0].reason,
        name=row[0].corrected_name,
        at=row[0].corrected_at,
    )


def watch_named(db: Session, device_id: UUID, watch_id: UUID) -> tuple[str, Quantity, datetime] | None:
    """Channel, quantity and begin of a watch of this device."""
    row = db.execute(
        select(Channel.name, Channel.quantity, Assignment.from_at)
        .join(Channel, Channel.id == Assignment.channel_id)
        .where(Assignment.id == watch_id, Channel.device_id == device_id)
    ).one_or_none()
    return None if row is None else (row.name, row.quantity, row.from_at)


def channel_of(db: Session, device_id: UUID, channel_id: int) -> Channel | None:
    """A channel of this device."""
    return db.scalar(select(Channel).where(Channel.id == channel_id, Channel.device_id == device_id))


def equipment_at(db: Session, facility_id: UUID, said: str = "") -> Choices[Equipment]:
    """A facility's equipment, to choose from."""
    return choices(db, select(Equipment).where(Equipment.facility_id == facility_id), Equipment, said=said)
