"""The temperature curve: readings, limits, breaches, and the hours nobody knows about."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dashboard.frame.texts import Texts
from dashboard.frame.theme import BRAND, COLD, HOT, INK, SAFE, UNKNOWN, date_ticks, note, styled

MOST_POINTS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveParts:
    """What a curve is drawn from. All instants are naive local times of the place.

    readings: columns `at`, `low`, `value`, `high` (°C; low and high equal value where nothing was merged),
    ordered by `at`. gaps: `start`, `end`, stretches without knowledge. episodes: `start`, `end`, `side`
    ("hot" or "cold"), `label`. low_c and high_c: the range of safety of the place, °C. zone: WIB, WITA, WIT.
    """

    readings: pd.DataFrame
    gaps: pd.DataFrame
    episodes: pd.DataFrame
    low_c: float | None
    high_c: float | None
    zone: str


def thinned(readings: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most `most` points; of merged neighbours the extremes are kept, so no peak is lost.

    Takes and gives `at`, `low`, `value`, `high`.
    """
    if len(readings) <= most:
        return readings
    group = pd.Series(range(len(readings)), index=readings.index) * most // len(readings)
    merged = readings.groupby(group.to_numpy())
    return pd.DataFrame(
        {
            "at": merged["at"].first(),
            "low": merged["low"].min(),
            "value": merged["value"].mean(),
            "high": merged["high"].max(),
        }
    ).reset_index(drop=True)


def temperature_figure(parts: CurveParts, texts: Texts) -> go.Figure:
    """The curve; without readings an honest empty frame."""
    figure = go.Figure()
    readings = thinned(parts.readings)
    if readings.empty:
        styled(figure, language=texts.language, annotations=[note(texts.gettext("Belum ada pembacaan suhu"))])
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return figure
    _bands(figure, parts, texts)
    _curve(figure, _broken_at(readings, parts.gaps), texts)
    styled(
        figure,
        language=texts.language,
        showlegend=True,
        hovermode="x unified",
        margin={"l": 52, "r": 14, "t": 34, "b": 44},
    )
    figure.update_xaxes(title={"text": parts.zone, "standoff": 8}, type="date", tickformatstops=date_ticks(texts))
    figure.update_yaxes(title={"text": "°C"}, range=span_of(readings, parts))
    return figure


def _broken_at(readings: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """The readings with an empty point in every gap, so that no line is drawn through the unknown."""
    if gaps.empty:
        return readings
    holes = pd.DataFrame({"at": gaps["start"], "low": float("nan"), "value": float("nan"), "high": float("nan")})
    return pd.concat([readings, holes], ignore_index=True).sort_values("at", kind="stable").reset_index(drop=True)


def _curve(figure: go.Figure, readings: pd.DataFrame, texts: Texts) -> None:
    if bool((readings["high"] - readings["low"]).gt(0.05).any()):
        for column, name in (("high", texts.gettext("Tertinggi")), ("low", texts.gettext("Terendah"))):
            figure.add_scatter(
                x=readings["at"],
                y=readings[column].round(2),
                name=name,
                mode="lines",
                line={"color": "rgba(11,79,85,0.45)", "width": 1},
                showlegend=False,
                connectgaps=False,
            )
    figure.add_scatter(
        x=readings["at"],
        y=readings["value"].round(2),
        name=texts.gettext("Suhu"),
        mode="lines",
        line={"color": BRAND, "width": 2},
        connectgaps=False,
        hovertemplate="%{y:.1f} °C<extra></extra>",
    )


def _bands(figure: go.Figure, parts: CurveParts, texts: Texts) -> None:
    """Safe range, limits, breaches and gaps; each is in the legend once, so none rests on colour alone."""
    if parts.low_c is not None and parts.high_c is not None:
        figure.add_hrect(y0=parts.low_c, y1=parts.high_c, fillcolor=SAFE, line_width=0, layer="below")
    for value, colour, dash in ((parts.high_c, HOT, "dash"), (parts.low_c, COLD, "dot")):
        if value is not None:
            figure.add_hline(
                y=value,
                line={"color": colour, "width": 1.5, "dash": dash},
                annotation={"text": f"{texts.number(value, 1)} °C", "font": {"color": colour, "size": 12}},
                annotation_position="top left" if value == parts.high_c else "bottom left",
            )
    for gap in parts.gaps.itertuples():
        figure.add_vrect(x0=gap.start, x1=gap.end, fillcolor=UNKNOWN, line_width=0, layer="below")
    if not parts.gaps.empty:
        _legend(figure, texts.gettext("Tanpa data"), "rgba(120,115,105,0.45)")
    for row, episode in zip(_rows(parts.episodes), parts.episodes.itertuples(), strict=True):
        colour = HOT if episode.side == "hot" else COLD
        figure.add_vrect(
            x0=episode.start,
            x1=episode.end,
            fillcolor=colour,
            opacity=0.12,
            line={"color": colour, "width": 1},
            layer="below",
            annotation={"text": episode.label, "font": {"color": INK, "size": 12}, "yshift": -18 * row},
            annotation_position="top left",
        )
    for side, name, colour in (
        ("hot", texts.gettext("Terlalu panas"), HOT),
        ("cold", texts.gettext("Terlalu dingin"), COLD),
    ):
        if not parts.episodes.empty and bool((parts.episodes["side"] == side).any()):
            _legend(figure, name, colour)


def _rows(episodes: pd.DataFrame) -> list[int]:
    """A row for each episode's label, so that overlapping ones do not write over each other."""
    ends: list[pd.Timestamp] = []
    rows = []
    for start, end in zip(episodes["start"], episodes["end"], strict=True):
        free = next((row for row, taken_until in enumerate(ends) if taken_until <= start), len(ends))
        ends[free : free + 1] = [end]
        rows.append(free)
    return rows


def _legend(figure: go.Figure, name: str, colour: str) -> None:
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name=name, marker={"color": colour, "symbol": "square", "size": 12}
    )


def span_of(readings: pd.DataFrame, parts: CurveParts) -> list[float]:
    """The vertical range: all readings and the limits, with a little air."""
    lows = [readings["low"].min(), *([parts.low_c] if parts.low_c is not None else [])]
    highs = [readings["high"].max(), *([parts.high_c] if parts.high_c is not None else [])]
    low, high = float(min(lows)), float(max(highs))
    air = max(1.0, (high - low) * 0.08)
    return [round(low - air, 2), round(high + air, 2)]
