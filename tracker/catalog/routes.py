"""HTTP of this room: products, batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog import filling, queries, service
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.presenting import (
    batch_detail,
    batch_out,
    catalog_out,
    correction_of,
    product_detail,
    product_of,
    product_out,
)
from tracker.catalog.scanning import Caution
from tracker.catalog.schemas import (
    BatchDetail,
    BatchIn,
    BatchOut,
    CatalogIn,
    CatalogOut,
    ProductChange,
    ProductDetail,
    ProductIn,
    ProductOut,
)
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.values import Day
from tracker.edge.versions import Versioned, shows, versioned

router = Router(prefix="/api/v1", tags=["catalog"])


@router.put("/catalog")
def fill_catalog(body: CatalogIn, db: Db, caller: Caller, now: Now) -> CatalogOut:
    """Make vaccines, storage classes and products known (national level); the same again changes nothing."""
    filling.fill_catalog(db, caller, body.commands(), now=now)
    return catalog_out(db)


@router.get("/products")
def list_products(
    db: Db,
    caller: Caller,
    vaccine: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProductOut]:
    """Presentations by code."""
    del caller  # whoever is logged in may read the catalogue
    query = queries.presentations()
    if vaccine is not None:
        query = query.where(Presentation.vaccine_id == queries.vaccine_by_ref(db, vaccine).id)
    return page_of(
        db,
        query,
        keys=[Presentation.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].code],
        present=product_out,
    )


def said_of(shown: ProductDetail | BatchDetail) -> object:
    """What of a product or lot can be put right, and how often it was."""
    return shown.model_dump(exclude={"warnings"})


def _lock_product(db: Session, caller: Principal, values: Mapping[str, Any]) -> None:
    caller.require(Permission.CATALOG_WRITE)
    db.refresh(queries.presentation_by_ref(db, values["ref"]), with_for_update={"key_share": True})


@router.get("/products/{ref}")
@shows(said_of)
def read_product(ref: str, db: Db, caller: Caller) -> ProductDetail:
    """One presentation by id, code, GTIN or NIE."""
    del caller
    return product_detail(db, queries.presentation_by_ref(db, ref))


@router.post("/products", status_code=201)
def add_product(body: ProductIn, db: Db, caller: Caller, now: Now) -> ProductOut:
    """Make a presentation; the same again answers the one there is."""
    return product_of(db, service.add_presentation(db, caller, service.NewPresentation(**body.model_dump()), now=now))


@router.put("/products/{ref}")
@shows(said_of)
@versioned(Versioned(read=read_product, lock=_lock_product, part=said_of))
def change_product(ref: str, body: ProductChange, db: Db, caller: Caller, now: Now) -> ProductDetail:
    """Change names and codes of a presentation; labels with a former code stay known."""
    command = service.PresentationChange(**body.model_dump(exclude={"why"}), why=correction_of(body.why))
    return product_detail(db, service.change_presentation(db, caller, ref, command, now=now))


@router.get("/batches")
def list_batches(
    *,
    db: Db,
    caller: Caller,
    product: Annotated[str | None, Query(max_length=64, description="Id, code, GTIN or NIE.")] = None,
    expires_before: Day | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchOut]:
    """Batches by expiry."""
    del caller
    query = queries.batches()
    if product is not None:
        query = query.where(Batch.presentation_id == queries.presentation_by_ref(db, product).id)
    if expires_before is not None:
        query = query.where(Batch.expiry < expires_before)
    return page_of(
        db,
        query,
        keys=[Batch.expiry, Batch.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].expiry, row[0].id],
        present=batch_out,
    )


@router.get("/batches/{ref:path}")
@shows(said_of)
def read_batch(ref: str, db: Db, caller: Caller, now: Now) -> BatchDetail:
    """One batch by id, by `PRODUCT/LOT`, or by lot where only one product has it."""
    del caller
    return batch_detail(db, queries.batch_by_ref(db, ref), now=now)


@router.post("/batches", status_code=201)
def add_batch(body: BatchIn, db: Db, caller: Caller, now: Now) -> BatchDetail:
    """Register a lot; the same again answers the one there is, also with an expiry that was put right since (`old_label`).

    Any other expiry is a conflict.
    """
    command = service.NewBatch(
        presentation=body.product,
        lot=body.lot,
        expiry=body.expiry,
        manufacturer=body.manufacturer,
        as_printed=body.as_printed,
    )
    known = batch_detail(db, service.add_batch(db, caller, command, now=now), now=now)
    if known.expiry != body.expiry:
        known.warnings.insert(0, Caution.OLD_LABEL.value)
    return known
