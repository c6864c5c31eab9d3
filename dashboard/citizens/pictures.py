"""The map of places for a citizen: one small drawing for every screen, whose numbers are those of the list below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import Canvas, Sketch
from dashboard.frame.texts import Texts
from dashboard.map.sheet import Box, close_ground, free_place, open_ground, view_over

_SHEET = Canvas(name="sheet", width=328)  # what 360 pixels leave
_HEIGHT = 330.0
_RADIUS = 13.0  # a finger hits 24 pixels (WCAG 2.2, 2.5.8)
_SIZE = 11.5
PLENTY = 10
"""From so many on a place is not marked as scarce; the list says so by the same number."""


@dataclass(slots=True)
class _Spot:
    """One place, or several whose signs would cover each other."""

    x: float
    y: float
    row: Any
    count: int = 1


def places_picture(
    frame: pd.DataFrame, areas: dict[str, Any], here: tuple[float, float] | None, texts: Texts
) -> Markup:
    """frame: `name`, `lat`, `lon`, `room`, `href`, `nearer`; `here`: latitude and longitude of the phone."""
    title = texts.gettext("Peta tempat yang masih ada bagi Anda")
    # A group, not an image: its signs are links.
    sketch = Sketch(_SHEET, _HEIGHT, key="tempat", title=title, text=_said(frame, texts), role="group")
    lats, lons = frame["lat"].tolist(), frame["lon"].tolist()
    if here is not None:
        lats, lons = [*lats, here[0]], [*lons, here[1]]
    view = view_over(lons, lats, sketch)
    open_ground(sketch, view, areas, texts, approximate=False)
    taken: list[Box] = []
    if here is not None:
        x, y = view.at(here[1], here[0])
        sketch.add("circle", cx=x, cy=y, r=5.0, cls="here")
        taken.append((x - 6, y - 6, x + 6, y + 6))
    spots = _spots(frame, view.at)
    reach = _RADIUS + 2
    taken += [(spot.x - reach, spot.y - reach, spot.x + reach, spot.y + reach) for spot in spots]
    for spot in spots:
        _sign(sketch, spot, taken, texts)
    if here is not None:
        place = free_place(x, y, texts.gettext("Anda"), _SIZE, taken, sketch)
        if place is not None:
            sketch.text(place[0], place[1], texts.gettext("Anda"), "halo strong", place[2])
    close_ground(sketch, view, areas, texts, taken)
    return sketch.markup()


def _said(frame: pd.DataFrame, texts: Texts) -> str:
    if frame.empty:
        return texts.gettext("Tidak ada tempat untuk digambar.")
    return texts.gettext("Baris di bawah peta menyebut tempat yang sama dengan angka yang sama.")


def _spots(frame: pd.DataFrame, at: Any) -> list[_Spot]:
    """Signs in the list's order; one that would cover an earlier one is counted there."""
    spots: list[_Spot] = []
    for row in rows_of(frame):
        x, y = at(row.lon, row.lat)
        near = 2 * _RADIUS + 1
        close = next((spot for spot in spots if abs(spot.x - x) < near and abs(spot.y - y) < near), None)
        if close is None:
            spots.append(_Spot(x, y, row))
        else:
            close.count += 1
    return spots


def _sign(sketch: Sketch, spot: _Spot, taken: list[Box], texts: Texts) -> None:
    row, x, y, r = spot.row, spot.x, spot.y, _RADIUS
    alone = spot.count == 1
    name = row.name.removeprefix("Puskesmas ")
    number = (texts.number(row.room) if row.room < 1000 else f"{texts.number(999)}+") if alone else f"×{spot.count}"
    place = free_place(x, y, name, _SIZE, taken, sketch, gap=r + 4) if alone else None
    # The list below leads to the same; the keyboard need not walk through every sign as well.
    href = row.href if alone else row.nearer
    sketch.open("a", href=href, tabindex="-1", aria_label=None if place else f"{number} {name}")
    if alone:
        sketch.add("circle", cx=x, cy=y, r=r, cls="seats" if row.room >= PLENTY else "seats few")
    else:
        sketch.add("rect", x=x - r, y=y - r, width=2 * r, height=2 * r, rx=4, cls="seats several")
    sketch.text(x, y + 4, number, "strong", "middle")
    if place is not None:
        sketch.text(place[0], place[1], name, "halo", place[2])
    sketch.close("a")
