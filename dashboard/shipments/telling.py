"""`/pengiriman/tiba`: boxes stand at the door of which nobody said a word; the store tells whose they are and what is in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import UNKNOWN, Choices, Said, choices, known
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.ends import check_places, places_of, store_of
from dashboard.shipments.ordering import own_store
from dashboard.stock.forms import Fields, Typed, is_amount, label_or_lot
from tracker.access.models import Unit
from tracker.catalog.models import Presentation
from tracker.edge.asking import UnknownField
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.shipments.errors import OtherContent
from tracker.shipments.models import Shipment, ToldDelivery
from tracker.shipments.service.commands import Came, TellDelivery
from tracker.shipments.service.unannounced import tell_delivery

router = Router(include_in_schema=False)

MOST_LINES = 40
_NO_SENDER = mark("Tulis dari mana kotaknya: pilih dari daftar, atau tulis kode fasilitasnya.")
_UNKNOWN_SENDER = mark("Tidak ada fasilitas dengan nama atau kode itu: pilih dari daftar, atau tulis kodenya.")
_NO_LOT = mark("Pindai label vialnya, atau tulis lotnya.")
_NO_PLACE = mark("Pilih di mana vial ini disimpan.")
_NO_DAY = mark("Tanggal itu tidak ada.")
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain, dan isi itu tercatat. Kirim lagi hanya bila yang ini juga datang."
)
# The field of a line by what a refusal says is wrong with it.
_FIELDS = {
    "batch": "kode",
    "barcode": "kode",
    "vials": "vial",
    "place": "tempat",
    "expiry": "kedaluwarsa",
    "vvm_stage": "vvm",
}


_FORM = (
    *("csrf", "nomor", "untuk", "baris", "dari", "tempat", "waktu", "catatan", "tambah"),
    *("kode-{n}", "vial-{n}", "produk-{n}", "kedaluwarsa-{n}", "vvm-{n}", "tempat-{n}"),
)


@router.get("/pengiriman/tiba")
def show_telling(*, viewer: Member, db: Db, untuk: Said = "") -> Response:
    """The form; who may write at several stores chooses first where the boxes stand."""
    store = own_store(db, viewer, untuk)
    if isinstance(store, Choices):
        return page(viewer, "shipments/telling.html", facility=None, stores=store, said=untuk)
    return _form(viewer, db, store, Typed({}))


@router.post("/pengiriman/tiba")
@takes_fields(*_FORM)
def tell(*, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Write it down, once however often the form is sent; or draw the form with room for one lot more."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    facility = store_of(db, viewer, typed.get("untuk"))
    if typed.get("tambah"):
        more = str(min(_rows(typed) + 1, MOST_LINES))
        return _form(viewer, db, facility, Typed({**typed.values, "baris": more}))
    sender = _sender(db, viewer, facility, typed)
    check_places(db, viewer, facility, typed)
    _check_products(db, viewer, typed)
    lines = _lines(viewer, typed)
    command = TellDelivery(
        id=typed.number(),
        from_facility=sender,
        to_facility=facility.code,
        arrived_at=typed.moment("waktu", facility.timezone, now, viewer.texts),
        lines=tuple(line for _, line in lines),
        reference=typed.get("catatan") or None,
    )
    if not typed.faults:
        try:
            shipment = _tell(db, viewer, command)
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
        except FacilityNotFound as error:
            if error.params.get("field") != "from":
                raise
            typed.faults["dari"] = viewer.texts.gettext(_UNKNOWN_SENDER)
        except NotFound:
            raise
        except DomainError as error:
            typed.faults[_field_of(error, [row for row, _ in lines])] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/pengiriman/{shipment.code}", status_code=303)
    return _form(viewer, db, facility, typed)


def _tell(db: Session, viewer: Viewer, command: TellDelivery) -> Shipment:
    """What a form tells; sent again it is the same delivery, of when the form came first."""
    try:
        with db.begin_nested():
            return tell_delivery(db, viewer.known(), command, now=viewer.now).shipment
    except OtherContent:
        first = db.get(ToldDelivery, command.id)
        if first is None:
            raise
        with db.begin_nested():
            told = replace(command, arrived_at=first.arrived_at)
            return tell_delivery(db, viewer.known(), told, now=viewer.now).shipment


def _rows(typed: Typed) -> int:
    """As many as the form was drawn with, and no fewer than somebody wrote into. Raises UnknownField beyond the last there is."""
    count = typed.get("baris")
    written = {int(row): name for name in typed.values if (row := _row_of(name)) is not None and typed.get(name)}
    if written and not 1 <= min(written) <= max(written) <= MOST_LINES:
        raise UnknownField(field=written[max(written)] if max(written) > MOST_LINES else written[min(written)])
    drawn = min(int(count), MOST_LINES) if is_amount(count) else 1
    return max(drawn, 1, *written)


def _row_of(name: str) -> str | None:
    kind, _, row = name.partition("-")
    return row if kind in ("kode", "vial") and row.isdecimal() else None


def _lines(viewer: Viewer, typed: Typed) -> list[tuple[int, Came]]:
    """The lines somebody wrote into, each with its row (from 1); what is missing becomes a fault."""
    texts = viewer.texts
    found: list[tuple[int, Came]] = []
    for row in range(1, _rows(typed) + 1):
        if not typed.get(f"kode-{row}") and not typed.get(f"vial-{row}") and row > 1:
            continue
        vials = typed.amount(f"vial-{row}", texts, waits=f"kode-{row}")
        text = typed.get(f"kode-{row}")
        place = typed.get(f"tempat-{row}") or typed.get("tempat")
        if not text:
            typed.faults[f"kode-{row}"] = texts.gettext(_NO_LOT)
        if not place:
            typed.faults["tempat"] = texts.gettext(_NO_PLACE)
        expiry = _day(viewer, typed, f"kedaluwarsa-{row}")
        if vials is None or typed.faults:
            continue
        barcode, lot = label_or_lot(text)
        product, stage = typed.get(f"produk-{row}"), typed.get(f"vvm-{row}")
        came = Came(
            vials=vials,
            place=place,
            barcode=barcode,
            batch=f"{product}/{lot}" if lot and product else lot,
            expiry=expiry,
            vvm_stage=int(stage) if stage in ("1", "2", "3", "4") else None,
        )
        found.append((row, came))
    return found


def _day(viewer: Viewer, typed: Typed, name: str) -> date | None:
    try:
        return date.fromisoformat(typed.get(name)) if typed.get(name) else None
    except ValueError:
        typed.faults[name] = viewer.texts.gettext(_NO_DAY)
        return None


def _field_of(error: DomainError, rows: list[int]) -> str:
    """Beside which field a refusal belongs: that of its line, else the whole form."""
    line, field = error.params.get("line"), str(error.params.get("field", ""))
    if field in ("from", "arrived_at"):
        return {"from": "dari", "arrived_at": "waktu"}[field]
    if isinstance(line, int) and line < len(rows) and field in _FIELDS:
        return f"{_FIELDS[field]}-{rows[line]}"
    return ""


def _sender(db: Session, viewer: Viewer, facility: Facility, typed: Typed) -> str:
    """The code of whoever sent it: as it was typed, or of the likely facility with that name."""
    text = typed.get("dari")
    if not text:
        typed.faults["dari"] = viewer.texts.gettext(_NO_SENDER)
    likely, _ = _senders(db, facility)
    named = db.scalars(likely.where(func.lower(Facility.name) == text.lower()).limit(2)).all()
    return named[0].code if len(named) == 1 else text


def _check_products(db: Session, viewer: Viewer, typed: Typed) -> None:
    """A product may be written by its code: what is none is a fault of its field."""
    said = {name: code for name, code in typed.values.items() if code and name.startswith("produk-")}
    products = known(db, select(Presentation), Presentation, set(said.values()))
    typed.faults |= {name: viewer.texts.gettext(UNKNOWN) for name, code in said.items() if code not in products}


def _senders(db: Session, facility: Facility) -> tuple[Select[Facility], Any]:
    """Who is likely to have sent it, and the order: those above, the nearest first, then neighbours and those right below."""
    unit = db.get_one(Unit, facility.id)
    above = and_(Unit.path.op("@>")(unit.path), Facility.id != facility.id)
    beside = and_(Unit.parent_id == unit.parent_id, Facility.id != facility.id)
    query = select(Facility).join(Unit, Unit.id == Facility.id).where(above | beside | (Unit.parent_id == unit.id))
    return query, case((above, func.nlevel(Unit.path)), else_=0).desc()


def _form(viewer: Viewer, db: Session, facility: Facility, typed: Typed) -> Response:
    senders, nearest_first = _senders(db, facility)
    return page(
        viewer,
        "shipments/telling.html",
        status=422 if typed.faults else 200,
        facility=facility,
        senders=choices(db, senders, Facility, said=typed.get("dari"), first=[nearest_first]),
        places=places_of(db, facility, typed.get("tempat")),
        products=choices(db, select(Presentation), Presentation),
        rows=_rows(typed),
        most_rows=MOST_LINES,
        number=typed.number(),
        typed=typed,
    )
