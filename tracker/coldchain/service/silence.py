"""Silence is an alarm too, separate from heat and cold: a lost sensor is a fridge nobody watches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.coldchain.events import SensorSilent
from tracker.coldchain.models import Alarm, ChannelEvaluation
from tracker.coldchain.rules.escalation import Level, first_escalation
from tracker.coldchain.rules.instants import Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import WATCHED_ROLES, Severity
from tracker.coldchain.service.alarming import note_step, tell_ends
from tracker.coldchain.service.loading import ChannelFacts, WatchedPlace
from tracker.feed.service import Happening, append_all
from tracker.kit.ids import uuid7
from tracker.telemetry.models import Assignment, Channel, Device
from tracker.telemetry.rules.words import Quantity

RULE = "SILENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Whether a channel is heard, as one evaluation found it."""

    facts: ChannelFacts
    was_silent: bool
    silent: bool
    silent_after: Micros | None
    """None: nothing is expected of it."""
    newest: Micros | None
    """Instant of its newest reading; None: it never spoke."""


def note_silence(db: Session, voices: Sequence[Voice], *, now: datetime) -> None:
    """Raise the alarm of places where a device's watch has no voice; end it with its last such watch there.

    In as many statements for a thousand as for one: a gateway that falls silent takes many along.
    """
    raised: list[tuple[Voice, WatchedPlace]] = []
    devices: set[UUID] = set()
    for voice in sorted(voices, key=lambda one: (one.facts.device_id, one.facts.id)):
        if not (voice.silent or voice.was_silent) or voice.facts.role not in WATCHED_ROLES[Quantity.TEMPERATURE]:
            continue
        devices.add(voice.facts.device_id)
        place = voice.facts.place_at(to_micros(now))
        if voice.silent and place is not None and voice.facts.live:
            raised.append((voice, place))
    if raised:
        _raise(db, raised, now)
    if devices:
        _end(db, devices, now)


def _raise(db: Session, silent: Sequence[tuple[Voice, WatchedPlace]], now: datetime) -> None:
    made = db.scalars(
        upsert(Alarm)
        .values([_alarm_of(voice, place, now) for voice, place in silent])
        .on_conflict_do_nothing(
            index_elements=["device_id", "equipment_id", "shipment_id"],
            # Spelt out: with a bound value a prepared statement no longer finds the partial index.
            index_where=text("rule = 'SILENT' AND ended_at IS NULL"),
        )
        .returning(Alarm)
    ).all()
    for alarm in made:
        note_step(db, alarm, "raised", now=now)
    db.flush()
    append_all(db, [_told(alarm) for alarm in made], now=now)


def _alarm_of(voice: Voice, place: WatchedPlace, now: datetime) -> dict[str, object]:
    since = from_micros(max(voice.newest or 0, place.placement.from_at))
    return {
        "id": uuid7(),
        "rule": RULE,
        "severity": Severity.ALARM,
        "unit_id": place.unit_id,
        "equipment_id": place.equipment_id,
        "shipment_id": place.shipment_id,
        "device_id": voice.facts.device_id,
        "channel_id": voice.facts.id,
        "started_at": since,
        "alarmed_at": now if voice.silent_after is None else from_micros(voice.silent_after),
        "raised_at": now,
        "level": int(Level.FACILITY),
        "escalate_at": first_escalation(now, ended_at=None),
    }


def _told(alarm: Alarm) -> Happening:
    told = SensorSilent(
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        shipment_id=alarm.shipment_id,
        device_id=alarm.device_id,
        channel_id=alarm.channel_id,
        since=alarm.started_at,
    )
    return Happening(event=told, unit_id=alarm.unit_id, subject=alarm.id, occurred_at=alarm.alarmed_at, id=alarm.id)


def _end(db: Session, device_ids: Collection[UUID], now: datetime) -> None:
    """End the alarms of these devices at places where none of their watches is silent any more."""
    alarms = db.scalars(
        select(Alarm)
        .where(Alarm.device_id.in_(device_ids), Alarm.rule == RULE, Alarm.ended_at.is_(None))
        .order_by(Alarm.id)
        .with_for_update()
    ).all()
    if not alarms:
        return
    rows = db.execute(_silent_places({alarm.device_id for alarm in alarms}, now))
    silent = {(device_id, equipment_id, shipment_id) for device_id, equipment_id, shipment_id in rows}
    over = [alarm for alarm in alarms if (alarm.device_id, alarm.equipment_id, alarm.shipment_id) not in silent]
    for alarm in over:
        alarm.ended_at = now
        note_step(db, alarm, "ended", now=now)
    tell_ends(db, over, now=now)


def _silent_places(device_ids: Collection[UUID], now: datetime) -> Select[UUID, UUID | None, UUID | None]:
    """Device, equipment and shipment where a channel of one of these devices still watches in silence."""
    return (
        select(Channel.device_id, Assignment.equipment_id, Assignment.shipment_id)
        .join(ChannelEvaluation, ChannelEvaluation.channel_id == Channel.id)
        .join(Device, Device.id == Channel.device_id)
        .join(Assignment, Assignment.channel_id == Channel.id)
        .where(
            Channel.device_id.in_(device_ids),
            Channel.role.in_(WATCHED_ROLES[Quantity.TEMPERATURE]),
            ChannelEvaluation.silent,
            Device.retired_at.is_(None),
            Assignment.from_at <= now,
            or_(Assignment.to_at.is_(None), Assignment.to_at > now),
        )
    )
