"""When a counted line may stand. Pure.

Who counts minutes apart sees shelves of different instants, so people are compared by their difference from the books as
these stood when each of them counted, never by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

COUNT_EVERY = timedelta(days=31)
"""A shelf is counted once a month."""
NEVER_COUNTED = datetime(1970, 1, 1, tzinfo=UTC)
LARGE_VIALS = 5
LARGE_ONE_IN = 20


def count_due(counted: Iterable[datetime | None]) -> datetime | None:
    """From when on a shelf is to be counted of whose lots it is told when each was counted last; None where none lies there."""
    return min((NEVER_COUNTED if at is None else at + COUNT_EVERY for at in counted), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one person found of a line: `vials` where the books had `expected` at that instant, and why it may differ."""

    tally_id: UUID
    seq: int
    account_id: UUID | None
    by: str
    at: datetime
    vials: int
    expected: int
    reason: str | None = None

    @property
    def difference(self) -> int:
        """Found less expected."""
        return self.vials - self.expected


class Verdict(StrEnum):
    """Whether a line may stand, and what it waits for."""

    AGREED = "agreed"
    SECOND = "second"  # a large difference that one person counted
    DISPUTED = "disputed"  # the newest count is nobody else's


def is_large(difference: int, expected: int) -> bool:
    """More than five vials and more than a twentieth of what the books had."""
    return abs(difference) > LARGE_VIALS and abs(difference) * LARGE_ONE_IN > expected


def newest(told: Sequence[Told]) -> Told:
    """The count that stands or falls: the last one; `told` is not empty."""
    return max(told, key=lambda one: (one.at, one.tally_id))


def verdict_of(told: Sequence[Told]) -> Verdict:
    """Of a line that somebody counted: people's newest counts, one each, against the newest of all."""
    last = newest(told)
    others = [
        newest([one for one in told if one.account_id == account])
        for account in {one.account_id for one in told if one.account_id != last.account_id}
    ]
    if any(one.difference == last.difference for one in others):
        return Verdict.AGREED
    if others:
        return Verdict.DISPUTED
    return Verdict.SECOND if is_large(last.difference, last.expected) else Verdict.AGREED
