"""Which channels took over whose watch, and what they were handed.

Nothing is stored for it: what a channel hands over is computed from its last day when the next one first speaks, so
it cannot disagree with the readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.coldchain.models import ChannelCheckpoint
from tracker.coldchain.rules.episodes import Checkpoint
from tracker.coldchain.rules.handing_over import Handover, begins_at, evaluate_watch, last_to_leave, passes_at
from tracker.coldchain.rules.instants import DAY, Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import SUMS, Limit, windows_of
from tracker.coldchain.rules.standing import Series, largest_gap, series_of
from tracker.coldchain.service.loading import ChannelFacts, WatchedPlace, load_channels
from tracker.coldchain.service.state import checkpoint_of, micros_or_none
from tracker.telemetry.models import Assignment, Channel, Reading
from tracker.telemetry.rules.words import Quantity, Role

Begins = Mapping[str, tuple[int, Sequence[Handover]]]
"""For each place at which a channel first speaks in its series: where, and what it was handed."""

# The largest gap there is: three intervals of a day.
_MOST_GAP: Micros = 3 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """One channel's time at one place."""

    key: str
    channel_id: int
    of: tuple[UUID | None, UUID | None, Quantity, Role]
    """Equipment, shipment, and what is watched there: one's watch passes to another's of the same kind."""
    from_at: Micros
    to_at: Micros | None


def with_successors(db: Session, earliest: Mapping[int, Micros]) -> tuple[dict[int, ChannelFacts], dict[int, Micros]]:
    """Facts and earliest change of these channels, and of those that took a watch over from them after that change."""
    changes = dict(earliest)
    channels = load_channels(db, changes)
    waiting = list(channels.values())
    while waiting:
        left = [
            _watch(facts, place)
            for facts in waiting
            for place in facts.places.values()
            if place.placement.to_at is not None and changes[facts.id] <= place.placement.to_at
        ]
        later: dict[int, Micros] = {}
        for one in _beside(db, left):
            known = later.get(one.channel_id, changes.get(one.channel_id))
            if (known is None or one.from_at < known) and any(_follows(one, each) for each in left):
                later[one.channel_id] = one.from_at
        changes |= later
        channels |= load_channels(db, later) if later else {}
        waiting = [channels[one] for one in later]
    return channels, changes


def beginnings(
    db: Session, looks: Sequence[tuple[ChannelFacts, Checkpoint | None, Series]], limits: Sequence[Limit]
) -> dict[int, Begins]:
    """Where each channel's series holds its first reading at a place, with what was handed to it there."""
    found: dict[int, dict[str, tuple[int, Sequence[Handover]]]] = {facts.id: {} for facts, _, _ in looks}
    fresh: list[tuple[_Watch, int]] = []
    for facts, resume, series in looks:
        for place in facts.places.values():
            first = begins_at(place.placement, series, resume.before if resume else None)
            if first is not None:
                fresh.append((_watch(facts, place), first))
    beside: dict[object, list[_Watch]] = {}
    for other in _beside(db, [one for one, _ in fresh]):
        beside.setdefault(other.of, []).append(other)
    before = {one.key: [other for other in beside.get(one.of, ()) if _follows(one, other)] for one, _ in fresh}
    leaving = load_channels(db, {other.channel_id for group in before.values() for other in group})
    for one, first in fresh:
        handed = [_handed(db, leaving[other.channel_id], other, one, limits) for other in before[one.key]]
        found[one.channel_id][one.key] = (first, last_to_leave([each for each in handed if each is not None]))
    return dict(found)


def _watch(facts: ChannelFacts, place: WatchedPlace) -> _Watch:
    return _Watch(
        key=place.placement.key,
        channel_id=facts.id,
        of=(place.equipment_id, place.shipment_id, facts.quantity, facts.role),
        from_at=place.placement.from_at,
        to_at=place.placement.to_at,
    )


def _follows(coming: _Watch, leaving: _Watch) -> bool:
    """Whether `coming` may have taken over from `leaving`, by the longest gap of all."""
    return coming.of == leaving.of and passes_at(leaving, coming, _MOST_GAP) is not None


def _beside(db: Session, watches: Sequence[_Watch]) -> list[_Watch]:
    """All watches of the places of these that begin or end near one of their edges."""
    if not watches:
        return []
    edges = [edge for one in watches for edge in (one.from_at, one.to_at) if edge is not None]
    rows = db.execute(
        select(
            Assignment.id,
            Assignment.channel_id,
            Assignment.equipment_id,
            Assignment.shipment_id,
            Assignment.from_at,
            Assignment.to_at,
            Channel.quantity,
            Channel.role,
        )
        .join(Channel, Channel.id == Assignment.channel_id)
        .where(
            or_(
                Assignment.equipment_id.in_({one.of[0] for one in watches if one.of[0]}),
                Assignment.shipment_id.in_({one.of[1] for one in watches if one.of[1]}),
            ),
            Assignment.from_at <= from_micros(max(edges) + _MOST_GAP),
            or_(Assignment.to_at.is_(None), Assignment.to_at >= from_micros(min(edges) - _MOST_GAP)),
        )
    )
    return [
        _Watch(
            key=str(row.id),
            channel_id=row.channel_id,
            of=(row.equipment_id, row.shipment_id, row.quantity, row.role),
            from_at=to_micros(row.from_at),
            to_at=micros_or_none(row.to_at),
        )
        for row in rows
    ]


def _handed(
    db: Session, facts: ChannelFacts, leaving: _Watch, coming: _Watch, limits: Sequence[Limit]
) -> Handover | None:
    """What `leaving` left to `coming`; None where they watched side by side, or it measured nothing there."""
    interval = facts.intervals.one(leaving.to_at or coming.from_at)
    passed_at = passes_at(leaving, coming, largest_gap(interval))
    if passed_at is None:
        return None
    place = facts.places[leaving.key].placement
    resume, series = _last_day(db, facts.id, passed_at)
    if series.at.size == 0 or int(series.at[-1]) < place.from_at:
        return None
    last = series.at.size - 1
    evaluation = evaluate_watch(
        series,
        windows_of(limits, [place], quantity=facts.quantity, role=facts.role),
        facts.intervals,
        until=int(series.at[last]),
        sums=facts.quantity in SUMS,
        resume=resume,
        cuts=[last],
        begins=beginnings(db, [(facts, resume, series)], limits)[facts.id],
    )
    return Handover(
        place=place,
        checkpoint=evaluation.checkpoints[0],
        low=float(series.low[last]),
        high=float(series.high[last]),
        interval=facts.intervals.one(int(series.at[last])),
        sums=facts.quantity in SUMS,
    )


def _last_day(db: Session, channel_id: int, before: Micros) -> tuple[Checkpoint | None, Series]:
    """A channel's readings before an instant, from the last checkpoint before it on."""
    row = db.scalars(
        select(ChannelCheckpoint)
        .where(ChannelCheckpoint.channel_id == channel_id, ChannelCheckpoint.at < from_micros(before))
        .order_by(ChannelCheckpoint.at.desc())
        .limit(1)
    ).one_or_none()
    resume = checkpoint_of(row.at, row.before, row.carries) if row is not None else None
    readings = db.execute(
        select(Reading.measured_at, Reading.value).where(
            Reading.channel_id == channel_id,
            Reading.measured_at >= from_micros(resume.at if resume else 0),
            Reading.measured_at < from_micros(before),
        )
    ).all()
    return resume, series_of([to_micros(one.measured_at) for one in readings], [one.value for one in readings])
