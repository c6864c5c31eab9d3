"""A logger's export becomes readings of a channel; doing it again adds nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ingest.files.days import days_told
from ingest.files.errors import BadLoggerFile
from ingest.files.logger_file import LoggerFile, LoggerFileError
from ingest.files.reader import read_logger_file
from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Permission
from tracker.database.engine import allow_work
from tracker.kit.errors import Conflict
from tracker.network.models import Equipment, Facility
from tracker.network.queries import equipment_by_ref, path_of
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.models import Channel, Device
from tracker.telemetry.queries import newest_at
from tracker.telemetry.queries.devices import device_by_code
from tracker.telemetry.queries.sensors import channel_named
from tracker.telemetry.queries.told import last_day_end
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import DeviceKind, Quantity, Role, TimeSource
from tracker.telemetry.service.assigning import goes_on_watching, watched_since, watches_of
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device
from tracker.telemetry.service.told import LoggerDay, store_days
from tracker.telemetry.service.writer import Arrival, store_readings

CHANNEL = "t1"
# Of a logger that prints figures of whole days and keeps no readings: another kind of knowledge, a channel of its own.
DAYS_CHANNEL = "days"
_WORK_S = 180
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]+")


class CountedElsewhere(Conflict):
    """The file's readings are known already, and count for what the logger was said to watch."""

    code = "ingest.counted_elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLogger:
    """What an import did."""

    device_code: str
    channel_id: int
    model: str
    serial: str
    readings: int
    new: int
    elsewhere: int
    """Readings in the file that count for what the logger watched before."""
    missing: int
    days: int
    """Days the file tells of; of a file with readings none are kept, for readings say more."""
    first: datetime
    last: datetime


def import_logger_file(
    db: Session, principal: Principal, content: bytes, equipment_ref: str | UUID, now: datetime
) -> ImportedLogger:
    """Store an export's readings, or its days where it has none, under the logger's own channel.

    The channel watches `equipment_ref`.

    Device and channel are made when the serial number is new. The file's naive local times are placed
    in the zone of the equipment's facility. Raises BadLoggerFile, EquipmentNotFound, Forbidden, and
    CountedElsewhere when all of it was measured while the logger was said to watch something else, and telemetry's
    AssignmentOverlap when the logger has since been put elsewhere.
    """
    equipment = equipment_by_ref(db, principal, equipment_ref)
    principal.require(Permission.TELEMETRY_WRITE, path_of(db, equipment.facility_id))
    facility = db.get_one(Facility, equipment.facility_id)
    # Reading a year of minutes takes longer than a transaction may otherwise stand still.
    allow_work(db, seconds=_WORK_S)
    try:
        file = read_logger_file(content)
    except LoggerFileError as error:
        raise BadLoggerFile(detail=str(error), file_line=error.line) from error
    zone = ZoneInfo(facility.timezone)
    if not file.readings:
        return _import_days(db, file, equipment, facility, days_told(file, zone, now), now)
    readings = [(at.replace(tzinfo=zone).astimezone(UTC), value) for at, value in file.readings]
    # The caller may write telemetry here; making the logger known is part of that, not of keeping devices.
    device = _device(db, file, facility, now)
    instants = [at for at, _ in readings]
    kept = channel_named(db, device.id, CHANNEL, Quantity.TEMPERATURE)
    newest = newest_at(db, kept.id) if kept is not None else None
    after = None if newest is None else newest + timedelta(seconds=1)
    channel = _channel(
        db, device, file, equipment, CHANNEL, first=min(instants), last=max(instants), new_from=after, now=now
    )
    ref = ChannelRef(channel.id, channel.quantity, channel.role)
    arrival = Arrival(
        received_at=now,
        time_source=TimeSource.DEVICE,
        measured=[(ref, at, value) for at, value in readings],
        message_id=None,
    )
    stored = store_readings(db, [arrival])
    counted = watched_since(db, channel, equipment.id)
    return ImportedLogger(
        device_code=device.code,
        channel_id=channel.id,
        model=file.model,
        serial=file.serial,
        readings=len(readings),
        new=stored.new,
        elsewhere=sum(1 for at in instants if counted is None or at < counted),
        missing=file.missing,
        days=0,
        first=min(instants),
        last=max(instants),
    )


