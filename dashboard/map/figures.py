"""The map of facilities: one drawing for WebGL (MapLibre), one flat for machines without."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.frame.texts import Texts
from dashboard.frame.theme import INK, STATE_COLOURS, STATE_SYMBOLS, styled

GeoJson = dict[str, Any]
STATES = ("unreported", "stale", "over", "ok", "low", "out")  # the worst is drawn last, on top


@dataclass(frozen=True, slots=True, kw_only=True)
class MapParts:
    """facilities: `name`, `lat`, `lon` (degrees), `state`, `state_label`, `text` (hover lines), `href`, `parent`
    (the unit above it).

    areas: a GeoJSON FeatureCollection of polygons with property `name`, in degrees; may be empty.
    """

    facilities: pd.DataFrame
    areas: GeoJson


def map_figure(parts: MapParts, texts: Texts, *, sprite: str, wide: bool = False) -> go.Figure:
    """For MapLibre; `sprite` is the address of the signs (out, low, …) on our own host, `wide` a desk's screen."""
    figure = go.Figure()
    for state in STATES:
        shown = parts.facilities[parts.facilities["state"] == state]
        if shown.empty:
            continue
        figure.add_scattermap(
            lat=shown["lat"].round(5),
            lon=shown["lon"].round(5),
            name=shown["state_label"].iloc[0],
            text=shown["text"],
            customdata=shown["href"],
            mode="markers",
            marker={"symbol": state, "size": 11, "allowoverlap": True},
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    ringing = parts.facilities[parts.facilities["ringing"]]
    if not ringing.empty:
        # Below the signs, so that they stay to be read and tapped.
        figure.add_scattermap(
            lat=ringing["lat"].round(5),
            lon=ringing["lon"].round(5),
            mode="markers",
            marker={"size": 28, "color": "#b23a0e", "opacity": 0.45},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.data = (figure.data[-1], *figure.data[:-1])
    centre, zoom = view_of(parts.facilities, *((900, 500) if wide else (300, 360)))
    return styled(
        figure,
        language=texts.language,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="pan",
        map={"style": _style(parts.areas, sprite), "center": centre, "zoom": zoom},
    )


def _style(areas: GeoJson, sprite: str) -> dict[str, Any]:
    """A MapLibre style of our own: water, areas, borders; it names no other host and needs no letters."""
    return {
        "version": 8,
        "sprite": sprite,
        "sources": {"areas": {"type": "geojson", "data": areas}},
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": "#e6efee"}},
            {"id": "areas", "type": "fill", "source": "areas", "paint": {"fill-color": "#fdfaf3", "fill-opacity": 1}},
            {
                "id": "borders",
                "type": "line",
                "source": "areas",
                "paint": {
                    "line-color": "#b9a98c",
                    "line-width": ["interpolate", ["linear"], ["zoom"], 6, 0.4, 12, 1.4],
                },
            },
        ],
    }


def view_of(facilities: pd.DataFrame, width_px: int = 300, height_px: int = 360) -> tuple[dict[str, float], float]:
    """Centre and zoom that show all facilities in a box of that size; Indonesia when there are none."""
    if facilities.empty:
        return {"lat": -2.5, "lon": 118.0}, 3.4
    south, north = float(facilities["lat"].min()), float(facilities["lat"].max())
    west, east = float(facilities["lon"].min()), float(facilities["lon"].max())
    # MapLibre's world is 512 px wide at zoom 0; some air round the outermost signs.
    across = log2(width_px * 360 / 512 / (max(east - west, 0.02) * 1.2))
    along = log2(height_px * 360 / 512 / (max(north - south, 0.02) * 1.2))
    zoom = max(0.5, min(13.0, across, along))
    return {"lat": round((south + north) / 2, 5), "lon": round((west + east) / 2, 5)}, round(zoom, 2)


def flat_map_figure(parts: MapParts, texts: Texts) -> go.Figure:
    """The same on plain axes, drawn as SVG: areas as shapes, facilities as marks."""
    figure = go.Figure()
    x, y = _outlines(parts.areas)
    if x:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            fill="toself",
            fillcolor="#fdfaf3",
            line={"color": "#b9a98c", "width": 1},
            hoverinfo="skip",
            showlegend=False,
        )
    for state in STATES:
        shown = parts.facilities[parts.facilities["state"] == state]
        if shown.empty:
            continue
        figure.add_scatter(
            x=shown["lon"].round(5),
            y=shown["lat"].round(5),
            name=shown["state_label"].iloc[0],
            text=shown["text"],
            customdata=shown["href"],
            mode="markers",
            marker={
                "symbol": STATE_SYMBOLS[state],
                "color": STATE_COLOURS[state],
                "size": 13,
                "line": {"color": INK, "width": 1},
            },
            hovertemplate="%{text}<extra></extra>",
        )
    styled(
        figure,
        language=texts.language,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        plot_bgcolor="#e6efee",
        showlegend=False,
        dragmode="pan",
    )
    west, east, south, north = _window(parts.facilities)
    figure.update_xaxes(visible=False, range=[west, east])
    figure.update_yaxes(visible=False, range=[south, north], scaleanchor="x", scaleratio=1.0)
    return figure


def _window(facilities: pd.DataFrame) -> tuple[float, float, float, float]:
    if facilities.empty:
        return 95.0, 141.0, -11.0, 6.0
    west, east = float(facilities["lon"].min()), float(facilities["lon"].max())
    south, north = float(facilities["lat"].min()), float(facilities["lat"].max())
    air = max(0.02, (east - west) * 0.08, (north - south) * 0.08)
    return west - air, east + air, south - air, north + air


def _outlines(areas: GeoJson) -> tuple[list[float | None], list[float | None]]:
    """All outer rings as one line with breaks."""
    x: list[float | None] = []
    y: list[float | None] = []
    for feature in areas.get("features", []):
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for polygon in polygons:
            x.extend([point[0] for point in polygon[0]] + [None])
            y.extend([point[1] for point in polygon[0]] + [None])
    return x, y
