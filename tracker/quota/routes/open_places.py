"""Places that somebody like the one asked for can book: what `/daftar` shows, for other systems."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query
from sqlalchemy import ColumnElement, select

from tracker.access.models import Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Cursor, Limit, Page
from tracker.edge.values import Day
from tracker.kit.days import earliest_day, years_before
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id
from tracker.network.rules.distance import POINT_PATTERN, read_point
from tracker.quota.models import VaccinationSession
from tracker.quota.presenting import open_place_out
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.quota.routes.router import router
from tracker.quota.rules.words import Medium
from tracker.quota.schemas import OpenPlaceOut


@router.get("/open-places")
def list_open_places(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    dose: Annotated[int, Query(ge=1, le=9)] = 1,
    residence: Annotated[
        str | None,
        Query(pattern=r"^[0-9.]{2,13}$", description="Code of the area they live in, Kemendagri's or BPS's."),
    ] = None,
    age: Annotated[int | None, Query(ge=0, le=130, description="Whole years, today.")] = None,
    group: Annotated[list[str] | None, Query(max_length=20, description="Such as nakes; as in their record.")] = None,
    vaccine: Annotated[str | None, Query(max_length=64, description="Its code.")] = None,
    facility: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    day: Annotated[Day | None, Query(alias="date")] = None,
    near: Annotated[
        str | None,
        Header(
            alias="Rantai-Near",
            pattern=POINT_PATTERN,
            description="Where they are, `latitude,longitude`; two decimals are enough. A header: addresses are written down.",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OpenPlaceOut]:
    """Sessions of the caller's subtree with room for such a person, by day; the nearest first where a point is given.

    `room` is how many like them may book, one after another. A page may be short, or empty, and not the last.
    """
    seen = select(Unit.id).where(visible_to(caller, Unit.path, Permission.QUOTA_READ))
    where: list[ColumnElement[bool]] = [VaccinationSession.facility_id.in_(seen)]
    if facility is not None:
        where.append(Facility.id == facility_by_code_or_id(db, caller, facility).id)
    if day is not None:
        where.append(VaccinationSession.day == day)
    seeker = Seeker(
        medium=Medium.APP,
        dose=dose,
        residence=residence,
        groups=frozenset(name.strip().lower() for name in group or ()),
        born=None if age is None else years_before(earliest_day(now), age),
    )
    asked = PlacesAsked(where=tuple(where), vaccine=vaccine, near=None if near is None else read_point(near))
    found = seek_places(db, seeker, asked, limit=limit, now=now, cursor=cursor)
    return Page(items=[open_place_out(place) for place in found.places], next_cursor=found.cursor)
