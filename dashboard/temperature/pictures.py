"""The temperature curve as a picture of the page itself: readings, limits, breaches, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan
from typing import Any

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import (
    HAND,
    Canvas,
    Sketch,
    cut_to,
    for_hand_and_desk,
    path_of,
    round_steps,
    short,
    wide_of,
)
from dashboard.frame.texts import Texts
from dashboard.frame.time_ticks import time_ticks
from dashboard.temperature.figures import CurveParts, span_of, thinned

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where instants and temperatures lie on the canvas."""

    start: datetime
    end: datetime
    low: float
    high: float
    left: float
    right: float
    top: float
    bottom: float

    def x(self, at: datetime) -> float:
        share = (at - self.start) / max(self.end - self.start, timedelta(seconds=1))
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def y(self, value_c: Any) -> Any:
        """A temperature, or an array of them."""
        return self.bottom - (value_c - self.low) / (self.high - self.low) * (self.bottom - self.top)


def temperature_picture(parts: CurveParts, start: datetime, end: datetime, texts: Texts, *, title: str) -> Markup:
    """The curve over [start, end], naive local times of the place."""
    text = temperature_text(parts, start, end, texts)
    return for_hand_and_desk(lambda canvas: _drawn(canvas, parts, start, end, texts, title, text))


MOST_SAID = 6
"""Episodes that are read out one by one; of the others how many there are."""


def temperature_text(parts: CurveParts, start: datetime, end: datetime, texts: Texts) -> str:
    """What the picture shows, in words."""
    said = [f"{texts.naive(start)} – {texts.naive(end)} {parts.zone}."]
    readings = parts.readings
    if readings.empty:
        return f"{said[0]} " + texts.gettext("Belum ada pembacaan suhu") + "."
    low, high = texts.celsius(float(readings["low"].min())), texts.celsius(float(readings["high"].max()))
    last = readings.iloc[-1]
    said.append(texts.gettext("Terendah %(low)s, tertinggi %(high)s.", low=low, high=high))
    said.append(
        texts.gettext(
            "Terakhir %(value)s pada %(at)s.", value=texts.celsius(float(last["value"])), at=texts.naive(last["at"])
        )
    )
    episodes = list(rows_of(parts.episodes))
    said += [
        texts.gettext(
            "%(rule)s sejak %(at)s selama %(span)s.",
            rule=row.label,
            at=texts.naive(row.start),
            span=texts.span(row.end - row.start),
        )
        for row in episodes[:MOST_SAID]
    ]
    if len(episodes) > MOST_SAID:
        more = len(episodes) - MOST_SAID
        said.append(texts.ngettext("Dan %(n)s episode lagi.", "And %(n)s more episodes.", more))
    unknown = sum((gap.end - gap.start for gap in rows_of(parts.gaps)), timedelta())
    if unknown:
        said.append(texts.gettext("Tanpa data selama %(span)s.", span=texts.span(unknown)))
    return " ".join(said)


def _drawn(
    canvas: Canvas, parts: CurveParts, start: datetime, end: datetime, texts: Texts, title: str, text: str
) -> Sketch:
    narrow = canvas is HAND
    lanes = _lanes(parts.episodes)
    band = 19.0 * min(3, max(lanes, default=-1) + 1)
    height = (240 if narrow else 334) + band
    sketch = Sketch(canvas, height, key="kurva", title=title, text=text)
    readings = thinned(parts.readings, 260 if narrow else 560)
    low, high = span_of(readings, parts) if not readings.empty else (parts.low_c or 0.0, parts.high_c or 10.0)
    plane = _Plane(start, end, low, high, 30, canvas.width - 8, 16 + band, height - 36)
    _ground(sketch, plane, parts, texts, most=5 if narrow else 9)
    _unknown(sketch, plane, parts, texts)
    if readings.empty:
        centre = (plane.left + plane.right) / 2
        sketch.text(
            centre, (plane.top + plane.bottom) / 2, texts.gettext("Belum ada pembacaan suhu"), "strong", "middle"
        )
        return sketch
    runs = _runs(readings, parts.gaps)
    _outside(sketch, plane, parts, runs)
    _episodes(sketch, plane, parts.episodes, lanes, band, texts)
    for run in runs:
        if bool((run["high"] - run["low"]).gt(0.05).any()) and len(run) > 1:
            sketch.add("path", d=_envelope(run, plane) + "z", cls="envelope")
        sketch.add("path", d=path_of(_points(run, plane, "value")), cls="curve")
    _limits(sketch, plane, parts, texts)
    _last(sketch, plane, readings, texts)
    return sketch


def _ground(sketch: Sketch, plane: _Plane, parts: CurveParts, texts: Texts, *, most: int) -> None:
    """The safe band, lines of the scale, and the times below."""
    if parts.low_c is not None and parts.high_c is not None:
        top, bottom = plane.y(parts.high_c), plane.y(parts.low_c)
        sketch.rect(plane.left, top, plane.right - plane.left, bottom - top, "safe")
    for value in round_steps(plane.low, plane.high, 6):
        y = plane.y(value)
        sketch.line(plane.left, y, plane.right, y, "grid")
        sketch.text(plane.left - 5, y + 4, texts.number(value).replace("-", "−"), "tick", "end")
    sketch.text(0, plane.top - 3, f"°C · {parts.zone}", "tick")
    sketch.line(plane.left, plane.bottom, plane.right, plane.bottom, "axis")
    for at, first, second in time_ticks(plane.start, plane.end, most, texts):
        x = plane.x(at)
        sketch.line(x, plane.bottom, x, plane.bottom + 4, "axis")
        edge = "end" if x > plane.right - 16 else "middle"
        sketch.text(x, plane.bottom + 17, first, "tick", edge)
        if second:
            sketch.text(x, plane.bottom + 31, second, "tick strong", edge)


