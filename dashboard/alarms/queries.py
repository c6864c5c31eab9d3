"""Alarms as lists and cards show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, exists, func, lateral, or_, select, true
from sqlalchemy.orm import Session, aliased

from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.coldchain.models import Alarm, AlarmStep, Episode
from tracker.coldchain.rules.limits import Severity
from tracker.edge.paging import Key
from tracker.network.models import Equipment, Facility
from tracker.network.queries import zone_there
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.telemetry.models import Device

# Rules whose violation spoils what lies there; the others say that somebody should look.
HARMFUL = ("HEAT", "HEAT10", "HEAT30", "FRZE", "POWR")

# An early warning and the alarms it may grow into.
_GROWS_INTO = {"WARM": ("HEAT", "HEAT10", "HEAT30"), "COLD": ("FRZE",)}

OPEN_ALARM = and_(Alarm.closed_at.is_(None), Alarm.withdrawn_at.is_(None), Alarm.merged_into.is_(None))


_worse = aliased(Alarm)
# This warning grew into an alarm of the same place, open or decided since: one matter, shown and counted once.
_GREW = and_(
    or_(*(and_(Alarm.rule == early, _worse.rule.in_(later)) for early, later in _GROWS_INTO.items())),
    or_(_worse.equipment_id == Alarm.equipment_id, _worse.shipment_id == Alarm.shipment_id),
    _worse.severity == Severity.ALARM,
    _worse.merged_into.is_(None),
    _worse.withdrawn_at.is_(None),
    or_(Alarm.ended_at.is_(None), _worse.started_at <= Alarm.ended_at),
    or_(_worse.ended_at.is_(None), _worse.ended_at >= Alarm.started_at),
)
OPEN_MATTER = and_(OPEN_ALARM, ~exists().where(_GREW))

# What still spoils doses, then what did and waits for a decision, then what should be looked at; the unanswered first.
URGENCY = case(
    (and_(Alarm.rule.in_(HARMFUL), Alarm.severity == Severity.ALARM, Alarm.ended_at.is_(None)), 6),
    (and_(Alarm.rule.in_(HARMFUL), Alarm.severity == Severity.ALARM), 4),
    (Alarm.ended_at.is_(None), 2),
    else_=0,
) + case((Alarm.acknowledged_at.is_(None), 1), else_=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm as lists and its card show it."""

    id: UUID
    rule: str
    equipment_id: UUID | None
    severity: str
    facility: str
    facility_code: str
    unit_path: str
    zone: str
    place: str | None
    channel_id: int
    device: str
    started_at: datetime
    alarmed_at: datetime
    ended_at: datetime | None
    raised_at: datetime
    level: int
    acknowledged_at: datetime | None
    acknowledged_name: str | None
    comment: str | None
    closed_at: datetime | None
    withdrawn_at: datetime | None
    peak: float | None
    exposed_minutes: float | None

    @property
    def tone(self) -> str:
        """The colour of its edge: red is only for an alarm that still goes on and nobody has answered."""
        if self.stage == "open":
            return "open" if self.ended_at is None and self.severity == Severity.ALARM else "seen"
        return self.stage

    @property
    def moving(self) -> bool:
        """Whether vials should leave the place."""
        return self.ended_at is None and self.rule in HARMFUL

    @property
    def stage(self) -> str:
        """Open (nobody answered), seen (acknowledged), closed."""
        if self.closed_at is not None or self.withdrawn_at is not None:
            return "closed"
        return "seen" if self.acknowledged_at is not None else "open"


def alarms(
    db: Session,
    principal: Principal,
    *,
    show: str = "open",
    limit: int = 50,
    facility_id: UUID | None = None,
    channel_id: int | None = None,
    alarm_id: UUID | None = None,
) -> list[AlarmRow]:
    """Alarms of the caller's subtree; `show`: open (worst first), held (with stock that waits), closed or all (newest first); `alarm_id` finds one, whatever its state."""
    # Which ones first: what is told of each is read for these alone.
    first = _shown(principal, "all" if alarm_id is not None else show)
    first = first.order_by(*(key.desc() for key in _keys(show))).limit(limit)
    if alarm_id is not None:
        first = first.where(Alarm.id == alarm_id)
    if facility_id is not None:
        first = first.where(Alarm.unit_id == facility_id)
    if channel_id is not None:
        first = first.where(Alarm.channel_id == channel_id)
    return _rows(db, [row[0] for row in db.execute(first)], show)


def alarm_list(db: Session, principal: Principal, *, show: str, after: str, most: int) -> Listed[AlarmRow]:
    """The same as a list that goes on; raises BadCursor."""
    found = listed(
        db,
        [_shown(principal, show).add_columns(*_keys(show)[:-1])],
        keys=_keys(show),
        key_of=lambda row: [*row[1:-1], row[-1].isoformat(), row[0]],
        most=most,
        after=after,
        descending=True,
    )
    rows = _rows(db, [row[0] for row in found.rows], show)
    return Listed(rows=rows, onward=found.onward, begun=found.begun)


