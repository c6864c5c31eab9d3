"""The map as a picture of the page itself: areas, neighbours, and each facility's sign with its name where there is room.

Flat projection round the middle of the view: at most some parts in a thousand off within a province, and honest enough for a nation
on a phone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import HAND, Canvas, Sketch, for_hand_and_desk, round_steps, short, wide_of
from dashboard.frame.texts import Texts
from dashboard.map.figures import STATES, MapParts

_HEIGHT = {"hand": 380.0, "desk": 520.0}
_SIZE = {"hand": 11.5, "desk": 12.5}
_KM_A_DEGREE = 111.2
_NEAREST_KM = 2.0
"""No view is narrower: one facility alone is shown with its surroundings."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _View:
    """From degrees to the canvas."""

    lon: float
    lat: float
    per_degree: float
    width: float
    height: float

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        x = self.width / 2 + (lon - self.lon) * cos(radians(self.lat)) * self.per_degree
        return x, self.height / 2 - (lat - self.lat) * self.per_degree

    def holds(self, x: float, y: float) -> bool:
        return 0 <= x <= self.width and 0 <= y <= self.height


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
    clip = sketch.id_of("c")
    sketch.open("clipPath", id=clip)
    sketch.add("rect", width=sketch.width, height=sketch.height, rx=10)
    sketch.close("clipPath")
    sketch.open("g", clip_path=f"url(#{clip})")
    sketch.rect(0, 0, sketch.width, sketch.height, "water")
    for feature in parts.areas["features"]:
        outline = _outline(feature["geometry"], view)
        if outline:
            sketch.add("path", d=outline, cls="land guess" if approximate else "land")
    if not parts.areas["features"]:
        _graticule(sketch, view, texts)
    spots = _spots(parts.facilities, view)
    taken: list[Box] = [(spot.x - 8, spot.y - 8, spot.x + 8, spot.y + 8) for spot in spots]
    size = _SIZE[canvas.name]
    for spot in spots:
        _sign(sketch, spot, taken, size, texts)
    _neighbours(sketch, near, view, taken, size)
    _area_names(sketch, parts.areas, view, taken)
    _scale_bar(sketch, view, texts)
    sketch.close("g")
    return sketch


def _view_of(facilities: pd.DataFrame, near: pd.DataFrame, sketch: Sketch) -> _View:
    """All facilities with some air; few of them with their neighbours; Indonesia when there are none."""
    if facilities.empty:
        return _View(118.0, -2.5, sketch.width / 48, sketch.width, sketch.height)
    shown = facilities if len(facilities) > 2 or near.empty else pd.concat([facilities, near], ignore_index=True)
    west, east = float(shown["lon"].min()), float(shown["lon"].max())
    south, north = float(shown["lat"].min()), float(shown["lat"].max())
    middle = (south + north) / 2
    least = _NEAREST_KM / _KM_A_DEGREE
    across = max((east - west) * cos(radians(middle)), least)
    along = max(north - south, least)
    per_degree = min((sketch.width - 70) / across, (sketch.height - 60) / along)
    return _View((west + east) / 2, middle, per_degree, sketch.width, sketch.height)


def _rings(geometry: dict[str, Any]) -> Iterator[list[list[float]]]:
    if geometry["type"] == "GeometryCollection":
        for inner in geometry["geometries"]:
            yield from _rings(inner)
    elif geometry["type"] in ("Polygon", "MultiPolygon"):
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for polygon in polygons:
            yield polygon[0]


