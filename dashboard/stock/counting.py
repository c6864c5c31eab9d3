"""`/stok/{code}/hitung` and `/hitung/{sheet_id}`: a place is counted, blind and by several people; then the difference is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import OF_BATCH, Fields, Typed, field_of, label_or_lot
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.queries import as_id, facility_by_code_or_id, path_of
from tracker.stock.errors import OtherContent
from tracker.stock.models import StockBalance
from tracker.stock.queries.counting import SheetLine, SheetView, lines_of, open_sheets, sheet_by_id
from tracker.stock.rules.lines import NamedLine, Reference, goods_reference
from tracker.stock.rules.words import Account, SheetState, Status
from tracker.stock.service.commands import CancelSheet, CountKey, OpenSheet, PostSheet, RecordTally
from tracker.stock.service.counting import cancel_sheet, open_sheet, post_sheet, record_tally

router = Router(include_in_schema=False)

MOST_LINES = 60
MOST_PLACES = 30
_NOTHING = mark("Tulis jumlah vial pada paling sedikit satu baris; 0 bila kosong.")
_NO_LOT = mark("Tulis lot atau kode vial itu.")
_SENT_OTHERWISE = mark("Hitungan ini sudah terkirim dengan angka lain. Kirim lagi bila yang ini hitungan baru.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPlace:
    """A place to be counted: batches that lie there, when the longest uncounted of them was counted, its open sheet."""

    place: Equipment
    batches: int
    counted_at: datetime | None
    never: int
    sheet_id: UUID | None
    since: datetime | None


def counted_places(db: Session, facility_id: UUID, *, after: str = "") -> Listed[CountedPlace]:
    """A page of the places of a facility, by name, those whose count is oldest first on it; raises BadCursor."""
    sheets = {sheet.place_id: sheet for sheet in open_sheets(db, facility_id)}
    lies = (StockBalance.holder_id == Equipment.id) & (StockBalance.vials > 0) & (StockBalance.account == Account.PLACE)
    query = (
        select(
            Equipment,
            func.count(StockBalance.batch_id),
            func.min(StockBalance.counted_at),
            func.count(StockBalance.batch_id).filter(StockBalance.counted_at.is_(None)),
        )
        .outerjoin(StockBalance, lies)
        .where(
            Equipment.facility_id == facility_id,
            or_(Equipment.in_service, StockBalance.holder_id.is_not(None), Equipment.id.in_(sheets)),
        )
        .group_by(Equipment.id)
    )
    turned = listed(
        db,
        [query],
        keys=[Equipment.name, Equipment.code],
        key_of=lambda row: [row[0].name, row[0].code],
        most=MOST_PLACES,
        after=after,
    )
    found = [
        CountedPlace(
            place=place,
            batches=batches,
            counted_at=counted_at,
            never=never,
            sheet_id=sheets[place.id].id if place.id in sheets else None,
            since=sheets[place.id].opened_at if place.id in sheets else None,
        )
        for place, batches, counted_at, never in turned.rows
    ]
    found.sort(key=lambda one: (one.sheet_id is None, not one.never, str(one.counted_at or ""), one.place.name))
    return Listed(rows=found, onward=turned.onward, begun=turned.begun)


@router.get("/stok/{code}/hitung")
def show_places(code: str, viewer: Member, db: Db, sesudah: str = "") -> Response:
    """Which places there are to count, and where somebody counts already."""
    return _places(viewer, db, facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ), after=sesudah)


@router.post("/stok/{code}/hitung")
def begin(
    *,
    code: str,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    nomor: Annotated[UUID | None, Form()] = None,
    tempat: Annotated[str, Form(max_length=64)] = "",
    terbuka: Annotated[str, Form(max_length=4)] = "",
) -> Response:
    """Begin to count a place, or join who does."""
    check_csrf(viewer, csrf)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    command = OpenSheet(id=nomor or uuid7(), facility=facility.code, place=tempat, blind=terbuka != "ya")
    try:
        with db.begin_nested():
            sheet, _ = open_sheet(db, viewer.known(), command, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _places(viewer, db, facility, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/hitung/{sheet.id}", status_code=303)


@router.get("/hitung/{sheet_id}")
def show_sheet(sheet_id: UUID, viewer: Member, db: Db, produk: str = "") -> Response:
    """The form of a sheet while it is open; how it ended afterwards."""
    view = sheet_by_id(db, viewer.known(), sheet_id)
    if view.sheet.state is not SheetState.OPEN:
        return RedirectResponse(f"/hitung/{sheet_id}/selisih", status_code=303)
    return _sheet(viewer, db, view, Typed({"produk": produk}))


@router.post("/hitung/{sheet_id}")
@takes_fields("csrf", "nomor", "produk", "lot-lain", "vial-lain", OF_BATCH)
def send_tally(*, sheet_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """What somebody found, all of it or a part; the difference is shown after."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    view = sheet_by_id(db, viewer.known(), sheet_id)
    viewer.known().require(Permission.STOCK_WRITE, view.path)
    found = _found(typed, viewer)
    if not typed.faults:
        command = RecordTally(
            id=typed.number(), sheet_id=sheet_id, counted_at=now, lines=tuple(line for _, line in found)
        )
        try:
            with db.begin_nested():
                record_tally(db, viewer.known(), command, now=now)
        except NotFound:
            raise
        except OtherContent:
            typed = Typed({**typed.values, "nomor": str(uuid7())}, {"": viewer.texts.gettext(_SENT_OTHERWISE)})
        except DomainError as error:
            line = error.params.get("line")
            typed.faults[found[line][0] if isinstance(line, int) else ""] = sentence_of(error, viewer.language)
        else:
            return RedirectResponse(f"/hitung/{sheet_id}/selisih", status_code=303)
    return _sheet(viewer, db, sheet_by_id(db, viewer.known(), sheet_id), typed)


