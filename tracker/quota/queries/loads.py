"""What sessions and claims ask of their pools: one reading for who books, who shows and who displaces."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from tracker.quota.models import Claim
from tracker.quota.rules.need import Load, SessionLoad
from tracker.quota.rules.words import ClaimState
from tracker.stock.queries.availability import Pool

# Doses left in vials opened for a session that may still be used now.
_LOADS = text(
    """
    SELECT s.id, s.facility_id, s.presentation_id, s.day, s.live, coalesce(o.doses, 0) AS open_doses
    FROM unnest(CAST(:facilities AS uuid[]), CAST(:presentations AS uuid[])) AS p (facility_id, presentation_id)
    JOIN vaccination_session s USING (facility_id, presentation_id)
    LEFT JOIN LATERAL (
        SELECT sum(v.remaining)::int AS doses FROM open_vial v
        JOIN batch b ON b.id = v.batch_id
        WHERE v.facility_id = s.facility_id AND v.session_id = s.id AND b.presentation_id = s.presentation_id
          AND v.closed_at IS NULL AND v.status = 'usable' AND v.discard_by > :now
    ) o ON true
    WHERE s.state <> 'closed' AND (CAST(:days AS date[]) IS NULL OR s.day = ANY(CAST(:days AS date[])))
    ORDER BY s.facility_id, s.presentation_id, s.day, s.id
    """
)


def session_loads(
    db: Session, pools: Collection[Pool], now: datetime, days: Collection[date] | None = None
) -> list[SessionLoad]:
    """What every session of the pools that is not closed carries, by pool and day; all days when `days` is None."""
    listed = sorted(set(pools))
    rows = db.execute(
        _LOADS,
        {
            "facilities": [facility for facility, _ in listed],
            "presentations": [presentation for _, presentation in listed],
            "now": now,
            "days": None if days is None else list(days),
        },
    )
    return [
        SessionLoad(
            session_id=row.id,
            pool=(row.facility_id, row.presentation_id),
            day=row.day,
            load=Load(row.live, row.open_doses),
        )
        for row in rows
    ]


def funded_claims(
    db: Session, pools: Collection[Pool], days: Collection[date] | None = None
) -> dict[tuple[Pool, date], int]:
    """Claims that vials are counted for, by pool and due day."""
    query = select(Claim.facility_id, Claim.presentation_id, Claim.due_day, func.count()).where(
        Claim.state == ClaimState.FUNDED, tuple_(Claim.facility_id, Claim.presentation_id).in_(list(pools))
    )
    if days is not None:
        query = query.where(Claim.due_day.in_(list(days)))
    grouped = query.group_by(Claim.facility_id, Claim.presentation_id, Claim.due_day)
    return {((row[0], row[1]), row[2]): row[3] for row in db.execute(grouped)}
