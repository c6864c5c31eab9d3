"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tracker.edge.values import Instant
from tracker.edge.words import Seen
from tracker.stock.rules.lines import NamedLine, goods_reference, place_reference
from tracker.stock.rules.use import Skip
from tracker.stock.rules.witnesses import Witness
from tracker.stock.rules.words import MOST_VIALS, Account, Kind, OpenWaste, Status

# PostgreSQL's text cannot hold NUL; the other control characters have no business in names either.
Words = Annotated[str, Seen, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
# A scanner's text may carry the group separator 0x1D; the catalogue judges the rest.
Scanned = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00]+$")]
Vials = Annotated[
    int, Field(strict=True, ge=-(2**31), lt=2**31, description="Whole vials; the ledger says which are too few.")
]


class LineIn(BaseModel):
    """Vials of one batch: by `barcode` (as scanned), or by `batch` (id, lot, or PRODUCT/LOT). Places by id or code.

    Without `status` usable vials are meant; a count without one is of the shelf, and is refused where vials of several
    statuses lie there.
    """

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    place: Words | None = None
    to_place: Words | None = None
    vials: Vials
    status: Status | None = None
    to_status: Status | None = None
    vvm_stage: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None
    reason: Words | None = None

    def line(self) -> NamedLine:
        """The ledger's line, with what was said instead of ids; a barcode goes before a reference."""
        return NamedLine(
            batch_id=goods_reference(self.barcode, self.batch),
            vials=self.vials,
            place_id=place_reference(self.place),
            to_place_id=place_reference(self.to_place),
            status=self.status or Status.USABLE,
            status_said=self.status is not None,
            to_status=self.to_status,
            vvm_stage=self.vvm_stage,
            reason=self.reason,
        )


class WitnessIn(BaseModel):
    """Somebody who saw vials destroyed: the name, and what they are there."""

    model_config = ConfigDict(extra="forbid")

    name: Words
    position: Words | None = None

    def witness(self) -> Witness:
        """The ledger's witness."""
        return Witness(name=self.name, position=self.position)


class WitnessOut(BaseModel):
    """Who saw vials destroyed."""

    name: str
    position: str | None


class StockEventIn(BaseModel):
    """Something that happened to vials. `id` is a UUID (version 7 by custom) made by whoever acts first.

    Kinds: supply, transfer, opening, return, count, waste, status, destruction. A return goes back to the
    supplier, or with `to_place` from a session's carrier to its fridge. A waste needs a reason: expired, heat,
    freeze, broken, damaged, vvm, label, contaminated, recalled, no_diluent, other. A destruction names two `witnesses`.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    kind: Kind
    facility: Words
    occurred_at: Instant
    reason: Words | None = None
    reference: Words | None = None
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=200)]
    witnesses: Annotated[list[WitnessIn], Field(max_length=2)] = []


class StockEventsIn(BaseModel):
    """Things that happened at one facility and only stand together: supply, transfer, return, waste, count."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[StockEventIn], Field(min_length=2, max_length=20)]


class PostedOut(BaseModel):
    """What was recorded; a repeat gets the same.

    `warnings` of what came in: other lots that one could take for it (`looks_like LOT`).
    """

    id: UUID
    kind: Kind
    facility_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    warnings: list[str] = []


