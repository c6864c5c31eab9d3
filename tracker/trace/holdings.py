"""Who holds what of a batch within a reach: the one rule that freezing, progress and closing go by.

What lies at a facility is that facility's. What is on the road belongs to a reach when either end lies in it, and its
sender acts for it; where only the receiver lies within the reach, the receiver does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.rules import within
from tracker.shipments.models import Shipment
from tracker.stock.models import StockBalance, StockEntry
from tracker.stock.queries.tracing import Whereabouts, where_now
from tracker.stock.rules.words import Account
from tracker.stock.service.reading import Anchor, lock_anchors

# After so many looks in a row, each of which found vials moved since, what is locked is taken; the rest is swept up.
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Holding:
    """Vials at one account, and the facility that must act for them."""

    facility_id: UUID
    at: Whereabouts


def covers(wide: Collection[str], narrow: Collection[str]) -> bool:
    """Whether every path of `narrow` lies at or below one of `wide`."""
    return all(any(within(path, root) for root in wide) for path in narrow)


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of the tree in which a recall acts, with the paths of facilities it was asked about."""

    roots: Collection[str]
    paths: dict[UUID, str]

    def holds(self, facility_id: UUID) -> bool:
        """Whether a facility lies within."""
        return covers(self.roots, (self.paths[facility_id],))

    def actor(self, ends: Iterable[UUID]) -> UUID | None:
        """Who acts for vials between these ends (a place has one, a road its sender and its receiver); None: nobody here."""
        return next((end for end in ends if self.holds(end)), None)


def reach_over(db: Session, roots: Collection[str], facilities: Collection[UUID]) -> Reach:
    """The reach of these roots, ready to be asked about these facilities."""
    rows = db.execute(select(Unit.id, Unit.path).where(Unit.id.in_(list(facilities))))
    return Reach(roots, {row.id: str(row.path) for row in rows})


def holdings(db: Session, roots: Collection[str], batch_id: UUID, *only: ColumnElement[bool]) -> list[Holding]:
    """Where vials of the batch are now within a reach, in every status: places, opened vials, the road; `only` those balances."""
    places = where_now(db, batch_id, *only)
    ends = ends_of(db, [each.holder_id for each in places if each.account is Account.TRANSIT])
    known = {each.facility_id for each in places if each.facility_id is not None}
    reach = reach_over(db, roots, known | {end for pair in ends.values() for end in pair})
    found = []
    for each in places:
        who = reach.actor(ends[each.holder_id] if each.facility_id is None else (each.facility_id,))
        if who is not None:
            found.append(Holding(who, each))
    return found


def locked_holdings(
    db: Session, roots: Collection[str], batch_id: UUID, presentation_id: UUID, *only: ColumnElement[bool]
) -> list[Holding]:
    """The same with every pool locked that they lie in, so that what is found cannot move.

    All at once and in the house's order: facility by facility could meet a dispatch the other way round. What moved while
    the locks were waited for is looked for again; what still escapes is the sweep's.
    """
    found = holdings(db, roots, batch_id, *only)
    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        locked = _anchors(found, presentation_id)
        lock_anchors(db, locked)
        found = holdings(db, roots, batch_id, *only)
        if _anchors(found, presentation_id) <= locked:
            savepoint.commit()
            return found
        savepoint.rollback()
    lock_anchors(db, _anchors(found, presentation_id))
    return found


def touched_by(event_id: UUID, batch_id: UUID) -> ColumnElement[bool]:
    """True for balances of the accounts that a stock event touched."""
    accounts = select(StockEntry.holder_id).where(StockEntry.event_id == event_id, StockEntry.batch_id == batch_id)
    return StockBalance.holder_id.in_(accounts)


def _anchors(found: Collection[Holding], presentation_id: UUID) -> set[Anchor]:
    owners = {each.facility_id for each in found}
    owners |= {each.at.holder_id for each in found if each.at.account is Account.TRANSIT}
    return {(owner, presentation_id) for owner in owners}


def ends_of(db: Session, shipments: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Sender and receiver of each shipment."""
    rows = db.execute(
        select(Shipment.id, Shipment.from_facility_id, Shipment.to_facility_id).where(Shipment.id.in_(shipments))
    )
    return {row.id: (row.from_facility_id, row.to_facility_id) for row in rows}
