"""Vaccines, storage classes, presentations, batches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.catalog.rules.storage import VvmType
from tracker.catalog.rules.words import Cause
from tracker.database.base import Base
from tracker.database.types import StrEnumText


class Vaccine(Base):
    """What one is vaccinated with, whoever made it, e.g. `mr` or `coronavac`."""

    __tablename__ = "vaccine"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class StorageClass(Base):
    """How a presentation must be kept.

    `bands` is the ordered list of condition bands as `rules.storage.bands_from_json` reads it; each has
    the dates from and to which it is in effect, so a changed policy is a new band, not a changed one.
    """

    __tablename__ = "storage_class"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    freeze_sensitive: Mapped[bool]
    # Whether the shake test tells frozen from unfrozen vials (aluminium-adsorbed vaccines only).
    shake_test_valid: Mapped[bool]
    vvm_type: Mapped[VvmType | None] = mapped_column(StrEnumText(VvmType))
    bands: Mapped[list[Any]]
    source: Mapped[str]


class Presentation(Base):
    """A vaccine as it is packed: `gtin` is the vial's (primary pack), `box_gtin` the box of `vials_per_box`.

    Open vials: usable for `open_vial_hours` (at most the session), or for `open_vial_days` under the
    multi-dose vial policy; exactly one of the two for a multi-dose vial.
    """

    __tablename__ = "presentation"
    __table_args__ = (
        CheckConstraint("num_nonnulls(gtin, nie) >= 1", name="has_code"),
        CheckConstraint("doses_per_vial BETWEEN 1 AND 100", name="doses_per_vial_range"),
        CheckConstraint("vials_per_box BETWEEN 1 AND 10000", name="vials_per_box_range"),
        CheckConstraint("num_nonnulls(open_vial_hours, open_vial_days) <= 1", name="one_open_vial_policy"),
        CheckConstraint("gtin ~ '^[0-9]{14}$' AND box_gtin ~ '^[0-9]{14}$'", name="gtin_digits"),
        Index(None, "vaccine_id"),
        Index(None, "storage_class_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    vaccine_id: Mapped[UUID] = mapped_column(ForeignKey("vaccine.id"))
    storage_class_id: Mapped[UUID] = mapped_column(ForeignKey("storage_class.id"))
    manufacturer: Mapped[str]
    gtin: Mapped[str | None] = mapped_column(unique=True)
    box_gtin: Mapped[str | None] = mapped_column(unique=True)
    nie: Mapped[str | None] = mapped_column(unique=True)
    doses_per_vial: Mapped[int] = mapped_column(Integer)
    vials_per_box: Mapped[int] = mapped_column(Integer)
    open_vial_hours: Mapped[int | None] = mapped_column(Integer)
    open_vial_days: Mapped[int | None] = mapped_column(Integer)
    uses_vvm: Mapped[bool]
    diluent: Mapped[str | None]
    synthetic: Mapped[bool] = mapped_column(server_default="false")


def look_of(lot: str) -> str:
    """SQL for what is left of a lot (an SQL expression) when case, marks and letters that look like digits are."""
    return f"translate(upper(regexp_replace({lot}, '[^A-Za-z0-9]', '', 'g')), 'OILSBZ', '011582')"


class Batch(Base):
    """One lot of a presentation; usable through `expiry`, local time of the place.

    Lots that share their `look` are kept apart, and whoever meets one is told of the others. One that was registered twice
    names the lot that it is (`joined_into_id`), and has no vials any more.
    """

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("presentation_id", "lot"),
        Index(None, "lot"),
        Index(None, "presentation_id", "look"),
        Index(None, "expiry"),
        CheckConstraint("length(lot) BETWEEN 1 AND 20", name="lot_length"),
        CheckConstraint("joined_into_id <> id", name="joined_to_another"),
        Index("ix_batch_joined_into_id", "joined_into_id", postgresql_where=text("joined_into_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    presentation_id: Mapped[UUID] = mapped_column(ForeignKey("presentation.id"))
    lot: Mapped[str]
    expiry: Mapped[date]
    manufacturer: Mapped[str]
    look: Mapped[str] = mapped_column(Computed(look_of("lot"), persisted=True))
    joined_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))


class CatalogChange(Base):
    """One fact of a batch or a product as it was said before, and why it is said otherwise now. Append-only."""

    __tablename__ = "catalog_change"
    __table_args__ = (
        CheckConstraint("num_nonnulls(batch_id, presentation_id) = 1", name="of_one"),
        CheckConstraint("cause IN ('mistake', 'official')", name="cause"),
        Index(None, "batch_id"),
        Index(None, "presentation_id"),
        Index(None, "before"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))
    presentation_id: Mapped[UUID | None] = mapped_column(ForeignKey("presentation.id"))
    field: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str]
    cause: Mapped[Cause] = mapped_column(StrEnumText(Cause))
    reason: Mapped[str | None]
    source: Mapped[str | None]
    source_date: Mapped[date | None]
    changed_at: Mapped[datetime]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    changed_by: Mapped[str]
