"""Closing an alarm: a disposition for every batch it holds; and later one for what it held on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.coldchain.errors import AlarmClosed
from tracker.coldchain.models import Alarm
from tracker.coldchain.service.handling import alarm_for_update, mark_closed
from tracker.passport.errors import (
    AlarmOngoing,
    BatchNotHeld,
    DispositionMissing,
    DispositionTwice,
    ReasonMissing,
)
from tracker.passport.models import AlarmDisposition, Hold
from tracker.passport.rules.harm import Disposition, HoldState
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, DecideHeld
from tracker.passport.service.releasing import discard_hold, release_hold
from tracker.stock.rules.words import Account
from tracker.stock.service.reading import lock_anchors


def close_alarm(db: Session, principal: Principal, command: CloseAlarm, *, now: datetime) -> Alarm:
    """Decide about every batch the alarm holds and close it, all or nothing.

    Raises AlarmNotFound, Forbidden, AlarmClosed, AlarmOngoing, DispositionMissing, DispositionTwice, BatchNotHeld and what
    `release_hold` raises, with the line of the disposition.
    """
    # Pools before the alarm's row: the hold reaction takes them in that order too.
    holds = list(db.scalars(_holds_of(command.alarm_id)))
    _lock_pools(db, holds)
    alarm = alarm_for_update(db, principal, command.alarm_id, Permission.HOLD_RELEASE)
    if alarm.closed_at is not None or alarm.merged_into is not None:
        raise AlarmClosed(alarm_id=str(alarm.id))
    if alarm.ended_at is None:
        raise AlarmOngoing(alarm=str(alarm.id))
    holds = list(db.scalars(_holds_of(command.alarm_id)))
    held = {hold.batch_id for hold in holds if hold.state is HoldState.HELD}
    asked = {one.batch_id for one in command.dispositions}
    if held - asked:
        lot = db.scalars(select(Batch.lot).where(Batch.id == min(held - asked))).one()
        raise DispositionMissing(field="dispositions", batch=lot)
    _decide(db, principal, command.dispositions, holds, now)
    if command.dispositions:
        db.execute(
            insert(AlarmDisposition),
            [
                {
                    "alarm_id": alarm.id,
                    "batch_id": one.batch_id,
                    "disposition": one.disposition,
                    "reason": one.decision.reason,
                    "decided_at": now,
                    "decided_by": principal.account_id,
                    "decided_name": principal.name,
                }
                for one in command.dispositions
            ],
        )
    mark_closed(db, principal, alarm, now=now, comment=command.comment)
    return alarm


def decide_held(db: Session, principal: Principal, command: DecideHeld, *, now: datetime) -> None:
    """Decide later what an alarm still holds; each hold keeps who decided, when and why.

    Raises AlarmNotFound, Forbidden, DispositionTwice, BatchNotHeld and what `release_hold` raises.
    """
    _lock_pools(db, list(db.scalars(_holds_of(command.alarm_id))))
    alarm = alarm_for_update(db, principal, command.alarm_id, Permission.HOLD_RELEASE)
    holds = list(db.scalars(_holds_of(alarm.id).where(Hold.state == HoldState.HELD)))
    _decide(db, principal, command.dispositions, holds, now)


def _decide(
    db: Session,
    principal: Principal,
    dispositions: Sequence[BatchDisposition],
    holds: Sequence[Hold],
    now: datetime,
) -> None:
    seen: set[UUID] = set()
    for line, one in enumerate(dispositions):
        if one.batch_id in seen:
            raise DispositionTwice(line=line, field="batch", batch=str(one.batch_id))
        seen.add(one.batch_id)
        if one.batch_id not in {hold.batch_id for hold in holds}:
            raise BatchNotHeld(line=line, field="batch", batch=str(one.batch_id))
        if not one.decision.reason.strip():
            raise ReasonMissing(line=line, field="reason")
        _carry_out(db, principal, one, [hold for hold in holds if hold.batch_id == one.batch_id], now)


def _carry_out(db: Session, principal: Principal, one: BatchDisposition, holds: Sequence[Hold], now: datetime) -> None:
    for hold in holds:
        if hold.state is not HoldState.HELD or one.disposition is Disposition.HOLD:
            continue
        act = discard_hold if one.disposition is Disposition.DISCARD else release_hold
        act(db, principal, hold.id, one.decision, now=now)


def _holds_of(alarm_id: UUID) -> Select[Hold]:
    return select(Hold).where(Hold.alarm_id == alarm_id).order_by(Hold.id)


def _lock_pools(db: Session, holds: Sequence[Hold]) -> None:
    presentations = dict(
        db.execute(select(Batch.id, Batch.presentation_id).where(Batch.id.in_({hold.batch_id for hold in holds}))).all()
    )
    anchors = {(hold.facility_id, presentations[hold.batch_id]) for hold in holds}
    anchors |= {(hold.holder_id, presentations[hold.batch_id]) for hold in holds if hold.account is Account.TRANSIT}
    lock_anchors(db.connection(), anchors)
