"""One vaccine with one batch, for houses that are measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.catalog.rules.storage import Band
from tracker.catalog.service import (
    NewBatch,
    NewPresentation,
    NewStorageClass,
    add_batch,
    add_presentation,
    ensure_storage_class,
    ensure_vaccine,
)

PRODUCT = "bench-5"


def add_product(db: Session, *, now: datetime, nie: str = "DKL0000000000A1") -> UUID:
    """Vials of five doses that may be used for most of a year; answers the batch's id."""
    ensure_vaccine(db, SYSTEM, code="bench", name="Bench", now=now)
    band = Band(name="2-8", min_c=2, max_c=8)
    cold = NewStorageClass(
        code="cold",
        name="cold",
        freeze_sensitive=True,
        shake_test_valid=True,
        vvm_type=None,
        bands=(band,),
        source="made up for the measurement",
    )
    ensure_storage_class(db, SYSTEM, cold, now=now)
    presentation = NewPresentation(
        code=PRODUCT,
        name="Bench 5 dosis",
        vaccine="bench",
        storage_class="cold",
        manufacturer="Bench",
        doses_per_vial=5,
        vials_per_box=10,
        gtin=None,
        box_gtin=None,
        nie=nie,
        open_vial_hours=6,
        open_vial_days=None,
        uses_vvm=False,
        synthetic=True,
    )
    add_presentation(db, SYSTEM, presentation, now=now)
    expiry = (now + timedelta(days=300)).date()
    batch = add_batch(db, SYSTEM, NewBatch(presentation=PRODUCT, lot="B1", expiry=expiry), now=now)
    return batch.id
