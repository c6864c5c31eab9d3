"""Wire shapes from rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog import queries
from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.lots import look_alikes, warned_of
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.scanning import Resolved
from tracker.catalog.schemas import BatchDetail, BatchOut, ProductOut, ScanMeaning, ScanOut, ScansOut
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
    alike = look_alikes(db, [batch.id], today=local_day(now, WESTERN))[batch.id]
    return BatchDetail(**batch_of(db, batch).model_dump(), warnings=warned_of(alike))


def scan_out(db: Session, found: Resolved) -> ScanOut:
    """What a scanned text means, and what is known of it."""
    said = found.scan
    return ScanOut(
        scan=ScanMeaning(**{name: getattr(said, name) for name in ScanMeaning.model_fields}),
        pack=found.pack,
        vials=found.vials,
        product=None if found.presentation is None else product_of(db, found.presentation),
        batch=None if found.batch is None else batch_of(db, found.batch),
        begins_with=None if found.lost is None or found.lost.batch is None else batch_of(db, found.lost.batch),
        warnings=[*(each.value for each in found.warnings), *warned_of(found.alike)],
    )


def scans_out(db: Session, found: Iterable[tuple[str, Resolved | ScanUnreadable]]) -> ScansOut:
    """Every text with what it means or why it means nothing."""
    items: list[ScanOut] = []
    refused: list[dict[str, Any]] = []
    for text, each in found:
        if isinstance(each, ScanUnreadable):
            refused.append({"text": text, **each.params})
        else:
            items.append(scan_out(db, each))
    return ScansOut(items=items, refused=refused)