def _outline(geometry: dict[str, Any], view: _View) -> str:
    """Outer rings as path data; what lies outside the view is left out, and points nobody could tell apart."""
    drawn = []
    for ring in _rings(geometry):
        points = [view.at(lon, lat) for lon, lat in ring]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if max(xs) < 0 or min(xs) > view.width or max(ys) < 0 or min(ys) > view.height:
            continue
        kept = points[:1]
        for x, y in points[1:]:
            if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= 1.2:
                kept.append((x, y))
        if len(kept) > 2:
            drawn.append("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in kept) + "z")
    return "".join(drawn)


def _spots(facilities: pd.DataFrame, view: _View) -> list[_Spot]:
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
    place = _free_place(spot.x, spot.y, name, size * 1.1 if bold else size, taken, sketch)
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


def _free_place(
    x: float, y: float, text: str, size: float, taken: list[Box], sketch: Sketch
) -> tuple[float, float, str | None] | None:
    """Where a name stands beside its sign without covering anything; None: nowhere."""
    width, half = wide_of(text, size), size * 0.62
    for dx, dy, anchor in (
        (10, 0, None),
        (-10, 0, "end"),
        (0, -16, "middle"),
        (0, 17, "middle"),
        (8, -12, None),
        (8, 13, None),
        (-8, -12, "end"),
        (-8, 13, "end"),
    ):
        left = x + dx - {None: 0.0, "end": width, "middle": width / 2}[anchor]
        box = (left, y + dy - half, left + width, y + dy + half)
        inside = box[0] >= 2 and box[2] <= sketch.width - 2 and box[1] >= 2 and box[3] <= sketch.height - 24
        if inside and not any(_meet(box, other) for other in taken):
            taken.append(box)
            return x + dx, y + dy + size * 0.35, anchor
    return None


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _neighbours(sketch: Sketch, near: pd.DataFrame, view: _View, taken: list[Box], size: float) -> None:
    for row in rows_of(near):
        x, y = view.at(row.lon, row.lat)
        if not view.holds(x, y):
            continue
        sketch.add("circle", cx=x, cy=y, r=3.5, cls="near")
        taken.append((x - 5, y - 5, x + 5, y + 5))
        name = str(row.name).removeprefix("Puskesmas ")
        place = _free_place(x, y, name, size, taken, sketch)
        if place is not None:
            sketch.text(place[0], place[1], name, "halo soft", place[2])


def _area_names(sketch: Sketch, areas: dict[str, Any], view: _View, taken: list[Box]) -> None:
    """Names of areas whose middle is in sight and free, the largest first."""
    found = []
    for feature in areas["features"]:
        name = feature["properties"]["name"]
        ring = max(_rings(feature["geometry"]), key=len, default=None) if name else None
        if ring:
            xs, ys = [point[0] for point in ring], [point[1] for point in ring]
            x, y = view.at((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
            found.append(((max(xs) - min(xs)) * view.per_degree, x, y, name))
    for across, x, y, name in sorted(found, reverse=True):
        width = wide_of(name, 11)
        box = (x - width / 2, y - 7, x + width / 2, y + 7)
        if across > width and view.holds(x, y) and not any(_meet(box, other) for other in taken):
            taken.append(box)
            sketch.text(x, y + 4, name, "place", "middle")


def _graticule(sketch: Sketch, view: _View, texts: Texts) -> None:
    """Degrees, where nothing else tells where one is."""
    half_x = view.width / 2 / view.per_degree / cos(radians(view.lat))
    half_y = view.height / 2 / view.per_degree
    for lon in round_steps(view.lon - half_x, view.lon + half_x, 4):
        x, _ = view.at(lon, view.lat)
        sketch.line(x, 0, x, sketch.height, "grid")
        words = texts.gettext("%(n)s° BT", n=texts.number(lon, 1 if half_x > 0.2 else 2))
        if x + wide_of(words, 11) < sketch.width:
            sketch.text(x + 3, 12, words, "tick")
    for lat in round_steps(view.lat - half_y, view.lat + half_y, 4):
        _, y = view.at(view.lon, lat)
        sketch.line(0, y, sketch.width, y, "grid")
        if 24 < y < sketch.height - 30:
            number = texts.number(abs(lat), 1 if half_y > 0.2 else 2)
            words = texts.gettext("%(n)s° LS", n=number) if lat < 0 else texts.gettext("%(n)s° LU", n=number)
            sketch.text(3, y - 3, words, "tick")


def _scale_bar(sketch: Sketch, view: _View, texts: Texts) -> None:
    """How long a round number of kilometres is, and where north lies."""
    per_km = view.per_degree / _KM_A_DEGREE
    steps = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    km = max((step for step in steps if step * per_km <= sketch.width * 0.28), default=steps[0])
    y, x = sketch.height - 10, 10.0
    sketch.add("path", d=f"M{short(x)} {short(y - 5)}v5h{short(km * per_km)}v-5", cls="curve")
    digits = 0 if km >= 1 else 1
    sketch.text(x + km * per_km + 6, y + 1, f"{texts.number(km, digits)} km", "halo")
    if sketch.canvas is not HAND:
        sketch.text(sketch.width - 10, y + 1, texts.gettext("Utara di atas"), "halo soft", "end")
