"""`/stok/{facility}`: the stock card (kartu stok), one line a movement; a mistake is taken back from its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.exports import csv_answer
from dashboard.frame.reasons import reason_text
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.frame.workbook import xlsx_answer
from dashboard.stock.freeing import held_at
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.stock.errors import EventNotFound
from tracker.stock.models import StockBalance
from tracker.stock.queries.card import CardKey, CardLine, CardQuery, card_lines, card_of, vials_by_batch
from tracker.stock.queries.events import event_by_id
from tracker.stock.rules.words import told_by_hand
from tracker.stock.service.commands import ReverseEvent
from tracker.stock.service.reversing import reverse_event

router = Router(include_in_schema=False)

LINES = 20
SHORTEST_REASON = 3
MOST_EXPORTED = 20_000
MOST_PRINTED = 300
_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_NO_DAY = mark("Tanggal itu tidak ada.")
_TOO_MANY = mark("Terlalu banyak baris untuk satu berkas: pilih produk atau jangka waktu yang lebih pendek.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody chose on the page: codes and local days, as typed."""

    produk: str = ""
    lot: str = ""
    dari: str = ""
    sampai: str = ""

    def address(self, code: str, suffix: str = "", **more: str) -> str:
        """The same card at another page, as a file, or with another choice."""
        chosen = {"produk": self.produk, "lot": self.lot, "dari": self.dari, "sampai": self.sampai, **more}
        words = urlencode({name: value for name, value in chosen.items() if value})
        return f"/stok/{code}{suffix}" + (f"?{words}" if words else "")


@router.get("/stok/{code}.csv")
def export_card(
    *, code: str, viewer: Member, db: Db, produk: str = "", lot: str = "", dari: str = "", sampai: str = ""
) -> Response:
    """The card as a file, oldest line first, as a card on paper is written."""
    return _file(viewer, db, code, Asked(produk=produk, lot=lot, dari=dari, sampai=sampai))


@router.get("/stok/{code}.xlsx")
def export_workbook(
    *, code: str, viewer: Member, db: Db, produk: str = "", lot: str = "", dari: str = "", sampai: str = ""
) -> Response:
    """The same as a workbook, where times are times and numbers numbers."""
    asked = Asked(produk=produk, lot=lot, dari=dari, sampai=sampai)
    return _file(viewer, db, code, asked, workbook=True)


@router.get("/stok/{code}/cetak")
def print_card(
    *, code: str, viewer: Member, db: Db, produk: str = "", lot: str = "", dari: str = "", sampai: str = ""
) -> Response:
    """The card for paper, oldest line first; of a long one the newest lines."""
    asked = Asked(produk=produk, lot=lot, dari=dari, sampai=sampai)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    query, problem = _query(db, viewer.known(), facility, asked)
    if problem:
        return _card(viewer, db, facility, asked)
    lines = card_lines(db, query, limit=MOST_PRINTED + 1)
    return page(
        viewer,
        "stock/card_paper.html",
        facility=facility,
        asked=asked,
        lines=lines[:MOST_PRINTED][::-1],
        cut=len(lines) > MOST_PRINTED,
    )


@router.get("/stok/{code}")
def show_card(
    *,
    code: str,
    viewer: Member,
    db: Db,
    produk: str = "",
    lot: str = "",
    dari: str = "",
    sampai: str = "",
    sebelum: str = "",
) -> Response:
    """The newest lines of what is chosen; `sebelum` leads on to older ones."""
    asked = Asked(produk=produk, lot=lot, dari=dari, sampai=sampai)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    return _card(viewer, db, facility, asked, before=CardKey.read(sebelum) if sebelum else None)


@router.get("/stok/{code}/gerakan/{event_id}")
def show_movement(code: str, event_id: UUID, viewer: Member, db: Db, baru: bool = False) -> Response:
    """One event as it was told; whoever may write here can take it back. `baru`: who comes here has just told it."""
    return _movement(viewer, db, code, event_id, fresh=baru)