@router.get("/hitung/{sheet_id}/selisih")
def show_difference(sheet_id: UUID, viewer: Member, db: Db) -> Response:
    """What was found against the books, who found it, and what still waits."""
    return _difference(viewer, db, sheet_id, Typed({}))


@router.post("/hitung/{sheet_id}/catat")
@takes_fields("csrf", "setuju", "alasan-{status}-{id}")
def write_down(*, sheet_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Write the counts into the ledger, once; whoever comes second is shown who was first."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    command = PostSheet(sheet_id=sheet_id, reasons=_reasons(typed.values), approve=typed.get("setuju") == "ya")
    try:
        with db.begin_nested():
            post_sheet(db, viewer.known(), command, now=now)
    except NotFound:
        raise
    except DomainError as error:
        typed.faults[""] = sentence_of(error, viewer.language)
        return _difference(viewer, db, sheet_id, typed)
    return RedirectResponse(f"/hitung/{sheet_id}/selisih", status_code=303)


@router.post("/hitung/{sheet_id}/batal")
def give_up(
    *,
    sheet_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    alasan: Annotated[str, Seen, Form(max_length=200)] = "",
) -> Response:
    """Nothing of the sheet is written."""
    check_csrf(viewer, csrf)
    try:
        with db.begin_nested():
            cancel_sheet(db, viewer.known(), CancelSheet(sheet_id=sheet_id, reason=alasan), now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _difference(viewer, db, sheet_id, Typed({}, {"alasan": sentence_of(error, viewer.language)}))
    return RedirectResponse(f"/hitung/{sheet_id}/selisih", status_code=303)


def _found(typed: Typed, viewer: Viewer) -> list[tuple[str, NamedLine]]:
    """The lines with a number, by field, and what lay there besides; what is missing becomes a fault."""
    found = [
        (
            name,
            NamedLine(
                batch_id=Reference(str(batch_id)),
                vials=vials,
                status=status or Status.USABLE,
                status_said=status is not None,
            ),
        )
        for name, batch_id, status, vials in typed.amounts(viewer.texts, waits="lot-lain")
    ]
    written = typed.get("lot-lain") or typed.get("vial-lain")
    vials = typed.amount("vial-lain", viewer.texts, waits="lot-lain") if written and not typed.faults else None
    lot = typed.get("lot-lain")
    if vials is not None and lot:
        other = goods_reference(*label_or_lot(lot))
        found.append(("lot-lain", NamedLine(batch_id=other, vials=vials)))
    elif vials is not None:
        typed.faults["lot-lain"] = viewer.texts.gettext(_NO_LOT)
    if not found and not typed.faults:
        typed.faults[""] = viewer.texts.gettext(_NOTHING)
    return found


def _reasons(values: Mapping[str, str]) -> dict[CountKey, str]:
    """The fields `alasan-STATUS-BATCH`."""
    found: dict[CountKey, str] = {}
    for name, value in values.items():
        kind, _, rest = name.partition("-")
        status, _, batch = rest.partition("-")
        batch_id = as_id(batch)
        if kind == "alasan" and value and batch_id is not None and status in ("", *Status):
            found[batch_id, Status(status) if status else None] = value
    return found


def _may_write(viewer: Viewer, db: Session, facility: Facility) -> bool:
    return viewer.may(Permission.STOCK_WRITE, path_of(db, facility.id))


def _places(viewer: Viewer, db: Session, facility: Facility, *, problem: str = "", after: str = "") -> Response:
    turned = counted_places(db, facility.id, after=after)
    return page(
        viewer,
        "stock/count.html",
        status=422 if problem else 200,
        facility=facility,
        places=[(one, uuid7()) for one in turned.rows],
        turned=turned,
        may_write=_may_write(viewer, db, facility),
        problem=problem,
    )


def _sheet(viewer: Viewer, db: Session, view: SheetView, typed: Typed) -> Response:
    viewer.known().require(Permission.STOCK_WRITE, view.path)
    every = lines_of(db, view.sheet)
    lines = [line for line in every if not typed.get("produk") or line.product == typed.get("produk")]
    products: Sequence[str] = sorted({line.product for line in every}) if len(every) > MOST_LINES else []
    return page(
        viewer,
        "stock/sheet.html",
        status=422 if typed.faults else 200,
        facility=view.facility,
        view=view,
        sheet=view.sheet,
        number=typed.number(),
        lines=[(field_of(line.batch_id, line.status or ""), line) for line in lines[:MOST_LINES]],
        hidden=max(0, len(lines) - MOST_LINES),
        products=products,
        mine=viewer.known().account_id,
        typed=typed,
    )


def _difference(viewer: Viewer, db: Session, sheet_id: UUID, typed: Typed) -> Response:
    view = sheet_by_id(db, viewer.known(), sheet_id)
    lines = lines_of(db, view.sheet)
    may_write = viewer.may(Permission.STOCK_WRITE, view.path)
    counters = {told.account_id for line in lines for told in line.told}
    waiting = [line for line in lines if line.told and line.verdict is not None and line.verdict.value != "agreed"]
    return page(
        viewer,
        "stock/difference.html",
        status=422 if typed.faults else 200,
        facility=view.facility,
        view=view,
        sheet=view.sheet,
        lines=[(f"alasan-{line.status or ''}-{line.batch_id}", line) for line in _differing_first(lines)],
        uncounted=[line for line in lines if not line.told],
        waiting=waiting,
        may_write=may_write,
        may_approve=may_write
        and bool(waiting)
        and viewer.may(Permission.COUNT_APPROVE, view.path)
        and viewer.known().account_id not in counters,
        typed=typed,
    )


def _differing_first(lines: Sequence[SheetLine]) -> list[SheetLine]:
    return sorted((line for line in lines if line.told), key=lambda line: not line.difference)
