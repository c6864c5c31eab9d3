"""Wire shapes of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.edge.values import Day, Flag, Instant
from tracker.shipments.rules.words import Difference, OtherLot, ShipmentKind, ShipmentState
from tracker.stock.rules.use import Skip
from tracker.stock.rules.words import Status
from tracker.stock.schemas import Scanned, Vials, Words


class WantedIn(BaseModel):
    """Vials of a product (id, code, GTIN or NIE)."""

    model_config = ConfigDict(extra="forbid")

    product: Words
    vials: Vials


class ShipmentIn(BaseModel):
    """An order (made by the receiver), a direct shipment (made by the sender), or a `return` of the sender's, back up the
    tree, which may also carry what must not be used. Facilities by id or code.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: UUID
    from_: Words = Field(alias="from")
    to: Words
    kind: Literal[ShipmentKind.ORDER, ShipmentKind.DIRECT, ShipmentKind.RETURN] | None = None
    lines: Annotated[list[WantedIn], Field(min_length=1, max_length=200)]
    reference: Words | None = None
    expected_at: Instant | None = None


LineNumber = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,2})$")]


class ApproveIn(BaseModel):
    """Approved vials by line of the order (from 0); lines not named are approved as asked."""

    model_config = ConfigDict(extra="forbid")

    vials: dict[LineNumber, Vials] | None = None

    def by_line(self) -> dict[int, int] | None:
        """Vials by line; each line is written in one way only, so that none is named twice."""
        return None if self.vials is None else {int(line): vials for line, vials in self.vials.items()}


class ApprovalBackIn(BaseModel):
    """Why the approval is taken back, and what had been approved, by line: where other numbers are approved since, they stand."""

    model_config = ConfigDict(extra="forbid")

    vials: dict[LineNumber, Vials]
    reason: Words

    def by_line(self) -> dict[int, int]:
        """Vials by line."""
        return {int(line): vials for line, vials in self.vials.items()}


class CancelIn(BaseModel):
    """Why it is given up, for the other end to read."""

    model_config = ConfigDict(extra="forbid")

    reason: Words | None = None


class PackLineIn(BaseModel):
    """Vials of a batch from a place; other than usable ones travel as a return only.

    `reason`: why they go though vials of another lot, or in another place, must go first; `other` needs a `note`.
    """

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    place: Words
    status: Status = Status.USABLE
    vials: Vials
    reason: OtherLot | None = None
    note: Words | None = None


class BoxIn(BaseModel):
    """A box: without `sscc` one is made; without `lines` it is filled first expiry, first out. `id`: made by whoever packs,
    to name it before the house has answered.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    seal: Words | None = None
    logger: Words | None = None
    lines: Annotated[list[PackLineIn], Field(max_length=200)] = Field(default_factory=list)


class PackIn(BaseModel):
    """The boxes; none at all means one box, filled first expiry, first out."""

    model_config = ConfigDict(extra="forbid")

    boxes: Annotated[list[BoxIn], Field(max_length=200)] = Field(default_factory=list)


class DispatchIn(BaseModel):
    """When it left (now when not given), and when it should arrive. `box`: one of those that left; refused where others were packed since."""

    model_config = ConfigDict(extra="forbid")

    box: UUID | None = None
    occurred_at: Instant | None = None
    expected_at: Instant | None = None


class ReceiptLineIn(BaseModel):
    """What became of vials of one batch. `reason` is needed with rejected, missing or surplus vials.

    Another lot than was sent: the sent one is `missing`, the one that came `surplus`, both with `wrong_lot`.
    """

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    place: Words | None = None
    accepted: Vials = 0
    rejected: Vials = 0
    missing: Vials = 0
    surplus: Vials = 0
    reason: Difference | None = None
    note: Words | None = None
    vvm_stage: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None


class ReceiptIn(BaseModel):
    """One part of what arrived; `final`: nothing more will come, the rest is missing. `loggers`: numbers of the temperature
    loggers found in the boxes.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    occurred_at: Instant
    lines: Annotated[list[ReceiptLineIn], Field(max_length=200)]
    final: Flag = False
    loggers: Annotated[list[Words], Field(max_length=50)] = Field(default_factory=list)


class ReceiptReversalIn(BaseModel):
    """A receipt did not happen; `id` is made by whoever takes it back."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    receipt: UUID
    reason: Words


class UnpackIn(BaseModel):
    """Why the boxes are emptied again. `box`: one of those that are meant; where others were packed since, they stay."""

    model_config = ConfigDict(extra="forbid")

    box: UUID
    reason: Words


class CameIn(BaseModel):
    """Vials of a batch that came, and where they lie. `batch`: id, lot or PRODUCT/LOT; `expiry` as it was read beside it."""

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    expiry: Day | None = None
    vials: Vials
    place: Words
    vvm_stage: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None


class DeliveryIn(BaseModel):
    """What came without having been announced, by the word of its receiver (`to`). Facilities by id or code."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: UUID
    from_: Words = Field(alias="from")
    to: Words
    arrived_at: Instant
    lines: Annotated[list[CameIn], Field(min_length=1, max_length=200)]
    reference: Words | None = None


