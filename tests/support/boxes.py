"""What is packed, sent, packed again and unpacked at a puskesmas in which anything may happen; `house.py` does the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.shelf import Row, Shelf
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.shipments.models import PackedLine
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Pack, Wanted
from tracker.shipments.service.ordering import cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.rules.words import Status

# AZ001 may be used through the eighth day ahead; MR001 carries a monitor.
BATCHES = ("az-10/AZ001", "az-10/AZ003", "mr-10/MR001")
BOX = "pkm-cipondoh-b1"
PLACES = ("pkm-cipondoh-k1", "pkm-cipondoh-k2", BOX)


@dataclass(frozen=True, slots=True)
class Order:
    """A shipment as somebody asked for it to be packed: by first expiry, first out, or a line that is named."""

    shipment: UUID
    product: str
    vials: int
    line: Pack | None = None


class Boxes:
    """What is packed for shipments, in the house and on the shelf in the head."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world = db, world
        self.ledger = Ledger(db, world)
        expiry = {batch: world.batches[batch].expiry for batch in BATCHES}
        self.shelf = Shelf(expiry=expiry, product=lambda batch: batch.split("/", maxsplit=1)[0])
        self.packed: dict[UUID, Order] = {}

    @property
    def today(self) -> date:
        return self.ledger.today

    def place(self, code: str) -> Equipment:
        return self.world.equipment[code]

    def attempt(self, act: Callable[[], object]) -> str | None:
        """The code of the refusal; None when it was done."""
        attempt = self.db.begin_nested()
        try:
            act()
        except DomainError as error:
            attempt.rollback()
            return error.code
        attempt.commit()
        return None

    def pack(self, product: str, vials: int) -> None:
        order = self.order("pkm-tanah-tinggi", product, vials)
        could = self.shelf.useful(product, self.today)
        self.packs(order, min(vials, could))

    def pack_back(self, place: str, batch: str, status: str, vials: int) -> None:
        """What may not be used is packed for a return."""
        line = Pack(vials=vials, place=place, batch=batch, status=Status(status))
        order = self.order("kota-tangerang", batch.split("/", maxsplit=1)[0], vials, line)
        self.packs(order, vials if self.shelf.free((place, batch, status)) >= vials else 0)

    def order(self, to: str, product: str, vials: int, line: Pack | None = None) -> Order:
        command = CreateShipment(
            id=uuid7(),
            from_facility="pkm-cipondoh",
            to_facility=to,
            lines=(Wanted(product=product, vials=vials),),
            kind=ShipmentKind.RETURN if line is not None else None,
        )
        made = create_shipment(self.db, SYSTEM, command, now=self.world.now).shipment
        return Order(made.id, product, vials, line)

    def packs(self, order: Order, wanted: int, *, stands: bool = False) -> bool:
        """It is packed with as many vials as are wanted; or, where none can be had, refused.

        What `stands` was packed before: also from where nobody could take vials by now.
        """
        boxes = () if order.line is None else (Box(lines=(order.line,)),)
        refused = self.attempt(lambda: pack_shipment(self.db, SYSTEM, order.shipment, boxes, now=self.world.now))
        assert (refused is None) == (wanted > 0), refused
        if refused is not None:
            return False
        taken = Counter[Row]()
        for row, n in self.lines(order.shipment):
            taken[row] += n
        assert sum(taken.values()) == wanted
        for row, n in taken.items():
            could = self.shelf.free(row) if stands or order.line is not None else self.shelf.can_take(row[:2])
            assert n <= could
            self.shelf.packed[row] += n
        self.packed[order.shipment] = order
        return True

    def drawn(self, which: int) -> UUID | None:
        return list(self.packed)[which % len(self.packed)] if self.packed else None

    def repack(self, which: int) -> None:
        """Packing the same again changes nothing, but where something that was packed was lost, stopped or freed."""
        shipment = self.drawn(which)
        if shipment is None:
            return
        order, packed, lines = self.packed[shipment], self.shelf.packed.copy(), self.lines(shipment)
        stands = True
        for named, lies, n in self.where(lines):
            stands = stands and named[1:] == lies[1:] and not self.shelf.lacks(lies)
            self.shelf.packed[lies] -= n
        if stands:
            wanted = sum(n for _, n in lines)
        elif order.line is None:
            wanted = min(order.vials, self.shelf.useful(order.product, self.today))
        else:
            free = self.shelf.free((order.line.place, str(order.line.batch), order.line.status.value))
            wanted = order.vials if free >= order.vials else 0
        if not self.packs(order, wanted, stands=stands):
            self.shelf.packed = packed
        elif stands:
            assert self.lines(shipment) == lines

    def unpack(self, which: int) -> None:
        shipment = self.drawn(which)
        if shipment is not None:
            del self.packed[shipment]
            lines = self.lines(shipment)
            cancel_shipment(self.db, SYSTEM, shipment, now=self.world.now)
            for _, lies, n in self.where(lines):
                self.shelf.packed[lies] -= n

    def dispatch(self, which: int) -> None:
        """They leave from where they lie by now; not when something of them was lost, or is not any more what it was."""
        shipment = self.drawn(which)
        if shipment is None:
            return
        lying = self.where(self.lines(shipment))
        leaving = Counter[Row]()
        for named, lies, n in lying:
            leaving[lies[0], *named[1:]] += n
        refused = self.attempt(
            lambda: dispatch_shipment(self.db, SYSTEM, shipment, occurred_at=self.world.now, now=self.world.now)
        )
        could = all(self.shelf.vials[row] >= n for row, n in leaving.items())
        assert (refused is None) == (could and all(named[2] == lies[2] for named, lies, _ in lying)), refused
        if refused is None:
            del self.packed[shipment]
            for _, lies, n in lying:
                self.shelf.packed[lies] -= n
                self.shelf.vials[lies] -= n

    def where(self, lines: list[tuple[Row, int]]) -> list[tuple[Row, Row, int]]:
        """Where the vials of a shipment lie by now, and as what: as they were packed, else wherever packed ones of the batch are."""
        found: list[tuple[Row, Row, int]] = []
        left = self.shelf.packed.copy()

        def take(named: Row, lies: Row, vials: int) -> int:
            taken = min(vials, left[lies])
            left[lies] -= taken
            found.append((named, lies, taken))
            return vials - taken

        lacking = [(named, take(named, named, n)) for named, n in lines]
        for named, n in lacking:
            missing = n
            here = [row for row in left if row[1] == named[1]]
            for row in sorted(here, key=lambda one: (one[2] != named[2], str(self.place(one[0]).id), one[2])):
                missing = take(named, row, missing)
            assert missing == 0, "packed, and nowhere any more"
        return [one for one in found if one[2]]

    def lines(self, shipment: UUID) -> list[tuple[Row, int]]:
        """What was packed for a shipment."""
        rows = self.db.scalars(select(PackedLine).where(PackedLine.shipment_id == shipment).order_by(PackedLine.seq))
        return [(self.row(line.place_id, line.batch_id, line.status), line.vials) for line in rows]

    def row(self, place_id: UUID, batch_id: UUID, status: Status) -> Row:
        codes = {self.place(code).id: code for code in PLACES}
        names = {self.world.batches[batch].id: batch for batch in BATCHES}
        return codes[place_id], names[batch_id], status.value
