"""Which vials a packing takes: those that are named, then first expiry, first out; and what it passes over on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.shipments.errors import (
    EarlierFirst,
    MoreThanApproved,
    NotEnough,
    NothingToPack,
    OnlyReturned,
    ReasonUnsaid,
)
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import OtherLot, ShipmentKind
from tracker.shipments.service.commands import Box
from tracker.shipments.service.ordering import lines_of
from tracker.shipments.service.setting_aside import keys_of
from tracker.stock.queries.stock import parcels_at
from tracker.stock.rules.entries import Key
from tracker.stock.rules.fefo import Parcel, first_of, free, pick
from tracker.stock.rules.use import Skip
from tracker.stock.rules.words import Status
from tracker.stock.service.stopping import kept_by_hold


@dataclass(frozen=True, slots=True)
class Take:
    """Vials of a batch from a place into the box with this index.

    `reason` and `note` are what the packer said for taking them out of their turn, `instead_of` the batch whose turn it was.
    """

    box: int
    batch_id: UUID
    place_id: UUID
    vials: int
    status: Status = Status.USABLE
    reason: OtherLot | None = None
    note: str | None = None
    instead_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies at the sender as this shipment finds it (its own packed vials are free to it), on the day it is judged for."""

    parcels: Sequence[Parcel]
    products: Mapping[UUID, UUID]
    """The product of each batch that lies there."""
    day: date

    def parcel(self, take: Take) -> Parcel:
        """What these vials are taken from."""
        key = (take.place_id, take.batch_id, take.status)
        return next(p for p in self.parcels if (p.place_id, p.batch_id, p.status) == key)

    def of_product(self, presentation_id: UUID) -> list[Parcel]:
        """What lies there of one product."""
        return [p for p in self.parcels if self.products[p.batch_id] == presentation_id]

    def without(self, takes: Iterable[Take]) -> Shelf:
        """The same once these are taken."""
        return replace(self, parcels=with_packed(self.parcels, keys_of(takes), 1))


def shelf_of(db: Session, shipment: Shipment, mine: Counter[Key], *, now: datetime) -> Shelf:
    """The sender's shelf for the day the goods arrive; `mine`: what this shipment has packed already."""
    sender = db.get_one(Facility, shipment.from_facility_id)
    parcels = with_packed(parcels_at(db, shipment.from_facility_id), mine, -1)
    rows = db.execute(
        select(Batch.id, Batch.presentation_id).where(Batch.id.in_({parcel.batch_id for parcel in parcels}))
    )
    return Shelf(
        parcels=parcels,
        products={row.id: row.presentation_id for row in rows},
        day=local_day(max(now, shipment.expected_at or now), sender.timezone),
    )