def _import_days(
    db: Session, file: LoggerFile, equipment: Equipment, facility: Facility, days: list[LoggerDay], now: datetime
) -> ImportedLogger:
    if not days:
        raise BadLoggerFile(detail="it holds no readings and no day with figures")
    device = _device(db, file, facility, now)
    first, last = days[0].from_at, days[-1].to_at
    kept = channel_named(db, device.id, DAYS_CHANNEL, Quantity.TEMPERATURE)
    newest = last_day_end(db, kept.id) if kept is not None else None
    channel = _channel(db, device, file, equipment, DAYS_CHANNEL, first=first, last=last, new_from=newest, now=now)
    new = store_days(db, channel.id, days, received_at=now)
    counted = watched_since(db, channel, equipment.id)
    return ImportedLogger(
        device_code=device.code,
        channel_id=channel.id,
        model=file.model,
        serial=file.serial,
        readings=0,
        new=new,
        elsewhere=sum(1 for one in days if counted is None or one.to_at <= counted),
        missing=len(file.days) - len(days),
        days=len(days),
        first=first,
        last=last,
    )


def device_code(file: LoggerFile) -> str:
    """The code under which a logger is known: model family and serial number."""
    return _NOT_PLAIN.sub("-", f"{file.make}-{file.serial}").strip("-").lower()[:64]


def _device(db: Session, file: LoggerFile, facility: Facility, now: datetime) -> Device:
    code = device_code(file)
    known = device_by_code(db, code)
    if known is not None:
        return known
    command = NewDevice(
        code=code, unit=facility.id, kind=DeviceKind.LOGGER, make=file.make, model=file.model, serial=file.serial
    )
    return add_device(db, SYSTEM, command, now=now).device


def _channel(
    db: Session,
    device: Device,
    file: LoggerFile,
    equipment: Equipment,
    name: str,
    *,
    first: datetime,
    last: datetime,
    new_from: datetime | None,
    now: datetime,
) -> Channel:
    """The logger's channel, watching this equipment; `new_from`: from where on the file may tell anything new."""
    channel = channel_named(db, device.id, name, Quantity.TEMPERATURE)
    from_at = first
    if channel is not None:
        # Of a retired logger counts what lies within its watch; what it measured in the drawer does not bring that back.
        until = last if device.retired_at is None else new_from or first
        if goes_on_watching(db, channel, equipment.id, since=first, until=until):
            return channel
        # Its memory still holds what it measured elsewhere: only what is newer was measured here.
        if new_from is not None and last <= new_from:
            raise _elsewhere(db, device, channel, equipment, first)
        from_at = first if new_from is None else max(first, new_from)
    use = ChannelUse(
        device=device.id,
        name=name,
        role=Role.FREEZER if equipment.place_kind is PlaceKind.FREEZER else Role.STORAGE,
        equipment=equipment.id,
        from_at=min(from_at, now),
        interval_s=file.interval_s,
    )
    return use_channel(db, SYSTEM, use, now=now)


def _elsewhere(
    db: Session, device: Device, channel: Channel, equipment: Equipment, first: datetime
) -> CountedElsewhere:
    """Whose the readings are, and the words that correct it."""
    watches = [one for one in watches_of(db, channel.id) if one.to_at is None or one.to_at > first]
    place = db.get(Equipment, watches[0].equipment_id) if watches and watches[0].equipment_id else None
    return CountedElsewhere(
        device=device.code,
        channel=channel.name,
        place=place.code if place is not None else "-",
        since=(watches[0].from_at if watches else first).isoformat(),
        equipment=equipment.code,
    )
