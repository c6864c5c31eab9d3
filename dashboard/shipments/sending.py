"""`/pengiriman/{ref}/…` at the sender: approve an order, let it leave."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, check_csrf
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.pages import shipment_page
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.network.queries import as_id
from tracker.shipments.service.ordering import approve_shipment
from tracker.shipments.service.packing import dispatch_shipment

router = Router(include_in_schema=False)


@router.post("/pengiriman/{ref}/setujui")
@takes_fields("csrf", "setuju-{n}")
def approve(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """The sender agrees, wholly or with other numbers; whoever comes second sees what was agreed."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = ends_of(db, viewer, ref)
    if not ends.sends:
        raise Forbidden(permission="shipment.write")
    if "approve" not in ends.steps:
        return _back(ends)
    agreed: dict[int, int] = {}
    for name in typed.values:
        kind, _, line = name.partition("-")
        if kind != "setuju" or not line.isdigit():
            continue
        vials = typed.amount(name, viewer.texts)
        if vials is not None:
            agreed[int(line)] = vials
    if not typed.faults:
        try:
            with db.begin_nested():
                approve_shipment(db, viewer.known(), ref, agreed, now=now)
        except NotFound:
            raise
        except DomainError as error:
            at = error.params.get("line")
            typed.faults["" if at is None else f"setuju-{at}"] = sentence_of(error, viewer.language)
        else:
            return _back(ends)
    return shipment_page(viewer, db, ref, typed)


@router.post("/pengiriman/{ref}/berangkat")
@takes_fields("csrf", "kotak", "waktu", "tiba")
def dispatch(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """The boxes leave; a second tap changes nothing."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = ends_of(db, viewer, ref)
    left = typed.moment("waktu", ends.sender.timezone, now, viewer.texts)
    due = typed.moment("tiba", ends.receiver.timezone, now, viewer.texts) if typed.get("tiba") else None
    if not typed.faults:
        try:
            with db.begin_nested():
                box = as_id(typed.get("kotak"))
                dispatch_shipment(db, viewer.known(), ref, occurred_at=left, expected_at=due, box=box, now=now)
        except NotFound:
            raise
        except DomainError as error:
            typed.faults[""] = sentence_of(error, viewer.language)
        else:
            return _back(ends)
    return shipment_page(viewer, db, ref, typed)


def _back(ends: Ends) -> Response:
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
