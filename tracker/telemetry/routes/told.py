"""HTTP of what devices said of themselves: their own alarms, and figures of whole days."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from sqlalchemy import select

from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.values import Instant
from tracker.telemetry import schemas
from tracker.telemetry.models import DayFigures, Device, ToldAlarm
from tracker.telemetry.presenting import day_out, told_alarms_out
from tracker.telemetry.queries.reach import readings_seen
from tracker.telemetry.queries.sensors import sensor_by_ref
from tracker.telemetry.queries.told import days_of_channel, runs_told, told_run
from tracker.telemetry.routes.periods import period_of

router = Router(prefix="/api/v1", tags=["telemetry"])

Ref = Annotated[str, Path(max_length=150, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/sensors/{sensor}/days", operation_id="read_sensor_days", response_model_by_alias=True)
def get_days(sensor: Ref, *, db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[schemas.DayOut]:
    """Days that a logger without readings printed, newest first, of the caller's places and devices."""
    channel = sensor_by_ref(db, caller, sensor)
    query = days_of_channel(channel.id, seen=readings_seen(db, caller, channel.id, at=DayFigures.from_at))
    return page_of(
        db,
        query,
        keys=[DayFigures.day],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].day.isoformat()],
        present=lambda row: day_out(row[0]),
        descending=True,
    )


@router.get("/sensors/{sensor}/told-alarms", operation_id="read_told_alarms", response_model_by_alias=True)
def get_told_alarms(
    sensor: Ref,
    *,
    db: Db,
    caller: Caller,
    now: Now,
    from_at: Annotated[Instant | None, Query(alias="from", description="Default: a day before `to`.")] = None,
    to_at: Annotated[Instant | None, Query(alias="to", description="Default: now.")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> schemas.ToldAlarmsOut:
    """What the sensor's device itself called alarms within [from, to). This house judges by readings, not by these."""
    channel = sensor_by_ref(db, caller, sensor)
    start, end = period_of(from_at, to_at, now)
    seen = readings_seen(db, caller, channel.id, at=ToldAlarm.at)
    code = db.scalars(select(Device.code).where(Device.id == channel.device_id)).one()
    runs = runs_told(channel.device_id, start, end, seen=seen)
    page = page_of(
        db,
        select(runs),
        keys=[runs.c.last, runs.c.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.last, row.code],
        present=told_run,
        descending=True,
    )
    return told_alarms_out(channel, code, page, from_at=start, to_at=end)
