"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tracker.catalog.rules.barcodes import Profile
from tracker.catalog.rules.barcodes.scan import MAX_CHARACTERS
from tracker.catalog.scanning import Pack
from tracker.catalog.schemas import BatchOut, ProductOut, Text
from tracker.scans.rules import Verdict
from tracker.scans.service import Thing
from tracker.stock.rules.words import Account, Status


class ScanIn(BaseModel):
    """What a scanner sent; `facility` (id or code) gives the local day."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=MAX_CHARACTERS + 1)]
    facility: Text | None = None


class ScanMeaning(BaseModel):
    """What the text says by itself."""

    text: str
    profile: Profile
    elements: dict[str, str]
    gtin: str | None
    content_gtin: str | None
    nie: str | None
    lot: str | None
    expiry: date | None
    serial: str | None
    sscc: str | None
    count: int | None


class ExpiryOut(BaseModel):
    """Both days, and which of them counts: the catalogue's once the batch is known."""

    label: date | None
    catalogue: date | None
    rules: Literal["label", "catalogue"]


class LyingOut(BaseModel):
    """Vials of the batch in one place, or opened (`place` null), in one status."""

    facility: str
    place: str | None
    account: Account
    status: Status
    vials: int
    vvm_stage: int | None
    in_service: bool


class OpenedOut(BaseModel):
    """What the text names besides goods; `ref` opens it. A ticket has its booking's id, day, dose and state."""

    thing: Thing
    ref: str
    name: str
    facility: str | None
    state: str | None
    day: date | None
    dose: int | None


class ScanOut(BaseModel):
    """A scan with what is known of it, and what lies of its batch at the facility (or wherever the caller may look).

    `begins_with` is the known lot that is meant where a separator was lost. `verdict` is `good` only where nothing
    speaks against using it. Warnings: `unknown_product`, `no_product`, `unknown_batch`, `separator_missing`,
    `expiry_differs`, `codes_disagree`, `expired`, `recalled`, `held`, `unusable`, `vvm_spent`, `out_of_service`,
    `open_too_long`, `not_here`, `several_products` (of the lot that somebody typed), `unknown_sscc`, `looks_like LOT`.
    """

    scan: ScanMeaning
    pack: Pack | None
    vials: int | None
    product: ProductOut | None
    batch: BatchOut | None
    begins_with: BatchOut | None
    expiry: ExpiryOut | None
    here: list[LyingOut]
    recall: str | None = Field(description="Why the batch was called back, if it ever was.")
    opens: OpenedOut | None
    verdict: Verdict
    warnings: list[str]


class ScansOut(BaseModel):
    """All codes of a picture: those that were read, and why the others were not."""

    items: list[ScanOut]
    refused: list[dict[str, Any]]