class LeftLineIn(BaseModel):
    """Vials of a batch that left a place of the sender."""

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    place: Words
    vials: Vials


class ConfirmIn(BaseModel):
    """From which places it left; without lines from where the lots lay by the books, the most first. `left_at`: as it
    arrived, unless somebody knows.
    """

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[LeftLineIn], Field(max_length=200)] = Field(default_factory=list)
    left_at: Instant | None = None


class DisputeIn(BaseModel):
    """Why the sender says that it did not send this."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class ShipmentLineOut(BaseModel):
    """What was ordered, and how much of it approved."""

    product: str
    vials: int
    approved: int | None


class PackedLineOut(BaseModel):
    """Vials of a batch in a box; `instead_of` is the lot whose turn it was, and `reason` why these went first."""

    batch_id: UUID
    lot: str
    product: str
    place: str
    status: Status
    vials: int
    reason: OtherLot | None
    note: str | None
    instead_of: str | None


class BoxOut(BaseModel):
    """A box and what is in it."""

    id: UUID
    sscc: str
    seal: str | None
    logger: str | None
    lines: list[PackedLineOut]


class ReceiptLineOut(BaseModel):
    """What the receiver found of one batch; `recovered` of these had been written off as missing."""

    batch_id: UUID
    lot: str
    product: str
    place: str | None
    accepted: int
    rejected: int
    missing: int
    surplus: int
    recovered: int
    reason: Difference | None
    note: str | None
    vvm_stage: int | None


class LoggerOut(BaseModel):
    """A temperature logger found in a box. `on_note`: this shipment was sent with it. `elsewhere`: another one that was under way
    then, `of_shipment` where the caller sees that one.
    """

    number: str
    on_note: bool
    elsewhere: bool
    of_shipment: str | None


class ReceiptOut(BaseModel):
    """One part of what arrived; `returned` at its sender. `taken_back`: it did not happen, and why. `said_at`: what a clock said that was before the departure."""

    id: UUID
    occurred_at: datetime
    said_at: datetime | None
    returned: bool
    recorded_at: datetime
    recorded_by: str
    final: bool
    taken_back: bool
    taken_back_because: str | None
    loggers: list[LoggerOut]
    lines: list[ReceiptLineOut]


class ToldLineOut(BaseModel):
    """Vials of one batch that came by the word of the receiver."""

    batch_id: UUID
    lot: str
    product: str
    place: str
    vials: int
    vvm_stage: int | None


class ToldOut(BaseModel):
    """What came without having been announced, as its receiver told it; and the sender's word against it, if there is one."""

    arrived_at: datetime
    disputed_at: datetime | None
    disputed_by: str | None
    dispute_reason: str | None
    lines: list[ToldLineOut]


class DifferenceOut(BaseModel):
    """Sent against arrived, of one batch; `recovered` were missing first and are not counted as missing any more."""

    batch_id: UUID
    lot: str
    product: str
    sent: int
    accepted: int
    rejected: int
    missing: int
    surplus: int
    returned: int
    recovered: int
    on_road: int
    differs: bool


class ShipmentOut(BaseModel):
    """A shipment in a listing; `late` when it should have arrived and has not."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    code: str
    kind: ShipmentKind
    state: ShipmentState
    from_: str = Field(alias="from")
    to: str
    lateral: bool
    late: bool
    reference: str | None
    created_at: datetime
    created_by: str
    approved_by: str | None
    expected_at: datetime | None
    packed_at: datetime | None
    dispatched_at: datetime | None
    received_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancel_reason: str | None


class ShipmentDetail(ShipmentOut):
    """A shipment with all that both sides did: ordered, or told by its receiver; packed, received, and what differs."""

    lines: list[ShipmentLineOut]
    told: ToldOut | None
    boxes: list[BoxOut]
    receipts: list[ReceiptOut]
    differences: list[DifferenceOut]


class ReceivedOut(ShipmentDetail):
    """The shipment after a receipt; `warnings` name lots that one could take for a received one (`looks_like …`)."""

    warnings: list[str]


class PassedOverOut(BaseModel):
    """Vials that were not picked, and why."""

    lot: str
    place: str
    vials: int
    reason: Skip


class PackedOut(ShipmentDetail):
    """The packed shipment; `not_found` is vials that could not be picked, by line of the order."""

    not_found: dict[int, int]
    skipped: list[PassedOverOut]
