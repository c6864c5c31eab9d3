"""What a receipt says against what is on the road and what was written off. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.stock.rules.words import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Vials of one batch in a shipment, from both ends.

    `sent` = accepted + rejected + missing + returned + still on the road. Of `missing`, what turned up later is taken
    off; `recovered` says how much that was.
    """

    batch_id: UUID
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    missing: int = 0
    surplus: int = 0
    returned: int = 0
    recovered: int = 0

    @property
    def on_road(self) -> int:
        """Sent and not yet accounted for."""
        return self.sent - self.accepted - self.rejected - self.missing - self.returned

    @property
    def differs(self) -> bool:
        """Whether the receiver found other than was sent."""
        return bool(self.rejected or self.missing or self.surplus or self.returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One line of a receipt, as it is summed; `returned`: the sender took it back."""

    batch_id: UUID
    accepted: int
    rejected: int
    missing: int
    surplus: int
    recovered: int
    returned: bool


# A phone's clock may be so much slow; a receipt told earlier than that before the departure is an error of somebody's.
SLOW_CLOCK = timedelta(minutes=15)


def arrival(said: datetime, sent_at: datetime | None) -> datetime:
    """When vials that were sent at `sent_at` arrived by the word of a clock that may be slow. Raises ValueError.

    Nothing arrives before it left: a clock that is a little slow is set to the departure.
    """
    if sent_at is None or said >= sent_at:
        return said
    if sent_at - said > SLOW_CLOCK:
        raise ValueError("arrived before it was sent")
    return sent_at


def parts(vials: int, on_road: Mapping[Status, int]) -> list[tuple[Status, int]]:
    """By which statuses up to `vials` are taken of those on the road: usable first, then as they come."""
    found = []
    for status in Status:
        taken = min(vials, on_road.get(status, 0))
        if taken > 0:
            found.append((status, taken))
            vials -= taken
    return found


def sums_of(sent: Iterable[tuple[UUID, int]], taken: Iterable[Taken]) -> dict[UUID, Sums]:
    """Per batch: `sent` as (batch, vials), and the lines of every receipt."""
    totals: dict[UUID, Counter[str]] = defaultdict(Counter)
    for batch_id, vials in sent:
        totals[batch_id]["sent"] += vials
    for line in taken:
        sums = totals[line.batch_id]
        if line.returned:
            sums["returned"] += line.accepted + line.rejected
        else:
            sums["accepted"] += line.accepted
            sums["rejected"] += line.rejected
        sums["missing"] += line.missing - line.recovered
        sums["surplus"] += line.surplus
        sums["recovered"] += line.recovered
    return {batch_id: Sums(batch_id=batch_id, **sums) for batch_id, sums in totals.items()}