def _keys(show: str) -> list[Key]:
    """What a list is ordered by, downwards; the id is the last."""
    return [*([URGENCY] if show == "open" else []), Alarm.raised_at, Alarm.id]


def _shown(principal: Principal, show: str) -> Select[*tuple[Any, ...]]:
    """The ids of those of the caller's subtree that are open, closed, or of all."""
    query = (
        select(Alarm.id)
        .join(Unit, Unit.id == Alarm.unit_id)
        .where(visible_to(principal, Unit.path, Permission.ALARM_READ), Alarm.merged_into.is_(None))
    )
    if show == "open":
        return query.where(OPEN_MATTER)
    if show == "closed":
        return query.where(or_(Alarm.closed_at.is_not(None), Alarm.withdrawn_at.is_not(None)))
    if show == "held":
        return query.where(exists().where(Hold.alarm_id == Alarm.id, Hold.state == HoldState.HELD))
    return query


def _rows(db: Session, ids: Sequence[UUID], show: str) -> list[AlarmRow]:
    worst = lateral(
        select(
            # The peak farther from zero is the worse one only within one rule; the longest episode leads.
            Episode.peak,
            Episode.exposed_s,
        )
        .where(Episode.alarm_id == Alarm.id, Episode.merged_into.is_(None), Episode.void_at.is_(None))
        .order_by(Episode.exposed_s.desc())
        .limit(1)
    ).alias("worst")
    query = (
        select(
            Alarm,
            Unit.name,
            Unit.code,
            Unit.path,
            zone_there(),
            Equipment.name,
            Device.code,
            worst.c.peak,
            worst.c.exposed_s,
        )
        .join(Unit, Unit.id == Alarm.unit_id)
        .join(Device, Device.id == Alarm.device_id)
        .outerjoin(Facility, Facility.id == Alarm.unit_id)
        .outerjoin(Equipment, Equipment.id == Alarm.equipment_id)
        .outerjoin(worst, true())
        .where(Alarm.id.in_(ids))
        .order_by(*(key.desc() for key in _keys(show)))
    )
    return [
        AlarmRow(
            id=alarm.id,
            rule=alarm.rule,
            equipment_id=alarm.equipment_id,
            severity=alarm.severity.value,
            facility=facility,
            facility_code=code,
            unit_path=path,
            zone=zone,
            place=place,
            channel_id=alarm.channel_id,
            device=device,
            started_at=alarm.started_at,
            alarmed_at=alarm.alarmed_at,
            ended_at=alarm.ended_at,
            raised_at=alarm.raised_at,
            level=alarm.level,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_name=alarm.acknowledged_name,
            comment=alarm.comment,
            closed_at=alarm.closed_at,
            withdrawn_at=alarm.withdrawn_at,
            peak=peak,
            exposed_minutes=exposed_s / 60 if exposed_s is not None else None,
        )
        for alarm, facility, code, path, zone, place, device, peak, exposed_s in db.execute(query)
    ]


def count_open_alarms(db: Session, principal: Principal, facility_id: UUID | None = None) -> tuple[int, int]:
    """(open matters, of them not acknowledged), of one facility when an id is given."""
    query = (
        select(func.count(), func.count().filter(Alarm.acknowledged_at.is_(None)))
        .join(Unit, Unit.id == Alarm.unit_id)
        .where(OPEN_MATTER, visible_to(principal, Unit.path, Permission.ALARM_READ))
    )
    if facility_id is not None:
        query = query.where(Alarm.unit_id == facility_id)
    row = db.execute(query).one()
    return int(row[0]), int(row[1])


def steps_of(db: Session, alarm_ids: Sequence[UUID]) -> dict[UUID, list[AlarmStep]]:
    """What happened to each alarm, in order."""
    found: dict[UUID, list[AlarmStep]] = {}
    query = select(AlarmStep).where(AlarmStep.alarm_id.in_(list(alarm_ids))).order_by(AlarmStep.alarm_id, AlarmStep.id)
    for step in db.scalars(query):
        found.setdefault(step.alarm_id, []).append(step)
    return found


def warnings_before(db: Session, alarm_ids: Sequence[UUID]) -> dict[UUID, tuple[str, datetime]]:
    """By alarm the early warning it grew from, the first one: (rule, since when)."""
    query = select(_worse.id, Alarm.rule, Alarm.started_at).where(
        _GREW, _worse.id.in_(list(alarm_ids)), Alarm.merged_into.is_(None), Alarm.withdrawn_at.is_(None)
    )
    return {row[0]: (row[1], row[2]) for row in db.execute(query.order_by(Alarm.started_at.desc()))}
