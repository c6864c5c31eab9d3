"""`/pengiriman/cari`: a box's SSCC, a shipment's code or one vial opens the shipment it belongs to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer
from dashboard.shipments.queries import rows_of
from tracker.catalog.errors import ScanUnreadable
from tracker.catalog.scanning import resolve_scan
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.days import WESTERN, local_day
from tracker.shipments.models import PackedLine, Shipment, ShipmentBox
from tracker.shipments.queries.finding import matches, shipments_of, shipments_visible_to
from tracker.shipments.rules.words import ON_THE_ROAD

router = Router(include_in_schema=False)

MOST = 20
_NONE = mark("Tidak ada kiriman dengan kode itu. Periksa angkanya, atau cari di daftar pengiriman.")
_NOT_ON_ROAD = mark("Lot itu tidak sedang di jalan ke atau dari tempat Anda.")


@router.get("/pengiriman/cari")
def find(*, viewer: Member, db: Db, kode: Annotated[str, Seen, Query(max_length=300)] = "") -> Response:
    """The shipment of a code, at once where there is one; else which ones there are, or why none."""
    found, problem = _find(db, viewer, kode.strip())
    if len(found) == 1:
        return RedirectResponse(f"/pengiriman/{found[0].code}", status_code=303)
    return page(
        viewer,
        "shipments/found.html",
        status=422 if problem else 200,
        code=kode,
        shipments=rows_of(db, found[:MOST], viewer.now),
        cut=len(found) > MOST,
        problem=problem,
    )


def _find(db: Session, viewer: Viewer, text: str) -> tuple[list[Shipment], str]:
    """The shipments a code may mean, and why there are none."""
    if not text:
        return [], ""
    seen = shipments_visible_to(viewer.known())
    named = db.execute(seen.where(matches(text.upper()))).one_or_none()
    if named is not None:
        return [named[0]], ""
    sscc = text if text.isascii() and text.isdigit() and len(text) == 18 else None
    batch_id = None
    if sscc is None:
        try:
            resolved = resolve_scan(db, text, today=local_day(viewer.now, WESTERN))
        except ScanUnreadable as error:
            return [], sentence_of(error, viewer.language)
        sscc = resolved.scan.sscc
        batch_id = resolved.batch.id if resolved.batch is not None else None
    if sscc is not None:
        boxes = select(ShipmentBox.shipment_id).where(ShipmentBox.sscc == sscc)
        found = [row[0] for row in db.execute(seen.where(Shipment.id.in_(boxes)))]
        return found, "" if found else viewer.texts.gettext(_NONE)
    if batch_id is None:
        return [], viewer.texts.gettext(_NONE)
    with_lot = select(PackedLine.shipment_id).where(PackedLine.batch_id == batch_id)
    query = shipments_of(db, viewer.known()).where(Shipment.state.in_(ON_THE_ROAD), Shipment.id.in_(with_lot))
    found = [row[0] for row in db.execute(query.order_by(Shipment.created_at.desc(), Shipment.id).limit(MOST + 1))]
    return found, "" if found else viewer.texts.gettext(_NOT_ON_ROAD)
