"""Who holds what of a batch within a reach: the one rule that freezing, progress and closing go by.

What lies at a facility is that facility's. What is on the road belongs to a reach when either end lies in it, and its
sender acts for it; where only the receiver lies within the reach, the receiver does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.queries import at_or_below
from tracker.access.rules import within
from tracker.catalog.models import Batch
from tracker.database.types import any_of
from tracker.shipments.models import Shipment
from tracker.stock.models import StockBalance, StockEntry, StockStop
from tracker.stock.queries.tracing import Whereabouts, where_now
from tracker.stock.rules.words import Account
from tracker.stock.service.reading import Anchor, lock_anchors

MOST_AT_ONCE = 800
"""Facilities at which a recall stops vials, or gives them back, in one transaction: a second or two of their locks, less than
the lock time-out of who waits. So most recalls are done in one; what a wider one has more, the worker does part by part."""
# After so many looks in a row, each of which found vials moved since, what is locked is taken; the rest is swept up.
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Holding:
    """Vials at one account, and the facility that must act for them."""

    facility_id: UUID
    at: Whereabouts


@dataclass(frozen=True, slots=True)
class Done:
    """The vials of one part; `more`: other facilities wait for the next."""

    vials: int = 0
    more: bool = False


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
        path = self.paths[facility_id]
        return any(within(path, root) for root in self.roots)

    def actor(self, ends: Iterable[UUID]) -> UUID | None:
        """Who acts for vials between these ends (a place has one, a road its sender and its receiver); None: nobody here."""
        return next((end for end in ends if self.holds(end)), None)


def reach_over(db: Session, roots: Collection[str], facilities: Collection[UUID]) -> Reach:
    """The reach of these roots, ready to be asked about these facilities."""
    rows = db.execute(select(Unit.id, Unit.path).where(any_of(Unit.id, facilities)))
    return Reach(roots, {row.id: str(row.path) for row in rows})


def holdings(db: Session, roots: Collection[str], batch_id: UUID, *only: ColumnElement[bool]) -> list[Holding]:
    """Where vials of the batch are now within a reach, in every status: places, opened vials, the road; `only` those balances."""
    (found,) = holdings_of(db, [(roots, batch_id)], *only)
    return found


def holdings_of(
    db: Session, asked: Sequence[tuple[Collection[str], UUID]], *only: ColumnElement[bool]
) -> list[list[Holding]]:
    """The same of several reaches, each with its batch, in as many statements."""
    places = where_now(db, {batch_id for _, batch_id in asked}, *only)
    ends = ends_of(db, [each.holder_id for each in places if each.account is Account.TRANSIT])
    known = {each.facility_id for each in places if each.facility_id is not None}
    all_paths = reach_over(db, (), known | {end for pair in ends.values() for end in pair}).paths
    return [
        [
            Holding(who, each)
            for each in places
            if each.batch_id == batch_id
            for who in (reach.actor(ends[each.holder_id] if each.facility_id is None else (each.facility_id,)),)
            if who is not None
        ]
        for roots, batch_id in asked
        for reach in (Reach(roots, all_paths),)
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """What is done in one transaction: the pools it wants locked, `only` those of its balances, and whether there are others."""

    anchors: frozenset[Anchor]
    only: tuple[ColumnElement[bool], ...] = ()
    more: bool = False


def next_part(
    db: Session, roots: Collection[str], batch: Batch, *only: ColumnElement[bool], most: int, stopped: bool = True
) -> Part:
    """The first `most` facilities of a reach that have vials; not `stopped`: only where no recall that stands reaches.

    Of a nation's the other facilities are not read: each of many parts would read all that wait behind it. Where there are
    no others it is left open, so that what moves while the locks are waited for is found where it went.
    """
    seats = (
        select(Unit.id)
        .join(StockBalance, StockBalance.facility_id == Unit.id)
        .where(StockBalance.batch_id == batch.id, StockBalance.vials > 0, at_or_below(Unit.path, roots), *only)
    )
    standing = () if stopped else db.scalars(_standing(batch.id)).all()
    if standing:
        seats = seats.where(~at_or_below(Unit.path, standing))
    first = db.scalars(seats.distinct().order_by(Unit.id).limit(most + 1)).all()
    # Its sender acts for what is on the road: whole with what lies there.
    moving = holdings(db, roots, batch.id, *only, StockBalance.facility_id.is_(None))
    if not stopped and moving:
        moving = unstopped(db, batch.id, moving)
    facilities = sorted({*first, *(each.facility_id for each in moving)})
    chosen = set(facilities[:most])
    mine = [each for each in moving if each.facility_id in chosen]
    anchors = frozenset({(one, batch.presentation_id) for one in chosen} | anchors_of(mine, batch.presentation_id))
    if len(facilities) <= most:
        return Part(anchors)
    here = any_of(StockBalance.facility_id, chosen) | any_of(
        StockBalance.holder_id, {each.at.holder_id for each in mine}
    )
    return Part(anchors, (here,), more=True)


def _standing(batch_id: UUID) -> Select[str]:
    """The paths under which recalls of the batch stand."""
    orders = select(Unit.path).join(StockStop, StockStop.unit_id == Unit.id)
    return orders.where(StockStop.batch_id == batch_id, StockStop.until.is_(None))


def unstopped(db: Session, batch_id: UUID, found: Sequence[Holding]) -> list[Holding]:
    """Those that lie within the reach of no recall that stands; of what is on the road, neither end does."""
    roots = db.scalars(_standing(batch_id)).all()
    if not roots:
        return list(found)
    ends = ends_of(db, [held.at.holder_id for held in found if held.at.account is Account.TRANSIT])
    reach = reach_over(
        db, roots, {held.facility_id for held in found} | {end for pair in ends.values() for end in pair}
    )
    return [held for held in found if reach.actor(ends.get(held.at.holder_id, (held.facility_id,))) is None]


def locked_holdings(
    db: Session, roots: Collection[str], batch: Batch, part: Part, *only: ColumnElement[bool]
) -> list[Holding]:
    """The part's holdings with every pool locked that they lie in, so that what is found cannot move.

    All at once and in the house's order: facility by facility could meet a dispatch the other way round. What moved while
    the locks were waited for is looked for again; what still escapes is the sweep's.
    """
    locked: frozenset[Anchor] | set[Anchor] = part.anchors
    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        lock_anchors(db, locked)
        found = holdings(db, roots, batch.id, *only, *part.only)
        wanted = anchors_of(found, batch.presentation_id)
        if wanted <= locked:
            savepoint.commit()
            return found
        savepoint.rollback()
        locked = wanted
    lock_anchors(db, locked)
    return found


def touched_by(event_id: UUID, batch_id: UUID) -> ColumnElement[bool]:
    """True for balances of the accounts that a stock event touched."""
    accounts = select(StockEntry.holder_id).where(StockEntry.event_id == event_id, StockEntry.batch_id == batch_id)
    return StockBalance.holder_id.in_(accounts)


def anchors_of(found: Collection[Holding], presentation_id: UUID) -> set[Anchor]:
    """The pools that these lie in."""
    owners = {each.facility_id for each in found}
    owners |= {each.at.holder_id for each in found if each.at.account is Account.TRANSIT}
    return {(owner, presentation_id) for owner in owners}


def ends_of(db: Session, shipments: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Sender and receiver of each shipment."""
    rows = db.execute(
        select(Shipment.id, Shipment.from_facility_id, Shipment.to_facility_id).where(any_of(Shipment.id, shipments))
    )
    return {row.id: (row.from_facility_id, row.to_facility_id) for row in rows}
