"""HTTP of this room: alarms, and the episodes of a sensor. Closing an alarm is the passport's."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from tracker.access.rules import Permission
from tracker.coldchain import queries
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.presenting import alarm_out, episode_out
from tracker.coldchain.schemas import AcknowledgeIn, AlarmOut, EpisodeOut
from tracker.coldchain.service.commands import AcknowledgeAlarm
from tracker.coldchain.service.handling import acknowledge_alarm
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.network.queries import facility_by_code_or_id
from tracker.telemetry.queries import sensor_by_ref

router = Router(prefix="/api/v1", tags=["coldchain"])


@router.get("/alarms")
def list_alarms(
    *,
    db: Db,
    caller: Caller,
    ongoing: bool | None = None,
    closed: bool | None = None,
    facility: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlarmOut]:
    """Alarms of the caller's subtree, newest first. `closed=false` leaves those that still need somebody."""
    caller.require(Permission.ALARM_READ)
    query = queries.alarms_visible_to(caller, ongoing=ongoing, closed=closed)
    if facility is not None:
        query = query.where(Alarm.unit_id == facility_by_code_or_id(db, caller, facility, Permission.ALARM_READ).id)
    return page_of(
        db,
        query,
        keys=[Alarm.raised_at, Alarm.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.Alarm.raised_at.isoformat(), row.Alarm.id],
        present=alarm_out,
        descending=True,
    )


@router.post("/alarms/{alarm_id}/acknowledge")
def acknowledge(alarm_id: UUID, body: AcknowledgeIn, *, db: Db, caller: Caller, now: Now) -> AlarmOut:
    """Say that somebody has seen it and what is being done; stops the escalation."""
    alarm = acknowledge_alarm(db, caller, AcknowledgeAlarm(alarm_id=alarm_id, comment=body.comment), now=now)
    return alarm_out(db.execute(queries.alarms_visible_to(caller).where(Alarm.id == alarm.id)).one())


@router.get("/sensors/{ref}/episodes")
def list_episodes(
    *, ref: str, db: Db, caller: Caller, alarmed: bool | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[EpisodeOut]:
    """Episodes of one sensor, newest first; `alarmed=true` leaves those that met their limit's duration."""
    channel_id = sensor_by_ref(db, caller, ref).id
    query = queries.episodes_of_channel(caller, channel_id)
    if alarmed is not None:
        query = query.where(Episode.alarmed_at.is_not(None) if alarmed else Episode.alarmed_at.is_(None))
    return page_of(
        db,
        query,
        keys=[Episode.started_at, Episode.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.Episode.started_at.isoformat(), row.Episode.id],
        present=lambda row: episode_out(row.Episode),
        descending=True,
    )
