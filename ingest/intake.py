"""From decoded payloads to stored readings: the part that MQTT and HTTP share.

Works inside the caller's transaction. What it learns of devices and channels is remembered between
batches; after a failed transaction the memory must be cleared, for it may name rows that never came to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.dialects.shapes import MOST_BYTES, ChannelDefaults, Decoded, Dialect, Group, Problem, Reject
from tracker.telemetry.models import Device
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import DEFAULT_ROLES, DeviceStatus, Quantity, TimeSource
from tracker.telemetry.service.channels import NAME, ChannelHint, ChannelKey, known_channels, make_channels
from tracker.telemetry.service.deadletters import Undeliverable, bury
from tracker.telemetry.service.liveness import SEEN_EVERY, note_seen, note_status
from tracker.telemetry.service.writer import Arrival, Measured, Stored, store_readings

_SHOWN_PROBLEMS = 5


@dataclass(slots=True)
class Letter:
    """One message as it came in, and what its dialect made of it.

    `sender` is the device's code, proved by the broker or by credentials. Exactly one of `decoded`,
    `status` and `reject` is set by `read`; a letter that says nothing (a retained reading) has none.
    """

    topic: str
    payload: bytes
    received_at: datetime
    sender: str
    defaults: ChannelDefaults | None = None
    decoded: Decoded | None = None
    status: DeviceStatus | None = None
    reject: Reject | None = None

    def read(self, dialect: Dialect) -> Letter:
        """Decode the payload; never raises, what is wrong stands in `reject`."""
        self.defaults = dialect.defaults
        if len(self.payload) > MOST_BYTES:
            self.reject = Reject("oversized", f"{len(self.payload)} bytes, at most {MOST_BYTES} are read")
            return self
        try:
            self.decoded = dialect.decode(self.payload)
        except Reject as reject:
            self.reject = reject
        return self

    def read_status(self) -> Letter:
        """Take the payload for a connection status."""
        try:
            self.status = DeviceStatus(self.payload.decode("ascii"))
        except (UnicodeDecodeError, ValueError):
            self.reject = Reject("bad_status", "neither online nor offline")
        return self


@dataclass(slots=True)
class _Known:
    """A device as remembered: its channels by (name, quantity), and who stands behind it by serial."""

    id: UUID
    code: str
    serial: str | None
    channels: dict[tuple[str, str], ChannelRef] = field(default_factory=dict)
    behind: dict[str, _Known] | None = None
    seen_at: datetime | None = None


class Memory:
    """Devices and channels met so far; forgotten after a while, so that changes made elsewhere arrive."""

    LIFE = timedelta(seconds=60)

    def __init__(self) -> None:
        self.devices: dict[str, _Known] = {}
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
        rows = db.execute(
            select(Device.id, Device.code, Device.serial, Device.last_seen_at).where(
                Device.code.in_(unknown), Device.retired_at.is_(None)
            )
        )
        found = [_Known(row.id, row.code, row.serial, seen_at=row.last_seen_at) for row in rows]
        _learn_channels(db, found)
        self.devices.update({known.code: known for known in found})

    def learn_behind(self, db: Session, gateway: _Known) -> dict[str, _Known]:
        """Devices behind a gateway by serial, itself among them if it has one."""
        if gateway.behind is None:
            rows = db.execute(
                select(Device.id, Device.code, Device.serial, Device.last_seen_at).where(
                    Device.gateway_id == gateway.id, Device.retired_at.is_(None), Device.serial.is_not(None)
                )
            )
            found = [_Known(row.id, row.code, row.serial, seen_at=row.last_seen_at) for row in rows]
            _learn_channels(db, found)
            gateway.behind = {str(known.serial): known for known in found}
            if gateway.serial is not None:
                gateway.behind.setdefault(gateway.serial, gateway)
        return gateway.behind


def _learn_channels(db: Session, devices: Sequence[_Known]) -> None:
    by_id = {known.id: known for known in devices}
    for (device_id, name, quantity), ref in known_channels(db, by_id).items():
        by_id[device_id].channels[name, quantity.value] = ref


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of some letters."""

    stored: Stored = field(default_factory=Stored)
    buried: int = 0
    statuses: int = 0


