"""Wire shapes from rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog import queries
from tracker.catalog.history import Correction, changes_of
from tracker.catalog.lots import alike_warned
from tracker.catalog.models import Batch, Presentation, StorageClass, Vaccine
from tracker.catalog.schemas import BatchDetail, BatchOut, CatalogOut, ChangeOut, ProductDetail, ProductOut, WhyIn
from tracker.kit.days import WESTERN, local_day


def product_out(row: Any) -> ProductOut:
    """A row of `presentations`."""
    presentation, vaccine_code, storage = row
    own = {
        name: getattr(presentation, name)
        for name in ProductOut.model_fields
        if name not in ("vaccine", "storage_class", "freeze_sensitive", "vvm_type", "bands")
    }
    return ProductOut(
        **own,
        vaccine=vaccine_code,
        storage_class=storage.code,
        freeze_sensitive=storage.freeze_sensitive,
        vvm_type=storage.vvm_type,
        bands=storage.bands,
    )


def product_of(db: Session, presentation: Presentation) -> ProductOut:
    """One presentation with its vaccine and storage class."""
    return product_out(db.execute(queries.presentations().where(Presentation.id == presentation.id)).one())


def catalog_out(db: Session) -> CatalogOut:
    """How many of each are known."""

    def count(table: type[Vaccine | StorageClass | Presentation]) -> int:
        return db.scalar(select(func.count()).select_from(table)) or 0

    return CatalogOut(vaccines=count(Vaccine), storage_classes=count(StorageClass), products=count(Presentation))


def product_detail(db: Session, presentation: Presentation) -> ProductDetail:
    """One presentation with its former codes."""
    return ProductDetail(**product_of(db, presentation).model_dump(), history=history_out(db, presentation))


def batch_out(row: Any) -> BatchOut:
    """A row of `batches`."""
    batch, product_code = row
    return BatchOut(
        id=batch.id,
        product=product_code,
        product_id=batch.presentation_id,
        lot=batch.lot,
        expiry=batch.expiry,
        manufacturer=batch.manufacturer,
    )


def batch_of(db: Session, batch: Batch) -> BatchOut:
    """One batch with the code of its product."""
    code = db.scalar(select(Presentation.code).where(Presentation.id == batch.presentation_id))
    return batch_out((batch, code))


def batch_detail(db: Session, batch: Batch, *, now: datetime) -> BatchDetail:
    """One batch with the lots it could be taken for."""
    warnings = alike_warned(db, [batch.id], today=local_day(now, WESTERN))
    return BatchDetail(**batch_of(db, batch).model_dump(), warnings=warnings, history=history_out(db, batch))


def history_out(db: Session, of: Batch | Presentation) -> list[ChangeOut]:
    """What was changed of a batch or a product, oldest first."""
    return [ChangeOut(**{name: getattr(each, name) for name in ChangeOut.model_fields}) for each in changes_of(db, of)]


def correction_of(why: WhyIn | None) -> Correction:
    """What a caller said of the reasons."""
    return Correction() if why is None else Correction(**why.model_dump())
