"""`/peta`: the facilities by stock state, as a map and as a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pandas as pd
from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts
from dashboard.frame.viewer import Member, Viewer
from dashboard.map.areas import ground_of, neighbours_of, parents_of
from dashboard.map.figures import MapParts, flat_map_figure, map_figure
from dashboard.map.pictures import map_picture
from dashboard.stock.areas import (
    AreaStock,
    Sight,
    areas_of,
    sight_of,
    tally_of,
    worst_areas_first,
    worst_facilities,
)
from dashboard.stock.queries import FacilityStock, facilities_with_stock, worst_facilities_first
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.stock.rules.states import WORST_FIRST

router = Router(include_in_schema=False)

SPRITE = "/tanda/signs"
# Signs that a hand can still tell apart on a map; above it stand those of the areas.
MOST_SIGNS = 120


@router.get("/peta")
def show_map(viewer: Member, db: Db, wilayah: str = "") -> Response:
    """The page with its picture: facilities where they are few, else the areas they lie in; `wilayah` looks at one area."""
    texts = viewer.texts
    sight = sight_of(db, viewer.known(), viewer.now, wilayah)
    below = areas_of(db, sight, placed=True)
    tally = tally_of(below)
    facilities = _facilities(viewer, db, sight, tally)
    areas = [] if facilities else below
    shown = area_frame(areas, texts) if areas else facility_frame(facilities, texts, parents_of(db, facilities))
    ground = ground_of(db, facilities or areas)
    parts = MapParts(facilities=shown, areas=ground.areas)
    near = pd.DataFrame(neighbours_of(db, facilities), columns=["name", "lon", "lat"])
    return page(
        viewer,
        "map/map.html",
        charts=True,
        sight=sight,
        areas=worst_areas_first(areas),
        facilities=worst_facilities_first(facilities),
        count=sum(tally.values()),
        ringing=sum(area.ringing for area in below),
        tally=tally,
        placeless=[f.name for f in facilities if f.lat is None],
        approximate=ground.approximate,
        bordered=bool(ground.areas["features"]),
        near=len(near),
        data="/peta/gambar.json" + (f"?{urlencode({'wilayah': wilayah})}" if wilayah else ""),
        picture=map_picture(
            parts,
            near,
            texts,
            title=texts.gettext("Keadaan stok per wilayah") if areas else texts.gettext("Keadaan stok per fasilitas"),
            approximate=ground.approximate,
        ),
        synthetic=sum(f.synthetic for f in facilities),
    )


@router.get("/peta/gambar.json")
def map_json(
    request: Request, viewer: Member, db: Db, datar: bool = False, lebar: str = "sempit", wilayah: str = ""
) -> Response:
    """The map's figure; `datar`: the flat one for machines without WebGL, `lebar`: how wide the screen is."""
    sight = sight_of(db, viewer.known(), viewer.now, wilayah)
    below = areas_of(db, sight, placed=True)
    facilities = _facilities(viewer, db, sight, tally_of(below))
    areas = [] if facilities else below
    shown = area_frame(areas, viewer.texts) if areas else facility_frame(facilities, viewer.texts)
    parts = MapParts(facilities=shown, areas=ground_of(db, facilities or areas).areas)
    if datar:
        return figure_answer(request, flat_map_figure(parts, viewer.texts))
    return figure_answer(request, map_figure(parts, viewer.texts, sprite=SPRITE, wide=lebar == "lebar"))


def _facilities(viewer: Viewer, db: Session, sight: Sight, tally: Mapping[str, int]) -> list[FacilityStock]:
    """The facilities to draw; none where they are so many that areas say more."""
    if sum(tally.values()) > MOST_SIGNS:
        return []
    return facilities_with_stock(db, viewer.known(), viewer.now, worst_facilities(db, sight, limit=MOST_SIGNS))


def area_frame(areas: Collection[AreaStock], texts: Texts) -> pd.DataFrame:
    """The same frame, a sign for each area in the state of its worst facility, which says how many are in which state."""
    rows = [
        {
            "name": area.name,
            "lat": area.lat,
            "lon": area.lon,
            "state": area.state,
            "state_label": texts.gettext(labels.STOCK_STATE[area.state]),
            "ringing": bool(area.ringing),
            "text": "<br>".join(
                (
                    escape(area.name),
                    *(
                        f"{texts.gettext(labels.STOCK_STATE[state])} {texts.number(area.tally[state])}"
                        for state in WORST_FIRST
                        if area.tally.get(state)
                    ),
                )
            ),
            "href": f"/fasilitas/{area.code}" if area.facility else f"/peta?{urlencode({'wilayah': area.code})}",
            "parent": "",
        }
        for area in areas
        if area.lat is not None
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = ["name", "lat", "lon", "state", "state_label", "text", "href", "parent", "ringing"]


def facility_frame(
    facilities: list[FacilityStock], texts: Texts, parents: Mapping[UUID, str] | None = None
) -> pd.DataFrame:
    """The frame of the map: name, lat, lon, state, state_label, text, href, parent, ringing."""
    rows: list[dict[str, Any]] = []
    for facility in facilities:
        if facility.lat is None or facility.lon is None:
            continue
        state = texts.gettext(labels.STOCK_STATE[facility.state])
        wanting = facility.names(facility.state) if facility.state in ("out", "low") else []
        rows.append(
            {
                "name": facility.name,
                "lat": facility.lat,
                "lon": facility.lon,
                "state": facility.state,
                "state_label": state,
                # No <b>: plotly.js makes a style attribute of it, which our policy forbids.
                "ringing": bool(facility.ringing),
                "text": "<br>".join(map(escape, (facility.name, state, *wanting, *_words(facility.ringing, texts)))),
                "href": f"/fasilitas/{facility.code}",
                "parent": (parents or {}).get(facility.id, ""),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _words(rules: tuple[str, ...], texts: Texts) -> list[str]:
    return [texts.gettext(labels.RULE[rule]) for rule in rules]
