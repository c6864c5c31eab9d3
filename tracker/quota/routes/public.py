"""The facility listing in the public shape: without a log-in, bounded, cached, nobody named."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response

from tracker.edge.deps import Db, Now
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.kit.days import latest_day
from tracker.network.models import Facility
from tracker.quota.presenting import public_facility_out
from tracker.quota.public_schemas import PublicFacilityOut
from tracker.quota.queries.public import facilities_for_public, tallies_of
from tracker.quota.routes.router import router

FRESH_S = 300


@router.get("/public/vaccination-facilities", operation_id="list_public_facilities")
def list_public_facilities(
    *,
    db: Db,
    now: Now,
    response: Response,
    city: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{2}\.?[0-9]{2}$", description="Code of a city or regency: Kemendagri's 36.71, BPS's 3671."
        ),
    ] = None,
    days: Annotated[int, Query(ge=1, le=14, description="So many days, today's the last.")] = 7,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PublicFacilityOut]:
    """Facilities that vaccinate with their doses by batch and day, for anybody; counts alone, good for five minutes."""
    response.headers["Cache-Control"] = f"public, max-age={FRESH_S}"
    today = latest_day(now)
    found = page_of(
        db,
        facilities_for_public(city),
        keys=(Facility.code,),
        limit=limit,
        cursor=cursor,
        key_of=lambda row: (row[0].code,),
        present=lambda row: row,
    )
    told = tallies_of(db, [row[0].id for row in found.items], today - timedelta(days=days - 1), today)
    items = [public_facility_out(row[0], row[2], row[1], told.get(row[0].id, ())) for row in found.items]
    return Page(items=items, next_cursor=found.next_cursor)
