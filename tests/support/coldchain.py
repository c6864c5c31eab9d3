"""Channels on fridges, readings through the one writer, and episodes as plain tuples to compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.models import Episode
from tracker.kit.ids import uuid7
from tracker.telemetry.models import Channel
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Quantity, Role, TimeSource
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device
from tracker.telemetry.service.writer import Arrival, store_readings

START = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AFTER = datetime(2026, 12, 1, tzinfo=UTC)

Points = Sequence[tuple[int, float]]
"""(minute after START, value)."""


def new_channel(
    db: Session,
    world: World,
    *,
    equipment: str | None = None,
    role: Role = Role.STORAGE,
    quantity: Quantity = Quantity.TEMPERATURE,
    interval_s: int = 600,
    from_at: datetime = START - timedelta(days=400),
    name: str = "t1",
    device: str | None = None,
) -> Channel:
    """A channel of a (new) device that watches a piece of equipment; by default the puskesmas's first fridge."""
    if device is None:
        device = f"dev-{uuid7().hex[-12:]}"
        add_device(db, SYSTEM, NewDevice(code=device, unit=world.puskesmas.code), now=START)
    use = ChannelUse(
        device=device,
        name=name,
        quantity=quantity,
        role=role,
        equipment=equipment or world.fridge.code,
        from_at=from_at,
        interval_s=interval_s,
    )
    channel = use_channel(db, SYSTEM, use, now=LONG_AFTER)
    db.flush()
    return channel


def at(minute: float) -> datetime:
    """An instant by minutes after START."""
    return START + timedelta(minutes=minute)


def send(
    db: Session, channel: Channel, points: Iterable[tuple[float, float]], *, received: datetime | None = None
) -> int:
    """Store readings as the ingester would; returns how many were new."""
    ref = ChannelRef(channel.id, channel.quantity, channel.role)
    measured = [(ref, at(minute), value) for minute, value in points]
    arrival = Arrival(
        received_at=received or LONG_AFTER, time_source=TimeSource.DEVICE, measured=measured, message_id=None
    )
    return store_readings(db, [arrival]).new


Shape = tuple[int, float, float | None, float | None, float, float, float]


def shape_of(episode: Episode) -> Shape:
    """Limit, start, alarm, end (minutes), peak, exposed and known minutes."""
    return (
        episode.limit_id,
        minutes(episode.started_at),
        None if episode.alarmed_at is None else minutes(episode.alarmed_at),
        None if episode.ended_at is None else minutes(episode.ended_at),
        episode.peak,
        round(episode.exposed_s / 60, 6),
        round(episode.known_s / 60, 6),
    )


def minutes(instant: datetime) -> float:
    """Minutes after START."""
    return (instant - START) / timedelta(minutes=1)


def minutes_or_none(instant: datetime | None) -> float | None:
    """`minutes`, None passed on."""
    return None if instant is None else minutes(instant)


def living(db: Session, channel: Channel) -> list[Episode]:
    """Stored episodes of a channel that are neither merged nor void, by start and limit."""
    return list(
        db.scalars(
            select(Episode)
            .where(Episode.channel_id == channel.id, Episode.void_at.is_(None), Episode.merged_into.is_(None))
            .order_by(Episode.started_at, Episode.limit_id)
        )
    )


def shapes(db: Session, channel: Channel) -> list[Shape]:
    """`living` as tuples."""
    return [shape_of(episode) for episode in living(db, channel)]
