"""Papers of a store: the count sheet with room to write, the record of a destruction (berita acara), the stock card."""

from __future__ import annotations

from uuid import UUID

from fastapi import HTTPException, Response

from dashboard.frame.reasons import reason_text
from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member
from dashboard.papers.codes import goods_codes, qr
from dashboard.stock.shelf import products_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.network.queries import facility_by_code_or_id
from tracker.stock.errors import EventNotFound
from tracker.stock.queries.counting import lines_of, sheet_by_id
from tracker.stock.queries.events import event_by_id
from tracker.stock.rules.words import Kind

router = Router(include_in_schema=False)


@router.get("/hitung/{sheet_id}/kertas")
def print_sheet(sheet_id: UUID, viewer: Member, db: Db) -> Response:
    """A count sheet for the hand: what lies there, and room for what is found; filled in once it was posted."""
    view = sheet_by_id(db, viewer.known(), sheet_id)
    lines = lines_of(db, view.sheet)
    batches = {line.batch_id for line in lines}
    return page(
        viewer,
        "stock/sheet_paper.html",
        facility=view.facility,
        view=view,
        sheet=view.sheet,
        lines=lines,
        products=products_of(db, batches),
        labels=goods_codes(db, batches),
        code=qr(view.place.code),
    )


@router.get("/stok/{code}/gerakan/{event_id}/berita-acara")
def print_destruction(code: str, event_id: UUID, viewer: Member, db: Db) -> Response:
    """The record of a destruction, to be signed by both witnesses."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    view = event_by_id(db, viewer.known(), event_id)
    if view.event.facility_id != facility.id:
        raise EventNotFound(event=str(event_id))
    if view.event.kind is not Kind.DESTRUCTION:
        raise HTTPException(404)
    destroyed = [entry for entry in view.entries if entry[0].vials < 0]
    return page(
        viewer,
        "stock/destruction_paper.html",
        facility=facility,
        view=view,
        event=view.event,
        lines=destroyed,
        products=products_of(db, {entry.batch_id for entry, _, _ in destroyed}),
        total=-sum(entry.vials for entry, _, _ in destroyed),
        why=reason_text(view.event.reason, viewer.texts),
    )
