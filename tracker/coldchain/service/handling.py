"""What people do with alarms, and the timer that goes on when nobody does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.coldchain.errors import AlarmClosed, AlarmNotFound, AlreadyAcknowledged, CommentMissing
from tracker.coldchain.events import AlarmAcknowledged, AlarmEscalated, AlarmSettled, AlarmStepped
from tracker.coldchain.models import Alarm
from tracker.coldchain.rules.escalation import Level, escalated
from tracker.coldchain.service.alarming import note_step
from tracker.coldchain.service.commands import AcknowledgeAlarm
from tracker.feed.service import append


def acknowledge_alarm(db: Session, principal: Principal, command: AcknowledgeAlarm, *, now: datetime) -> Alarm:
    """Stops the escalation. Allowed while it is going on and for a lost sensor too.

    The same person with the same comment again changes nothing; another acknowledgement is a conflict.
    """
    alarm = alarm_for_update(db, principal, command.alarm_id, Permission.ALARM_ACKNOWLEDGE)
    comment = command.comment.strip()
    if not comment:
        raise CommentMissing(field="comment")
    if alarm.acknowledged_at is not None:
        if alarm.acknowledged_by == principal.account_id and alarm.comment == comment:
            return alarm
        raise AlreadyAcknowledged(name=alarm.acknowledged_name, at=alarm.acknowledged_at.isoformat())
    if alarm.closed_at is not None or alarm.merged_into is not None:
        raise AlarmClosed(alarm_id=str(alarm.id))
    alarm.acknowledged_at = now
    alarm.acknowledged_by = principal.account_id
    alarm.acknowledged_name = principal.name
    alarm.comment = comment
    alarm.escalate_at = None
    note_step(db, alarm, "acknowledged", now=now, name=principal.name, comment=comment)
    _tell(db, AlarmAcknowledged, alarm, now)
    db.flush()
    return alarm


def mark_closed(db: Session, principal: Principal, alarm: Alarm, *, now: datetime, comment: str | None = None) -> None:
    """The passport has a disposition for every batch the alarm touched; `alarm` comes from `alarm_for_update`."""
    if alarm.closed_at is not None or alarm.merged_into is not None:
        raise AlarmClosed(alarm_id=str(alarm.id))
    alarm.closed_at = now
    alarm.closed_by = principal.account_id
    alarm.escalate_at = None
    note_step(db, alarm, "closed", now=now, name=principal.name, comment=comment)
    _tell(db, AlarmSettled, alarm, now)
    db.flush()


def alarm_for_update(db: Session, principal: Principal, alarm_id: UUID, permission: Permission) -> Alarm:
    """The alarm, locked; `AlarmNotFound` outside the caller's subtree, `Forbidden` without the permission."""
    row = db.execute(
        select(Alarm, Unit.path)
        .join(Unit, Unit.id == Alarm.unit_id)
        .where(Alarm.id == alarm_id, visible_to(principal, Unit.path, Permission.ALARM_READ))
        .with_for_update(of=Alarm)
    ).one_or_none()
    if row is None:
        raise AlarmNotFound(alarm=str(alarm_id))
    principal.require(permission, row.path)
    alarm: Alarm = row.Alarm
    return alarm


def escalate_alarms(db: Session, *, now: datetime, limit: int = 500) -> int:
    """Tell the next level of alarms nobody has acknowledged in time. Periodic; returns how many."""
    due = db.scalars(
        select(Alarm)
        .where(Alarm.escalate_at <= now)
        .order_by(Alarm.escalate_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for alarm in due:
        level, alarm.escalate_at = escalated(Level(alarm.level), now)
        alarm.level = int(level)
        note_step(db, alarm, "escalated", now=now)
        _tell(db, AlarmEscalated, alarm, now)
    db.flush()
    return len(due)


def _tell(db: Session, news: type[AlarmStepped], alarm: Alarm, now: datetime) -> None:
    told = news(
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        shipment_id=alarm.shipment_id,
        rule=alarm.rule,
        severity=alarm.severity,
        level=alarm.level,
    )
    append(db, told, unit_id=alarm.unit_id, subject=alarm.id, occurred_at=now, now=now, caused_by=alarm.id)
