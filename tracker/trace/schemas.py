"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.edge.values import Whole
from tracker.edge.words import Seen
from tracker.stock.rules.words import Account, Kind, Status

Code = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Seen, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]


class NodeOut(BaseModel):
    """An account of the ledger; `holder` is the equipment's or shipment's code."""

    account: Account
    facility: str | None
    holder: str | None


class MoveOut(BaseModel):
    """Vials that went from one account to another."""

    event: UUID
    kind: Kind
    occurred_at: datetime
    recorded_at: datetime
    source: NodeOut
    target: NodeOut
    from_status: Status
    to_status: Status
    vials: int
    shipment: str | None


class HolderOut(NodeOut):
    """Where vials are now, by status."""

    vials: dict[Status, int]


class RoadOut(BaseModel):
    """Vials that arrived at one facility from another."""

    source: str
    target: str
    vials: int


class TraceOut(BaseModel):
    """The road of a batch within the caller's reach; `hidden` when parts of it lie outside.

    `summed`: there are too many movements to tell them one by one, so `events` is empty (ask for one `facility`), and
    `now` and `roads` tell of 500 facilities at a time: more behind `next_cursor`. `totals` are of all.
    """

    batch: UUID
    product: str
    lot: str
    expiry: date
    manufacturer: str
    events: list[MoveOut]
    now: list[HolderOut]
    roads: list[RoadOut]
    totals: dict[str, int]
    hidden: bool
    summed: bool
    next_cursor: str | None


class RecallIn(BaseModel):
    """Call back a batch: id, `PRODUCT/LOT`, or a lot only one product has; or scan its label (`barcode` goes first).

    `recall_class` is BPOM's: 1 may kill or maim, 2 may make ill for a time, 3 does no harm to speak of.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID
    batch: Text | None = None
    barcode: Code | None = None
    reason: Text
    recall_class: Annotated[Whole, Field(ge=1, le=3)] | None = None


class RecallCloseIn(BaseModel):
    """What became of the vials."""

    model_config = ConfigDict(extra="forbid")

    reason: Text


class RecallWithdrawIn(BaseModel):
    """Why the recall was a mistake."""

    model_config = ConfigDict(extra="forbid")

    reason: Text


class RecallPlaceOut(BaseModel):
    """One facility's part of a recall, vials; `sent` on to others, less what came from others.

    Of those `left`: `on_road` from there (or to there, where the sender lies outside the recall's reach), `unusable`
    before it, `unfrozen` not stopped yet. Of those `gone`: `destroyed`, `returned` to the maker. `given_back` are what they
    were before, because the recall was withdrawn; nothing is left of such a one.
    """

    facility: str
    name: str
    found: int
    left: int
    on_road: int
    unusable: int
    unfrozen: int
    gone: int
    destroyed: int
    returned: int
    sent: int
    given_back: int
    unaccounted: int


class LookAlikeOut(BaseModel):
    """Another lot of the product that one could take for the recalled one, with vials where the caller may look."""

    batch: UUID
    lot: str
    vials: int


class RecallOut(BaseModel):
    """A recall and how far it has come, as far as the caller may see.

    `facilities` go on behind `next_cursor`; the vials are of all. `look_alikes` hold stock and are not recalled: read their labels letter by letter.
    """

    id: UUID
    batch: UUID
    lot: str
    product: str
    reason: str
    recall_class: int | None
    started_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    taken_over_by: UUID | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdraw_reason: str | None
    facilities: list[RecallPlaceOut]
    next_cursor: str | None
    vials_found: int
    vials_left: int
    vials_gone: int
    vials_unaccounted: int
    look_alikes: list[LookAlikeOut]


class RecallListed(BaseModel):
    """A recall in a listing."""

    id: UUID
    batch: UUID
    lot: str
    product: str
    reason: str
    recall_class: int | None
    started_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    taken_over_by: UUID | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdraw_reason: str | None
