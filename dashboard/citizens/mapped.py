"""`/daftar/peta`: what the list of places shows, as a map and one line a place. One picture in the page, nothing else is fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
from fastapi import Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.citizens.finding import AskedHere, booking_of, near_of, places_asked, seeker_like
from dashboard.citizens.homes import homes_of
from dashboard.citizens.pictures import places_picture
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Anyone, Viewer
from dashboard.map.areas import ground_of
from tracker.edge.deps import Db
from tracker.edge.hop import Router, enters_in_line
from tracker.network.models import Facility
from tracker.network.queries import coordinates
from tracker.network.rules.distance import Point
from tracker.quota.queries.open_places import OpenPlace, PlacesAsked, Seeker, seek_places

router = Router(include_in_schema=False)

# Signs that a finger tells apart on a small phone, and lines that one reads through; fewer where somebody came nearer.
MOST_PLACES, MOST_NEARER = 24, 8
_LOOKED_AT, _MOST_LOOKS = 60, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlace:
    """A facility by the first of its sessions with room: the number is of that one, for sessions of a pool share their vials."""

    first: OpenPlace
    lat: float | None
    lon: float | None


@router.get("/daftar/peta")
@enters_in_line(lambda _: True)
def show_map(
    request: Request, viewer: Anyone, db: Db, asked: AskedHere, di: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """The places of what was chosen; `di`: those round a facility, by its code, where its sign covered others."""
    homes = homes_of(db, asked.rumah)
    home = homes[0] if len(homes) == 1 else None
    middle, here = _point_of(db, di), near_of(request)
    seeker, wanted = seeker_like(asked, home, viewer.now), places_asked(asked, middle or here)
    places, cut = _by_facility(db, viewer, seeker, wanted, most=MOST_PLACES if middle is None else MOST_NEARER)
    return page(
        viewer,
        "citizens/map.html",
        picture=places_picture(
            _frame(places, lambda code: f"#{code}" if code == di else asked.address("/daftar/peta", di=code)),
            ground_of(db, places).areas,
            None if middle else here,
            viewer.texts,
        ),
        places=[one.first for one in places],
        cut=cut,
        placeless=[one.first.facility.name for one in places if one.lat is None],
        booking=booking_of(asked, home),
        as_list=asked.address(),
        whole=asked.address("/daftar/peta") if middle else "",
    )


def _point_of(db: Session, code: str) -> Point | None:
    row = db.execute(select(*coordinates()).where(Facility.code == code)).first() if code else None
    return None if row is None or row[0] is None else (row[1], row[0])


def _by_facility(
    db: Session, viewer: Viewer, seeker: Seeker, asked: PlacesAsked, *, most: int
) -> tuple[list[MapPlace], bool]:
    """Each facility once, as the list has it first; and whether there are more."""
    found: dict[str, MapPlace] = {}
    cursor = None
    for _ in range(_MOST_LOOKS):
        looked = seek_places(db, seeker, asked, limit=_LOOKED_AT, now=viewer.now, cursor=cursor)
        for one in looked.places:
            if one.facility.code in found:
                continue
            if len(found) == most:
                return list(found.values()), True
            lat, lon = one.point or (None, None)
            found[one.facility.code] = MapPlace(first=one, lat=lat, lon=lon)
        cursor = looked.cursor
        if cursor is None:
            break
    return list(found.values()), cursor is not None


def _frame(places: Sequence[MapPlace], nearer: Callable[[str], str]) -> pd.DataFrame:
    """The frame of the picture: name, lat, lon, room, href (its line), nearer (the page round it)."""
    rows = [
        {
            "name": one.first.facility.name,
            "lat": one.lat,
            "lon": one.lon,
            "room": one.first.room,
            "href": f"#{one.first.facility.code}",
            "nearer": nearer(one.first.facility.code),
        }
        for one in places
        if one.lat is not None
    ]
    return pd.DataFrame(rows, columns=["name", "lat", "lon", "room", "href", "nearer"])
