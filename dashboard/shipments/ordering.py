"""`/pengiriman/minta`: a store asks for vials, with what lies there beside each product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.choices import UNKNOWN, Choices, Said, choices, known
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.ends import store_of
from dashboard.shipments.queries import ready_vials
from dashboard.stock.forms import Fields, Typed
from tracker.access.models import Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.shipments.errors import OtherContent
from tracker.shipments.queries.neighbours import neighbours_of
from tracker.shipments.rules.words import ShipmentKind
from tracker.shipments.service.commands import CreateShipment, Wanted
from tracker.shipments.service.ordering import create_shipment

router = Router(include_in_schema=False)

_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu produk.")
_NO_SENDER = mark("Pilih dari mana vial diminta.")
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain, dan permintaan itu tercatat. Kirim lagi hanya bila yang ini juga"
    " diminta."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A product and what of it lies here, in vials that can be used."""

    code: str
    name: str
    here: int


@router.get("/pengiriman/minta")
def show_order(*, viewer: Member, db: Db, untuk: Said = "", produk: Said = "") -> Response:
    """The form of an order; who may write at several stores chooses first."""
    store = own_store(db, viewer, untuk)
    if isinstance(store, Choices):
        return page(viewer, "shipments/order.html", facility=None, stores=store, said=untuk)
    return _form(viewer, db, store, Typed({"produk": produk}))


@router.post("/pengiriman/minta")
@takes_fields("csrf", "nomor", "untuk", "produk", "dari", "catatan", "p-{product}")
def order(*, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Ask for it, once however often the form is sent."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    facility = facility_by_code_or_id(db, viewer.known(), typed.get("untuk"), Permission.STOCK_READ)
    wanted = _wanted(viewer, typed)
    if not typed.get("dari"):
        typed.faults["dari"] = viewer.texts.gettext(_NO_SENDER)
    elif not known(db, neighbours_of(db, facility)[0], Facility, [typed.get("dari")]):
        typed.faults["dari"] = viewer.texts.gettext(UNKNOWN)
    if not typed.faults:
        command = CreateShipment(
            id=typed.number(),
            from_facility=typed.get("dari"),
            to_facility=facility.code,
            kind=ShipmentKind.ORDER,
            lines=tuple(line for _, line in wanted),
            reference=typed.get("catatan") or None,
        )
        try:
            with db.begin_nested():
                made = create_shipment(db, viewer.known(), command, now=now)
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
        except NotFound:
            raise
        except DomainError as error:
            line = error.params.get("line")
            typed.faults[wanted[line][0] if isinstance(line, int) else "dari"] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/pengiriman/{made.shipment.code}", status_code=303)
    return _form(viewer, db, facility, typed)


def _wanted(viewer: Viewer, typed: Typed) -> list[tuple[str, Wanted]]:
    found: list[tuple[str, Wanted]] = []
    for name, value in typed.values.items():
        kind, _, product = name.partition("-")
        if kind != "p" or not value:
            continue
        vials = typed.amount(name, viewer.texts)
        if vials:
            found.append((name, Wanted(product=product, vials=vials)))
    if not found and not typed.faults:
        typed.faults[""] = viewer.texts.gettext(_NOTHING)
    return found


def _form(viewer: Viewer, db: Session, facility: Facility, typed: Typed) -> Response:
    path = path_of(db, facility.id)
    viewer.known().require(Permission.SHIPMENT_WRITE, path)
    senders, above_first = neighbours_of(db, facility)
    products = choices(db, select(Presentation), Presentation, said=typed.get("produk"))
    return page(
        viewer,
        "shipments/order.html",
        status=422 if typed.faults else 200,
        facility=facility,
        senders=choices(db, senders, Facility, said=typed.get("dari"), first=[above_first]),
        products=products,
        lines=_offered(db, facility, products, viewer.now),
        number=typed.number(),
        typed=typed,
    )


def own_store(db: Session, viewer: Viewer, said: str) -> Facility | Choices[Facility]:
    """The store of which a code or id was said, or the only one; else those to choose from. Raises FacilityNotFound, Forbidden."""
    if said:
        try:
            return store_of(db, viewer, said)
        except FacilityNotFound:
            stores = _own_stores(db, viewer, said)
            if stores.cut or stores.alike:
                return stores
            raise
    stores = _own_stores(db, viewer)
    return stores if stores.only is None else store_of(db, viewer, stores.only.code)


def _own_stores(db: Session, viewer: Viewer, said: str = "") -> Choices[Facility]:
    """The facilities at which the viewer may order, send and receive."""
    query = select(Facility).join(Unit, Unit.id == Facility.id)
    return choices(
        db, query.where(visible_to(viewer.known(), Unit.path, Permission.SHIPMENT_WRITE)), Facility, said=said
    )


def _offered(db: Session, facility: Facility, products: Sequence[Presentation], now: datetime) -> list[Offered]:
    here = ready_vials(db, facility.id, now)
    return [Offered(code=one.code, name=one.name, here=here.get(one.code, 0)) for one in products]
