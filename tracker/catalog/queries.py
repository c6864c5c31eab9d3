"""Reads of this room. The catalogue is the nation's: whoever is logged in may read all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.catalog.errors import (
    BatchNotFound,
    LotAmbiguous,
    PresentationNotFound,
    StorageClassNotFound,
    VaccineNotFound,
)
from tracker.catalog.history import CODES, once_coded
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
    """A presentation by id, code, GTIN (vial or box, 8 to 14 digits) or NIE, also by one that it had before.

    Raises PresentationNotFound.
    """
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
        if found is None and (former := once_coded(db, gtin or text, CODES)):
            found = former[0]
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
    found_ids = [batch_id for batch_id, _ in batches_by_refs(db, {ref}, presentation_id)[ref]]
    if not found_ids:
        raise BatchNotFound(batch=ref[:80])
    if len(found_ids) > 1:
        raise LotAmbiguous(lot=ref[:80])
    return db.get_one(Batch, found_ids[0])


def batches_by_refs(
    db: Session, refs: Collection[str], presentation_id: UUID | None = None
) -> dict[str, list[tuple[UUID, str]]]:
    """The batches (id, product code) that each `PRODUCT/LOT` or lot names, in one statement; one that was joined is the other."""
    if not refs:
        return {}
    query = (
        select(func.coalesce(Batch.joined_into_id, Batch.id).label("id"), Batch.lot, Presentation.code)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.lot.in_(lots_in(refs)))
    )
    if presentation_id is not None:
        query = query.where(Batch.presentation_id == presentation_id)
    return named_among(refs, [(row.id, row.lot, row.code) for row in db.execute(query)])


def lots_in(refs: Collection[str]) -> set[str]:
    """Every lot that a `PRODUCT/LOT` or lot may mean."""
    return {lot for _, lot in map(_product_and_lot, refs) if lot} | set(refs)


def named_among(refs: Collection[str], batches: Iterable[tuple[UUID, str, str]]) -> dict[str, list[tuple[UUID, str]]]:
    """Which (id, product code) of some batches (id, lot, product code) each reference names.

    No product's code has a slash, but a lot may: the first slash is the one between them, if any is. Where that
    names no batch the whole reference is a lot, which several products may have.
    """
    by_lot: dict[str, list[tuple[UUID, str]]] = {}
    for batch_id, lot, code in batches:
        by_lot.setdefault(lot, []).append((batch_id, code))
    found = {}
    for ref in refs:
        product, lot = _product_and_lot(ref)
        found[ref] = [one for one in by_lot.get(lot, []) if one[1] == product] or by_lot.get(ref, [])
    return found


def _product_and_lot(ref: str) -> tuple[str, str]:
    product, _, lot = ref.partition("/")
    return product, lot


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