@router.post("/stok/{code}/gerakan/{event_id}/batalkan")
def take_back(
    *,
    code: str,
    event_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    alasan: Annotated[str, Seen, Form(max_length=500)] = "",
) -> Response:
    """The event did not happen: both stay on the card, and what lay there then is right again."""
    check_csrf(viewer, csrf)
    reason = alasan.strip()
    if len(reason) < SHORTEST_REASON:
        return _movement(viewer, db, code, event_id, problem=viewer.texts.gettext(_NO_REASON))
    command = ReverseEvent(id=uuid7(), event_id=event_id, reason=reason)
    try:
        with db.begin_nested():
            reverse_event(db, viewer.known(), command, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _movement(viewer, db, code, event_id, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/stok/{code}/gerakan/{event_id}", status_code=303)


def _movement(
    viewer: Viewer, db: Session, code: str, event_id: UUID, *, problem: str = "", fresh: bool = False
) -> Response:
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    view = event_by_id(db, viewer.known(), event_id)
    if view.event.facility_id != facility.id:
        raise EventNotFound(event=str(event_id))
    event = view.event
    by_hand = told_by_hand(event.kind, event.cause, event.because_id)
    return page(
        viewer,
        "stock/movement.html",
        reason_text=reason_text,
        status=422 if problem else 200,
        facility=facility,
        view=view,
        event=event,
        fresh=fresh,
        may_write=_may_write(viewer, db, facility),
        may_take_back=by_hand and not view.reversed_by and _may_write(viewer, db, facility),
        problem=problem,
    )


def _file(viewer: Viewer, db: Session, code: str, asked: Asked, *, workbook: bool = False) -> Response:
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    query, problem = _query(db, viewer.known(), facility, asked)
    lines = card_lines(db, query, limit=MOST_EXPORTED + 1)
    if problem or len(lines) > MOST_EXPORTED:
        return _card(viewer, db, facility, asked, problem=viewer.texts.gettext(problem or _TOO_MANY))
    name, head = f"kartu-stok-{facility.code}", [viewer.texts.gettext(word) for word in _COLUMNS]
    rows = [_cells(viewer, facility, line) for line in reversed(lines)]
    if workbook:
        return xlsx_answer(name, viewer.now, viewer.texts.gettext("Kartu stok"), head, rows)
    return csv_answer(name, viewer.now, head, rows)


def _may_write(viewer: Viewer, db: Session, facility: Facility) -> bool:
    return viewer.may(Permission.STOCK_WRITE, path_of(db, facility.id))


def _card(
    viewer: Viewer, db: Session, facility: Facility, asked: Asked, *, before: CardKey | None = None, problem: str = ""
) -> Response:
    query, wrong = _query(db, viewer.known(), facility, asked)
    lines = card_lines(db, query, limit=LINES + 1, before=before)
    shown = lines[:LINES]
    said = problem or (viewer.texts.gettext(wrong) if wrong else "")
    return page(
        viewer,
        "stock/card.html",
        reason_text=reason_text,
        status=422 if said else 200,
        facility=facility,
        asked=asked,
        lines=shown,
        # An older page begins with what was there then; the newest with what is there at the end of what is asked.
        balance=sum(vials_by_batch(db, query).values()) if query.presentation_id or query.batch_id else None,
        older=asked.address(facility.code, sebelum=shown[-1].key.written()) if len(lines) > LINES else "",
        products=_choices(db, viewer, facility, asked),
        held=held_at(db, facility.id, product=asked.produk, lot=asked.lot),
        may_free=viewer.may(Permission.HOLD_RELEASE, path_of(db, facility.id)),
        problem=said,
    )


def _query(db: Session, principal: Principal, facility: Facility, asked: Asked) -> tuple[CardQuery, str]:
    """What is asked of the ledger, and what was wrong with the asking: a day that is none bounds nothing."""
    since, until = _day(asked.dari), _day(asked.sampai)
    wrong = _NO_DAY if (asked.dari and since is None) or (asked.sampai and until is None) else ""
    zone = ZoneInfo(facility.timezone)
    query = card_of(
        db,
        principal,
        facility=facility.code,
        product=asked.produk.strip() or None,
        batch=asked.lot.strip() or None,
        since=datetime.combine(since, time.min, zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time.min, zone) if until else None,
    )
    return query, wrong


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _choices(db: Session, viewer: Viewer, facility: Facility, asked: Asked) -> Sequence[tuple[str, str, bool]]:
    """The products that were ever here, as (code, name, chosen)."""
    rows = db.execute(
        select(Presentation.code, Presentation.name)
        .where(
            Presentation.id.in_(
                select(Batch.presentation_id)
                .join(StockBalance, StockBalance.batch_id == Batch.id)
                .where(StockBalance.facility_id == facility.id)
            )
        )
        .order_by(Presentation.name)
    ).all()
    every = ("", viewer.texts.gettext("Semua produk"), not asked.produk)
    return [every, *((row.code, row.name, row.code == asked.produk) for row in rows)]


_COLUMNS = (
    mark("Terjadi"),
    mark("Peristiwa"),
    mark("Produk"),
    mark("Lot"),
    mark("Dari tempat"),
    mark("Ke tempat"),
    mark("Masuk"),
    mark("Keluar"),
    mark("Dihitung (vial)"),
    mark("Sisa lot"),
    mark("Sisa produk"),
    mark("Dicatat oleh"),
    mark("Dicatat"),
    mark("Alasan"),
    mark("Dibatalkan"),
)


def _cells(viewer: Viewer, facility: Facility, line: CardLine) -> Sequence[object]:
    zone = ZoneInfo(facility.timezone)
    texts = viewer.texts
    return (
        line.key.occurred_at.astimezone(zone),
        texts.gettext(labels.STOCK_EVENT[line.kind]),
        line.product_name,
        line.lot,
        " ".join(line.out_of),
        " ".join(line.into),
        max(line.change, 0),
        max(-line.change, 0),
        line.counted,
        line.lot_balance,
        line.balance,
        line.recorded_by,
        line.recorded_at.astimezone(zone),
        reason_text(line.reason, texts),
        texts.gettext("ya") if line.reversed_by else "",
    )
