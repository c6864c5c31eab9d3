"""`/pengiriman/kirim`: a store sends vials nobody asked for, or sends them back up, also those that must not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import HTTPException, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import UNKNOWN, Choices, Said, choices, known
from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.boxes import OF_BOX, add_fault, boxes_of, goods_of, of_goods, reasons_for_other_lots
from dashboard.shipments.ends import store_of
from dashboard.shipments.ordering import own_store
from dashboard.stock.forms import Fields, Typed
from dashboard.stock.queries import Parcel, parcels_at
from dashboard.stock.shelf import products_at
from tracker.access.models import Unit
from tracker.catalog.models import Batch
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import as_id
from tracker.shipments.errors import OtherContent
from tracker.shipments.models import Shipment
from tracker.shipments.rules.routes import is_upward, parent_of
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import Box, CreateShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import pack_shipment
from tracker.stock.rules.words import Status
from tracker.stock.service.stopping import kept_by_hold

router = Router(include_in_schema=False)

MOST_LINES = 40
_NO_RECEIVER = mark("Pilih ke mana vial dikirim.")
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain, dan kiriman itu tercatat. Kirim lagi hanya bila yang ini juga dikirim."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to send without an order: its kind, its words, and which vials it may carry."""

    kind: ShipmentKind
    title: str
    hint: str
    statuses: frozenset[Status]


WAYS: dict[str, Way] = {
    "langsung": Way(
        kind=ShipmentKind.DIRECT,
        title=mark("Kirim tanpa permintaan"),
        hint=mark("Tulis berapa vial yang masuk ke kotak. Dari tiap produk, yang kedaluwarsa lebih dahulu di atas."),
        statuses=frozenset({Status.USABLE}),
    ),
    "retur": Way(
        kind=ShipmentKind.RETURN,
        title=mark("Kembalikan ke atas"),
        hint=mark("Tulis berapa vial yang dikembalikan, juga yang ditarik atau tak layak."),
        statuses=frozenset(Status),
    ),
}


@router.get("/pengiriman/kirim")
def show_leaving(*, viewer: Member, db: Db, dari: Said = "", cara: str = "langsung", produk: Said = "") -> Response:
    """The form: whereto, and what of the store goes into the box; who may write at several stores chooses first."""
    way = _way(cara)
    store = own_store(db, viewer, dari)
    if isinstance(store, Choices):
        return page(viewer, "shipments/leaving.html", facility=None, stores=store, said=dari, way=way, cara=cara)
    return _form(viewer, db, store, Typed({"cara": cara, "produk": produk}))


@router.post("/pengiriman/kirim")
@takes_fields("csrf", "nomor", "dari", "cara", "produk", "ke", "catatan", *OF_BOX, *of_goods("v", "a", "c"))
def send(*, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Make the shipment and pack its box in one step, once however often the form is sent."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    facility = store_of(db, viewer, typed.get("dari"))
    way = _way(typed.get("cara"))
    if not known(db, _receivers(db, facility, way)[0], Facility, [typed.get("ke")]):
        typed.faults["ke"] = viewer.texts.gettext(UNKNOWN if typed.get("ke") else _NO_RECEIVER)
    boxes, lines = boxes_of(viewer, typed)
    if not typed.faults:
        try:
            with db.begin_nested():
                shipment = _send(db, viewer, facility, way, typed, boxes, now)
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
        except NotFound:
            raise
        except DomainError as error:
            add_fault(viewer, typed, error, lines)
        else:
            return RedirectResponse(f"/pengiriman/{shipment.code}", status_code=303)
    return _form(viewer, db, facility, typed)


def _send(
    db: Session, viewer: Viewer, facility: Facility, way: Way, typed: Typed, boxes: tuple[Box, ...], now: datetime
) -> Shipment:
    command = CreateShipment(
        id=typed.number(),
        from_facility=facility.code,
        to_facility=typed.get("ke"),
        kind=way.kind,
        lines=_wanted(db, boxes),
        reference=typed.get("catatan") or None,
    )
    made = create_shipment(db, viewer.known(), command, now=now)
    if made.fresh:
        pack_shipment(db, viewer.known(), made.shipment.id, boxes, now=now)
    return made.shipment


def _wanted(db: Session, boxes: Sequence[Box]) -> tuple[Wanted, ...]:
    """What the boxes hold, as vials of each product."""
    packed = [(as_id(line.batch or ""), line.vials) for box in boxes for line in box.lines]
    rows = db.execute(
        select(Batch.id, Batch.presentation_id).where(Batch.id.in_({batch for batch, _ in packed if batch}))
    )
    products: dict[UUID, UUID] = {row.id: row.presentation_id for row in rows}
    sums = Counter[UUID]()
    for batch, vials in packed:
        if batch in products:
            sums[products[batch]] += vials
    return tuple(Wanted(product=str(product), vials=vials) for product, vials in sums.items())


def _way(name: str) -> Way:
    if name not in WAYS:
        raise HTTPException(404)
    return WAYS[name]


def _receivers(db: Session, facility: Facility, way: Way) -> tuple[Select[Facility], Any]:
    """Where it may go (`may_send`), and the order: back up, the nearest first; else those right below, then all under the same one."""
    unit = db.get_one(Unit, facility.id)
    query = select(Facility).join(Unit, Unit.id == Facility.id)
    if way.kind is ShipmentKind.RETURN:
        above = db.scalars(select(Unit.path).where(Unit.path.op("@>")(unit.path))).all()
        higher = [path for path in above if is_upward(unit.path, path)]
        return query.where(Unit.path.in_(higher)), func.nlevel(Unit.path).desc()
    down_or_beside = func.nlevel(Unit.path) >= unit.path.count(".") + 1
    under_the_same = Unit.path.op("<@")(parent_of(unit.path))
    return query.where(under_the_same, down_or_beside, Facility.id != facility.id), (Unit.parent_id == unit.id).desc()


def _kept(db: Session, facility: Facility, parcel: Parcel) -> int:
    """How many of a parcel's vials a hold keeps here until it is decided, as the packing counts them."""
    if parcel.status != Status.HELD:
        return 0
    return min(kept_by_hold(db, facility.id, parcel.batch_id, Status.HELD), parcel.vials)


def _form(viewer: Viewer, db: Session, facility: Facility, typed: Typed) -> Response:
    way = _way(typed.get("cara"))
    product = typed.get("produk")
    receivers, nearest_first = _receivers(db, facility, way)
    parcels, total = parcels_at(db, facility, viewer.now, statuses=way.statuses, product=product, limit=MOST_LINES)
    return page(
        viewer,
        "shipments/leaving.html",
        status=422 if typed.faults else 200,
        facility=facility,
        way=way,
        cara=typed.get("cara"),
        receivers=choices(db, receivers, Facility, said=typed.get("ke"), first=[nearest_first]),
        parcels=[
            (goods_of(one.place_code, one.batch_id, Status(one.status)), one, _kept(db, facility, one))
            for one in parcels
        ],
        hidden=total - len(parcels),
        products=products_at(db, facility, product) if total > len(parcels) or product else None,
        reasons=reasons_for_other_lots(viewer.texts),
        number=typed.number(),
        typed=typed,
    )
