"""Following vials of one batch from a place to wherever they may be now. Pure.

Vials of a batch cannot be told apart, so where some that were there met others, all of them count:
conservative, as a hold must be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from tracker.stock.rules.words import Account


class Holder(NamedTuple):
    """An account that has balances: equipment, shipment, or (opened vials) facility."""

    account: Account
    holder_id: UUID


@dataclass(frozen=True, slots=True)
class TracedEntry:
    """One entry of the batch at one holder; `event_id` ties the sides of an event together."""

    at: tuple[datetime, int, int]
    event_id: UUID
    holder: Holder
    vials: int


@dataclass(frozen=True, slots=True)
class Stay:
    """Vials of a batch lay somewhere from `first_at` to `last_at` (None: they still do), at most `vials` at once."""

    first_at: datetime
    last_at: datetime | None
    vials: int


def followed(entries: Iterable[TracedEntry], start: Holder, from_at: datetime, to_at: datetime | None) -> set[Holder]:
    """The holders that may have vials which were at `start` between `from_at` and `to_at` (None: still now).

    What lay there at `from_at` or came there until `to_at` is followed through every event; a holder whose
    balance comes to zero has passed everything on and is forgotten, except `start` before `to_at`.
    """
    balances: dict[Holder, int] = defaultdict(int)
    marked: set[Holder] = set()
    begun = False
    ordered = sorted(entries, key=lambda entry: entry.at)
    for _, group in groupby(ordered, key=lambda entry: (entry.at, entry.event_id)):
        event = list(group)
        at = event[0].at[0]
        if not begun and at > from_at:
            begun = True
            if balances[start] > 0:
                marked.add(start)
        lost = [entry.holder for entry in event if entry.vials < 0]
        gained = [entry.holder for entry in event if entry.vials > 0]
        for entry in event:
            balances[entry.holder] += entry.vials
        if begun or at >= from_at:
            if any(holder in marked for holder in lost):
                marked.update(gained)
            if start in gained and (to_at is None or at <= to_at):
                marked.add(start)
        marked -= {holder for holder in lost if balances[holder] <= 0}
    if not begun and balances[start] > 0:
        marked.add(start)
    return {holder for holder in marked if balances[holder] > 0}


def stays(entries: Sequence[TracedEntry], holder: Holder) -> list[Stay]:
    """The stays of a batch at a holder: from balance zero to balance zero."""
    found: list[Stay] = []
    balance, most = 0, 0
    first: datetime | None = None
    mine = sorted((entry for entry in entries if entry.holder == holder), key=lambda entry: entry.at)
    for at, group in groupby(mine, key=lambda entry: entry.at[0]):
        balance += sum(entry.vials for entry in group)
        most = max(most, balance)
        if balance > 0 and first is None:
            first, most = at, balance
        elif balance <= 0 and first is not None:
            found.append(Stay(first, at, most))
            first, most = None, 0
    if first is not None:
        found.append(Stay(first, None, most))
    return found
