"""Where the vials of a batch went, as a picture of the page itself: a list of bars for the hand, a river for the desk."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from dashboard.frame.frames import rows_of
from dashboard.frame.pictures import DESK, HAND, Sketch, cut_to, short, wide_of
from dashboard.frame.texts import Texts

MOST_ROWS = 16
MOST_HAND_ROWS = 10
"""Flows or nodes in a column drawn one by one; the smallest beyond are drawn as one."""
_NODE_WIDTH = 14.0
_GAP = 12.0
_OTHERS = "others"


def flow_picture(flows: pd.DataFrame, nodes: pd.DataFrame, texts: Texts, *, title: str) -> Markup:
    """flows: `source`, `target`, `vials` > 0; nodes: `key`, `name`, `kind`, as the interactive figure takes them."""
    names = dict(zip(nodes["key"], nodes["name"], strict=True))
    kinds = dict(zip(nodes["key"], nodes["kind"], strict=True))
    text = flow_text(flows, names, texts)
    if flows.empty:
        empty = (Sketch(canvas, 120, key="alur", title=title, text=text) for canvas in (HAND, DESK))
        return Markup().join(_nothing(sketch, texts) for sketch in empty)
    return (
        _list(flows, names, kinds, texts, title, text).markup()
        + _river(flows, names, kinds, texts, title, text).markup()
    )


def flow_text(flows: pd.DataFrame, names: dict[str, str], texts: Texts) -> str:
    """What the picture shows, in words."""
    if flows.empty:
        return texts.gettext("Belum ada pergerakan")
    largest = flows.sort_values("vials", ascending=False, kind="stable").head(MOST_ROWS)
    return " ".join(
        f"{names[row.source]} → {names[row.target]}: {texts.number(row.vials)} " + texts.gettext("vial") + "."
        for row in rows_of(largest)
    )


def _nothing(sketch: Sketch, texts: Texts) -> Markup:
    sketch.text(sketch.width / 2, 64, texts.gettext("Belum ada pergerakan"), "strong", "middle")
    return sketch.markup()


def _list(
    flows: pd.DataFrame, names: dict[str, str], kinds: dict[str, str], texts: Texts, title: str, text: str
) -> Sketch:
    """Under each giver its takers with bars: names and numbers never meet, however many there are."""
    shown = flows.sort_values("vials", ascending=False, kind="stable").head(MOST_HAND_ROWS)
    givers = list(dict.fromkeys(flows["source"][flows["source"].isin(shown["source"])]))
    rest = len(flows) - len(shown)
    height = 30.0 * len(shown) + 28.0 * len(givers) + (22 if rest else 0)
    sketch = Sketch(HAND, height, key="alur", title=title, text=text)
    most = float(shown["vials"].max())
    y = 0.0
    for giver in givers:
        sketch.rect(0, y + 6, 6, 14, f"node {kinds[giver]}")
        sketch.text(12, y + 18, cut_to(names[giver], HAND.width - 12, 13), "strong")
        y += 28
        for row in rows_of(shown[shown["source"] == giver]):
            number = texts.number(row.vials)
            sketch.text(12, y + 11, cut_to(f"→ {names[row.target]}", HAND.width - 24 - wide_of(number)), "")
            sketch.text(HAND.width, y + 11, number, "strong", "end")
            sketch.rect(12, y + 16, max(2.0, (HAND.width - 12) * row.vials / most), 6, f"node {kinds[row.target]}")
            y += 30
    if rest:
        words = texts.ngettext(
            "dan %(n)s aliran lebih kecil, lihat tabel", "and %(n)s smaller flows, see the table", rest
        )
        sketch.text(12, y + 14, words, "tick")
    return sketch


@dataclass(slots=True)
class _Node:
    name: str
    kind: str
    column: int
    taken: float = 0
    given: float = 0
    x: float = 0
    y: float = 0
    height: float = 0
    used_in: float = field(default=0)
    used_out: float = field(default=0)

    @property
    def vials(self) -> float:
        return max(self.taken, self.given)


def _river(
    flows: pd.DataFrame, names: dict[str, str], kinds: dict[str, str], texts: Texts, title: str, text: str
) -> Sketch:
    """Columns of nodes with bands between; each label has a line of its own."""
    flows, names, kinds = _gathered(flows, names, kinds, texts)
    nodes = _placed(flows, names, kinds)
    height = max(node.y + max(node.height, 16) for node in nodes.values()) + 12
    sketch = Sketch(DESK, height, key="alur", title=title, text=text)
    last = max(node.column for node in nodes.values())
    per_vial = _per_vial(nodes)
    for row in rows_of(flows.sort_values("vials", ascending=False, kind="stable")):
        _band(sketch, nodes[row.source], nodes[row.target], row.vials * per_vial)
    for node in nodes.values():
        sketch.rect(node.x, node.y, _NODE_WIDTH, max(2.0, node.height), f"node {node.kind}")
        words = cut_to(f"{node.name} · {texts.number(node.vials)}", 230, 13)
        right = node.column == last and last > 0
        x = node.x - 7 if right else node.x + _NODE_WIDTH + 7
        sketch.text(x, node.y + max(node.height, 2) / 2 + 5, words, "halo strong", "end" if right else None)
    return sketch


def _gathered(
    flows: pd.DataFrame, names: dict[str, str], kinds: dict[str, str], texts: Texts
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """Places beyond the largest as one node: forty labels on one screen are none."""
    size = flows.groupby("target")["vials"].sum()
    places = size[[key for key in size.index if kinds[key] == "place"]].sort_values(ascending=False, kind="stable")
    small = set(places.index[MOST_ROWS - 1 :])
    if len(small) < 2:
        return flows, names, kinds
    word = texts.ngettext("%(n)s tempat lain", "%(n)s other places", len(small))
    renamed = flows.assign(
        source=[_OTHERS if key in small else key for key in flows["source"]],
        target=[_OTHERS if key in small else key for key in flows["target"]],
    )
    renamed = renamed[renamed["source"] != renamed["target"]]
    summed = renamed.groupby(["source", "target"], sort=False)["vials"].sum().reset_index()
    return summed, {**names, _OTHERS: word}, {**kinds, _OTHERS: "place"}


def _placed(flows: pd.DataFrame, names: dict[str, str], kinds: dict[str, str]) -> dict[str, _Node]:
    columns = _columns(flows)
    nodes = {key: _Node(names[key], kinds[key], column) for key, column in columns.items()}
    for row in rows_of(flows):
        nodes[row.source].given += row.vials
        nodes[row.target].taken += row.vials
    last = max(columns.values())
    per_vial = _per_vial(nodes)
    for column in range(last + 1):
        y = 6.0
        mine = sorted((node for node in nodes.values() if node.column == column), key=lambda node: -node.vials)
        for node in mine:
            node.height = node.vials * per_vial
            node.x = column * (DESK.width - _NODE_WIDTH) / max(1, last)
            node.y = y
            y += max(node.height, 10) + _GAP
    return nodes


def _per_vial(nodes: dict[str, _Node]) -> float:
    """Units of height a vial: the fullest column takes some 260 units besides its gaps."""
    sums: dict[int, float] = {}
    for node in nodes.values():
        sums[node.column] = sums.get(node.column, 0) + node.vials
    return 260 / max(*sums.values(), 1)


def _columns(flows: pd.DataFrame) -> dict[str, int]:
    """How many steps each node lies from where vials came in; what goes round in circles stops after a few."""
    keys = dict.fromkeys([*flows["source"], *flows["target"]])
    columns = dict.fromkeys(keys, 0)
    pairs = list(zip(flows["source"], flows["target"], strict=True))
    for _ in range(min(len(keys), 6)):
        for source, target in pairs:
            columns[target] = max(columns[target], min(columns[source] + 1, 6))
    used = sorted(set(columns.values()))
    return {key: used.index(column) for key, column in columns.items()}


def _band(sketch: Sketch, source: _Node, target: _Node, thick: float) -> None:
    x1, x2 = source.x + _NODE_WIDTH, target.x
    y1, y2 = source.y + source.used_out, target.y + target.used_in
    source.used_out += thick
    target.used_in += thick
    middle = short((x1 + x2) / 2)
    down = f"M{short(x1)} {short(y1)}C{middle} {short(y1)} {middle} {short(y2)} {short(x2)} {short(y2)}"
    back = (
        f"L{short(x2)} {short(y2 + thick)}C{middle} {short(y2 + thick)} {middle} {short(y1 + thick)}"
        f" {short(x1)} {short(y1 + thick)}z"
    )
    sketch.add("path", d=down + back, cls="flow")
