"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.catalog.filling import Filling
from tracker.catalog.rules.storage import Band, Budget, VvmType
from tracker.catalog.rules.words import Cause
from tracker.catalog.service import NewPresentation, NewStorageClass
from tracker.edge.values import Day, Flag, Number, Whole
from tracker.edge.words import Seen

Text = Annotated[str, Seen, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
CodeText = Annotated[str, Seen, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


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
    doses_per_vial: Annotated[Whole, Field(ge=1, le=100)]
    vials_per_box: Annotated[Whole, Field(ge=1, le=10_000)]
    gtin: Text | None = None
    box_gtin: Text | None = None
    nie: Text | None = None
    open_vial_hours: Annotated[Whole, Field(ge=1, le=72)] | None = None
    open_vial_days: Annotated[Whole, Field(ge=1, le=28)] | None = None
    uses_vvm: Flag = False
    diluent: Text | None = None
    synthetic: Flag = False


class WhyIn(BaseModel):
    """Why a fact by which labels are read changes; an `official` change names its source and that one's day."""

    model_config = ConfigDict(extra="forbid")

    cause: Cause = Cause.MISTAKE
    reason: Text
    source: Text | None = None
    source_date: Day | None = None


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


class VaccineIn(BaseModel):
    """A vaccine, whoever makes it."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText
    name: Text


class BandIn(BaseModel):
    """Temperatures from `min_c` to `max_c`, °C, allowed for the shelf life or `budget_h` hours (once, or in all)."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    min_c: Annotated[Number, Field(ge=-273.15, le=100)]
    max_c: Annotated[Number, Field(ge=-273.15, le=100)]
    budget: Budget = Budget.SHELF_LIFE
    budget_h: Annotated[Number, Field(gt=0)] | None = None
    no_return: Flag = False
    effective_from: Day | None = None
    effective_to: Day | None = None


class StorageClassIn(BaseModel):
    """How vaccines must be kept; `source` says where the figures come from."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText
    name: Text
    freeze_sensitive: Flag
    shake_test_valid: Flag
    vvm_type: VvmType | None = None
    bands: Annotated[list[BandIn], Field(min_length=1, max_length=20)]
    source: Text

    def command(self) -> NewStorageClass:
        """For the use case."""
        bands = [Band(**band.model_dump()) for band in self.bands]
        return NewStorageClass(**self.model_dump(exclude={"bands"}), bands=bands)


class CatalogIn(BaseModel):
    """What a new house handles; what is known already stays as it is."""

    model_config = ConfigDict(extra="forbid")

    vaccines: Annotated[list[VaccineIn], Field(max_length=500)] = []
    storage_classes: Annotated[list[StorageClassIn], Field(max_length=500)] = []
    products: Annotated[list[ProductIn], Field(max_length=2_000)] = []

    def commands(self) -> Filling:
        """For the use case."""
        return Filling(
            vaccines=[(each.code, each.name) for each in self.vaccines],
            storage_classes=[each.command() for each in self.storage_classes],
            products=[NewPresentation(**each.model_dump()) for each in self.products],
        )


class CatalogOut(BaseModel):
    """How many of each are known by now."""

    vaccines: int
    storage_classes: int
    products: int


class ProductChange(BaseModel):
    """What to change; fields left out stay."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    gtin: Text | None = None
    box_gtin: Text | None = None
    nie: Text | None = None
    vials_per_box: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
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
    expiry: Day
    manufacturer: Text | None = None
    as_printed: Flag = False


class BatchChangeIn(BaseModel):
    """What to put right in a lot; fields left out stay. A new `expiry` needs `why`, and counts from now on."""

    model_config = ConfigDict(extra="forbid")

    manufacturer: Text | None = None
    expiry: Day | None = None
    why: WhyIn | None = None
