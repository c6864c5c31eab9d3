"""What the words of an event name, read in one statement: itself if it was recorded before, its facility, places, lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import column, text
from sqlalchemy.orm import Session

from tracker.catalog.queries import lots_in, named_among
from tracker.network.queries import as_id
from tracker.stock.rules.lines import NamedLine
from tracker.stock.service.commands import Posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What references name, each by how it was written; `batches` with their product's code, all that a lot may mean.

    `first`: the event that was recorded under this id in these words, and by whom. `facility`: its id and path, for whoever
    may see it.
    """

    first: tuple[Posted, UUID | None] | None
    facility: tuple[UUID, str] | None
    places: dict[str, UUID]
    batches: dict[str, list[tuple[UUID, str]]]


_NAMES = text(
    """
    WITH here AS (
        SELECT f.id, u.path::text AS path FROM facility f JOIN unit u ON u.id = f.id
        WHERE f.id = :facility_id OR f.code = :facility_code
    )
    SELECT 'facility', here.id, here.path, NULL, NULL::uuid, NULL::uuid, NULL::timestamptz FROM here
    UNION ALL
    SELECT 'event', e.id, NULL, NULL, e.facility_id, e.account_id, e.occurred_at
    FROM stock_event e WHERE e.id = :event AND e.said = :said
    UNION ALL
    SELECT 'place', e.id, e.code, NULL, NULL, NULL, NULL
    FROM here JOIN equipment e ON e.facility_id = here.id
    WHERE e.code = ANY(CAST(:codes AS text[]))
    UNION ALL
    SELECT 'batch', coalesce(b.joined_into_id, b.id), b.lot, p.code, NULL, NULL, NULL
    FROM batch b JOIN presentation p ON p.id = b.presentation_id
    WHERE b.lot = ANY(CAST(:lots AS text[]))
    """
).columns(*map(column, ("part", "id", "name", "product", "facility_id", "account_id", "occurred_at")))


def read_names(
    db: Session,
    facility: str | UUID,
    lines: Sequence[NamedLine],
    *,
    event_id: UUID | None = None,
    said: str | None = None,
) -> Names:
    """What the words of `lines` at a facility (id or code) name, and the event with this id if it was `said` so before."""
    facility_id = as_id(facility)
    refs = [ref.text for line in lines for ref in (line.place_id, line.to_place_id) if ref]
    places = {ref: place_id for ref in refs if (place_id := as_id(ref)) is not None}
    lots = {
        line.batch_id.text
        for line in lines
        if line.batch_id.text and not line.batch_id.scanned and as_id(line.batch_id.text) is None
    }
    asked = {
        "facility_id": facility_id,
        "facility_code": facility if facility_id is None else None,
        "codes": [ref for ref in refs if ref not in places],
        "lots": list(lots_in(lots)),
        "event": event_id,
        "said": said,
    }
    first, here = None, None
    batches: list[tuple[UUID, str, str]] = []
    for row in db.connection().execute(_NAMES, asked):
        if row.part == "facility":
            here = (row.id, row.name)
        elif row.part == "event":
            first = (Posted(row.id, False, row.facility_id, row.occurred_at), row.account_id)
        elif row.part == "place":
            places[row.name] = row.id
        else:
            batches.append((row.id, row.name, row.product))
    return Names(first=first, facility=here, places=places, batches=named_among(lots, batches))
