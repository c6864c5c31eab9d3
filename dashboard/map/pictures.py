"""The map of stock as a picture of the page itself: areas, neighbours, and each facility's sign with its name where there is room."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import Canvas, Sketch, for_hand_and_desk
from dashboard.frame.texts import Texts
from dashboard.map.figures import STATES, MapParts
from dashboard.map.sheet import Box, View, close_ground, free_place, open_ground, view_over

_HEIGHT = {"hand": 380.0, "desk": 520.0}
_SIZE = {"hand": 11.5, "desk": 12.5}


@dataclass(slots=True)
class _Spot:
    """A sign on the map: one facility, or several too close to be told apart."""

    x: float
    y: float
    state: str
    name: str
    href: str
    parent: str
    count: int = 1
    ringing: bool = False
    grouped: bool = False
    """Named after the unit above most of them, not after one facility."""


def map_picture(parts: MapParts, near: pd.DataFrame, texts: Texts, *, title: str, approximate: bool) -> Markup:
    """near: `name`, `lat`, `lon` of facilities outside the viewer's reach, drawn without a state; may be empty."""
    text = map_text(parts, texts)
    return for_hand_and_desk(lambda canvas: _drawn(canvas, parts, near, texts, title, text, approximate=approximate))


def map_text(parts: MapParts, texts: Texts) -> str:
    """What the picture shows, in words: the worst first."""
    frame = parts.facilities
    if frame.empty:
        return texts.gettext("Belum ada fasilitas dalam wilayah Anda.")
    said = []
    for state in reversed(STATES):
        shown = frame[frame["state"] == state]
        if not shown.empty:
            names = ", ".join(shown["name"].head(5)) + (" …" if len(shown) > 5 else "")
            said.append(f"{shown['state_label'].iloc[0]} {texts.number(len(shown))}: {names}.")
    ringing = frame[frame["ringing"]]
    if not ringing.empty:
        said.append(texts.gettext("Alarm suhu sedang berbunyi: %(names)s.", names=", ".join(ringing["name"].head(5))))
    return " ".join(said)


def _drawn(
    canvas: Canvas,
    parts: MapParts,
    near: pd.DataFrame,
    texts: Texts,
    title: str,
    text: str,
    *,
    approximate: bool,
) -> Sketch:
    # A group, not an image: its signs are links.
    sketch = Sketch(canvas, _HEIGHT[canvas.name], key="peta", title=title, text=text, role="group")
    view = _view_of(parts.facilities, near, sketch)
    open_ground(sketch, view, parts.areas, texts, approximate=approximate)
    spots = _spots(parts.facilities, view)
    taken: list[Box] = [(spot.x - 8, spot.y - 8, spot.x + 8, spot.y + 8) for spot in spots]
    size = _SIZE[canvas.name]
    for spot in spots:
        _sign(sketch, spot, taken, size, texts)
    _neighbours(sketch, near, view, taken, size)
    close_ground(sketch, view, parts.areas, texts, taken)
    return sketch


def _view_of(facilities: pd.DataFrame, near: pd.DataFrame, sketch: Sketch) -> View:
    """All facilities; few of them with their neighbours."""
    few = 0 < len(facilities) <= 2 and not near.empty
    shown = pd.concat([facilities, near], ignore_index=True) if few else facilities
    return view_over(shown["lon"].tolist(), shown["lat"].tolist(), sketch)


def _spots(facilities: pd.DataFrame, view: View) -> list[_Spot]:
    """Signs, the worst first; those that would cover each other are one, with the worst's sign and their number."""
    rank = {state: place for place, state in enumerate(reversed(STATES))}
    spots: list[_Spot] = []
    kin: list[Counter[str]] = []
    for row in sorted(rows_of(facilities), key=lambda row: (rank[row.state], row.name)):
        x, y = view.at(row.lon, row.lat)
        close = next((n for n, spot in enumerate(spots) if abs(spot.x - x) < 11 and abs(spot.y - y) < 11), None)
        if close is None:
            spots.append(_Spot(x, y, row.state, row.name, row.href, row.parent, ringing=row.ringing))
            kin.append(Counter([row.parent]))
        else:
            spots[close].count += 1
            spots[close].ringing |= row.ringing
            kin[close][row.parent] += 1
    for spot, parents in zip(spots, kin, strict=True):
        if spot.count > 2 and parents.most_common(1)[0][0]:
            spot.name, spot.href, spot.grouped = parents.most_common(1)[0][0], "", True
    return spots


def _sign(sketch: Sketch, spot: _Spot, taken: list[Box], size: float, texts: Texts) -> None:
    name = spot.name.removeprefix("Puskesmas ")
    if spot.count > 1:
        name = f"{name} ({texts.number(spot.count)})" if spot.grouped else f"{name} +{spot.count - 1}"
    bold = spot.state in ("out", "low")
    place = free_place(spot.x, spot.y, name, size * 1.1 if bold else size, taken, sketch)
    if spot.href:
        # The table below leads to the same pages; the keyboard need not walk through every sign as well.
        sketch.open("a", href=spot.href, tabindex="-1", aria_label=None if place else spot.name)
    if spot.ringing:
        sketch.add("circle", cx=spot.x, cy=spot.y, r=12.5, cls="ringing")
    sketch.mark(spot.state, spot.x, spot.y, 7)
    if place is not None:
        x, y, anchor = place
        sketch.text(x, y, name, "halo strong" if bold else "halo", anchor)
    if spot.href:
        sketch.close("a")


def _neighbours(sketch: Sketch, near: pd.DataFrame, view: View, taken: list[Box], size: float) -> None:
    for row in rows_of(near):
        x, y = view.at(row.lon, row.lat)
        if not view.holds(x, y):
            continue
        sketch.add("circle", cx=x, cy=y, r=3.5, cls="near")
        taken.append((x - 5, y - 5, x + 5, y + 5))
        name = str(row.name).removeprefix("Puskesmas ")
        place = free_place(x, y, name, size, taken, sketch)
        if place is not None:
            sketch.text(place[0], place[1], name, "halo soft", place[2])
