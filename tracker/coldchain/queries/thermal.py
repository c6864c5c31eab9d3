"""What a channel's temperature did over any stretch of time: whole hours, and two edges from readings."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.coldchain.forgetting import WHAT as HOURS
from tracker.coldchain.models import ChannelEvaluation, ChannelHour
from tracker.coldchain.rules.instants import HOUR, SECOND, Micros, from_micros, to_micros
from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.standing import Intervals, intervals_of, series_of, standing_of, until_of
from tracker.coldchain.rules.thermal import COLUMNS, Exposure, Thermal, empty, merged, thermal_of
from tracker.database.forgotten import last_that_took
from tracker.telemetry.models import ChannelInterval, Reading
from tracker.telemetry.queries.archive import archived_until

# The longest a reading may stand: three nominal intervals of a day (channel_interval allows no longer).
_REACH = timedelta(days=3)


def measured_whole_from(db: Session) -> datetime | None:
    """From when on nothing that was measured is archived or let go; None where all of it is here.

    Of the time before, hours stay as they were summed up while they are kept; what lies between hours, and hours that went, are unknown.
    """
    run = last_that_took(db, HOURS)
    return max(filter(None, (archived_until(db), run.before if run else None)), default=None)


def thermal_between(db: Session, channel_id: int, from_at: datetime, to_at: datetime) -> Thermal:
    """The aggregate of [from_at, to_at): as far as evaluation has come, the rest is unknown."""
    return thermal_of(row_between(db, channel_id, from_at, to_at)[0])


def row_between(db: Session, channel_id: int, from_at: datetime, to_at: datetime) -> Floats:
    """The same as a mergeable row, shape (1, 22) (rules.thermal): several channels' or stays' are merged by callers."""
    start, end = to_micros(from_at), to_micros(to_at)
    if start >= end:
        return empty()
    first_full, last_full = -(-start // HOUR) * HOUR, end // HOUR * HOUR
    if first_full >= last_full:
        return _edge(db, channel_id, start, end)
    total = _hours(db, channel_id, first_full, last_full)
    if start < first_full:
        total = merged(total, _edge(db, channel_id, start, first_full))
    if last_full < end:
        total = merged(total, _edge(db, channel_id, last_full, end))
    return total


def _hours(db: Session, channel_id: int, start: Micros, end: Micros) -> Floats:
    columns = [getattr(ChannelHour, name) for name in COLUMNS]
    rows = db.execute(
        select(*columns).where(
            ChannelHour.channel_id == channel_id,
            ChannelHour.hour >= from_micros(start),
            ChannelHour.hour < from_micros(end),
        )
    ).all()
    if not rows:
        return empty()
    matrix = np.array([tuple(row) for row in rows], dtype=np.float64)
    total = empty()
    total[0, :-2] = matrix[:, :-2].sum(axis=0)
    total[0, -2] = matrix[:, -2].min()
    total[0, -1] = matrix[:, -1].max()
    return total


def _edge(db: Session, channel_id: int, start: Micros, end: Micros) -> Floats:
    """Less than two hours, from the readings themselves."""
    intervals = _intervals(db, channel_id)
    newest, evaluated_at = db.execute(
        select(ChannelEvaluation.newest_at, ChannelEvaluation.evaluated_at).where(
            ChannelEvaluation.channel_id == channel_id
        )
    ).one_or_none() or (None, None)
    if newest is None or evaluated_at is None:
        return empty()
    values = (
        select(Reading.measured_at, Reading.value)
        .where(Reading.channel_id == channel_id, Reading.measured_at <= newest)
        .order_by(Reading.measured_at)
    )
    rows = db.execute(
        values.where(Reading.measured_at >= from_micros(start), Reading.measured_at < from_micros(end))
    ).all()
    before = db.execute(
        select(Reading.measured_at, Reading.value).where(
            Reading.channel_id == channel_id,
            Reading.measured_at
            == select(Reading.measured_at)
            .where(
                Reading.channel_id == channel_id,
                Reading.measured_at < from_micros(start),
                Reading.measured_at >= from_micros(start) - _REACH,
            )
            .order_by(Reading.measured_at.desc())
            .limit(1)
            .scalar_subquery(),
        )
    ).all()
    after = db.execute(
        values.where(Reading.measured_at >= from_micros(end), Reading.measured_at < from_micros(end) + _REACH).limit(1)
    ).all()
    found = [*before, *rows, *after]
    if not found:
        return empty()
    series = series_of([to_micros(row.measured_at) for row in found], [row.value for row in found])
    last = int(series.at[-1])
    until = until_of(last, intervals.one(last), to_micros(evaluated_at)) if last == to_micros(newest) else last
    standing = standing_of(series.at, intervals, max(until, last))
    begin, finish = np.maximum(standing.start, start), np.minimum(standing.end, end)
    inside = (finish > begin) | ((series.at >= start) & (series.at < end))
    if not inside.any():
        return empty()
    exposure = Exposure(series.low[inside], series.high[inside], begin[inside], np.maximum(finish, begin)[inside])
    return exposure.over(np.array([0]), np.array([exposure.pieces.row.size]))


def _intervals(db: Session, channel_id: int) -> Intervals:
    rows = db.execute(
        select(ChannelInterval.from_at, ChannelInterval.interval_s).where(ChannelInterval.channel_id == channel_id)
    )
    return intervals_of([(to_micros(row.from_at), row.interval_s * SECOND) for row in rows])
