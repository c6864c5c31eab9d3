"""From decoded payloads to stored readings: the part that MQTT and HTTP share.

Works inside the caller's transaction. What it learns of devices and channels is remembered between
batches; after a failed transaction the memory must be cleared, for it may name rows that never came to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from ingest.dialects.shapes import MOST_BYTES, ChannelDefaults, Decoded, Dialect, Group, Problem, Reject
from tracker.telemetry.queries.devices import DeviceMet, devices_behind, devices_by_codes
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import DEFAULT_ROLES, DeviceStatus, Quantity, TimeSource
from tracker.telemetry.service.channels import NAME, ChannelHint, ChannelKey, known_channels, make_channels
from tracker.telemetry.service.deadletters import Undeliverable, bury
from tracker.telemetry.service.liveness import SEEN_EVERY, note_seen, note_status
from tracker.telemetry.service.told import note_told_alarms
from tracker.telemetry.service.writer import Arrival, Measured, Stored, store_readings

_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Readings as a dialect made them out, and what it knows of channels nobody has declared."""

    decoded: Decoded
    defaults: ChannelDefaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as it came in, and what it says: readings, a connection status, or nothing that can be read.

    `sender` is the device's code, proved by the broker or by credentials.
    """

    topic: str
    payload: bytes
    received_at: datetime
    sender: str
    content: Report | DeviceStatus | Reject


def read_report(payload: bytes, dialect: Dialect) -> Report | Reject:
    """Decode a payload; never raises, what is wrong is the answer."""
    if len(payload) > MOST_BYTES:
        return Reject("oversized", f"{len(payload)} bytes, at most {MOST_BYTES} are read")
    try:
        return Report(decoded=dialect.decode(payload), defaults=dialect.defaults)
    except Reject as reject:
        return reject


def read_status(payload: bytes) -> DeviceStatus | Reject:
    """Take a payload for a connection status."""
    try:
        return DeviceStatus(payload.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return Reject("bad_status", "neither online nor offline")


@dataclass(slots=True)
class _Remembered:
    """A device as remembered: its channels by (name, quantity), and who stands behind it by serial."""

    id: UUID
    code: str
    serial: str | None
    channels: dict[tuple[str, str], ChannelRef] = field(default_factory=dict)
    behind: dict[str, _Remembered] | None = None
    seen_at: datetime | None = None


class Memory:
    """Devices and channels met so far; forgotten after a while, so that changes made elsewhere arrive."""

    LIFE = timedelta(seconds=60)

    def __init__(self) -> None:
        self.devices: dict[str, _Remembered] = {}
        self._since = datetime.min.replace(tzinfo=UTC)

    def clear(self) -> None:
        """Forget everything."""
        self.devices.clear()

    def refresh(self, now: datetime) -> None:
        """Forget what is older than `LIFE`."""
        if now - self._since > self.LIFE:
            self.clear()
            self._since = now

    def learn_devices(self, db: Session, codes: Iterable[str]) -> None:
        """Look up senders not met yet."""
        unknown = {code for code in codes if code not in self.devices}
        if not unknown:
            return
        found = [_remembered(each) for each in devices_by_codes(db, unknown)]
        _learn_channels(db, found)
        self.devices.update({each.code: each for each in found})

    def learn_behind(self, db: Session, gateway: _Remembered) -> dict[str, _Remembered]:
        """Devices behind a gateway by serial, itself among them if it has one."""
        if gateway.behind is None:
            found = [_remembered(each) for each in devices_behind(db, gateway.id)]
            _learn_channels(db, found)
            gateway.behind = {str(each.serial): each for each in found}
            if gateway.serial is not None:
                gateway.behind.setdefault(gateway.serial, gateway)
        return gateway.behind


def _remembered(met: DeviceMet) -> _Remembered:
    return _Remembered(met.id, met.code, met.serial, seen_at=met.last_seen_at)


def _learn_channels(db: Session, devices: Sequence[_Remembered]) -> None:
    by_id = {each.id: each for each in devices}
    for (device_id, name, quantity), ref in known_channels(db, by_id).items():
        by_id[device_id].channels[name, quantity.value] = ref


@dataclass(slots=True, kw_only=True)
class Taken:
    """What became of the letters taken in."""

    stored: Stored = field(default_factory=Stored)
    buried: int = 0
    statuses: int = 0
    refused: list[Problem] = field(default_factory=list)
    """Values no channel could be made for, by the report they stand in."""


@dataclass(slots=True)
class _Work:
    """One group with the device it belongs to."""

    letter: Letter
    report: Report
    device: _Remembered
    group: Group


class Intake:
    """Stores letters; one instance a thread."""

    def __init__(self) -> None:
        self.memory = Memory()

    def store(self, db: Session, letters: Sequence[Letter], *, now: datetime) -> Taken:
        """Store all readings of `letters`, bury what is of no use, note who was heard of."""
        self.memory.refresh(now)
        self.memory.learn_devices(db, {letter.sender for letter in letters})
        dead: list[Undeliverable] = []
        work: list[_Work] = []
        taken = Taken()
        for letter in letters:
            device = self.memory.devices.get(letter.sender)
            if device is None:
                dead.append(_dead(letter, Reject("unknown_device", f"no device {letter.sender!r}"), None))
                continue
            match letter.content:
                case Reject() as reject:
                    dead.append(_dead(letter, reject, device.id))
                case DeviceStatus() as status:
                    taken.statuses += note_status(db, device.id, status, at=letter.received_at, now=now)
                case Report() as report:
                    problems = report.decoded.problems + self._assign_groups(db, letter, report, device, work)
                    if problems:
                        dead.append(_dead(letter, _summary(problems), device.id))
        dropped = self._make_missing(db, work, now=now)
        dead += [undeliverable for undeliverable, _ in dropped]
        taken.refused = [problem for _, problem in dropped]
        taken.stored = store_readings(db, _arrivals(work))
        note_told_alarms(
            db, ((one.device.id, code, at, one.letter.received_at) for one in work for code, at in one.group.alarms)
        )
        taken.buried = bury(db, dead)
        note_seen(db, _heard_of(work))
        return taken

    def _assign_groups(
        self, db: Session, letter: Letter, report: Report, sender: _Remembered, work: list[_Work]
    ) -> list[Problem]:
        """Add the letter's groups to `work`; answers those whose serial is not the sender's to speak for."""
        foreign = []
        for group in report.decoded.groups:
            device: _Remembered | None = sender
            if group.serials:
                behind = self.memory.learn_behind(db, sender)
                device = next((behind[serial] for serial in group.serials if serial in behind), None)
            if device is None:
                names = ", ".join(group.serials)
                foreign.append(Problem(group.where, "unknown_serial", f"{names}: not bound to {sender.code}"))
            else:
                work.append(_Work(letter, report, device, group))
        return foreign

    def _make_missing(
        self, db: Session, work: Sequence[_Work], *, now: datetime
    ) -> list[tuple[Undeliverable, Problem]]:
        """Make channels heard of for the first time; entries that can have none leave their group."""
        wanted: dict[ChannelKey, ChannelHint] = {}
        incomplete: list[_Work] = []
        for item in work:
            channels = item.device.channels
            missing = {(name, q) for name, q, _, _ in item.group.entries if (name, q) not in channels}
            if missing:
                incomplete.append(item)
                wanted.update(_hints(item, missing))
        if not incomplete:
            return []
        devices = {item.device.id: item.device for item in incomplete}
        for (device_id, name, quantity), ref in make_channels(db, wanted, now=now).items():
            devices[device_id].channels[name, quantity.value] = ref
        return [dead for item in incomplete if (dead := _drop_nameless(item)) is not None]


def _hints(item: _Work, missing: Iterable[tuple[str, str]]) -> dict[ChannelKey, ChannelHint]:
    defaults = item.report.defaults
    hints: dict[ChannelKey, ChannelHint] = {}
    for name, value in missing:
        if NAME.fullmatch(name) is not None:
            quantity = Quantity(value)
            role = defaults.roles.get((name, value), DEFAULT_ROLES[quantity])
            hints[item.device.id, name, quantity] = ChannelHint(role=role, interval_s=defaults.interval_s)
    return hints


def _drop_nameless(item: _Work) -> tuple[Undeliverable, Problem] | None:
    """Leave out entries whose channel cannot be made, and say so."""
    channels = item.device.channels
    bad = sorted({name for name, q, _, _ in item.group.entries if (name, q) not in channels})
    if not bad:
        return None
    # A copy: on a retry the letter must still say what it said.
    kept = [entry for entry in item.group.entries if (entry[0], entry[1]) in channels]
    item.group = replace(item.group, entries=kept)
    detail = f"no channel can have this name, or the device has too many: {', '.join(bad)[:200]}"
    return (
        _dead(item.letter, Reject("bad_channel", detail), item.device.id),
        Problem(item.group.where, "bad_channel", detail),
    )


def _arrivals(work: Iterable[_Work]) -> Iterable[Arrival]:
    for item in work:
        letter, channels = item.letter, item.device.channels
        decoded = item.report.decoded
        timed: list[Measured] = [
            (channels[name, quantity], at, value) for name, quantity, at, value in item.group.entries if at is not None
        ]
        yield Arrival(
            received_at=letter.received_at,
            time_source=TimeSource.DEVICE,
            measured=timed,
            message_id=decoded.message_id,
        )
        if len(timed) != len(item.group.entries):
            # Nobody told the time: the receipt is the best there is.
            yield Arrival(
                received_at=letter.received_at,
                time_source=TimeSource.RECEIVER,
                measured=[
                    (channels[name, quantity], letter.received_at, value)
                    for name, quantity, at, value in item.group.entries
                    if at is None
                ],
                message_id=decoded.message_id,
            )


def _heard_of(work: Iterable[_Work]) -> dict[UUID, datetime]:
    """Devices whose row should say that they were heard of; most are still fresh."""
    seen: dict[UUID, datetime] = {}
    for item in work:
        device, at = item.device, item.letter.received_at
        if device.seen_at is None or at - device.seen_at >= SEEN_EVERY:
            device.seen_at = seen[device.id] = at
    return seen


def _summary(problems: Sequence[Problem]) -> Reject:
    shown = "; ".join(f"{p.where}: {p.reason}, {p.detail}" for p in problems[:_SHOWN_PROBLEMS])
    more = len(problems) - _SHOWN_PROBLEMS
    return Reject(problems[0].reason, f"{shown}; and {more} more" if more > 0 else shown)


def _dead(letter: Letter, reject: Reject, device_id: UUID | None) -> Undeliverable:
    return Undeliverable(
        topic=letter.topic,
        payload=letter.payload,
        reason=reject.reason,
        detail=f"{reject.where}: {reject.detail}" if reject.where else reject.detail,
        received_at=letter.received_at,
        device_id=device_id,
    )
