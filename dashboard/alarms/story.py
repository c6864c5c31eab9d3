"""What an alarm set going: vials held, promises without stock, bookings moved, and how fast each came.

Read from the feed, which carries consequences in the order they were recorded. Seconds are counted from
the arrival of the reading that met the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.api.sse import feed_visible_to
from tracker.feed.models import FeedEvent
from tracker.network.models import Equipment, Facility
from tracker.network.queries import as_id
from tracker.quota.models import Displacement
from tracker.telemetry.models import Reading

LOOK_BACK = timedelta(hours=24)
# Consequences at a facility belong to its alarm for this long.
WITHIN = timedelta(minutes=10)
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


def chapters(db: Session, principal: Principal, now: datetime) -> list[Chapter]:
    """The newest alarms of the caller's subtree that were told on the feed, at most three."""
    seen = feed_visible_to(principal)
    query = (
        select(FeedEvent)
        .where(FeedEvent.kind == "coldchain.alarm_raised", FeedEvent.recorded_at >= now - LOOK_BACK)
        .order_by(FeedEvent.position.desc())
        .limit(MOST)
    )
    raised = list(db.scalars(query if seen is None else query.where(seen)))
    return [_chapter(db, event) for event in raised]


def _chapter(db: Session, event: FeedEvent) -> Chapter:
    data = event.data
    arrived = _arrival(db, event)
    place = db.scalar(select(Equipment.name).where(Equipment.id == as_id(str(data.get("equipment_id")))))
    unit, zone = db.execute(
        select(Unit, Facility.timezone).outerjoin(Facility, Facility.id == Unit.id).where(Unit.id == event.unit_id)
    ).one_or_none() or (None, None)
    held = list(
        db.scalars(
            select(FeedEvent)
            .where(
                FeedEvent.kind == "passport.held",
                FeedEvent.position > event.position,
                FeedEvent.data["alarm_id"].astext == str(data["alarm_id"]),
            )
            .order_by(FeedEvent.position)
        )
    )
    units = {one.unit_id for one in held} or {event.unit_id}
    after = (
        FeedEvent.unit_id.in_(units),
        FeedEvent.position > event.position,
        FeedEvent.recorded_at <= arrived + WITHIN,
    )
    short = db.scalars(
        select(FeedEvent).where(FeedEvent.kind == "stock.short", *after).order_by(FeedEvent.position).limit(200)
    ).all()
    displaced, displaced_at = _count(db, "quota.displaced", after)
    offered, offered_at = _offers(db, after)

    def seconds(at: datetime | None) -> float | None:
        return None if at is None else max(0.0, (at - arrived).total_seconds())

    return Chapter(
        alarm_id=str(data["alarm_id"]),
        rule=str(data["rule"]),
        place=place or "–",
        facility=unit.name if unit else "–",
        facility_code=unit.code if unit else "",
        zone=zone or "Asia/Jakarta",
        recorded_at=event.recorded_at,
        alarm_s=seconds(event.recorded_at) or 0.0,
        batches=len({batch for one in held for batch in one.data["batches"]}),
        vials=sum(int(one.data["vials"]) for one in held),
        doses=sum(int(one.data["doses"]) for one in held),
        held_s=seconds(held[-1].recorded_at if held else None),
        short=max((int(one.data.get("short") or 0) for one in short), default=0),
        short_s=seconds(short[0].recorded_at if short else None),
        displaced=displaced,
        displaced_s=seconds(displaced_at),
        offered=offered,
        offered_s=seconds(offered_at),
    )


def _arrival(db: Session, event: FeedEvent) -> datetime:
    """When the reading that met the limit reached us; the alarm's own record where it cannot be told."""
    channel = event.data.get("channel_id")
    met = event.data.get("alarmed_at") or event.data.get("started_at")
    if channel is None or met is None:
        return event.recorded_at
    found = db.scalar(
        select(Reading.received_at)
        .where(Reading.channel_id == int(channel), Reading.measured_at >= datetime.fromisoformat(str(met)))
        .order_by(Reading.measured_at)
        .limit(1)
    )
    return min(found or event.recorded_at, event.recorded_at)


def _count(db: Session, kind: str, after: Sequence[object]) -> tuple[int, datetime | None]:
    """How many different subjects, and when the last was recorded."""
    row = db.execute(
        select(func.count(FeedEvent.subject.distinct()), func.max(FeedEvent.recorded_at)).where(
            FeedEvent.kind == kind,
            *after,  # type: ignore[arg-type]  # column conditions
        )
    ).one()
    return int(row[0]), row[1]


def _offers(db: Session, after: Sequence[object]) -> tuple[int, datetime | None]:
    """Offers to those who were displaced here; they are made at other facilities, so the bookings tie them together."""
    lost = select(FeedEvent.subject).where(FeedEvent.kind == "quota.displaced", *after)  # type: ignore[arg-type]  # column conditions
    offers = select(cast(Displacement.offer_id, Text)).where(
        cast(Displacement.booking_id, Text).in_(lost), Displacement.offer_id.is_not(None)
    )
    row = db.execute(
        select(func.count(FeedEvent.subject.distinct()), func.max(FeedEvent.recorded_at)).where(
            FeedEvent.kind == "quota.offered", FeedEvent.subject.in_(offers)
        )
    ).one()
    return int(row[0]), row[1]
