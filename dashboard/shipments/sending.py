"""`/pengiriman/{ref}/…` at the sender: approve an order, let it leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.newer import FIELD, insist_unchanged, standing
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.pages import agreed_fields, shipment_page
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.edge.versions import Stale, version_of
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.network.queries import as_id
from tracker.shipments.service.ordering import approve_shipment, lines_of, locked
from tracker.shipments.service.packing import dispatch_shipment

router = Router(include_in_schema=False)

_AGREED = mark(
    "%(who)s sudah menyetujui lebih dulu, baris demi baris: %(stands)s vial. Yang Anda tulis (%(wrote)s) tidak dicatat."
)


@router.post("/pengiriman/{ref}/setujui")
@takes_fields("csrf", FIELD, "setuju-{n}")
def approve(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """The sender agrees, wholly or with other numbers; whoever comes second sees what was agreed."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    ends = ends_of(db, viewer, ref)
    if not ends.sends:
        raise Forbidden(permission="shipment.write")
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
                _agree(db, viewer, ref, agreed, typed.get(FIELD), now)
        except NotFound:
            raise
        except Stale as stale:
            typed.faults[""] = _agreed_before(db, viewer, ends, standing(stale), agreed)
        except DomainError as error:
            at = error.params.get("line")
            typed.faults["" if at is None else f"setuju-{at}"] = sentence_of(error, viewer.language)
        else:
            return _back(ends)
    return shipment_page(viewer, db, ref, typed)


def _agree(db: Session, viewer: Viewer, ref: str, agreed: Mapping[int, int], version: str, now: datetime) -> None:
    """Agree, unless somebody did since the form was drawn: then only to the same. Raises Stale, and what approving raises."""
    shipment, _, _ = locked(db, viewer.known(), ref)
    lines = lines_of(db, shipment.id)
    wrote = {f"setuju-{line.seq}": str(agreed.get(line.seq, line.vials)) for line in lines}
    unasked = version_of(
        dict.fromkeys(wrote, "")
    )  # what a form without the field was drawn from: it is only there then
    stands = agreed_fields((line.seq, line.approved) for line in lines)
    insist_unchanged({FIELD: version or unasked, **wrote}, stands)
    if stands != wrote:
        approve_shipment(db, viewer.known(), ref, agreed, now=now)


def _agreed_before(
    db: Session, viewer: Viewer, ends: Ends, stands: Mapping[str, str], agreed: Mapping[int, int]
) -> str:
    """What stands, whose word it is, and what of the late one's was not recorded."""
    db.refresh(ends.shipment)
    said = [stands[f"setuju-{line}"] for line in sorted(agreed)]
    return viewer.texts.gettext(_AGREED) % {
        "who": ends.shipment.approved_by,
        "stands": ", ".join(said),
        "wrote": ", ".join(str(agreed[line]) for line in sorted(agreed)),
    }


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
