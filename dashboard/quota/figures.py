"""What limits each session: its staff, its vials, or neither."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.frame.texts import Texts
from dashboard.frame.theme import BRAND, note, styled


def quota_figure(frame: pd.DataFrame, texts: Texts) -> go.Figure:
    """Bars of one session each: capacity left, what the vials still bear, and what is offered.

    frame: one row a session, columns `session` (its label), `capacity_left`, `pool_available`, `available`
    (persons; `pool_available` may be shared with other sessions of the same pool).
    """
    figure = go.Figure()
    if frame.empty:
        styled(figure, language=texts.language, annotations=[note(texts.gettext("Belum ada sesi vaksinasi"))])
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return figure
    for column, name, colour, pattern in (
        ("capacity_left", texts.gettext("Sisa kapasitas petugas"), "#56b4e9", ""),
        ("pool_available", texts.gettext("Sisa yang ditanggung vial"), "#e69f00", "/"),
        ("available", texts.gettext("Dapat dipesan"), BRAND, ""),
    ):
        figure.add_bar(
            y=frame["session"],
            x=frame[column],
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern, "bgcolor": colour, "fgcolor": "#ffffff", "size": 6}},
            hovertemplate="%{x:,d}<extra>" + name + "</extra>",
        )
    styled(
        figure,
        language=texts.language,
        barmode="group",
        bargap=0.3,
        height=max(300, 120 + 64 * len(frame)),
        margin={"l": 12, "r": 16, "t": 34, "b": 44},
    )
    figure.update_yaxes(autorange="reversed", gridcolor="rgba(0,0,0,0)", ticklabelstandoff=6)
    figure.update_xaxes(title={"text": texts.gettext("orang")}, rangemode="tozero", tickformat=",d")
    return figure
