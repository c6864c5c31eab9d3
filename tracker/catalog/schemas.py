"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.catalog.rules.storage import VvmType
from tracker.catalog.rules.words import Cause

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
CodeText = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class ProductOut(BaseModel):
    """A presentation; `vaccine` and `storage_class` are codes."""

    id: UUID
    code: str
    name: str
    vaccine: str
    storage_class: str
    freeze_sensitive: bool
    vvm_type: VvmType | None
    bands: list[Any]
    manufacturer: str
    gtin: str | None
    box_gtin: str | None
    nie: str | None
    doses_per_vial: int
    vials_per_box: int
    open_vial_hours: int | None
    open_vial_days: int | None
    uses_vvm: bool
    diluent: str | None
    synthetic: bool


class ProductIn(BaseModel):
    """A new presentation; `vaccine` and `storage_class` by id or code."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText
    name: Text
    vaccine: Text
    storage_class: Text
    manufacturer: Text
    doses_per_vial: Annotated[int, Field(ge=1, le=100)]
    vials_per_box: Annotated[int, Field(ge=1, le=10_000)]
    gtin: Text | None = None
    box_gtin: Text | None = None
    nie: Text | None = None
    open_vial_hours: Annotated[int, Field(ge=1, le=72)] | None = None
    open_vial_days: Annotated[int, Field(ge=1, le=28)] | None = None
    uses_vvm: bool = False
    diluent: Text | None = None
    synthetic: bool = False


class WhyIn(BaseModel):
    """Why a fact by which labels are read changes; an `official` change names its source and that one's day."""

    model_config = ConfigDict(extra="forbid")

    cause: Cause = Cause.MISTAKE
    reason: Text
    source: Text | None = None
    source_date: date | None = None


class ChangeOut(BaseModel):
    """A fact as it was said before, and what is said since."""

    field: str
    before: str | None
    after: str
    cause: Cause
    reason: str | None
    source: str | None
    source_date: date | None
    changed_at: datetime
    changed_by: str


class ProductDetail(ProductOut):
    """A presentation with what was said of it before."""

    history: list[ChangeOut]


class ProductChange(BaseModel):
    """What to change; fields left out stay."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    gtin: Text | None = None
    box_gtin: Text | None = None
    nie: Text | None = None
    vials_per_box: Annotated[int, Field(ge=1, le=10_000)] | None = None
    storage_class: Text | None = None
    diluent: Text | None = None
    why: WhyIn | None = Field(None, description="Needed where a code changes.")


class BatchOut(BaseModel):
    """One lot; usable through `expiry`."""

    id: UUID
    product: str
    product_id: UUID
    lot: str
    expiry: date
    manufacturer: str


class BatchDetail(BatchOut):
    """A lot with what one should know of it; `warnings` name other lots it could be taken for (`looks_like LOT`)."""

    warnings: list[str]
    history: list[ChangeOut]


class BatchIn(BaseModel):
    """A new lot; `product` by id, code, GTIN or NIE.

    `as_printed` (national level only): the label was looked at, and the lot is right though it looks run together.
    """

    model_config = ConfigDict(extra="forbid")

    product: Text
    lot: Annotated[str, Field(min_length=1, max_length=20)]
    expiry: date
    manufacturer: Text | None = None
    as_printed: bool = False


class BatchChangeIn(BaseModel):
    """What to put right in a lot; fields left out stay. A new `expiry` needs `why`, and counts from now on."""

    model_config = ConfigDict(extra="forbid")

    manufacturer: Text | None = None
    expiry: date | None = None
    why: WhyIn | None = None
