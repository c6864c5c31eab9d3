"""Papers of a shipment: the delivery note (SBBK), labels for its boxes, the pick list."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.papers.codes import goods_codes, qr, sscc_code, sscc_matrix
from dashboard.shipments.ends import ends_of
from dashboard.shipments.queries import batch_products, place_names, product_names
from dashboard.stock.shelf import products_of
from tracker.catalog.models import Presentation, StorageClass
from tracker.catalog.rules.storage import bands_from_json
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.shipments.presenting import shipment_detail
from tracker.shipments.rules.words import ShipmentState
from tracker.shipments.schemas import ShipmentDetail
from tracker.shipments.service.proposing import propose

router = Router(include_in_schema=False)


@router.get("/pengiriman/{ref}/surat-jalan")
def print_note(ref: str, viewer: Member, db: Db) -> Response:
    """The delivery note, with a code that opens the shipment."""
    detail = shipment_detail(db, viewer.known(), ref, viewer.now)
    if detail.state is ShipmentState.CANCELLED:
        return _given_up(detail)
    ends = ends_of(db, viewer, str(detail.id))
    lines = [(box, line) for box in detail.boxes for line in box.lines]
    return page(
        viewer,
        "shipments/note_paper.html",
        ends=ends,
        facility=ends.sender,
        shipment=detail,
        lines=lines,
        products=products_of(db, {line.batch_id for _, line in lines}),
        total=sum(line.vials for _, line in lines),
        code=qr(detail.code),
    )


@router.get("/pengiriman/{ref}/label")
def print_labels(ref: str, viewer: Member, db: Db) -> Response:
    """A label for each box: where it goes, how it must be kept, its SSCC as bars and as a matrix."""
    detail = shipment_detail(db, viewer.known(), ref, viewer.now)
    if detail.state is ShipmentState.CANCELLED:
        return _given_up(detail)
    ends = ends_of(db, viewer, str(detail.id))
    codes = {line.product for box in detail.boxes for line in box.lines}
    return page(
        viewer,
        "shipments/label_paper.html",
        ends=ends,
        facility=ends.sender,
        shipment=detail,
        boxes=[(box, sscc_code(box.sscc), sscc_matrix(box.sscc)) for box in detail.boxes],
        products=product_names(db, codes),
        ranges=_ranges(db, codes),
    )


@router.get("/pengiriman/{ref}/daftar-ambil")
def print_picks(ref: str, viewer: Member, db: Db) -> Response:
    """What to take from which place, first expiry first, with room to tick."""
    ends = ends_of(db, viewer, ref)
    if ends.sends and "pack" not in ends.steps:
        return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
    picks = propose(db, viewer.known(), ends.shipment.id, now=viewer.now).picks
    batches: set[UUID] = {parcel.batch_id for parcel, _ in picks}
    return page(
        viewer,
        "shipments/picks_paper.html",
        ends=ends,
        facility=ends.sender,
        picks=picks,
        products=batch_products(db, batches),
        labels=goods_codes(db, batches),
        places=place_names(db, ends.sender.id),
        code=qr(ends.shipment.code),
    )


def _given_up(shipment: ShipmentDetail) -> Response:
    """No paper goes with boxes that do not leave: the shipment says so."""
    return RedirectResponse(f"/pengiriman/{shipment.code}", status_code=303)


def _ranges(db: Session, products: Collection[str]) -> dict[str, str]:
    """The temperature range of each product, °C, as its storage class has it first."""
    rows = db.execute(
        select(Presentation.code, StorageClass.bands)
        .join(StorageClass, StorageClass.id == Presentation.storage_class_id)
        .where(Presentation.code.in_(products))
    )
    found: dict[str, str] = {}
    for code, bands in rows:
        band = bands_from_json(bands)[0]
        found[code] = f"{band.min_c:g} … {band.max_c:g} °C"
    return found
