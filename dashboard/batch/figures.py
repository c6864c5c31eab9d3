"""Where the vials of a batch went, as a flow."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.frame.texts import Texts
from dashboard.frame.theme import note, styled

_NODE_COLOURS = {
    "source": "#0b4f55",
    "place": "#009e73",
    "transit": "#56b4e9",
    "used": "#0072b2",
    "wasted": "#d55e00",
    "held": "#e69f00",
}


def sankey_figure(flows: pd.DataFrame, nodes: pd.DataFrame, texts: Texts) -> go.Figure:
    """The flow of vials between holders.

    flows: `source`, `target` (keys of nodes), `vials` > 0, no flow from a node to itself. nodes: `key`, `name`,
    `kind` (source, place, transit, used, wasted, held), `href` (a path of ours, or empty).
    """
    figure = go.Figure()
    if flows.empty:
        styled(figure, language=texts.language, annotations=[note(texts.gettext("Belum ada pergerakan"))])
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return figure
    index = {key: position for position, key in enumerate(nodes["key"])}
    unit = texts.gettext("vial")
    figure.add_sankey(
        arrangement="snap",
        node={
            "label": nodes["name"].tolist(),
            "color": [_NODE_COLOURS.get(kind, "#8b8f8c") for kind in nodes["kind"]],
            "customdata": nodes["href"].tolist(),
            "pad": 18,
            "thickness": 16,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value:,d} " + unit + "<extra></extra>",
        },
        link={
            "source": [index[key] for key in flows["source"]],
            "target": [index[key] for key in flows["target"]],
            "value": flows["vials"].tolist(),
            "color": "rgba(11,79,85,0.20)",
            "hovertemplate": "%{source.label} → %{target.label}: %{value:,d} " + unit + "<extra></extra>",
        },
    )
    # A line of letters for each node of the fullest column: less, and labels write over one another.
    fullest = int(max(flows["source"].nunique(), flows["target"].nunique()))
    return styled(
        figure,
        language=texts.language,
        margin={"l": 8, "r": 8, "t": 16, "b": 16},
        height=max(360, 80 + 30 * fullest),
    )
