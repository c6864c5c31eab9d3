"""What a hold tells the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.feed.service import append
from tracker.passport.events import StockHeld
from tracker.passport.service.finding import Case, Spot


def tell(
    db: Session,
    case: Case,
    stopped: Sequence[Spot],
    vials: Mapping[tuple[UUID, UUID], int],
    told_as: Mapping[UUID, UUID],
) -> None:
    """One event a facility, with what was stopped there."""
    episode = case.episode
    for facility_id in sorted({spot.facility_id for spot in stopped}):
        mine = [spot for spot in stopped if spot.facility_id == facility_id]
        told = StockHeld(
            alarm_id=episode.alarm_id,
            episode_id=episode.id,
            rule=episode.rule,
            equipment_id=episode.equipment_id,
            facility_id=facility_id,
            batch_ids=tuple(sorted({spot.batch_id for spot in mine})),
            vials=sum(vials[spot.key] for spot in mine),
            doses=sum(vials[spot.key] * spot.doses_per_vial for spot in mine),
        )
        append(
            db,
            told,
            unit_id=facility_id,
            subject=episode.alarm_id or episode.id,
            occurred_at=episode.alarmed_at or case.now,
            now=case.now,
            event_id=told_as[facility_id],
        )
