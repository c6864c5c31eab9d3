"""`/pengiriman/{ref}/…` at the sender: approve an order, pack by first expiry, let it leave; and give up at either end."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.ends import Ends, ends_of
from dashboard.shipments.pages import shipment_page
from dashboard.stock.forms import Fields, Typed
from tracker.catalog.models import Batch, Presentation
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.shipments.service.commands import Box, Pack
from tracker.shipments.service.ordering import approve_shipment, cancel_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment, propose
from tracker.stock.rules.words import Status

router = Router(include_in_schema=False)

MOST_BOXES = 40
_NO_NUMBER = mark("Tulis bilangan bulat.")
_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu baris.")
_EMPTY_BOX = mark("Kotak %(n)s kosong: pilih kotak itu pada satu baris, atau kurangi jumlah kotak.")


@router.post("/pengiriman/{ref}/setujui")
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
    for name, value in typed.values.items():
        kind, _, line = name.partition("-")
        if kind != "setuju" or not line.isdigit():
            continue
        if _is_number(value):
            agreed[int(line)] = int(value)
        else:
            typed.faults[name] = viewer.texts.gettext(_NO_NUMBER)
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
    boxes, names = boxes_of(viewer, typed)
    if not typed.faults:
        try:
            with db.begin_nested():
                pack_shipment(db, viewer.known(), ref, boxes, now=now)
        except NotFound:
            raise
        except DomainError as error:
            line = error.params.get("line")
            known = isinstance(line, int) and line < len(names) and error.params.get("field") == "vials"
            typed.faults[names[int(str(line))] if known else ""] = sentence_of(error, viewer.language)
        else:
            return _back(ends)
    return _packing(viewer, db, ends, typed)


@router.post("/pengiriman/{ref}/berangkat")
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
                dispatch_shipment(db, viewer.known(), ref, occurred_at=left, expected_at=due, now=now)
        except NotFound:
            raise
        except DomainError as error:
            typed.faults[""] = sentence_of(error, viewer.language)
        else:
            return _back(ends)
    return shipment_page(viewer, db, ref, typed)


@router.post("/pengiriman/{ref}/batal")
def cancel(*, ref: str, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Either end gives up what has not left."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    try:
        with db.begin_nested():
            cancel_shipment(db, viewer.known(), ref, now=now)
    except NotFound:
        raise
    except DomainError as error:
        typed.faults[""] = sentence_of(error, viewer.language)
        return shipment_page(viewer, db, ref, typed)
    return RedirectResponse(f"/pengiriman/{ref}", status_code=303)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 9


def boxes_of(viewer: Viewer, typed: Typed) -> tuple[tuple[Box, ...], list[str]]:
    """The boxes that the form describes, and the field of each line in their order; what is wrong becomes a fault.

    A line's fields are `v/PLACE/BATCH` and `k/PLACE/BATCH`, its box from 1; of other than usable vials `…/BATCH/STATUS`.
    """
    texts = viewer.texts
    count = int(typed.get("kotak")) if _is_number(typed.get("kotak")) else 1
    count = min(max(count, 1), MOST_BOXES)
    inside: list[list[tuple[str, Pack]]] = [[] for _ in range(count)]
    for name, value in typed.values.items():
        kind, _, rest = name.partition("/")
        place, _, goods = rest.partition("/")
        batch, _, status = goods.partition("/")
        if kind != "v" or not value or not batch or status not in ("", *Status):
            continue
        if not _is_number(value):
            typed.faults[name] = texts.gettext(_NO_NUMBER)
            continue
        box = typed.get(f"k/{rest}")
        index = min(int(box), count) - 1 if _is_number(box) and int(box) else 0
        if int(value):
            line = Pack(vials=int(value), place=place, batch=batch, status=Status(status or Status.USABLE))
            inside[index].append((name, line))
    if not typed.faults and not any(inside):
        typed.faults[""] = texts.gettext(_NOTHING)
    for index, lines in enumerate(inside):
        if not lines and not typed.faults:
            typed.faults[""] = texts.gettext(_EMPTY_BOX) % {"n": index + 1}
    boxes = tuple(
        Box(
            seal=typed.get(f"segel-{index + 1}") or None,
            logger=typed.get(f"pencatat-{index + 1}") or None,
            lines=tuple(line for _, line in lines),
        )
        for index, lines in enumerate(inside)
    )
    return boxes, [name for lines in inside for name, _ in lines]


def field_of(place: str, batch_id: UUID, status: Status) -> str:
    """The name of the field for vials of a batch in a place."""
    return f"v/{place}/{batch_id}" + ("" if status is Status.USABLE else f"/{status.value}")


def _packing(viewer: Viewer, db: Session, ends: Ends, typed: Typed) -> Response:
    picks, missing = propose(db, viewer.known(), ends.shipment.id, now=viewer.now)
    return page(
        viewer,
        "shipments/packing.html",
        status=422 if typed.faults else 200,
        ends=ends,
        facility=ends.sender,
        picks=[
            (field_of(parcel.place, parcel.batch_id, parcel.status).removeprefix("v/"), parcel, vials)
            for parcel, vials in picks
        ],
        products=batch_products(db, {parcel.batch_id for parcel, _ in picks}),
        missing=sum(missing.values()),
        boxes=int(typed.get("kotak") or 1) if _is_number(typed.get("kotak") or "1") else 1,
        typed=typed,
    )


def batch_products(db: Session, batch_ids: set[UUID]) -> dict[UUID, str]:
    """What the products of these batches are called."""
    rows = db.execute(
        select(Batch.id, Presentation.name)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(Batch.id.in_(batch_ids))
    )
    return {row.id: row.name for row in rows}


def _back(ends: Ends) -> Response:
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
