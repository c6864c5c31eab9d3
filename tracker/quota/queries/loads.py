"""What sessions and claims ask of their pools: one reading for who books, who shows, who gives and who displaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.quota.rules.need import DayLoad, Load, SessionLoad, by_day
from tracker.quota.rules.sharing import Opened, Shared, Waiting, share_out
from tracker.stock.queries.availability import Pool
from tracker.stock.service.reading import Anchor

Who = UUID | date
"""A session, or the claims that fall due on a day."""

# Where open vials outlast their day, a dose taken today is one fewer tomorrow: all days are read then, whichever are asked.
_WAITING = text(
    """
    WITH pool AS (
        SELECT p.facility_id, p.presentation_id, f.timezone,
               CAST(:days AS date[]) IS NULL OR r.open_vial_days IS NOT NULL OR r.open_vial_hours > 12 AS all_days,
               r.open_vial_days IS NOT NULL AS keeps
        FROM unnest(CAST(:facilities AS uuid[]), CAST(:presentations AS uuid[])) AS p (facility_id, presentation_id)
        JOIN facility f ON f.id = p.facility_id
        JOIN presentation r ON r.id = p.presentation_id
    )
    SELECT 'session' AS part, p.facility_id, p.presentation_id, p.keeps, s.id, s.id AS session_id, s.day,
           s.opens_at AS from_at, s.closes_at AS until_at, s.live AS number, s.place_id
    FROM pool p JOIN vaccination_session s USING (facility_id, presentation_id)
    WHERE s.state <> 'closed' AND (p.all_days OR s.day = ANY(CAST(:days AS date[])))
    UNION ALL
    SELECT 'claims', p.facility_id, p.presentation_id, p.keeps, NULL, NULL, c.due_day,
           -- Nobody knows at what hour: a vial that serves them may be used all that day.
           (c.due_day + 1)::timestamp AT TIME ZONE p.timezone, (c.due_day + 1)::timestamp AT TIME ZONE p.timezone, count(*),
           NULL
    FROM pool p JOIN dose_claim c USING (facility_id, presentation_id)
    WHERE c.state = 'funded' AND (p.all_days OR c.due_day = ANY(CAST(:days AS date[])))
    GROUP BY p.facility_id, p.presentation_id, p.keeps, p.timezone, c.due_day
    UNION ALL
    SELECT 'vial', p.facility_id, p.presentation_id, p.keeps, v.id, v.session_id, NULL, v.opened_at, v.discard_by, v.remaining,
           v.place_id
    FROM pool p
    JOIN open_vial v ON v.facility_id = p.facility_id AND v.closed_at IS NULL
    JOIN batch b ON b.id = v.batch_id AND b.presentation_id = p.presentation_id
    WHERE v.status = 'usable' AND v.remaining > 0 AND v.discard_by > :now
    UNION ALL
    -- What sessions take along serves theirs alone.
    SELECT 'carrier', p.facility_id, p.presentation_id, p.keeps, NULL, NULL, NULL, NULL, NULL, 0, e.id
    FROM pool p JOIN equipment e ON e.facility_id = p.facility_id WHERE e.apart
    ORDER BY facility_id, presentation_id, day, id
    """
)


@dataclass(frozen=True, slots=True)
class Promised:
    """What is promised at some pools, and how the doses of their open vials are shared out (by facility and presentation)."""

    sessions: tuple[SessionLoad, ...]
    claims: Mapping[tuple[Pool, date], Load]
    shared: Mapping[Anchor, Shared[Who]]

    @property
    def days(self) -> dict[tuple[Pool, date], DayLoad]:
        """All of it by pool and day."""
        return by_day(self.sessions, self.claims)


def promised(
    db: Session,
    pools: Collection[Anchor],
    now: datetime,
    days: Collection[date] | None = None,
    *,
    also: Mapping[Anchor, Opened] | None = None,
) -> Promised:
    """What every session of these facilities and presentations that is not closed carries, and the funded claims; all days when `days` is None.

    `also`: vials that are about to be opened. Claims share open vials only where these keep for days.
    """
    listed = sorted(set(pools))
    rows = db.execute(
        _WAITING,
        {
            "facilities": [facility for facility, _ in listed],
            "presentations": [presentation for _, presentation in listed],
            "now": now,
            "days": None if days is None else list(days),
        },
    ).all()
    carriers: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        if row.part == "carrier":
            carriers[row.facility_id].add(row.place_id)
    waiting: dict[Anchor, list[Waiting[Who]]] = defaultdict(list)
    opened: dict[Anchor, list[Opened]] = defaultdict(list)
    apart: dict[tuple[Pool, date], Load] = {}
    for pool, vial in (also or {}).items():
        opened[pool].append(vial)
    for row in rows:
        pool = (row.facility_id, row.presentation_id)
        if row.part == "vial":
            opened[pool].append(
                Opened(
                    id=row.id,
                    session_id=row.session_id,
                    doses=row.number,
                    discard_by=row.until_at,
                    place_id=row.place_id,
                )
            )
        elif row.part == "claims" and not row.keeps:
            apart[pool, row.day] = Load(row.number)
        elif row.part != "carrier":
            waiting[pool].append(
                Waiting(
                    who=row.id or row.day,
                    session_id=row.session_id,
                    day=row.day,
                    opens_at=row.from_at,
                    closes_at=row.until_at,
                    persons=row.number,
                    place_id=row.place_id,
                    carriers=frozenset(carriers[row.facility_id] - {row.place_id}),
                )
            )
    shared = {pool: share_out(waiting[pool], opened[pool], now) for pool in listed}

    def load(pool: Anchor, each: Waiting[Who]) -> Load:
        share = shared[pool].of(each.who)
        return Load(each.persons, share.doses, share.spare)

    return Promised(
        sessions=tuple(
            SessionLoad(
                session_id=each.session_id,
                pool=(each.place_id or pool[0], pool[1]),
                day=each.day,
                load=load(pool, each),
            )
            for pool in listed
            for each in waiting[pool]
            if each.session_id is not None
        ),
        claims=apart
        | {(pool, each.day): load(pool, each) for pool in listed for each in waiting[pool] if each.session_id is None},
        shared=shared,
    )
