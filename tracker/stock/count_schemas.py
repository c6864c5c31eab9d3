"""Wire shapes of count sheets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.edge.values import Flag, Instant
from tracker.stock.rules.counting import Verdict
from tracker.stock.rules.lines import NamedLine, goods_reference
from tracker.stock.rules.words import SheetState, Status
from tracker.stock.schemas import Scanned, Vials, Words


class SheetIn(BaseModel):
    """Begin to count a place; `blind`: who counts does not see what the books say."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    facility: Words
    place: Words
    blind: Flag = True


class TallyLineIn(BaseModel):
    """Vials found of one batch; `status` where vials of several lie there. `vials` 0: none are there.

    `reason`: why there are more or fewer than there should be, where whoever counts knows.
    """

    model_config = ConfigDict(extra="forbid")

    barcode: Scanned | None = None
    batch: Words | None = None
    status: Status | None = None
    vials: Vials
    reason: Words | None = None

    def line(self) -> NamedLine:
        """The ledger's line, without a place: that is the sheet's."""
        return NamedLine(
            batch_id=goods_reference(self.barcode, self.batch),
            vials=self.vials,
            status=self.status or Status.USABLE,
            status_said=self.status is not None,
            reason=self.reason,
        )


class TallyIn(BaseModel):
    """What somebody found in one go, at one instant. `id` is made by whoever counts, and becomes the count event's."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    counted_at: Instant
    lines: Annotated[list[TallyLineIn], Field(min_length=1, max_length=200)]


class CountIn(TallyIn):
    """What somebody found in a place in one go, all of it. `id` becomes the count event's."""

    facility: Words
    place: Words


class CountOut(BaseModel):
    """`id`: the count event's; null while the sheet waits for a person, `waits_for` says for what (a problem's code)."""

    id: UUID | None
    sheet: UUID
    waits_for: str | None


class DifferenceReasonIn(BaseModel):
    """Why a line differs from the books."""

    model_config = ConfigDict(extra="forbid")

    batch_id: UUID
    status: Status | None = None
    reason: Words


class SheetPostIn(BaseModel):
    """Write the counts of a sheet; `approve`: also large differences that one person counted, by who counted nothing."""

    model_config = ConfigDict(extra="forbid")

    reasons: Annotated[list[DifferenceReasonIn], Field(max_length=500)] = []
    approve: Flag = False


class SheetCancelIn(BaseModel):
    """Why a sheet is given up."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class TallyOut(BaseModel):
    """What was kept, and whether it is new."""

    id: UUID
    sheet_id: UUID
    counted_by: str
    counted_at: datetime
    lines: int


class FoundOut(BaseModel):
    """What one person found of a line. `expected`: what the books had at that instant; null on a blind sheet that is open."""

    tally_id: UUID
    by: str
    at: datetime
    vials: int
    expected: int | None


class SheetLineOut(BaseModel):
    """A batch of a sheet. `verdict`: agreed, second (a large difference that one person counted), disputed; null: not counted.

    `difference`: found less what the books had; null where nobody counted, or on a blind sheet that is open.
    """

    batch_id: UUID
    status: Status | None
    product: str
    lot: str
    expiry: date
    found: list[FoundOut]
    verdict: Verdict | None
    difference: int | None
    reason: str | None


class SheetOut(BaseModel):
    """A count sheet and how it ended."""

    id: UUID
    facility: str
    place: str
    blind: bool
    state: SheetState
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None
    approved: bool
    reason: str | None


class SheetDetail(SheetOut):
    """A count sheet with its lines."""

    lines: list[SheetLineOut]