def with_packed(parcels: Iterable[Parcel], packed: Counter[Key], sign: int) -> list[Parcel]:
    """The parcels with so many more (or fewer) of their vials set aside."""
    return [
        replace(parcel, packed=parcel.packed + sign * packed[Key(parcel.place_id, parcel.batch_id, parcel.status)])
        for parcel in parcels
    ]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is taken; vials that could not be found, by line of the order; what was passed over as not to be used, and why."""

    takes: tuple[Take, ...]
    missing: dict[int, int]
    skipped: tuple[tuple[Parcel, Skip], ...]


def choose(db: Session, shipment: Shipment, boxes: Sequence[Box], given: Sequence[Take], shelf: Shelf) -> Chosen:
    """What is named, then the rest of the order into the first box that is left open.

    Raises NotEnough, OnlyReturned, MoreThanApproved, EarlierFirst, ReasonUnsaid, NothingToPack.
    """
    _check_given(db, shipment, given, shelf)
    _check_approved(db, shipment, given, shelf)
    open_boxes = [index for index, box in enumerate(boxes) if not box.lines]
    chosen = Chosen(tuple(given), {}, ())
    if open_boxes:
        rest = by_expiry(db, shipment, shelf, given, box=open_boxes[0])
        if not given and not rest.takes:
            raise NothingToPack(
                shipment=shipment.code,
                skipped=[
                    {"lot": p.lot, "place": p.place, "vials": p.vials, "reason": why.value}
                    for p, why in rest.skipped[:50]
                ],
            )
        chosen = replace(rest, takes=(*given, *rest.takes))
    if shipment.kind is ShipmentKind.RETURN:  # what goes back is named by whoever sends it, not by expiry
        return chosen
    return replace(chosen, takes=tuple(_in_turn(shelf, chosen.takes)))


def _check_given(db: Session, shipment: Shipment, given: Sequence[Take], shelf: Shelf) -> None:
    """Raise NotEnough, OnlyReturned unless what is named may travel: what may be used, and on a return all that lies there.

    Raise ReasonUnsaid where a reason is left to a note that says nothing.
    """
    returns = shipment.kind is ShipmentKind.RETURN
    left = {
        Key(p.place_id, p.batch_id, p.status): p.vials - p.packed if returns else free(p, shelf.day)
        for p in shelf.parcels
    }
    for index, take in enumerate(given):
        if take.status is not Status.USABLE and not returns:
            raise OnlyReturned(line=index, field="status")
        if take.reason is OtherLot.OTHER and take.note is None:
            raise ReasonUnsaid(line=index, field="note")
        key = Key(take.place_id, take.batch_id, take.status)
        here = left.get(key, 0)
        if take.status is Status.HELD:
            # What a hold keeps waits for its decision; what was held by hand, or rejected, may go back.
            here -= kept_by_hold(db, shipment.from_facility_id, take.batch_id, take.status)
        if take.vials > here:
            raise NotEnough(line=index, field="vials", vials=take.vials, usable=max(here, 0))
        left[key] = left[key] - take.vials


def _check_approved(db: Session, shipment: Shipment, given: Sequence[Take], shelf: Shelf) -> None:
    """Raise MoreThanApproved, at the line that goes beyond, where more of a product is named than may be packed."""
    approved = Counter[UUID]()
    for line in lines_of(db, shipment.id):
        approved[line.presentation_id] += line.vials if line.approved is None else line.approved
    left = Counter(approved)
    for index, take in enumerate(given):
        product = shelf.products[take.batch_id]
        left[product] -= take.vials
        if left[product] < 0:
            raise MoreThanApproved(
                line=index,
                field="vials",
                lot=shelf.parcel(take).lot,
                most=approved[product],
                vials=approved[product] - left[product],
            )


def by_expiry(db: Session, shipment: Shipment, shelf: Shelf, given: Sequence[Take], *, box: int) -> Chosen:
    """What first expiry, first out takes beside what is named, until the order is filled."""
    already = Counter[UUID]()
    for take in given:
        already[shelf.products[take.batch_id]] += take.vials
    left = shelf.without(given)
    found: list[Take] = []
    missing: dict[int, int] = {}
    skipped: list[tuple[Parcel, Skip]] = []
    for line in lines_of(db, shipment.id):
        wanted = line.vials if line.approved is None else line.approved
        named = min(wanted, already[line.presentation_id])
        already[line.presentation_id] -= named
        chosen = pick(left.of_product(line.presentation_id), wanted - named, shelf.day)
        takes = [Take(box, one.parcel.batch_id, one.parcel.place_id, one.vials) for one in chosen.lines]
        found += takes
        skipped += [each for each in chosen.skipped if each not in skipped]
        if chosen.missing:
            missing[line.seq] = chosen.missing
        left = left.without(takes)
    return Chosen(tuple(found), missing, tuple(skipped))


def _in_turn(shelf: Shelf, takes: Sequence[Take]) -> Iterable[Take]:
    """The takes, each with the batch it is taken instead of; raises EarlierFirst where nobody says why."""
    for index, (take, first) in enumerate(zip(takes, passed_over(shelf, takes), strict=True)):
        if first is not None and take.reason is None:
            lot = shelf.parcel(take).lot
            raise EarlierFirst(line=index, field="reason", lot=lot, first=first.lot, place=first.place)
        yield replace(take, instead_of=None if first is None else first.batch_id)


def passed_over(shelf: Shelf, takes: Sequence[Take]) -> list[Parcel | None]:
    """For each take the parcel of its product whose turn comes first and of which vials are left; None where it is its own turn.

    Each take is of a parcel on the shelf.
    """
    left = shelf.without(takes)
    return [
        first_of(left.of_product(shelf.products[take.batch_id]), shelf.day, before=shelf.parcel(take)) for take in takes
    ]