@dataclass(slots=True)
class _Work:
    """One group with the device it belongs to."""

    letter: Letter
    device: _Known
    group: Group


class Intake:
    """Stores letters; one instance a thread."""

    def __init__(self) -> None:
        self.memory = Memory()

    def store(self, db: Session, letters: Sequence[Letter], *, now: datetime) -> Outcome:
        """Store all readings of `letters`, bury what is of no use, note who was heard of."""
        self.memory.refresh(now)
        self.memory.learn_devices(db, {letter.sender for letter in letters})
        dead: list[Undeliverable] = []
        work: list[_Work] = []
        outcome = Outcome()
        for letter in letters:
            device = self.memory.devices.get(letter.sender)
            if device is None:
                dead.append(_dead(letter, Reject("unknown_device", f"no device {letter.sender!r}"), None))
            elif letter.reject is not None:
                dead.append(_dead(letter, letter.reject, device.id))
            elif letter.status is not None:
                outcome.statuses += note_status(db, device.id, letter.status, at=letter.received_at, now=now)
            elif letter.decoded is not None:
                problems = letter.decoded.problems + self._assign_groups(db, letter, device, work)
                if problems:
                    dead.append(_dead(letter, _summary(problems), device.id))
        dead += self._make_missing(db, work, now=now)
        outcome.stored = store_readings(db, _arrivals(work))
        outcome.buried = bury(db, dead)
        note_seen(db, _heard_of(work))
        return outcome

    def _assign_groups(self, db: Session, letter: Letter, sender: _Known, work: list[_Work]) -> list[Problem]:
        """Add the letter's groups to `work`; answers those whose serial is not the sender's to speak for."""
        decoded = letter.decoded
        assert decoded is not None  # noqa: S101 - the caller looked
        foreign = []
        for group in decoded.groups:
            device: _Known | None = sender
            if group.serials:
                behind = self.memory.learn_behind(db, sender)
                device = next((behind[serial] for serial in group.serials if serial in behind), None)
            if device is None:
                names = ", ".join(group.serials)
                foreign.append(Problem(group.where, "unknown_serial", f"{names}: not bound to {sender.code}"))
            else:
                work.append(_Work(letter, device, group))
        return foreign

    def _make_missing(self, db: Session, work: Sequence[_Work], *, now: datetime) -> list[Undeliverable]:
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
    defaults = item.letter.defaults
    assert defaults is not None  # noqa: S101 - set when the letter was read
    hints: dict[ChannelKey, ChannelHint] = {}
    for name, value in missing:
        if NAME.fullmatch(name) is not None:
            quantity = Quantity(value)
            role = defaults.roles.get((name, value), DEFAULT_ROLES[quantity])
            hints[item.device.id, name, quantity] = ChannelHint(role=role, interval_s=defaults.interval_s)
    return hints


def _drop_nameless(item: _Work) -> Undeliverable | None:
    """Leave out entries whose channel cannot be made, and say so."""
    channels = item.device.channels
    bad = sorted({name for name, q, _, _ in item.group.entries if (name, q) not in channels})
    if not bad:
        return None
    # A copy: on a retry the letter must still say what it said.
    kept = [entry for entry in item.group.entries if (entry[0], entry[1]) in channels]
    item.group = Group(entries=kept, serials=item.group.serials, where=item.group.where)
    detail = f"no channel can have this name, or the device has too many: {', '.join(bad)[:200]}"
    return _dead(item.letter, Reject("bad_channel", detail), item.device.id)


def _arrivals(work: Iterable[_Work]) -> Iterable[Arrival]:
    for item in work:
        letter, channels = item.letter, item.device.channels
        decoded = letter.decoded
        assert decoded is not None  # noqa: S101 - only decoded letters become work
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
