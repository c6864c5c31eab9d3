"""The sheet a map is drawn on: from degrees to a canvas, the ground below the signs, names where there is room for them.

Flat projection round the middle of the view: at most some parts in a thousand off within a province, and honest enough for a nation
on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from dashboard.frame.pictures import HAND, Sketch, round_steps, short, wide_of
from dashboard.frame.texts import Texts

_KM_A_DEGREE = 111.2
_NEAREST_KM = 2.0
"""No view is narrower: one facility alone is shown with its surroundings."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class View:
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


def view_over(lons: Sequence[float], lats: Sequence[float], sketch: Sketch) -> View:
    """All of the points with some air; Indonesia when there are none."""
    if not lons:
        return View(118.0, -2.5, sketch.width / 48, sketch.width, sketch.height)
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    middle = (south + north) / 2
    least = _NEAREST_KM / _KM_A_DEGREE
    across = max((east - west) * cos(radians(middle)), least)
    along = max(north - south, least)
    per_degree = min((sketch.width - 70) / across, (sketch.height - 60) / along)
    return View((west + east) / 2, middle, per_degree, sketch.width, sketch.height)


def open_ground(sketch: Sketch, view: View, areas: dict[str, Any], texts: Texts, *, approximate: bool) -> None:
    """Begin the sheet: water, and land where borders are known, else degrees. `close_ground` ends it."""
    clip = sketch.id_of("c")
    sketch.open("clipPath", id=clip)
    sketch.add("rect", width=sketch.width, height=sketch.height, rx=10)
    sketch.close("clipPath")
    sketch.open("g", clip_path=f"url(#{clip})")
    sketch.rect(0, 0, sketch.width, sketch.height, "water")
    for feature in areas["features"]:
        outline = _outline(feature["geometry"], view)
        if outline:
            sketch.add("path", d=outline, cls="land guess" if approximate else "land")
    if not areas["features"]:
        _graticule(sketch, view, texts)


def close_ground(sketch: Sketch, view: View, areas: dict[str, Any], texts: Texts, taken: list[Box]) -> None:
    """End it: names of areas where nothing stands yet, and a scale."""
    _area_names(sketch, areas, view, taken)
    _scale_bar(sketch, view, texts)
    sketch.close("g")


def _rings(geometry: dict[str, Any]) -> Iterator[list[list[float]]]:
    if geometry["type"] == "GeometryCollection":
        for inner in geometry["geometries"]:
            yield from _rings(inner)
    elif geometry["type"] in ("Polygon", "MultiPolygon"):
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for polygon in polygons:
            yield polygon[0]


def _outline(geometry: dict[str, Any], view: View) -> str:
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


def free_place(
    x: float, y: float, text: str, size: float, taken: list[Box], sketch: Sketch, *, gap: float = 10
) -> tuple[float, float, str | None] | None:
    """Where a name stands beside its sign, `gap` from its middle, without covering anything; None: nowhere."""
    width, half, out = wide_of(text, size), size * 0.62, gap - 10
    for dx, dy, anchor in (
        (10 + out, 0, None),
        (-10 - out, 0, "end"),
        (0, -16 - out, "middle"),
        (0, 17 + out, "middle"),
        (8, -12 - out, None),
        (8, 13 + out, None),
        (-8, -12 - out, "end"),
        (-8, 13 + out, "end"),
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


def _area_names(sketch: Sketch, areas: dict[str, Any], view: View, taken: list[Box]) -> None:
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


def _graticule(sketch: Sketch, view: View, texts: Texts) -> None:
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


def _scale_bar(sketch: Sketch, view: View, texts: Texts) -> None:
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