def _unknown(sketch: Sketch, plane: _Plane, parts: CurveParts, texts: Texts) -> None:
    """Hatched stretches; neighbours that would touch are drawn as one, none is left out for being short."""
    merged: list[list[float]] = []
    for gap in rows_of(parts.gaps.sort_values("start")):
        left, right = plane.x(gap.start), plane.x(gap.end)
        right = max(right, left + 1)
        if merged and left <= merged[-1][1] + 0.5:
            merged[-1][1] = max(merged[-1][1], right)
        else:
            merged.append([left, right])
    if not merged:
        return
    fill = sketch.hatch("gap", "unknown")
    for left, right in merged:
        sketch.rect(left, plane.top, right - left, plane.bottom - plane.top, "", fill=fill)
    left, right = max(merged, key=lambda gap: gap[1] - gap[0])
    word = texts.gettext("Tanpa data")
    if right - left > wide_of(word) + 8:
        sketch.text((left + right) / 2, plane.bottom - 8, word, "halo", "middle")


def _runs(readings: pd.DataFrame, gaps: pd.DataFrame) -> list[pd.DataFrame]:
    """The readings cut at every gap, so that no line is drawn through the unknown."""
    if gaps.empty:
        return [readings]
    number = gaps["start"].sort_values().searchsorted(readings["at"], side="left")
    return [run for _, run in readings.groupby(number)]


def _points(run: pd.DataFrame, plane: _Plane, column: str) -> list[Point]:
    share = (run["at"] - plane.start) / (plane.end - plane.start)
    x = plane.left + share.clip(0, 1).to_numpy(float) * (plane.right - plane.left)
    y = plane.y(run[column].to_numpy(float))
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    # A lone reading between two gaps is a dot, not nothing.
    return points if len(points) > 1 else [points[0], (points[0][0] + 0.8, points[0][1])]


def _envelope(run: pd.DataFrame, plane: _Plane) -> str:
    return path_of([*_points(run, plane, "high"), *reversed(_points(run, plane, "low"))])


def _outside(sketch: Sketch, plane: _Plane, parts: CurveParts, runs: list[pd.DataFrame]) -> None:
    """What lies above or below the limits is filled: the eye finds it first."""
    for limit, column, side in ((parts.high_c, "high", "hot"), (parts.low_c, "low", "cold")):
        if limit is None:
            continue
        for run in runs:
            worst = run[column].clip(lower=limit) if side == "hot" else run[column].clip(upper=limit)
            if bool((worst == limit).all()):
                continue
            points = _points(run.assign(worst=worst), plane, "worst")
            base = plane.y(limit)
            outline = f"{path_of(points)}L{short(points[-1][0])} {short(base)}L{short(points[0][0])} {short(base)}z"
            sketch.add("path", d=outline, cls=f"{side} area")


def _limits(sketch: Sketch, plane: _Plane, parts: CurveParts, texts: Texts) -> None:
    for value, side, above in ((parts.high_c, "hot", True), (parts.low_c, "cold", False)):
        if value is not None:
            y = plane.y(value)
            sketch.line(plane.left, y, plane.right, y, f"limit {side}")
            sketch.text(plane.left + 4, y - 5 if above else y + 14, texts.celsius(value), f"{side} word halo")


def _lanes(episodes: pd.DataFrame) -> list[int]:
    """A lane for each breach, so that those at one time do not cover each other."""
    ends: list[pd.Timestamp] = []
    lanes = []
    for episode in rows_of(episodes):
        free = next((lane for lane, end in enumerate(ends) if end <= episode.start), len(ends))
        ends[free : free + 1] = [episode.end]
        lanes.append(free)
    return lanes


def _episodes(
    sketch: Sketch, plane: _Plane, episodes: pd.DataFrame, lanes: list[int], band: float, texts: Texts
) -> None:
    """A bar over the stretch of each breach, with its name and length where there is room."""
    taken = [nan] * 3
    for lane, episode in zip(lanes, rows_of(episodes), strict=True):
        if lane > 2:
            continue
        left, right = plane.x(episode.start), max(plane.x(episode.end), plane.x(episode.start) + 3)
        y = 6 + band - 19.0 * (lane + 1) + 6
        sketch.rect(left, y + 7, right - left, 4, f"{episode.side} spell")
        words = f"{episode.label} · {texts.span(episode.end - episode.start)}"
        words = cut_to(words, plane.right - plane.left)
        begin = max(plane.left, min(left, plane.right - wide_of(words)))
        if not begin < taken[lane] + 8:
            sketch.text(begin, y + 3, words, f"{episode.side} word")
            taken[lane] = begin + wide_of(words)


def _last(sketch: Sketch, plane: _Plane, readings: pd.DataFrame, texts: Texts) -> None:
    """The newest reading with its number."""
    last = readings.iloc[-1]
    x, y = plane.x(last["at"]), plane.y(float(last["value"]))
    words = texts.celsius(float(last["value"]))
    sketch.add("circle", cx=x, cy=y, r=4, cls="last")
    above = y - 9 if y - plane.top > 24 else y + 20
    sketch.text(min(plane.right, max(plane.left + wide_of(words), x + 4)), above, words, "strong halo", "end")
