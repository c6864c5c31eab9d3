"""`/pengiriman/{ref}/terima` and `/kembali`: what arrived, all as on the note or line by line, at the receiver or back at the sender."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.shipments.ends import Ends, check_places, ends_of, places_of
from dashboard.shipments.loggers import TICKED, loggers_of
from dashboard.shipments.queries import product_names
from dashboard.stock.forms import Fields, Typed, label_or_lot
from tracker.edge.deps import Db
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.shipments.errors import BadState, OtherContent
from tracker.shipments.models import ShipmentReceipt
from tracker.shipments.presenting import shipment_detail
from tracker.shipments.rules.words import Difference
from tracker.shipments.service.commands import Received, ReceiveShipment
from tracker.shipments.service.receiving import receive_shipment

router = Router(include_in_schema=False)

MOST_LINES = 200
# Nine fields a line, and those of the whole form.
MOST_FIELDS = MOST_LINES * 9 + 50
COUNTS = ("accepted", "rejected", "missing", "surplus")
_NO_PLACE = mark("Pilih di mana vial ini disimpan.")
_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu baris.")
_NO_LOT = mark("Tulis lot atau kode vial itu.")
_NO_REASON = mark("Pilih alasannya.")
_NOT_AS_NOTED = mark(
    "Belum tercatat: Anda menulis selisih. Catat baris demi baris, atau kembalikan isian seperti surat jalan."
)
_TOLD_OTHERWISE = mark(
    "Formulir ini sudah pernah dikirim dengan isi lain, dan isi itu tercatat. Kirim lagi hanya bila yang ini juga tiba."
)


_FORM = (
    *("csrf", "nomor", "tempat", "semua", "habis", "waktu", "catatan", "lot-lain", "vial-lain", "alasan-lain"),
    *("pencatat", "pencatat-dilihat", TICKED + "{n}", *(f"{count}-{{id}}" for count in COUNTS)),
    *("nota-{id}", "alasan-{id}", "vvm-{id}", "tempat-{id}", "catatan-{id}"),
)


@router.get("/pengiriman/{ref}/terima")
def show_receiving(*, ref: str, viewer: Member, db: Db) -> Response:
    """What is on the road to here, and room for what became of it."""
    return _show(viewer, db, ref, returned=False)


@router.post("/pengiriman/{ref}/terima")
@takes_fields(*_FORM, most=MOST_FIELDS)
def receive(*, ref: str, viewer: Member, db: Db, fields: Fields) -> Response:
    """Record one delivery; several may follow one another."""
    return _take(viewer, db, ref, Typed.of(fields), returned=False)


@router.get("/pengiriman/{ref}/kembali")
def show_return(*, ref: str, viewer: Member, db: Db) -> Response:
    """The truck turned round: what of it is back at the sender."""
    return _show(viewer, db, ref, returned=True)


@router.post("/pengiriman/{ref}/kembali")
@takes_fields(*_FORM, most=MOST_FIELDS)
def take_back(*, ref: str, viewer: Member, db: Db, fields: Fields) -> Response:
    """Record what came back."""
    return _take(viewer, db, ref, Typed.of(fields), returned=True)


def _ends(viewer: Viewer, db: Session, ref: str, *, returned: bool) -> Ends:
    ends = ends_of(db, viewer, ref)
    if not (ends.sends if returned else ends.takes):
        raise Forbidden(permission="shipment.write")
    return ends


def _show(viewer: Viewer, db: Session, ref: str, *, returned: bool) -> Response:
    ends = _ends(viewer, db, ref, returned=returned)
    if not ends.steps & {"receive", "turn"}:
        return _before_you(ends)
    return _form(viewer, db, ends, Typed({}), returned=returned)


def _take(viewer: Viewer, db: Session, ref: str, typed: Typed, *, returned: bool) -> Response:
    check_csrf(viewer, typed.get("csrf"))
    ends = _ends(viewer, db, ref, returned=returned)
    here = ends.sender if returned else ends.receiver
    found = _as_noted(viewer, typed) if typed.get("semua") else _found(viewer, typed)
    check_places(db, viewer, here, typed)
    loggers = loggers_of(db, viewer, ends, typed)
    command = ReceiveShipment(
        id=typed.number(),
        occurred_at=typed.moment("waktu", here.timezone, viewer.now, viewer.texts),
        lines=tuple(line for _, line in found),
        final=typed.get("habis") == "ya",
        returned=returned,
        loggers=loggers,
    )
    if not typed.faults:
        try:
            _receive_once(db, viewer, ref, command)
        except NotFound:
            raise
        except BadState:
            return _before_you(ends)
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_TOLD_OTHERWISE)})
        except DomainError as error:
            typed.faults[_field_of(error, [batch for batch, _ in found])] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/pengiriman/{ends.shipment.code}", status_code=303)
    if not ends.steps & {"receive", "turn"}:
        return _before_you(ends)
    return _form(viewer, db, ends, typed, returned=returned)


def _receive_once(db: Session, viewer: Viewer, ref: str, command: ReceiveShipment) -> None:
    """The receipt of a form; sent again it is the same receipt, of when the form came first."""
    try:
        with db.begin_nested():
            receive_shipment(db, viewer.known(), ref, command, now=viewer.now)
    except OtherContent:
        first = db.get(ShipmentReceipt, command.id)
        if first is None:
            raise
        with db.begin_nested():
            told = replace(command, occurred_at=first.said_at or first.occurred_at)
            receive_shipment(db, viewer.known(), ref, told, now=viewer.now)


def _as_noted(viewer: Viewer, typed: Typed) -> list[tuple[str, Received]]:
    """All that the form showed as on the road, accepted."""
    if not typed.get("tempat"):
        typed.faults["tempat"] = viewer.texts.gettext(_NO_PLACE)
    if _odd(typed):
        typed.faults[""] = viewer.texts.gettext(_NOT_AS_NOTED)
    return [
        (batch, Received(batch=batch, place=typed.get("tempat"), accepted=vials, note=typed.get("catatan") or None))
        for batch, vials in _numbers(viewer, typed, "nota").items()
        if vials
    ]


def _odd(typed: Typed) -> bool:
    """Whether somebody wrote anything that is not as on the note."""
    odd = any(value and name.partition("-")[0] in COUNTS[1:] for name, value in typed.values.items())
    noted = {name.removeprefix("nota-"): value for name, value in typed.values.items() if name.startswith("nota-")}
    changed = any(typed.values.get(f"accepted-{batch}", value) != value for batch, value in noted.items())
    return odd or changed or bool(typed.get("lot-lain") or typed.get("vial-lain"))


def _found(viewer: Viewer, typed: Typed) -> list[tuple[str, Received]]:
    """The lines with a number, by batch, and what came besides; what is missing becomes a fault."""
    texts = viewer.texts
    counts = {count: _numbers(viewer, typed, count) for count in COUNTS}
    batches = list(dict.fromkeys(batch for found in counts.values() for batch in found))
    lines = [
        (batch, _line(typed, batch, {count: counts[count].get(batch, 0) for count in COUNTS})) for batch in batches
    ]
    lines = [(batch, line) for batch, line in lines if any(getattr(line, count) for count in COUNTS)]
    if typed.get("lot-lain") or typed.get("vial-lain"):
        reason = _reason(typed.get("alasan-lain"))
        vials = typed.amount("vial-lain", texts, waits="lot-lain") if not typed.faults else None
        lot = typed.get("lot-lain")
        if vials is None:
            pass  # it stands at its field, or another fault comes first
        elif not lot:
            typed.faults["lot-lain"] = texts.gettext(_NO_LOT)
        elif reason is None:
            typed.faults["alasan-lain"] = texts.gettext(_NO_REASON)
        else:
            barcode, batch = label_or_lot(lot)
            came = Received(
                barcode=barcode,
                batch=batch,
                place=typed.get("tempat") or None,
                surplus=vials,
                reason=reason,
            )
            lines.append(("lain", came))
    for batch, line in lines:
        if line.place is None and (line.accepted or line.rejected or line.surplus):
            typed.faults["tempat"] = texts.gettext(_NO_PLACE)
        if line.reason is None and (line.rejected or line.missing or line.surplus):
            typed.faults[f"alasan-{batch}"] = texts.gettext(_NO_REASON)
    if not lines and not typed.faults and typed.get("habis") != "ya":
        typed.faults[""] = texts.gettext(_NOTHING)
    return lines


def _line(typed: Typed, batch: str, counts: dict[str, int]) -> Received:
    stage = typed.get(f"vvm-{batch}")
    return Received(
        batch=batch,
        place=typed.get(f"tempat-{batch}") or typed.get("tempat") or None,
        accepted=counts["accepted"],
        rejected=counts["rejected"],
        missing=counts["missing"],
        surplus=counts["surplus"],
        reason=_reason(typed.get(f"alasan-{batch}")),
        note=typed.get(f"catatan-{batch}") or typed.get("catatan") or None,
        vvm_stage=int(stage) if stage in ("1", "2", "3", "4") else None,
    )


def _numbers(viewer: Viewer, typed: Typed, kind: str) -> dict[str, int]:
    """Vials by batch of the fields `KIND-BATCH`; what is no number is a fault of its field."""
    found: dict[str, int] = {}
    for name, value in typed.values.items():
        word, _, batch = name.partition("-")
        if word != kind or not value:
            continue
        vials = typed.amount(name, viewer.texts, waits="lot-lain")
        if vials is not None:
            found[batch] = vials
    return found


def _reason(value: str) -> Difference | None:
    return Difference(value) if value in set(Difference) else None


def _field_of(error: DomainError, batches: list[str]) -> str:
    """Beside which field a refusal belongs: that of its line, else the whole form."""
    line, field = error.params.get("line"), str(error.params.get("field", ""))
    if field == "occurred_at":
        return "waktu"
    if not isinstance(line, int) or line >= len(batches):
        return ""
    if batches[line] == "lain":
        return "lot-lain"
    return f"{field if field in COUNTS else 'accepted'}-{batches[line]}"


def _before_you(ends: Ends) -> Response:
    """There is nothing to receive any more (or not yet): the shipment says who did what, and when."""
    return RedirectResponse(f"/pengiriman/{ends.shipment.code}?sudah=1", status_code=303)


def _form(viewer: Viewer, db: Session, ends: Ends, typed: Typed, *, returned: bool) -> Response:
    detail = shipment_detail(db, viewer.known(), str(ends.shipment.id), viewer.now)
    lines = [line for line in detail.differences if line.on_road]
    here = ends.sender if returned else ends.receiver
    return page(
        viewer,
        "shipments/receiving.html",
        status=422 if typed.faults else 200,
        ends=ends,
        facility=here,
        lines=lines[:MOST_LINES],
        hidden=max(0, len(lines) - MOST_LINES),
        total=sum(line.on_road for line in lines[:MOST_LINES]),
        boxes=detail.boxes,
        ticked=TICKED,
        products=product_names(db, {line.product for line in lines}),
        places=places_of(db, here, typed.get("tempat")),
        reasons=[(one.value, viewer.texts.gettext(labels.DIFFERENCE[one])) for one in Difference],
        number=typed.number(),
        returned=returned,
        typed=typed,
    )
