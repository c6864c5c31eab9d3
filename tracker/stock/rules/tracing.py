"""What lay where, and when: the entries of one batch and its stays. Pure. (What of it is harmed: harmed.py.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from tracker.stock.rules.words import Account, Kind, Status


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
    status: Status = Status.USABLE
    kind: Kind = Kind.TRANSFER


@dataclass(frozen=True, slots=True)
class Stay:
    """Vials of a batch lay somewhere from `first_at` to `last_at` (None: they still do), at most `vials` at once."""

    first_at: datetime
    last_at: datetime | None
    vials: int


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
