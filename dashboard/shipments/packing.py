"""`/pengiriman/{ref}/kemas`: pack what first expiry, first out says, by place; or other lots, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.boxes import (
    MOST_BOXES,
    add_fault,
    boxes_of,
    count_of,
    goods_in,
    goods_of,
    reasons_for_other_lots,
    vials_of,
)
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.queries import batch_products
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.kit.errors import DomainError, NotFound
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.choosing import Take, passed_over
from tracker.shipments.service.packing import pack_shipment
from tracker.shipments.service.proposing import Proposal, propose
from tracker.stock.rules.fefo import Parcel

router = Router(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Vials of a parcel in the form; `first`: whose turn it is before these, as far as the form says."""

    goods: str
    parcel: Parcel
    vials: int
    first: Parcel | None


@router.get("/pengiriman/{ref}/kemas")
def show_packing(*, ref: str, viewer: Member, db: Db, kotak: int = 1) -> Response:
    """What first expiry, first out says, by place, and which box each goes into."""
    ends = ends_of(db, viewer, ref)
    if ends.sends and "pack" not in ends.steps:
        return _back(ends)
    return _packing(viewer, db, ends, Typed({"kotak": str(min(max(kotak, 1), MOST_BOXES))}))


@router.post("/pengiriman/{ref}/kemas")
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


def lines_of(proposal: Proposal, typed: Typed) -> list[Line]:
    """What is proposed and what else the form names, by place; what is not on the shelf any more has no line."""
    known = {goods_of(p.place, p.batch_id, p.status): p for p in proposal.shelf.parcels}
    vials = {goods_of(p.place, p.batch_id, p.status): count for p, count in proposal.picks}
    named = dict.fromkeys([*vials, *(goods for goods, *_ in goods_in(typed) if goods in known)])
    takes = [_take(known[goods], _said(typed, goods, vials.get(goods, 0))) for goods in named]
    firsts: list[Parcel | None] = [None] * len(takes)
    if proposal.shipment.kind is not ShipmentKind.RETURN:
        firsts = passed_over(proposal.shelf, takes)
    lines = [
        Line(goods=goods, parcel=known[goods], vials=vials.get(goods, 0), first=first if take.vials else None)
        for goods, take, first in zip(named, takes, firsts, strict=True)
    ]
    return sorted(lines, key=lambda one: (one.parcel.place, one.parcel.expiry, one.parcel.lot))


def _take(parcel: Parcel, vials: int) -> Take:
    return Take(0, parcel.batch_id, parcel.place_id, vials, parcel.status)


def _said(typed: Typed, goods: str, proposed: int) -> int:
    said = vials_of(typed, goods) if f"v/{goods}" in typed.values else proposed
    return said or 0


def _packing(viewer: Viewer, db: Session, ends: Ends, typed: Typed) -> Response:
    proposal = propose(db, viewer.known(), ends.shipment.id, now=viewer.now)
    lines = lines_of(proposal, typed)
    _show_all_faults(typed, lines)
    return page(
        viewer,
        "shipments/packing.html",
        status=422 if typed.faults else 200,
        ends=ends,
        facility=ends.sender,
        lines=lines,
        products=batch_products(db, {line.parcel.batch_id for line in lines}),
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
