"""`/peta`: the facilities by stock state, as a map and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

import pandas as pd
from fastapi import Request, Response

from dashboard.frame import labels
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts
from dashboard.frame.viewer import Member
from dashboard.map.areas import ground_of, neighbours_of, parents_of
from dashboard.map.figures import MapParts, flat_map_figure, map_figure
from dashboard.map.pictures import map_picture
from dashboard.stock.queries import FacilityStock, facilities_with_stock, worst_facilities_first
from dashboard.stock.states import WORST_FIRST
from tracker.edge.deps import Db
from tracker.edge.hop import Router

router = Router(include_in_schema=False)

SPRITE = "/tanda/signs"
# Rows of the table behind the picture; all of them stand on /fasilitas.
MOST_ROWS = 100


@router.get("/peta")
def show_map(viewer: Member, db: Db) -> Response:
    """The page with its picture."""
    facilities = facilities_with_stock(db, viewer.known(), viewer.now)
    ground = ground_of(db, facilities)
    texts = viewer.texts
    parts = MapParts(facilities=facility_frame(facilities, texts, parents_of(db, facilities)), areas=ground.areas)
    near = pd.DataFrame(neighbours_of(db, facilities), columns=["name", "lon", "lat"])
    return page(
        viewer,
        "map/map.html",
        charts=True,
        facilities=worst_facilities_first(facilities)[:MOST_ROWS],
        count=len(facilities),
        ringing=sum(bool(f.ringing) for f in facilities),
        tally={state: sum(f.state == state for f in facilities) for state in WORST_FIRST},
        placeless=[f.name for f in facilities if f.lat is None],
        approximate=ground.approximate,
        bordered=bool(ground.areas["features"]),
        near=len(near),
        picture=map_picture(
            parts,
            near,
            texts,
            title=texts.gettext("Keadaan stok per fasilitas"),
            approximate=ground.approximate,
        ),
        synthetic=sum(f.synthetic for f in facilities),
    )


@router.get("/peta/gambar.json")
def map_json(request: Request, viewer: Member, db: Db, datar: bool = False, lebar: str = "sempit") -> Response:
    """The map's figure; `datar`: the flat one for machines without WebGL, `lebar`: how wide the screen is."""
    facilities = facilities_with_stock(db, viewer.known(), viewer.now)
    parts = MapParts(facilities=facility_frame(facilities, viewer.texts), areas=ground_of(db, facilities).areas)
    if datar:
        return figure_answer(request, flat_map_figure(parts, viewer.texts))
    return figure_answer(request, map_figure(parts, viewer.texts, sprite=SPRITE, wide=lebar == "lebar"))


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
