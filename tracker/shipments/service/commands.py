"""What can be asked of this room."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.shipments.rules.words import Difference, OtherLot, ShipmentKind
from tracker.stock.rules.words import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Vials of a product (id, code, GTIN or NIE)."""

    product: str
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateShipment:
    """An order or a direct shipment; facilities by id or code. `id` is made by whoever asks first."""

    id: UUID
    from_facility: str
    to_facility: str
    lines: tuple[Wanted, ...]
    kind: ShipmentKind | None = None
    reference: str | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Vials of a batch (barcode, id, lot or PRODUCT/LOT) from a place; other than usable ones only on a return.

    `reason` is why they go though it is another's turn; it is needed then, and `other` needs a `note`.
    """

    vials: int
    place: str
    barcode: str | None = None
    batch: str | None = None
    status: Status = Status.USABLE
    reason: OtherLot | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReceiptBack:
    """A receipt did not happen. `id` is the reversal's."""

    id: UUID
    receipt: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box; without `id` or `sscc` one is made, without lines it is filled first expiry, first out."""

    id: UUID | None = None
    sscc: str | None = None
    seal: str | None = None
    logger: str | None = None
    lines: tuple[Pack, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of vials of one batch."""

    barcode: str | None = None
    batch: str | None = None
    place: str | None = None
    accepted: int = 0
    rejected: int = 0
    missing: int = 0
    surplus: int = 0
    reason: Difference | None = None
    note: str | None = None
    vvm_stage: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveShipment:
    """One part of what arrived; `final` says nothing more will come, so the rest is missing.

    `returned`: it arrived where it had been sent from, because the truck turned round. `loggers`: the numbers found in the boxes.
    """

    id: UUID
    occurred_at: datetime
    lines: tuple[Received, ...]
    final: bool = False
    returned: bool = False
    loggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Vials of a batch (barcode, id, lot or PRODUCT/LOT) that came and lie in a place; `expiry` as it was read beside a typed lot."""

    vials: int
    place: str
    barcode: str | None = None
    batch: str | None = None
    expiry: date | None = None
    vvm_stage: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TellDelivery:
    """What came without having been announced; facilities by id or code. `id` is made by whoever tells."""

    id: UUID
    from_facility: str
    to_facility: str
    arrived_at: datetime
    lines: tuple[Came, ...]
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDelivery:
    """From which places of the sender it left, and when (as it arrived, unless somebody knows).

    Without lines: from where the books say that the lots lay, the most first.
    """

    lines: tuple[Pack, ...] = ()
    left_at: datetime | None = None


Command = CreateShipment | ReceiveShipment | TellDelivery | ConfirmDelivery


def digest(command: Command | tuple[Box, ...]) -> str:
    """Equal exactly for commands that say the same."""
    value = [_boxed(box) for box in command] if isinstance(command, tuple) else _told(command)
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _boxed(box: Box) -> dict[str, Any]:
    # As with returns below: what was packed before statuses and reasons could be named keeps its digest.
    value = asdict(box)
    for line in value["lines"]:
        if line["status"] is Status.USABLE:
            del line["status"]
        for name in ("reason", "note"):
            if line[name] is None:
                del line[name]
    return value


def _told(command: Command) -> dict[str, Any]:
    value = asdict(command)
    # Receipts of before there were returns and loggers keep their digest, so that their repeats stay repeats.
    return {name: told for name, told in value.items() if told or name not in ("returned", "loggers")}
