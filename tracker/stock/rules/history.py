"""Balances over time: what late events do to what is already written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

Position = tuple[datetime, int, int]  # occurred_at, ordinal, number


@dataclass(frozen=True, slots=True)
class Move:
    """Vials to (+) or from (−) one account at one position in time."""

    at: Position
    vials: int


def balance_at(now: int, later: Iterable[Move]) -> int:
    """The balance before `later` moves, when it is `now` after all of them."""
    return now - sum(move.vials for move in later)


def first_negative(before: int, moves: Sequence[Move]) -> datetime | None:
    """The first instant at which the running balance is below zero; None when it never is.

    `before` is the balance before the first move. Moves may come in any order. Those of one instant are
    taken together: an instant is the finest thing that can be asked about.
    """
    balance = before
    ordered = sorted(moves, key=lambda move: move.at)
    for index, move in enumerate(ordered):
        balance += move.vials
        last_of_instant = index + 1 == len(ordered) or ordered[index + 1].at[0] != move.at[0]
        if last_of_instant and balance < 0:
            return move.at[0]
    return None


def lost_and_found(difference: int) -> tuple[int, int]:
    """How the difference of a count (counted − what the ledger says) stands against (lost, found), signed as entries are.

    Fewer vials than the ledger says are lost (+), more are found (−): the three sum to zero.
    """
    return (-difference, 0) if difference < 0 else (0, -difference)


def amended(difference: int, change: int) -> tuple[int, int]:
    """What to add to (lost, found) when a late event moves a count's difference by `change`.

    Together with what stands there already the result is as if the late event had been known: a
    shortage explained later leaves `lost`, and no vial is both lost and found.
    """
    before, after = lost_and_found(difference), lost_and_found(difference + change)
    return after[0] - before[0], after[1] - before[1]
