"""One look for all charts: colours that every eye can tell apart, quiet axes, the page's own letters."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard.frame.texts import Texts

INK = "#1f2421"
SOFT = "#545c57"
LINE = "#e3d9c8"
BRAND = "#0b4f55"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'

# Okabe and Ito's palette, vermilion to blue, by stock state; the symbol tells the same without colour.
STATE_COLOURS = {
    "out": "#d55e00",
    "low": "#e69f00",
    "ok": "#009e73",
    "over": "#0072b2",
    "stale": "#8b8f8c",
    "unreported": "#8b8f8c",
}
STATE_SYMBOLS = {
    "out": "diamond",
    "low": "triangle-up",
    "ok": "circle",
    "over": "square",
    "stale": "circle-open",
    "unreported": "circle-open",
}
HOT = "#d55e00"
COLD = "#0072b2"
SAFE = "rgba(0,158,115,0.10)"
UNKNOWN = "rgba(120,115,105,0.16)"


def styled(figure: go.Figure, *, language: str, **layout: Any) -> go.Figure:
    """The figure with the house's look; `layout` adds to it or overrides it."""
    figure.update_layout(
        template="none",
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 48, "r": 12, "t": 12, "b": 40},
        separators=",." if language == "id" else ".,",
        hoverlabel={"bgcolor": "#ffffff", "bordercolor": LINE, "font": {"family": FONT, "size": 13, "color": INK}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        dragmode=False,
        colorway=[BRAND, "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00"],
    )
    figure.update_xaxes(gridcolor=LINE, linecolor="#c9bba3", zeroline=False, automargin=True, ticks="outside")
    figure.update_yaxes(gridcolor=LINE, linecolor="#c9bba3", zeroline=False, automargin=True)
    figure.update_layout(**layout)
    return figure


def date_ticks(texts: Texts) -> list[dict[str, Any]]:
    """Tick texts of a time axis as the language writes times (10.30, 22 Nov)."""
    clock = "%H.%M" if texts.language == "id" else "%H:%M"
    return [
        {"dtickrange": [None, 60_000], "value": f"{clock}:%S"},
        {"dtickrange": [60_000, 43_200_000], "value": f"{clock}\n%-d %b %Y"},
        {"dtickrange": [43_200_000, 604_800_000], "value": "%-d %b\n%Y"},
        {"dtickrange": [604_800_000, "M1"], "value": "%-d %b\n%Y"},
        {"dtickrange": ["M1", None], "value": "%b\n%Y"},
    ]


def note(text: str) -> dict[str, Any]:
    """An annotation in the middle of a figure that has nothing to show."""
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"size": 15, "color": SOFT},
    }
