"""What a receipt says against what is on the road. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from tracker.stock.rules.words import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Vials of one batch in a shipment, from both ends. `sent` = accepted + rejected + missing + still on the road."""

    batch_id: UUID
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def on_road(self) -> int:
        """Sent and not yet accounted for."""
        return self.sent - self.accepted - self.rejected - self.missing

    @property
    def differs(self) -> bool:
        """Whether the receiver found other than was sent."""
        return bool(self.rejected or self.missing or self.surplus)


def parts(vials: int, on_road: Mapping[Status, int]) -> list[tuple[Status, int]]:
    """From which statuses on the road `vials` are taken: usable first, then as they come. Raises ValueError."""
    found = []
    for status in Status:
        taken = min(vials, on_road.get(status, 0))
        if taken:
            found.append((status, taken))
            vials -= taken
    if vials:
        raise ValueError("more vials than are on the road")
    return found


def sums_of(sent: Iterable[tuple[UUID, int]], received: Iterable[tuple[UUID, int, int, int, int]]) -> dict[UUID, Sums]:
    """Per batch: `sent` as (batch, vials), `received` as (batch, accepted, rejected, missing, surplus)."""
    totals: dict[UUID, list[int]] = {}
    for batch_id, vials in sent:
        totals.setdefault(batch_id, [0, 0, 0, 0, 0])[0] += vials
    for batch_id, *counts in received:
        row = totals.setdefault(batch_id, [0, 0, 0, 0, 0])
        for index, count in enumerate(counts, start=1):
            row[index] += count
    return {
        batch_id: Sums(batch_id=batch_id, sent=row[0], accepted=row[1], rejected=row[2], missing=row[3], surplus=row[4])
        for batch_id, row in totals.items()
    }
