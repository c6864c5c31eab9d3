"""Everything evaluation needs to know of many channels, in few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.coldchain import models
from tracker.coldchain.rules.days import Day, Side
from tracker.coldchain.rules.episodes import Checkpoint
from tracker.coldchain.rules.hours import Readings, folded
from tracker.coldchain.rules.instants import MINUTE, SECOND, Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import Floats, Limit, Placement
from tracker.coldchain.rules.standing import Intervals, intervals_of
from tracker.coldchain.service.binary import fetch_packed
from tracker.coldchain.service.state import checkpoint_of, instant_or_none, micros_or_none, partial_from_bytes
from tracker.network.models import Equipment
from tracker.network.rules.words import PlaceKind
from tracker.telemetry.models import Assignment, Channel, ChannelInterval, DayFigures, Device
from tracker.telemetry.queries.archive import archived_until
from tracker.telemetry.queries.told import days_of
from tracker.telemetry.rules.words import DeviceKind, Quantity, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedPlace:
    """What a channel watched during one assignment."""

    assignment_id: UUID
    equipment_id: UUID | None
    shipment_id: UUID | None
    unit_id: UUID
    placement: Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """A channel as far as limits care."""

    id: int
    device_id: UUID
    quantity: Quantity
    role: Role
    live: bool
    """Readings are expected to keep coming: not a file import, not retired."""
    intervals: Intervals
    places: Mapping[str, WatchedPlace] = field(default_factory=dict)

    def place_at(self, at: Micros) -> WatchedPlace | None:
        """Where the channel is at an instant."""
        for place in self.places.values():
            end = place.placement.to_at
            if place.placement.from_at <= at and (end is None or at < end):
                return place
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a channel was evaluated, and where to go on."""

    was_silent: bool
    resume: Checkpoint | None
    partial: Floats | None
    """The aggregate of `resume.at`'s hour up to it."""


def limits_in_force(db: Session) -> tuple[Limit, ...]:
    """All limits, past ones included: readings of last year are judged by last year's limits."""
    return tuple(
        Limit(
            id=row.id,
            rule=row.rule,
            quantity=row.quantity,
            operator=row.operator,
            value=row.value,
            mode=row.mode,
            duration=row.duration_s * SECOND,
            place_kind=row.place_kind,
            from_at=to_micros(row.from_at),
            to_at=micros_or_none(row.to_at),
            window=None if row.window_s is None else row.window_s * SECOND,
            severity=row.severity,
        )
        for row in db.scalars(select(models.Limit).order_by(models.Limit.id))
    )


def load_channels(db: Session, ids: Collection[int]) -> dict[int, ChannelFacts]:
    """Facts by channel id; a channel that does not exist is left out."""
    if not ids:
        return {}
    intervals: dict[int, list[tuple[Micros, Micros]]] = {}
    for channel_id, from_at, seconds in db.execute(
        select(ChannelInterval.channel_id, ChannelInterval.from_at, ChannelInterval.interval_s).where(
            ChannelInterval.channel_id.in_(ids)
        )
    ):
        intervals.setdefault(channel_id, []).append((to_micros(from_at), seconds * SECOND))
    places = _places(db, ids)
    query = (
        select(Channel.id, Channel.device_id, Channel.quantity, Channel.role, Device.kind, Device.gateway_id)
        .add_columns(Device.retired_at)
        .join(Device, Device.id == Channel.device_id)
        .where(Channel.id.in_(ids))
    )
    return {
        row.id: ChannelFacts(
            id=row.id,
            device_id=row.device_id,
            quantity=row.quantity,
            role=row.role,
            live=row.retired_at is None and not (row.kind is DeviceKind.LOGGER and row.gateway_id is None),
            intervals=intervals_of(intervals.get(row.id, ())),
            places=places.get(row.id, {}),
        )
        for row in db.execute(query)
    }


