"""From the ledger's entries of one batch to the flows of a Sankey. Pure."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

# The outer world and open vials are one node each, whoever they belong to; places are told by facility.
WORLD = {
    "supplier": "source",
    "transit": "transit",
    "open": "used",
    "used": "used",
    "wasted": "wasted",
    "lost": "wasted",
    "found": "source",
    "destroyed": "wasted",
}


def node_of(account: str, facility_code: str) -> str:
    """The node an entry belongs to: a facility's code, or the account of the outer world."""
    return f"@{facility_code}" if account == "place" else ("used" if account == "open" else account)


def flows_of(entries: pd.DataFrame) -> pd.DataFrame:
    """`source`, `target`, `vials` > 0 between nodes, there and back netted.

    entries: `event`, `account`, `facility_code`, `vials` (signed), whole events or what is visible of them. Within
    an event what leaves is matched with what arrives, in order; a side that is not visible is node "unseen".
    """
    changes: dict[object, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    # Row by row: a batch has thousands of small events, and a frame for each of them costs more than all else here.
    columns = (entries["event"], entries["account"], entries["facility_code"], entries["vials"])
    for event, account, code, vials in zip(*columns, strict=True):
        changes[event][node_of(account, code)] += int(vials)
    net: dict[tuple[str, str], int] = defaultdict(int)
    for change in changes.values():
        for source, target, vials in _matched(change):
            net[source, target] += vials
    rows = []
    for (source, target), vials in net.items():
        left = vials - net.get((target, source), 0)
        if left > 0:
            rows.append((source, target, left))
    return pd.DataFrame(rows, columns=["source", "target", "vials"])


def _matched(change: dict[str, int]) -> list[tuple[str, str, int]]:
    giving = {node: -vials for node, vials in change.items() if vials < 0}
    taking = {node: vials for node, vials in change.items() if vials > 0}
    balance = sum(taking.values()) - sum(giving.values())
    if balance > 0:
        giving["unseen"] = balance
    elif balance < 0:
        taking["unseen"] = -balance
    found = []
    while giving and taking:
        source, target = next(iter(giving)), next(iter(taking))
        vials = min(giving[source], taking[target])
        found.append((source, target, vials))
        for side, node in ((giving, source), (taking, target)):
            side[node] -= vials
            if side[node] == 0:
                del side[node]
    return found
