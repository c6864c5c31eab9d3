"""Wire shapes from rows."""

from __future__ import annotations

from typing import Any

from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.schemas import AlarmOut, EpisodeOut


def alarm_out(row: Any) -> AlarmOut:
    """A row of `alarms_visible_to`."""
    alarm: Alarm = row.Alarm
    return AlarmOut(
        id=alarm.id,
        rule=alarm.rule,
        severity=alarm.severity,
        facility=row.unit_code,
        facility_name=row.unit_name,
        equipment=row.equipment_code,
        equipment_name=row.equipment_name,
        shipment=alarm.shipment_id,
        device=row.device_code,
        channel=alarm.channel_id,
        started_at=alarm.started_at,
        alarmed_at=alarm.alarmed_at,
        ended_at=alarm.ended_at,
        raised_at=alarm.raised_at,
        level=alarm.level,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_name,
        comment=alarm.comment,
        closed_at=alarm.closed_at,
        withdrawn_at=alarm.withdrawn_at,
    )


def episode_out(episode: Episode) -> EpisodeOut:
    """One episode."""
    return EpisodeOut(
        id=episode.id,
        rule=episode.rule,
        severity=episode.severity,
        channel=episode.channel_id,
        equipment=episode.equipment_id,
        shipment=episode.shipment_id,
        started_at=episode.started_at,
        alarmed_at=episode.alarmed_at,
        ended_at=episode.ended_at,
        peak=episode.peak,
        exposed_s=episode.exposed_s,
        known_s=episode.known_s,
        alarm=episode.alarm_id,
    )
