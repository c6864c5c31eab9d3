"""Silence is an alarm too, separate from heat and cold: a lost sensor is a fridge nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
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
from tracker.coldchain.service.alarming import note_step, tell_end
from tracker.coldchain.service.loading import ChannelFacts, WatchedPlace
from tracker.feed.service import append
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
    """Raise the alarm of devices one of whose watches has no voice; end it with the last such watch."""
    for voice in sorted(voices, key=lambda one: (one.facts.device_id, one.facts.id)):
        if not (voice.silent or voice.was_silent) or voice.facts.role not in WATCHED_ROLES[Quantity.TEMPERATURE]:
            continue
        place = voice.facts.place_at(to_micros(now))
        if voice.silent and place is not None and voice.facts.live:
            _raise(db, voice, place, now)
        else:
            _end(db, voice.facts, now)


def _raise(db: Session, voice: Voice, place: WatchedPlace, now: datetime) -> None:
    facts = voice.facts
    alarm_id = uuid7()
    since = from_micros(max(voice.newest or 0, place.placement.from_at))
    statement = upsert(Alarm).values(
        id=alarm_id,
        rule=RULE,
        severity=Severity.ALARM,
        unit_id=place.unit_id,
        equipment_id=place.equipment_id,
        shipment_id=place.shipment_id,
        device_id=facts.device_id,
        channel_id=facts.id,
        started_at=since,
        alarmed_at=now if voice.silent_after is None else from_micros(voice.silent_after),
        raised_at=now,
        level=int(Level.FACILITY),
        escalate_at=first_escalation(now, ended_at=None),
    )
    made = db.execute(
        statement.on_conflict_do_nothing(
            index_elements=["device_id"],
            # Spelt out: with a bound value a prepared statement no longer finds the partial index.
            index_where=text("rule = 'SILENT' AND ended_at IS NULL"),
        ).returning(Alarm.id)
    ).first()
    if made is None:
        return
    alarm = db.get_one(Alarm, alarm_id)
    note_step(db, alarm, "raised", now=now)
    told = SensorSilent(
        alarm_id=alarm_id,
        equipment_id=place.equipment_id,
        shipment_id=place.shipment_id,
        device_id=facts.device_id,
        channel_id=facts.id,
        since=since,
    )
    append(
        db,
        told,
        unit_id=place.unit_id,
        subject=alarm_id,
        occurred_at=alarm.alarmed_at,
        now=now,
        event_id=alarm_id,
    )


def _end(db: Session, facts: ChannelFacts, now: datetime) -> None:
    alarm = db.scalar(
        select(Alarm)
        .where(Alarm.device_id == facts.device_id, Alarm.rule == RULE, Alarm.ended_at.is_(None))
        .with_for_update()
    )
    if alarm is None:
        return
    if db.scalar(_silent_watches_of(facts.device_id, now)):
        return
    alarm.ended_at = now
    note_step(db, alarm, "ended", now=now)
    tell_end(db, alarm, now=now)


def _silent_watches_of(device_id: UUID, now: datetime) -> Select[bool]:
    """Whether a channel of the device still watches something in silence."""
    return select(
        select(ChannelEvaluation.channel_id)
        .join(Channel, Channel.id == ChannelEvaluation.channel_id)
        .join(Device, Device.id == Channel.device_id)
        .join(Assignment, Assignment.channel_id == Channel.id)
        .where(
            Channel.device_id == device_id,
            Channel.role.in_(WATCHED_ROLES[Quantity.TEMPERATURE]),
            ChannelEvaluation.silent,
            Device.retired_at.is_(None),
            Assignment.from_at <= now,
            or_(Assignment.to_at.is_(None), Assignment.to_at > now),
        )
        .exists()
    )