def _places(db: Session, ids: Collection[int]) -> dict[int, dict[str, WatchedPlace]]:
    query = (
        select(Assignment, Equipment.place_kind, func.coalesce(Equipment.facility_id, Device.unit_id))
        .join(Channel, Channel.id == Assignment.channel_id)
        .join(Device, Device.id == Channel.device_id)
        .outerjoin(Equipment, Equipment.id == Assignment.equipment_id)
        .where(Assignment.channel_id.in_(ids))
        .order_by(Assignment.channel_id, Assignment.from_at)
    )
    found: dict[int, dict[str, WatchedPlace]] = {}
    for assignment, place_kind, unit_id in db.execute(query):
        key = str(assignment.id)
        found.setdefault(assignment.channel_id, {})[key] = WatchedPlace(
            assignment_id=assignment.id,
            equipment_id=assignment.equipment_id,
            shipment_id=assignment.shipment_id,
            # A logger on the road belongs to whoever owns it.
            unit_id=unit_id,
            placement=Placement(
                key=key,
                # A shipment is judged as freeze-sensitive cargo (type 1), the stricter set.
                place_kind=place_kind or PlaceKind.TRANSPORT1,
                from_at=to_micros(assignment.from_at),
                to_at=micros_or_none(assignment.to_at),
            ),
        )
    return found


def lock_progress(db: Session, earliest: Mapping[int, Micros]) -> dict[int, Progress]:
    """Lock the channels' state in id order and find, for each, the latest checkpoint its new readings leave valid.

    Checkpoints after a channel's earliest new reading no longer hold and are deleted.
    """
    ids = sorted(earliest)
    state = models.ChannelEvaluation
    query = (
        select(state.channel_id, state.silent, state.head_at, state.head_before, state.head_carries, state.head_partial)
        .where(state.channel_id.in_(ids))
        .order_by(state.channel_id)
        .with_for_update()
    )
    rows = db.execute(query).all()
    if len(rows) < len(ids):
        fresh = sorted(set(ids) - {row.channel_id for row in rows})
        db.execute(upsert(state).values([{"channel_id": one} for one in fresh]).on_conflict_do_nothing())
        rows = db.execute(query).all()
    late = {
        row.channel_id: earliest[row.channel_id]
        for row in rows
        if row.head_at is not None and earliest[row.channel_id] < to_micros(row.head_at)
    }
    late = _behind_the_archive(db, late)
    older = _older_checkpoints(db, late)
    found = {}
    for row in rows:
        if row.channel_id in late:
            resume, partial = older.get(row.channel_id, (None, None))
        elif row.head_at is None:
            resume, partial = None, None
        else:
            resume = checkpoint_of(row.head_at, row.head_before, row.head_carries)
            partial = partial_from_bytes(row.head_partial)
        found[row.channel_id] = Progress(was_silent=row.silent, resume=resume, partial=partial)
    return found


def _behind_the_archive(db: Session, late: Mapping[int, Micros]) -> dict[int, Micros]:
    """What was judged by readings that are archived stays as it was judged: later changes are from the first checkpoint behind them on.

    A channel that has none goes on from its newest reading.
    """
    until = archived_until(db) if late else None
    if until is None:
        return dict(late)
    point = models.ChannelCheckpoint
    firsts = db.execute(
        select(point.channel_id, func.min(point.at))
        .where(point.channel_id.in_(late), point.at >= until)
        .group_by(point.channel_id)
    )
    return {channel_id: max(late[channel_id], to_micros(at)) for channel_id, at in firsts}


def _older_checkpoints(db: Session, late: Mapping[int, Micros]) -> dict[int, tuple[Checkpoint | None, Floats | None]]:
    if not late:
        return {}
    wanted = {"ids": list(late), "ats": [from_micros(at) for at in late.values()]}
    late_rows = "unnest(cast(:ids AS bigint[]), cast(:ats AS timestamptz[])) AS late(channel_id, at)"
    db.execute(
        text(
            f"DELETE FROM channel_checkpoint c USING {late_rows} WHERE c.channel_id = late.channel_id AND c.at > late.at"
        ),
        wanted,
    )
    rows = db.execute(
        text(
            f"SELECT c.* FROM {late_rows} CROSS JOIN LATERAL (SELECT channel_id, at, before, carries, partial "
            "FROM channel_checkpoint WHERE channel_checkpoint.channel_id = late.channel_id "
            "ORDER BY channel_checkpoint.at DESC LIMIT 1) AS c"
        ),
        wanted,
    )
    return {
        row.channel_id: (checkpoint_of(row.at, row.before, row.carries), partial_from_bytes(row.partial))
        for row in rows
    }


# Nested loops over the primary key and nothing else: each channel's newest rows are two index entries,
# and a plan that hashes a month of readings to find them must never be tried.
READINGS = """
    SELECT wanted.channel_id, packed.instants, packed.numbers
    FROM unnest(%(ids)s::bigint[], %(from_at)s::timestamptz[]) AS wanted(channel_id, from_at)
    CROSS JOIN LATERAL (
        SELECT string_agg(timestamptz_send(measured_at), ''::bytea) AS instants,
               string_agg(float8send(value), ''::bytea) AS numbers
        FROM reading
        WHERE reading.channel_id = wanted.channel_id AND reading.measured_at >= wanted.from_at
    ) AS packed
    WHERE packed.instants IS NOT NULL
"""


