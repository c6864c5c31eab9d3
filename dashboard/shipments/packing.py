"""`/pengiriman/{ref}/kemas`: pack what first expiry, first out says, by place; or other lots, with the reason."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.boxes import (
    MOST_BOXES,
    OF_BOX,
    add_fault,
    boxes_of,
    count_of,
    goods_in,
    goods_of,
    of_goods,
    packed_fields,
    reasons_for_other_lots,
)
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.picking import Line, lines_of
from dashboard.shipments.queries import batch_products, place_names
from dashboard.shipments.scanned import Table
from dashboard.stock.forms import Fields, Typed, is_code
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.shipments.rules.words import ShipmentState
from tracker.shipments.service.packing import pack_shipment
from tracker.shipments.service.proposing import propose

router = Router(include_in_schema=False)


_FORM = ("csrf", "kotak", "kode", "tambah", "sscc-{n}", *OF_BOX, *of_goods("v", "k", "a", "c", "s"))


@router.get("/pengiriman/{ref}/kemas")
def show_packing(*, ref: str, viewer: Member, db: Db, kotak: int = 1) -> Response:
    """What first expiry, first out says, by place, and which box each goes into."""
    ends = ends_of(db, viewer, ref)
    if ends.sends and "pack" not in ends.steps:
        return _back(ends)
    return _packing(viewer, db, ends, Typed({"kotak": str(min(max(kotak, 1), MOST_BOXES))}))


@router.post("/pengiriman/{ref}/kemas/isi")
@takes_fields(*_FORM)
def fill(*, ref: str, viewer: Member, db: Db, fields: Fields) -> Response:
    """The form with what was scanned (`kode`), or with one box more; nothing is packed yet."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = ends_of(db, viewer, ref)
    if ends.sends and "pack" not in ends.steps:
        return _back(ends)
    if typed.get("tambah"):
        typed = Typed({**typed.values, "kotak": str(count_of(typed) + 1)})
    strayed = _strayed(viewer, typed)
    return _packing(viewer, db, ends, typed, scanned=str(fields.get("kode") or "").strip() or strayed)


@router.post("/pengiriman/{ref}/kemas")
@takes_fields(*_FORM)
def pack(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Fill the boxes as the form says; packing again replaces them, the same again changes nothing."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = ends_of(db, viewer, ref)
    if ends.sends and "pack" not in ends.steps:
        return _back(ends)
    boxes, lines = boxes_of(viewer, typed)
    if not typed.faults:
        try:
            with db.begin_nested():
                pack_shipment(db, viewer.known(), ref, boxes, now=now)
        except NotFound:
            raise
        except DomainError as error:
            add_fault(viewer, typed, error, lines)
        else:
            return _back(ends)
    return _packing(viewer, db, ends, typed)


def _strayed(viewer: Viewer, typed: Typed) -> str:
    """A code that the scanner typed into a field for vials; "" where there is none."""
    strayed = [field for goods, *_ in goods_in(typed) if is_code(typed.get(field := f"v/{goods}"))]
    codes = [typed.get(field) for field in strayed]
    for field in strayed:
        typed.amount(field, viewer.texts)
    return codes[0] if codes else ""


def _packing(viewer: Viewer, db: Session, ends: Ends, typed: Typed, *, scanned: str = "") -> Response:
    proposal = propose(db, viewer.known(), ends.shipment.id, now=viewer.now)
    if "csrf" not in typed.values and ends.shipment.state is ShipmentState.PACKED:
        proposed = [goods_of(parcel.place, parcel.batch_id, parcel.status) for parcel, _ in proposal.picks]
        packed = packed_fields(db, ends.shipment.id, proposed)
        typed = Typed({**packed, "kotak": max(packed["kotak"], typed.get("kotak"), key=int)})
    answer = None
    if scanned:
        answer = Table(db, viewer, ends, proposal, typed).answer(scanned)
        typed = Typed({**typed.values, **answer.fields}, typed.faults)
    lines = lines_of(proposal, typed)
    _show_all_faults(typed, lines)
    return page(
        viewer,
        "shipments/packing.html",
        status=422 if typed.faults else 200,
        ends=ends,
        facility=ends.sender,
        lines=lines,
        ticked=sum(line.ticked for line in lines),
        answer=answer,
        products=batch_products(db, {line.parcel.batch_id for line in lines}),
        places=place_names(db, ends.sender.id),
        missing=sum(proposal.missing.values()),
        reasons=reasons_for_other_lots(viewer.texts),
        boxes=count_of(typed),
        typed=typed,
    )


def _show_all_faults(typed: Typed, lines: list[Line]) -> None:
    """What is wrong with a line that is not on the shelf any more is said of the whole form."""
    shown = {line.goods for line in lines}
    for field in [field for field in typed.faults if "/" in field and field.partition("/")[2] not in shown]:
        typed.faults[""] = typed.faults.pop(field)


def _back(ends: Ends) -> Response:
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
