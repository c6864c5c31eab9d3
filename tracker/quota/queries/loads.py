"""What sessions and claims ask of their pools: one reading for who books, who shows, who gives and who displaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.database.hot import ask
from tracker.quota.rules.need import DayLoad, Load, SessionLoad, by_day
from tracker.quota.rules.sharing import Opened, Shared, Waiting, share_out
from tracker.stock.queries.availability import Pool
from tracker.stock.service.reading import Anchor

Who = UUID | date
"""A session, or the claims that fall due on a day."""

# Where open vials outlast their day, a dose taken today is one fewer tomorrow: all days are read then, whichever are asked.
_WAITING = """
    WITH pool AS (
        SELECT p.facility_id, p.presentation_id, f.timezone,
               CAST(%(days)s AS date[]) IS NULL OR r.open_vial_days IS NOT NULL OR r.open_vial_hours > 12 AS all_days,
               r.open_vial_days IS NOT NULL AS keeps
        FROM unnest(CAST(%(facilities)s AS uuid[]), CAST(%(presentations)s AS uuid[])) AS p (facility_id, presentation_id)
        JOIN facility f ON f.id = p.facility_id
        JOIN presentation r ON r.id = p.presentation_id
    )
    SELECT 'session' AS part, p.facility_id, p.presentation_id, p.keeps, s.id, s.id AS session_id, s.day,
           s.opens_at AS from_at, s.closes_at AS until_at, s.live AS number, s.place_id
    FROM pool p JOIN vaccination_session s USING (facility_id, presentation_id)
    WHERE s.state <> 'closed' AND (p.all_days OR s.day = ANY(CAST(%(days)s AS date[])))
    UNION ALL
    SELECT 'claims', p.facility_id, p.presentation_id, p.keeps, NULL, NULL, c.due_day,
           -- Nobody knows at what hour: a vial that serves them may be used all that day.
           (c.due_day + 1)::timestamp AT TIME ZONE p.timezone, (c.due_day + 1)::timestamp AT TIME ZONE p.timezone, count(*),
           NULL
    FROM pool p JOIN dose_claim c USING (facility_id, presentation_id)
    WHERE c.state = 'funded' AND (p.all_days OR c.due_day = ANY(CAST(%(days)s AS date[])))
    GROUP BY p.facility_id, p.presentation_id, p.keeps, p.timezone, c.due_day
    UNION ALL
    SELECT 'vial', p.facility_id, p.presentation_id, p.keeps, v.id, v.session_id, NULL, v.opened_at, v.discard_by, v.remaining,
           v.place_id
    FROM pool p
    JOIN open_vial v ON v.facility_id = p.facility_id AND v.closed_at IS NULL
    JOIN batch b ON b.id = v.batch_id AND b.presentation_id = p.presentation_id
    WHERE v.status = 'usable' AND v.remaining > 0 AND v.discard_by > %(now)s
    UNION ALL
    -- What sessions take along serves theirs alone.
    SELECT 'carrier', p.facility_id, p.presentation_id, p.keeps, NULL, NULL, NULL, NULL, NULL, 0, e.id
    FROM pool p JOIN equipment e ON e.facility_id = p.facility_id WHERE e.apart
"""
AS_JSON = f"SELECT json_agg(waiting ORDER BY waiting.day, waiting.id) FROM ({_WAITING}) waiting"
"""What `promised_by` reads, as one JSON; for hot statements (`tracker/database/hot.py`)."""


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
    rows = ask(db.connection(), f"SELECT ({AS_JSON})::text", asked_of(pools, now, days))
    return promised_by(rows, pools, now, also=also)


def asked_of(pools: Collection[Anchor], now: datetime, days: Collection[date] | None) -> dict[str, object]:
    """The values of `AS_JSON`."""
    listed = sorted(set(pools))
    return {
        "facilities": [facility for facility, _ in listed],
        "presentations": [presentation for _, presentation in listed],
        "now": now,
        "days": None if days is None else list(days),
    }


def promised_by(
    rows: Sequence[Mapping[str, Any]] | None,
    pools: Collection[Anchor],
    now: datetime,
    *,
    also: Mapping[Anchor, Opened] | None = None,
) -> Promised:
    """What `AS_JSON` answered, shared out."""
    listed = sorted(set(pools))
    pool_of = {(str(facility), str(presentation)): (facility, presentation) for facility, presentation in listed}
    carriers: dict[str, set[UUID]] = defaultdict(set)
    for row in rows or ():
        if row["part"] == "carrier":
            carriers[row["facility_id"]].add(UUID(row["place_id"]))
    waiting: dict[Anchor, list[Waiting[Who]]] = defaultdict(list)
    opened: dict[Anchor, list[Opened]] = defaultdict(list)
    apart: dict[tuple[Pool, date], Load] = {}
    for pool, vial in (also or {}).items():
        opened[pool].append(vial)
    for row in rows or ():
        pool = pool_of[row["facility_id"], row["presentation_id"]]
        if row["part"] == "vial":
            opened[pool].append(_opened(row))
        elif row["part"] == "claims" and not row["keeps"]:
            apart[pool, date.fromisoformat(row["day"])] = Load(row["number"])
        elif row["part"] != "carrier":
            waiting[pool].append(_waiting(row, carriers[row["facility_id"]]))
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


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _opened(row: Mapping[str, Any]) -> Opened:
    return Opened(
        id=UUID(row["id"]),
        session_id=_id(row["session_id"]),
        doses=row["number"],
        discard_by=datetime.fromisoformat(row["until_at"]),
        place_id=_id(row["place_id"]),
    )


def _waiting(row: Mapping[str, Any], carriers: Collection[UUID]) -> Waiting[Who]:
    session_id, place_id, day = _id(row["session_id"]), _id(row["place_id"]), date.fromisoformat(row["day"])
    return Waiting(
        who=session_id or day,
        session_id=session_id,
        day=day,
        opens_at=datetime.fromisoformat(row["from_at"]),
        closes_at=datetime.fromisoformat(row["until_at"]),
        persons=row["number"],
        place_id=place_id,
        carriers=frozenset(place for place in carriers if place != place_id),
    )
