"""What a hold tells the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from tracker.feed.service import Happening
from tracker.passport.events import StockHeld
from tracker.passport.service.finding import Case, Spot


def told_of(
    case: Case, stopped: Sequence[Spot], vials: Mapping[tuple[UUID, UUID], int], told_as: Mapping[UUID, UUID]
) -> list[Happening]:
    """One event a facility, with what was stopped there."""
    episode = case.episode
    told = []
    for facility_id in sorted({spot.facility_id for spot in stopped}):
        mine = [spot for spot in stopped if spot.facility_id == facility_id]
        held = StockHeld(
            alarm_id=episode.alarm_id,
            episode_id=episode.id,
            rule=episode.rule,
            equipment_id=episode.equipment_id,
            facility_id=facility_id,
            batch_ids=tuple(sorted({spot.batch_id for spot in mine})),
            vials=sum(vials[spot.key] for spot in mine),
            doses=sum(vials[spot.key] * spot.doses_per_vial for spot in mine),
        )
        told.append(
            Happening(
                event=held,
                unit_id=facility_id,
                subject=episode.alarm_id or episode.id,
                occurred_at=episode.alarmed_at or case.now,
                id=told_as[facility_id],
            )
        )
    return told
