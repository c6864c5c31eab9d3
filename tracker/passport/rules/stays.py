"""What a batch was exposed to along its road. Pure.

A *stay* is (account, holder, status) from balance zero to balance zero. Its exposure is what it carried in
plus what the place's channels measured meanwhile. Where parcels of one batch meet, additive losses and
extremes take the worst of each; MKT belongs to one stay and is never merged. Written off as missing is a stay, too: what
turns up has its road behind it, and a time of which nothing is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import numpy as np

from tracker.coldchain.rules.limits import Floats
from tracker.coldchain.rules.thermal import empty, merged
from tracker.stock.rules.words import ROAD, Account, Kind, Status


class Node(NamedTuple):
    """Where vials of the batch lie, and as what."""

    account: Account
    holder_id: UUID
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the batch in the ledger's order."""

    at: datetime
    event_id: UUID
    kind: Kind
    node: Node
    vials: int
    vvm_stage: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A row of the thermal aggregate (coldchain.rules.thermal), shape (1, 22), and seconds nobody measured.

    `origin_unknown`: some of the vials were found (surplus, a count); where they had been, nobody knows.
    """

    row: Floats = field(default_factory=empty)
    unmonitored_s: float = 0.0
    origin_unknown: bool = False

    def plus(self, later: Exposure) -> Exposure:
        """One after the other."""
        return Exposure(
            row=merged(self.row, later.row),
            unmonitored_s=self.unmonitored_s + later.unmonitored_s,
            origin_unknown=self.origin_unknown or later.origin_unknown,
        )

    def worst(self, other: Exposure) -> Exposure:
        """Side by side: the larger of each loss, the extremes of both."""
        row = np.maximum(self.row, other.row)
        row[:, -2] = np.minimum(self.row[:, -2], other.row[:, -2])
        return Exposure(
            row=row,
            unmonitored_s=max(self.unmonitored_s, other.unmonitored_s),
            origin_unknown=self.origin_unknown or other.origin_unknown,
        )


Measure = Callable[[Node, datetime, datetime], Exposure]
"""What the channels at a node's place measured in [from, to)."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """Vials of the batch at one node from `from_at` to `to_at` (None: still there)."""

    node: Node
    from_at: datetime
    to_at: datetime | None = None
    vials: int = 0
    """At most at once."""
    carried: Exposure = field(default_factory=Exposure)
    """With what the first parcel came; later parcels raise `total` only."""
    own: Exposure = field(default_factory=Exposure)
    total: Exposure = field(default_factory=Exposure)
    vvm_stage: int | None = None
    came_from: set[Node] = field(default_factory=set)
    _since: datetime | None = None


def road_to(entries: Sequence[Entry], wanted: Iterable[UUID]) -> set[Node]:
    """The nodes vials may have passed on their way to any of the `wanted` holders, these included.

    Followed backwards through the ledger, so that a passport measures no place its vials never saw.
    """
    holders = set(wanted)
    road: set[Node] = {entry.node for entry in entries if entry.node.holder_id in holders}
    events = [list(group) for _, group in groupby(entries, key=lambda entry: entry.event_id)]
    for event in reversed(events):
        if any(entry.vials > 0 and entry.node in road for entry in event):
            road |= {entry.node for entry in event if entry.vials < 0 and entry.node.account in ROAD}
    return road


def stays_of(entries: Sequence[Entry], road: set[Node], measure: Measure, now: datetime) -> list[Stay]:
    """The stays on `road`, in order of their beginning; `entries` in the ledger's order."""
    balance: dict[Node, int] = defaultdict(int)
    here: dict[Node, Stay] = {}
    done: list[Stay] = []
    for _, group in groupby(entries, key=lambda entry: entry.event_id):
        event = list(group)
        at = event[0].at
        # Once each: a receipt takes from one road what it accepts and what it misses.
        leaving = list(dict.fromkeys(entry.node for entry in event if entry.vials < 0 and entry.node in here))
        brought = [_exposure_until(here[node], measure, at) for node in leaving]
        if any(entry.node.account is Account.FOUND and entry.vials < 0 for entry in event):
            brought.append(Exposure(origin_unknown=True))
        for entry in event:
            if entry.node.account not in ROAD:
                continue
            balance[entry.node] += entry.vials
            if entry.vials > 0 and entry.node in road:
                _arrive(here, entry, balance[entry.node], brought, leaving, measure)
            if entry.vvm_stage is not None and entry.node in here:
                here[entry.node].vvm_stage = entry.vvm_stage
        for node in leaving:
            if balance[node] <= 0:
                stay = here.pop(node)
                stay.to_at = at
                done.append(stay)
    for stay in here.values():
        _exposure_until(stay, measure, now)
    return sorted([*done, *here.values()], key=lambda stay: (stay.from_at, stay.node.account, stay.node.holder_id))


def _exposure_until(stay: Stay, measure: Measure, at: datetime) -> Exposure:
    """Bring the stay's exposure up to `at`; returns what a parcel leaving now takes along."""
    since = stay._since or stay.from_at  # noqa: SLF001 - this module's own bookkeeping
    if at > since:
        seen = measure(stay.node, since, at)
        stay.own = stay.own.plus(seen)
        stay.total = stay.total.plus(seen)
        stay._since = at  # noqa: SLF001 - same
    return stay.total


def _arrive(
    here: dict[Node, Stay],
    entry: Entry,
    balance: int,
    brought: Sequence[Exposure],
    sources: Sequence[Node],
    measure: Measure,
) -> None:
    incoming = Exposure()
    for one in brought:
        incoming = incoming.worst(one)
    stay = here.get(entry.node)
    if stay is None:
        stay = Stay(node=entry.node, from_at=entry.at, carried=incoming, total=incoming)
        here[entry.node] = stay
    else:
        _exposure_until(stay, measure, entry.at)
        stay.total = stay.total.worst(incoming)
    stay.vials = max(stay.vials, balance)
    stay.came_from.update(node for node in sources if node != entry.node)
