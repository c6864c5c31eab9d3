"""What a hold keeps of the episode behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from tracker.coldchain.models import Episode
from tracker.network.models import Equipment
from tracker.passport.service.finding import Case
from tracker.telemetry.models import Channel, Device


def evidence_of(db: Session, cases: Sequence[Case]) -> dict[UUID, dict[str, Any]]:
    """By episode what was measured, by which device, against which limit: enough to judge without looking further."""
    rows = db.execute(
        select(
            Episode.id, Device.code.label("device"), Channel.name.label("channel"), Equipment.code.label("equipment")
        )
        .join(Channel, Channel.id == Episode.channel_id)
        .join(Device, Device.id == Channel.device_id)
        .outerjoin(Equipment, Equipment.id == Episode.equipment_id)
        .where(Episode.id.in_([case.episode.id for case in cases]))
    )
    measured = {row.id: row for row in rows}
    return {case.episode.id: _evidence(case, measured[case.episode.id]) for case in cases}


def _evidence(case: Case, measured: Row[UUID, str, str, str]) -> dict[str, Any]:
    episode, limit = case.episode, case.limit
    return {
        "rule": episode.rule,
        "limit": {
            "operator": limit.operator.value,
            "value_c": limit.value,
            "duration_s": limit.duration_s,
            "mode": limit.mode.value,
        },
        "device": measured.device,
        "channel": measured.channel,
        "channel_id": episode.channel_id,
        "equipment": measured.equipment,
        "started_at": episode.started_at.isoformat(),
        "alarmed_at": episode.alarmed_at.isoformat() if episode.alarmed_at else None,
        "ended_at": episode.ended_at.isoformat() if episode.ended_at else None,
        "peak_c": episode.peak,
        "exposed_minutes": round(episode.exposed_s / 60, 1),
        "known_minutes": round(episode.known_s / 60, 1),
        "readings": f"/api/v1/sensors/{episode.channel_id}/readings?from={episode.started_at.isoformat()}",
        "known_at": case.now.isoformat(),
    }
