"""What an alarm set going: vials held, promises without stock, bookings moved, and how fast each came.

Read from the feed, whose events name their causes. Seconds are counted from the arrival of the reading that met
the limit. Of an alarm recorded before events named their causes, what followed is not known and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.audience import events_visible_to
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.coldchain.events import AlarmRaised
from tracker.delivery.events import MessageSent
from tracker.feed.contract import E, Undecodable, decode
from tracker.feed.models import FeedEvent
from tracker.feed.queries import Consequences, consequences, consequences_by_kind
from tracker.kit.days import WESTERN
from tracker.network.models import Equipment, Facility
from tracker.network.queries import zone_there
from tracker.passport.events import StockHeld
from tracker.quota.events import BookingDisplaced, PlaceOffered
from tracker.stock.events import StockShort
from tracker.telemetry.models import Reading

LOOK_BACK = timedelta(hours=24)
MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One alarm and its consequences; seconds are None where that did not happen."""

    alarm_id: str
    rule: str
    place: str
    facility: str
    facility_code: str
    zone: str
    recorded_at: datetime
    alarm_s: float
    batches: int
    vials: int
    doses: int
    held_s: float | None
    short: int
    short_s: float | None
    displaced: int
    displaced_s: float | None
    offered: int
    offered_s: float | None
    told: int
    told_s: float | None


def chapters(db: Session, principal: Principal, now: datetime) -> list[Chapter]:
    """The newest alarms of the caller's subtree that were told on the feed, at most three."""
    query = (
        select(FeedEvent)
        .where(
            FeedEvent.kind == AlarmRaised.KIND,
            FeedEvent.recorded_at >= now - LOOK_BACK,
            events_visible_to(principal),
        )
        .order_by(FeedEvent.position.desc())
        .limit(MOST)
    )
    return [_chapter(db, row, alarm) for row, alarm in _decoded(db.scalars(query).all(), AlarmRaised)]


def _decoded(rows: Iterable[FeedEvent], cls: type[E]) -> Iterator[tuple[FeedEvent, E]]:
    """The rows with what they hold; one that does not decode was set aside by its reactions, and is shown there."""
    for row in rows:
        with suppress(Undecodable):
            yield row, decode(row, cls)


def _chapter(db: Session, row: FeedEvent, alarm: AlarmRaised) -> Chapter:
    arrived = _arrival(db, row, alarm)
    place = db.scalar(select(Equipment.name).where(Equipment.id == alarm.equipment_id))
    unit, zone = db.execute(
        select(Unit, zone_there()).outerjoin(Facility, Facility.id == Unit.id).where(Unit.id == row.unit_id)
    ).one_or_none() or (None, None)
    # What is told of an alarm later names the alarm's own id; that is also the id of the event that raised it.
    roots = {row.id} | ({alarm.alarm_id} if alarm.alarm_id else set())
    counted = consequences_by_kind(db, roots)
    held = [one for _, one in _decoded(consequences(db, roots, [StockHeld.KIND]), StockHeld)]
    short = [one for _, one in _decoded(consequences(db, roots, [StockShort.KIND]), StockShort)]

    def seconds(at: datetime | None) -> float | None:
        return None if at is None else max(0.0, (at - arrived).total_seconds())

    def last(kind: str) -> float | None:
        return seconds(counted[kind].last_at if kind in counted else None)

    return Chapter(
        alarm_id=str(alarm.alarm_id),
        rule=alarm.rule,
        place=place or "–",
        facility=unit.name if unit else "–",
        facility_code=unit.code if unit else "",
        zone=zone or WESTERN,
        recorded_at=row.recorded_at,
        alarm_s=seconds(row.recorded_at) or 0.0,
        batches=len({batch for one in held for batch in one.batch_ids}),
        vials=sum(one.vials for one in held),
        doses=sum(one.doses for one in held),
        held_s=last(StockHeld.KIND),
        short=_short(short),
        short_s=seconds(counted[StockShort.KIND].first_at if StockShort.KIND in counted else None),
        displaced=_count(counted, BookingDisplaced.KIND),
        displaced_s=last(BookingDisplaced.KIND),
        offered=_count(counted, PlaceOffered.KIND),
        offered_s=last(PlaceOffered.KIND),
        told=_count(counted, MessageSent.KIND),
        told_s=last(MessageSent.KIND),
    )


def _count(counted: dict[str, Consequences], kind: str) -> int:
    return counted[kind].subjects if kind in counted else 0


def _short(events: list[StockShort]) -> int:
    """Vials lacking in all: a pool that fell further says its whole shortage again, so the worst word of each counts."""
    worst: dict[tuple[UUID, UUID], int] = {}
    for one in events:
        pool = one.facility_id, one.presentation_id
        worst[pool] = max(worst.get(pool, 0), one.short_vials)
    return sum(worst.values())


def _arrival(db: Session, row: FeedEvent, alarm: AlarmRaised) -> datetime:
    """When the reading that met the limit reached us; the alarm's own record where it cannot be told."""
    found = db.scalar(
        select(Reading.received_at)
        .where(
            Reading.channel_id == alarm.channel_id,
            Reading.measured_at >= (alarm.alarmed_at or alarm.started_at),
        )
        .order_by(Reading.measured_at)
        .limit(1)
    )
    return min(found or row.recorded_at, row.recorded_at)
