"""`/pengiriman/{ref}/konfirmasi` and `/bantah`: the sender's word on what a receiver told of without a word of the sender's."""

from __future__ import annotations

from collections import Counter, defaultdict
from uuid import UUID

from fastapi import HTTPException, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.boxes import boxes_of, goods_of, of_goods
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.queries import product_names
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.shipments.errors import BadState
from tracker.shipments.presenting import told_out
from tracker.shipments.queries.unannounced import LayThere, lay_there, proposed
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.schemas import ToldOut
from tracker.shipments.service.commands import ConfirmDelivery
from tracker.shipments.service.confirming import confirm_delivery
from tracker.shipments.service.unannounced import dispute_delivery
from tracker.stock.rules.words import Status

router = Router(include_in_schema=False)

_NO_REASON = mark("Tulis mengapa kiriman ini bukan dari sini.")


@router.get("/pengiriman/{ref}/konfirmasi")
def show_confirming(*, ref: str, viewer: Member, db: Db) -> Response:
    """What the receiver told, and from which places of here it can have left."""
    ends = _ends(viewer, db, ref)
    return _form(viewer, db, ends, Typed({})) if "confirm" in ends.steps else _before_you(ends)


@router.post("/pengiriman/{ref}/konfirmasi")
@takes_fields("csrf", "waktu", *of_goods("v"))
def confirm(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """It was sent from here; a second tap changes nothing, and whoever comes second is told who was first."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = _ends(viewer, db, ref)
    boxes, goods = boxes_of(viewer, typed)
    left_at = typed.moment("waktu", ends.sender.timezone, now, viewer.texts) if typed.get("waktu") else None
    if not typed.faults:
        command = ConfirmDelivery(lines=boxes[0].lines, left_at=left_at)
        try:
            with db.begin_nested():
                confirm_delivery(db, viewer.known(), ref, command, now=now)
        except NotFound:
            raise
        except BadState:
            return _before_you(ends)
        except DomainError as error:
            typed.faults[_field_of(error, goods)] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
    return _form(viewer, db, ends, typed) if "confirm" in ends.steps else _before_you(ends)


@router.post("/pengiriman/{ref}/bantah")
@takes_fields("csrf", "alasan")
def dispute(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """It was not sent from here: nothing moves, and the receiver sees why."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = _ends(viewer, db, ref)
    if not typed.get("alasan"):
        typed.faults["alasan"] = viewer.texts.gettext(_NO_REASON)
        return _form(viewer, db, ends, typed) if "confirm" in ends.steps else _before_you(ends)
    try:
        with db.begin_nested():
            dispute_delivery(db, viewer.known(), ref, typed.get("alasan"), now=now)
    except BadState:
        return _before_you(ends)
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)


def _ends(viewer: Viewer, db: Session, ref: str) -> Ends:
    ends = ends_of(db, viewer, ref)
    if ends.shipment.kind is not ShipmentKind.UNANNOUNCED:
        raise HTTPException(404)
    if not ends.sends:
        raise Forbidden(permission="shipment.write")
    return ends


def _before_you(ends: Ends) -> Response:
    """There is nothing to confirm any more: the shipment says who did what, and when."""
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}?sudah=1", status_code=303)


def _field_of(error: DomainError, goods: list[str]) -> str:
    line, field = error.params.get("line"), error.params.get("field")
    if field in ("left_at", "occurred_at"):
        return "waktu"
    return f"v/{goods[line]}" if isinstance(line, int) and line < len(goods) else ""


def _form(viewer: Viewer, db: Session, ends: Ends, typed: Typed) -> Response:
    told = told_out(db, ends.shipment.id)
    vials = Counter[UUID]()
    for line in told.lines:
        vials[line.batch_id] += line.vials
    lots = {line.batch_id: line for line in told.lines}
    places = _places(db, ends, told, vials)
    return page(
        viewer,
        "shipments/confirming.html",
        status=422 if typed.faults else 200,
        ends=ends,
        facility=ends.sender,
        told=told,
        lots=[(lots[batch_id], count, places[batch_id]) for batch_id, count in vials.items()],
        products=product_names(db, {line.product for line in told.lines}),
        typed=typed,
    )


def _places(
    db: Session, ends: Ends, told: ToldOut, vials: Counter[UUID]
) -> defaultdict[UUID, list[tuple[str, LayThere, int]]]:
    """By lot: the field of each place where it lay, what lay there, and how much of it the house would take."""
    found: defaultdict[UUID, list[tuple[str, LayThere, int]]] = defaultdict(list)
    lay = lay_there(db, ends.sender.id, set(vials), told.arrived_at)
    for one, taken in zip(lay, proposed(lay, vials), strict=True):
        found[one.batch_id].append((f"v/{goods_of(one.place, one.batch_id, Status.USABLE)}", one, taken))
    return found
