"""What recalled vials were before: by whose order they are stopped, and whether a hold had stopped them already. Pure.

Vials of a batch are told apart by place and status only. So where recalled ones of several origins lay together and some
went on, any of them may have gone, and any may have stayed: each number here is the most there can be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from tracker.stock.rules.words import Account, Kind, Status

Node = tuple[Account, UUID]


class Moved(NamedTuple):
    """One entry of the batch, and its event: in which order, what kind of event, by whose order."""

    at: tuple[datetime, int, int]
    kind: Kind
    cause: UUID | None
    node: Node
    status: Status
    vials: int


@dataclass(slots=True)
class Origin:
    """Recalled vials at one account: at most `others` are stopped by another order or by hand, `held` were on hold before."""

    vials: int = 0
    others: int = 0
    held: int = 0

    def bound(self) -> None:
        """No part is more than the whole."""
        self.others = max(0, min(self.others, self.vials))
        self.held = max(0, min(self.held, self.vials))

    @property
    def free(self) -> int:
        """Vials that nobody stops once the withdrawn recalls do not."""
        return max(0, self.vials - self.others)


def origins(moved: Iterable[Moved], withdrawn: Collection[UUID]) -> dict[Node, Origin]:
    """Where recalled vials are, by what stopped them, after all that happened."""
    found: dict[Node, Origin] = defaultdict(Origin)
    for _, group in groupby(sorted(moved, key=lambda one: one.at), key=lambda one: one.at):
        event = list(group)
        changes: dict[Node, int] = defaultdict(int)
        held: dict[Node, int] = defaultdict(int)
        for one in event:
            if one.status is Status.RECALLED:
                changes[one.node] += one.vials
            elif one.status is Status.HELD:
                held[one.node] -= one.vials
        if event[0].kind is Kind.STATUS:
            _stop_or_free(found, changes, held, ours=event[0].cause in withdrawn)
        else:
            _carry(found, changes)
    return found


def _stop_or_free(found: dict[Node, Origin], changes: dict[Node, int], held: dict[Node, int], *, ours: bool) -> None:
    for node, vials in changes.items():
        here = found[node]
        here.vials += vials
        here.held += held[node]
        here.others += 0 if ours else vials
        here.bound()


def _carry(found: dict[Node, Origin], changes: dict[Node, int]) -> None:
    left = {node: -vials for node, vials in changes.items() if vials < 0}
    others = sum(min(vials, found[node].others) for node, vials in left.items())
    held = sum(min(vials, found[node].held) for node, vials in left.items())
    for node, vials in changes.items():
        here = found[node]
        here.vials += vials
        if vials > 0:
            here.others += min(vials, others)
            here.held += min(vials, held)
        here.bound()
