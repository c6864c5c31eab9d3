"""What a hold keeps of the episode behind it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.network.models import Equipment
from tracker.passport.service.finding import Case
from tracker.telemetry.models import Channel, Device


def evidence_of(db: Session, case: Case) -> dict[str, Any]:
    """What was measured, by which device, against which limit: enough to judge without looking further."""
    episode, limit = case.episode, case.limit
    measured = db.execute(
        select(Device.code.label("device"), Channel.name.label("channel"), Equipment.code.label("equipment"))
        .join(Channel, Channel.device_id == Device.id)
        .outerjoin(Equipment, Equipment.id == episode.equipment_id)
        .where(Channel.id == episode.channel_id)
    ).one()
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