class ReversalIn(BaseModel):
    """Take an event back, from its own instant on."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    reason: Words | None = None


class EntryOut(BaseModel):
    """One side of an event; + came to the account, − left it."""

    account: Account
    place: str | None
    holder_id: UUID
    batch_id: UUID
    lot: str
    status: Status
    vials: int
    vvm_stage: int | None
    reason: str | None


class CountedOut(BaseModel):
    """What a count found."""

    place: str
    batch_id: UUID
    lot: str
    status: Status
    vials: int


class OpenVialOut(BaseModel):
    """An opened vial: `given + discarded + remaining = doses_per_vial`."""

    id: UUID
    facility_id: UUID
    batch_id: UUID
    place_id: UUID
    session_id: UUID | None
    status: Status
    doses_per_vial: int
    given: int
    discarded: int
    remaining: int
    opened_at: datetime
    discard_by: datetime
    closed_at: datetime | None
    overdue: bool


class FollowUpOut(BaseModel):
    """An event the house wrote because of this one."""

    id: UUID
    kind: Kind
    occurred_at: datetime
    because_id: UUID | None
    count_id: UUID | None


class EventOut(BaseModel):
    """An event with its entries and what hangs on it."""

    id: UUID
    number: int
    kind: Kind
    facility: str
    facility_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    recorded_by: str
    reason: str | None
    reference: str | None
    cause: UUID | None
    shipment_id: UUID | None
    reverses_id: UUID | None
    reversed_by: UUID | None
    because_id: UUID | None
    count_id: UUID | None
    witnesses: list[WitnessOut]
    entries: list[EntryOut]
    counted: list[CountedOut]
    open_vials: list[OpenVialOut]
    follow_ups: list[FollowUpOut]


class CardLineOut(BaseModel):
    """A line of the stock card: one batch in one event at the facility.

    `change`: closed vials more or fewer there; 0 where they moved between its places or a count agreed. `moved`: vials
    taken in hand. `counted`: what a count found. `balance` and `lot_balance`: closed vials of the product and of the
    batch at the facility after it, in whatever status.
    """

    event_id: UUID
    kind: Kind
    occurred_at: datetime
    recorded_at: datetime
    recorded_by: str
    reason: str | None
    reference: str | None
    shipment_id: UUID | None
    reverses_id: UUID | None
    reversed_by: UUID | None
    product: str
    batch_id: UUID
    lot: str
    change: int
    moved: int
    from_places: list[str]
    to_places: list[str]
    counted: int | None
    balance: int
    lot_balance: int


class StockOut(BaseModel):
    """Vials of a batch at a place in one status, and how well that is known.

    `place` is null for opened vials (`account` open). `packed` of the vials are set aside for shipments. `touched_*` is the newest event there, `counted_*` the
    last count; both, `packed` and `vvm_stage` are null beside a past figure.
    """

    facility: str
    facility_id: UUID
    account: Account
    place: str | None
    place_id: UUID | None
    product: str
    product_name: str
    presentation_id: UUID
    batch_id: UUID
    lot: str
    expiry: date
    expired: bool
    status: Status
    vials: int
    packed: int | None
    doses_per_vial: int
    vvm_stage: int | None
    in_service: bool | None
    touched_at: datetime | None
    touched_by: str | None
    touched_kind: Kind | None
    counted_at: datetime | None
    counted_by: str | None


class StepOut(BaseModel):
    """From `from_day` on: usable vials, vials promised, and by how much promises exceed them."""

    from_day: date
    vials: int
    needed: int
    short: int


class PoolOut(BaseModel):
    """What may still be promised of a product at a facility; `bears` is vials still free for `day`.

    `place`: of what lies in this one, which sessions take along; null for the facility's stores without such places.
    """

    facility: str
    product: str
    place: str | None
    day: date
    bears: int
    short: int
    steps: list[StepOut]


class PickedOut(BaseModel):
    """Take so many vials of this batch from this place."""

    batch_id: UUID
    lot: str
    expiry: date
    place_id: UUID
    place: str
    vials: int
    vvm_stage: int | None


class SkippedOut(BaseModel):
    """Vials that were passed over, and why."""

    batch_id: UUID
    lot: str
    expiry: date
    place_id: UUID
    place: str
    vials: int
    reason: Skip


class PickOut(BaseModel):
    """First expiry, first out, the furthest vial monitor before all."""

    lines: list[PickedOut]
    skipped: list[SkippedOut]
    missing: int


class DiscardIn(BaseModel):
    """Doses of an opened vial thrown away; all that are left without `doses`."""

    model_config = ConfigDict(extra="forbid")

    occurred_at: Instant
    reason: OpenWaste
    doses: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None


class KeepIn(BaseModel):
    """Doses that were told as thrown away and were not, and why they were told."""

    model_config = ConfigDict(extra="forbid")

    doses: Annotated[int, Field(strict=True, ge=1, le=100)]
    reason: Annotated[str, Seen, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class LotCorrectionIn(BaseModel):
    """Vials that `event` brought as lot `wrong` were lot `right`: all of them, or `vials`. Lots by id, `PRODUCT/LOT` or lot."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    event: UUID
    wrong: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
    right: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
    vials: Annotated[int, Field(strict=True, ge=1, le=MOST_VIALS)] | None = None
    reason: Annotated[str, Seen, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ForeseenOut(BaseModel):
    """What a lot correction would change: vials that came, of these on hand and opened, and doses given of those opened."""

    facility: str
    event: UUID
    wrong: str
    right: str
    vials: int
    on_hand: int
    opened: int
    doses: int


class LotCorrectionOut(ForeseenOut):
    """A lot correction, with who said why; `events` of the ledger tell the right lot or take the wrong one back."""

    id: UUID
    wrong_batch_id: UUID
    right_batch_id: UUID
    reason: str
    recorded_by: str
    recorded_at: datetime
    events: list[UUID]


class VialChangeOut(BaseModel):
    """An opened vial as it stood, in doses, until somebody set it right or wrote down a dose beyond its doses."""

    id: UUID
    doses_per_vial: int
    given: int
    discarded: int
    remaining: int
    discard_reason: OpenWaste | None
    reason: str
    recorded_by: str
    recorded_at: datetime