def load_readings(db: Session, resumes: Mapping[int, Checkpoint | None]) -> Readings:
    """Each channel's readings from its checkpoint on (all of them where there is none)."""
    db.execute(
        text(
            "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), "
            "set_config('enable_seqscan', 'off', true)"
        )
    )
    parameters = reading_parameters(resumes)
    channel, at, value = fetch_packed(db, READINGS, parameters)
    return folded(channel, at, value)


def days_printed(db: Session, channel_ids: Collection[int]) -> dict[int, list[Day]]:
    """Days that loggers without readings printed, oldest first, by channel; channels without any are left out."""
    if not channel_ids:
        return {}
    return {channel: [_day(one) for one in days] for channel, days in days_of(db, channel_ids).items()}


def _day(one: DayFigures) -> Day:
    return Day(
        start=to_micros(one.from_at),
        end=to_micros(one.to_at),
        low_c=one.min_c,
        high_c=one.max_c,
        unknown=one.minutes_unknown * MINUTE,
        below=_side(one.below_c, one.below_minutes, one.minutes_below, one.below_alarm_at),
        above=_side(one.above_c, one.above_minutes, one.minutes_above, one.above_alarm_at),
    )


def _side(limit_c: float | None, minutes: int | None, beyond: int | None, alarm_at: datetime | None) -> Side | None:
    if limit_c is None or minutes is None or beyond is None:
        return None
    return Side(limit_c=limit_c, duration=minutes * MINUTE, beyond=beyond * MINUTE, alarm_at=micros_or_none(alarm_at))


def reading_parameters(resumes: Mapping[int, Checkpoint | None]) -> dict[str, Any]:
    """Parameters of `READINGS`."""
    ids = sorted(resumes)
    starts = [resumes[one] for one in ids]
    return {
        "ids": ids,
        "from_at": [from_micros(start.at) if start is not None else from_micros(0) for start in starts],
    }


def save_unheard(db: Session, rows: Sequence[tuple[int, Micros | None, bool]], *, now: datetime) -> None:
    """Write until when channels without any reading are waited for: (channel, instant, silent already)."""
    db.execute(
        text(
            "UPDATE channel_evaluation SET silent_after = :after, silent = :silent, evaluated_at = :now "
            "WHERE channel_id = :channel"
        ),
        [
            {"channel": one, "after": instant_or_none(after), "silent": silent, "now": now}
            for one, after, silent in rows
        ],
    )


_SAVE_HEADS = """
    UPDATE channel_evaluation AS e SET
        newest_at = h.newest_at, silent_after = h.silent_after, silent = h.silent, evaluated_at = h.evaluated_at,
        head_at = h.head_at, head_before = h.head_before, head_carries = cast(h.head_carries AS jsonb),
        head_partial = h.head_partial
    FROM unnest(
        cast(:channel_id AS bigint[]), cast(:newest_at AS timestamptz[]), cast(:silent_after AS timestamptz[]),
        cast(:silent AS boolean[]), cast(:evaluated_at AS timestamptz[]), cast(:head_at AS timestamptz[]),
        cast(:head_before AS timestamptz[]), cast(:head_carries AS text[]), cast(:head_partial AS bytea[])
    ) AS h(channel_id, newest_at, silent_after, silent, evaluated_at, head_at, head_before, head_carries, head_partial)
    WHERE e.channel_id = h.channel_id
"""


def save_progress(db: Session, rows: Sequence[dict[str, Any]], checkpoints: Sequence[dict[str, Any]]) -> None:
    """Write where evaluation stands; `rows` name every column of `ChannelEvaluation` (carries as text)."""
    if rows:
        # One statement for all: each of a batch sent by itself took longer than judging its channel.
        db.execute(text(_SAVE_HEADS), {name: [row[name] for row in rows] for name in rows[0]})
    if checkpoints:
        table = upsert(models.ChannelCheckpoint)
        columns = {column: table.excluded[column] for column in ("before", "carries", "partial")}
        db.execute(table.on_conflict_do_update(index_elements=["channel_id", "at"], set_=columns), list(checkpoints))
