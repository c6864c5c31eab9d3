"""Silence is an alarm too, separate from heat and cold: a lost sensor is a fridge nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.coldchain.events import SensorSilent
from tracker.coldchain.models import Alarm
from tracker.coldchain.rules.escalation import Level, first_escalation
from tracker.coldchain.rules.instants import Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import WATCHED_ROLES, Severity
from tracker.coldchain.rules.standing import silent_from
from tracker.coldchain.service.alarming import note_step, tell_end
from tracker.coldchain.service.loading import ChannelFacts
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.telemetry.rules.words import Quantity

RULE = "SILENT"


def note_silence(db: Session, turned: Sequence[tuple[ChannelFacts, Micros, bool]], *, now: datetime) -> None:
    """Follow channels that fell silent or speak again: (facts, newest reading, silent now)."""
    for facts, newest, silent in sorted(turned, key=lambda one: one[0].device_id):
        if facts.role not in WATCHED_ROLES[Quantity.TEMPERATURE]:
            continue
        if silent:
            _raise(db, facts, newest, now)
        else:
            _end(db, facts, now)


def _raise(db: Session, facts: ChannelFacts, newest: Micros, now: datetime) -> None:
    place = facts.place_at(to_micros(now))
    if place is None or not facts.live:
        return
    alarm_id = uuid7()
    since = from_micros(newest)
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
        alarmed_at=from_micros(silent_from(newest, facts.intervals.one(newest))),
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
    alarm.ended_at = now
    note_step(db, alarm, "ended", now=now)
    tell_end(db, alarm, now=now)
