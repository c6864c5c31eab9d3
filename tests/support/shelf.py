"""A puskesmas kept in the head: what lies where and what may be used, without a database and without the house's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

Spot = tuple[str, str]  # place, batch
Row = tuple[str, str, str]  # and the status of what lies there
STORES = "stores"


@dataclass
class Shelf:
    """Vials by place, batch and status; `expiry` and `product` by batch.

    `apart`: places that sessions take along. `needs` by pool (such a place, or STORES), product and day.
    """

    expiry: dict[str, date]
    product: Callable[[str], str]
    vials: Counter[Row] = field(default_factory=Counter)
    packed: Counter[Row] = field(default_factory=Counter)
    off: set[str] = field(default_factory=set)
    needs: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    apart: set[str] = field(default_factory=set)

    def at(self, spot: Spot, status: str = "usable") -> int:
        """Vials of a status at a spot."""
        return self.vials[(*spot, status)]

    def statuses(self, spot: Spot) -> list[str]:
        """The statuses of which something lies there."""
        return [status for (place, batch, status), n in self.vials.items() if (place, batch) == spot and n > 0]

    def move(self, spot: Spot, vials: int, status: str = "usable") -> None:
        """Vials came (+) or went (−)."""
        self.vials[(*spot, status)] += vials

    def change(self, spot: Spot, before: str, after: str, vials: int | None = None) -> None:
        """So many of one status there, or all, get another."""
        here = self.at(spot, before)
        self.carry((*spot, before), (*spot, after), here if vials is None else min(vials, here))

    def can_take(self, spot: Spot) -> int:
        """Vials somebody standing there today could use."""
        return 0 if spot[0] in self.off else self.free((*spot, "usable"))

    def free(self, row: Row) -> int:
        """Vials of a row that are set aside for nobody."""
        return max(0, self.vials[row] - self.packed[row])

    def lacks(self, row: Row) -> int:
        """Vials that were packed and are lost."""
        return max(0, self.packed[row] - self.vials[row])

    def carry(self, row: Row, to: Row, vials: int) -> None:
        """Vials are carried to another place, or get another status; those that were packed stay packed.

        Free ones go first, but of what becomes usable again the packed ones come first.
        """
        lacked = self.lacks(row)
        self.vials[row] -= vials
        self.vials[to] += vials
        freed = row[2] != "usable" and to[2] == "usable"
        along = min(self.packed[row], vials) if freed else self.lacks(row) - lacked
        self.packed[row] -= along
        self.packed[to] += along

    def spots(self, product: str, pool: str) -> set[Spot]:
        """Where a pool's vials of a product lie."""
        return {
            (place, batch)
            for place, batch, _ in self.vials
            if self.product(batch) == product and pool == (place if place in self.apart else STORES)
        }

    def useful(self, product: str, day: date, pool: str = STORES) -> int:
        """Vials of a product that could be used on a day, out of a pool."""
        return sum(self.can_take(spot) for spot in self.spots(product, pool) if self.expiry[spot[1]] >= day)

    def lacking(self, product: str, days: list[date]) -> list[int]:
        """Vials that the stores' promises from each of these days on lack."""
        return [
            max(
                0,
                sum(n for (p, of, on), n in self.needs.items() if (p, of) == (STORES, product) and on >= day)
                - self.useful(product, day),
            )
            for day in days
        ]

    def can_promise(self, product: str, day: date, today: date, pool: str = STORES) -> int | None:
        """How many vials more could be kept for a day, by giving each promise a vial of its own; None when some have none."""
        ends = [self.expiry[s[1]] for s in self.spots(product, pool) for _ in range(self.can_take(s))]
        needs = [
            on for (p, of, on), n in self.needs.items() if (p, of) == (pool, product) and on >= today for _ in range(n)
        ]
        if not _all_served(ends, needs):
            return None
        more = 0
        while _all_served(ends, [*needs, *[day] * (more + 1)]):
            more += 1
        return more


def _all_served(ends: list[date], days: list[date]) -> bool:
    """Whether each promise can have a vial of its own that lasts until its day (augmenting paths)."""
    given: dict[int, int] = {}

    def serve(promise: int, seen: set[int]) -> bool:
        for vial, end in enumerate(ends):
            if end >= days[promise] and vial not in seen:
                seen.add(vial)
                if vial not in given or serve(given[vial], seen):
                    given[vial] = promise
                    return True
        return False

    return all(serve(promise, set()) for promise in range(len(days)))
