"""Reads of this room. The catalogue is the nation's: whoever is logged in may read all of it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tracker.catalog.errors import (
    BatchNotFound,
    LotAmbiguous,
    PresentationNotFound,
    StorageClassNotFound,
    VaccineNotFound,
)
from tracker.catalog.models import Batch, Presentation, StorageClass, Vaccine
from tracker.catalog.rules.barcodes.digits import gtin14


def vaccine_by_ref(db: Session, ref: str | UUID) -> Vaccine:
    """A vaccine by id or code; raises VaccineNotFound."""
    as_id = _as_id(ref)
    found = db.get(Vaccine, as_id) if as_id else db.scalar(select(Vaccine).where(Vaccine.code == ref))
    if found is None:
        raise VaccineNotFound(vaccine=str(ref))
    return found


def storage_class_by_ref(db: Session, ref: str | UUID) -> StorageClass:
    """A storage class by id or code; raises StorageClassNotFound."""
    as_id = _as_id(ref)
    found = db.get(StorageClass, as_id) if as_id else db.scalar(select(StorageClass).where(StorageClass.code == ref))
    if found is None:
        raise StorageClassNotFound(storage_class=str(ref))
    return found


def presentation_by_ref(db: Session, ref: str | UUID) -> Presentation:
    """A presentation by id, code, GTIN (vial or box, 8 to 14 digits) or NIE; raises PresentationNotFound."""
    as_id = _as_id(ref)
    if as_id:
        found = db.get(Presentation, as_id)
    else:
        text = str(ref)
        gtin = gtin14(text)
        condition = (Presentation.code == text) | (Presentation.nie == text)
        if gtin is not None:
            condition = condition | (Presentation.gtin == gtin) | (Presentation.box_gtin == gtin)
        found = db.scalar(select(Presentation).where(condition).limit(1))
    if found is None:
        raise PresentationNotFound(product=str(ref)[:80])
    return found


def batch_by_ref(db: Session, ref: str | UUID, presentation_id: UUID | None = None) -> Batch:
    """A batch by id, by `PRESENTATION/LOT`, or by lot alone where only one product has it.

    Raises BatchNotFound, LotAmbiguous.
    """
    as_id = _as_id(ref)
    if as_id:
        found = db.get(Batch, as_id)
        if found is None or presentation_id not in (None, found.presentation_id):
            raise BatchNotFound(batch=str(ref))
        return found
    ref = str(ref)
    query = select(Batch)
    if presentation_id is not None:
        query = query.where(Batch.presentation_id == presentation_id)
    # No product's code has a slash, but a lot may: the first slash is the one between them, if any is.
    product, _, lot = ref.partition("/")
    of_product = query.join(Presentation, Presentation.id == Batch.presentation_id).where(Presentation.code == product)
    found = db.scalars(of_product.where(Batch.lot == lot)).one_or_none() if lot else None
    if found is not None:
        return found
    rows = list(db.scalars(query.where(Batch.lot == ref).limit(2)))
    if not rows:
        raise BatchNotFound(batch=ref[:80])
    if len(rows) > 1:
        raise LotAmbiguous(lot=ref[:80])
    return rows[0]


def presentations() -> Select[Presentation, str, StorageClass]:
    """A select of (presentation, vaccine code, storage class), not ordered."""
    return (
        select(Presentation, Vaccine.code, StorageClass)
        .join(Vaccine, Vaccine.id == Presentation.vaccine_id)
        .join(StorageClass, StorageClass.id == Presentation.storage_class_id)
    )


def batches() -> Select[Batch, str]:
    """A select of (batch, presentation code), not ordered."""
    return select(Batch, Presentation.code).join(Presentation, Presentation.id == Batch.presentation_id)


def _as_id(ref: str | UUID) -> UUID | None:
    if isinstance(ref, UUID):
        return ref
    try:
        return UUID(ref) if len(ref) == 36 else None
    except ValueError:
        return None
