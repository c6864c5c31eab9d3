"""`/pengiriman/{ref}/bongkar`, `…/batal-terima` and `…/batal`: one's last step did not happen, or nothing will, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.pages import shipment_page
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError
from tracker.network.queries import as_id
from tracker.shipments.errors import ReceiptNotFound, ShipmentNotFound
from tracker.shipments.service.commands import TakeReceiptBack
from tracker.shipments.service.ordering import cancel_shipment
from tracker.shipments.service.undoing import take_receipt_back, unpack_shipment

router = Router(include_in_schema=False)

_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")


@router.post("/pengiriman/{ref}/bongkar")
@takes_fields("csrf", "kotak", "alasan")
def unpack(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """The boxes are emptied again; a second tap changes nothing."""
    typed = Typed.of(fields)
    box = as_id(typed.get("kotak"))
    return _undo(viewer, db, ref, typed, lambda why: unpack_shipment(db, viewer.known(), ref, why, box=box, now=now))


@router.post("/pengiriman/{ref}/batal-terima")
@takes_fields("csrf", "nomor", "penerimaan", "alasan")
def take_back(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """The last receipt did not happen; the same form again is the same act."""
    typed = Typed.of(fields)
    receipt = as_id(typed.get("penerimaan"))
    if receipt is None:
        raise ReceiptNotFound(shipment=ref[:80])

    def act(why: str) -> object:
        command = TakeReceiptBack(id=typed.number(), receipt=UUID(str(receipt)), reason=why)
        return take_receipt_back(db, viewer.known(), ref, command, now=now)

    return _undo(viewer, db, ref, typed, act)


@router.post("/pengiriman/{ref}/batal")
@takes_fields("csrf", "alasan")
def cancel(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Either end gives up what has not left."""
    return _undo(viewer, db, ref, Typed.of(fields), lambda why: cancel_shipment(db, viewer.known(), ref, why, now=now))


def _undo(viewer: Viewer, db: Session, ref: str, typed: Typed, act: Callable[[str], object]) -> Response:
    check_csrf(viewer, typed.get("csrf"))
    why = typed.get("alasan")
    if not why:
        typed.faults[""] = viewer.texts.gettext(_NO_REASON)
        return shipment_page(viewer, db, ref, typed)
    try:
        with db.begin_nested():
            act(why)
    except ShipmentNotFound:
        raise
    except DomainError as error:
        typed.faults[""] = sentence_of(error, viewer.language)
        return shipment_page(viewer, db, ref, typed)
    return RedirectResponse(f"/pengiriman/{ref}", status_code=303)
