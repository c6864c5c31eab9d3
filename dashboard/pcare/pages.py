"""`/pcare`: what P-Care was told; `/pcare/beda`: where it and we differ; `/pcare/fasilitas/{code}`: how a facility's doses get there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.choices import Said
from dashboard.frame.exports import csv_answer
from dashboard.frame.labels import PCARE_STATE
from dashboard.frame.listing import listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.frame.workbook import xlsx_answer
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of
from tracker.edge.words import Seen
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.pcare.commands import HandOver, SetFacility
from tracker.pcare.models import PcareDay, PcareFacility, PcareRecord, PcareStranger
from tracker.pcare.queries import (
    MOST_COUNTED,
    counts_of,
    days_that_differ,
    line_of,
    records_visible_to,
    strangers_visible_to,
)
from tracker.pcare.rules.words import Reporting, State, Task
from tracker.pcare.service.changing import (
    FileRow,
    HandedOver,
    ask_comparison,
    hand_over,
    send_again,
    set_facility,
)
from tracker.people.vault import NikVault

router = Router(include_in_schema=False)

A_PAGE = 8
Csrf = Annotated[str, Form(max_length=200)]
# What wants somebody's hand comes first; the page opens with the first of which there are any.
_BY_WORD = {
    "ditolak": State.REFUSED,
    "menunggu": State.WAITING,
    "terkirim": State.SENT,
    "diterima": State.ACCEPTED,
    "berkas": State.HANDED,
    "dikoreksi": State.CORRECTED,
    "dihapus": State.DELETED,
}
_MODES = {"kawat": Reporting.WIRE, "berkas": Reporting.FILE}
_NO_DAY = mark("Pilih hari dosisnya, paling lambat hari ini.")
_NO_MODE = mark("Pilih salah satu cara.")
_TASKS = {Task.ADD: mark("TAMBAH"), Task.CHANGE: mark("UBAH"), Task.REMOVE: mark("HAPUS")}
_HEAD = (
    mark("Tindakan"),
    mark("Sudah pernah diserahkan"),
    mark("NIK"),
    mark("Nama"),
    mark("Tanggal lahir"),
    mark("Jenis kelamin"),
    mark("Kode faskes"),
    mark("Vaksin"),
    mark("Batch"),
    mark("Dosis ke"),
    mark("Tanggal vaksinasi"),
    mark("Jam"),
    mark("Referensi"),
)


class NothingHere(NotFound):
    """There is no such page."""

    code = "access.not_found"


@router.get("/pcare")
def show_records(viewer: Member, db: Db, keadaan: Said = "", sesudah: Said = "") -> Response:
    """Records of one state, the newest first; without one of the first of which there are any, those refused before all others."""
    return _records(viewer, db, keadaan, sesudah)


@router.post("/pcare/{record_id}/lagi")
def post_again(record_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "") -> Response:
    """Send a record again."""
    check_csrf(viewer, csrf)
    try:
        send_again(db, viewer.known(), record_id, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _records(viewer, db, "ditolak", "", problem=sentence_of(error, viewer.language))
    return RedirectResponse("/pcare?keadaan=menunggu", status_code=303)


def _records(viewer: Viewer, db: Session, word: str, after: str, *, problem: str = "") -> Response:
    principal = viewer.known()
    principal.require(Permission.PCARE_READ)
    counts = counts_of(db, principal)
    word = word or next((name for name, state in _BY_WORD.items() if counts[state]), "ditolak")
    if word not in _BY_WORD:
        raise NothingHere
    found = listed(
        db,
        [records_visible_to(principal).where(PcareRecord.state == _BY_WORD[word])],
        keys=[PcareRecord.id],
        key_of=lambda row: [row[0].id],
        most=A_PAGE,
        after=after,
        descending=True,
    )
    texts = viewer.texts
    shows = [
        (f"/pcare?keadaan={name}", f"{texts.gettext(PCARE_STATE[state])} ({_many(counts[state])})", name == word)
        for name, state in _BY_WORD.items()
        if counts[state] or name == word
    ]
    return page(
        viewer,
        "pcare/list.html",
        status=422 if problem else 200,
        found=found,
        shows=shows,
        word=word,
        address=f"/pcare?keadaan={word}",
        line=line_of(db),
        problem=problem,
        may_send=viewer.may(Permission.PCARE_WRITE.value),
    )


def _many(count: int) -> str:
    return f"≥{MOST_COUNTED}" if count >= MOST_COUNTED else str(count)


@router.get("/pcare/beda")
def show_differences(viewer: Member, db: Db, sesudah: Said = "", asing: Said = "") -> Response:
    """Days on which one side has what the other has not, and what P-Care has and we have not, by its number."""
    principal = viewer.known()
    principal.require(Permission.PCARE_READ)
    days = listed(
        db,
        [days_that_differ(principal)],
        keys=[PcareDay.day, PcareDay.facility_id],
        key_of=lambda row: [row[0].day.isoformat(), row[0].facility_id],
        most=A_PAGE,
        after=sesudah,
        descending=True,
    )
    strangers = listed(
        db,
        [strangers_visible_to(principal)],
        keys=[PcareStranger.number],
        key_of=lambda row: [row[0].number],
        most=A_PAGE,
        after=asing,
        field="asing",
    )
    may = viewer.may(Permission.PCARE_WRITE.value)
    return page(viewer, "pcare/differences.html", days=days, strangers=strangers, may_compare=may)


@router.post("/pcare/beda/{code}")
def post_comparison(
    *, code: str, viewer: Member, db: Db, now: Now, hari: Annotated[str, Form(max_length=10)] = "", csrf: Csrf = ""
) -> Response:
    """Have a day compared at once."""
    check_csrf(viewer, csrf)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.PCARE_WRITE)
    day = _day(hari, facility, viewer)
    if day is None:
        return _facility(viewer, db, facility, problem=viewer.texts.gettext(_NO_DAY))
    ask_comparison(db, viewer.known(), code, day, now=now)
    return RedirectResponse("/pcare/beda", status_code=303)


@router.get("/pcare/fasilitas/{code}")
def show_facility(code: str, viewer: Member, db: Db) -> Response:
    """How the facility's doses get to P-Care, its code there, and the file of a day."""
    return _facility(viewer, db, facility_by_code_or_id(db, viewer.known(), code, Permission.PCARE_READ))


@router.post("/pcare/fasilitas/{code}/cara")
def post_mode(
    *,
    code: str,
    viewer: Member,
    db: Db,
    now: Now,
    cara: Annotated[str, Form(max_length=20)] = "",
    kode: Annotated[str, Seen, Form(max_length=40)] = "",
    csrf: Csrf = "",
) -> Response:
    """By wire or by file, and its code at P-Care."""
    check_csrf(viewer, csrf)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.PCARE_WRITE)
    if cara not in _MODES:
        return _facility(viewer, db, facility, problem=viewer.texts.gettext(_NO_MODE))
    command = SetFacility(facility=facility.id, mode=_MODES[cara], code_there=kode.strip() or None)
    set_facility(db, viewer.known(), command, now=now)
    return RedirectResponse(f"/pcare/fasilitas/{code}", status_code=303)


@router.post("/pcare/fasilitas/{code}/berkas")
def post_file(
    *,
    code: str,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    hari: Annotated[str, Form(max_length=10)] = "",
    bentuk: Annotated[str, Form(max_length=4)] = "csv",
    csrf: Csrf = "",
) -> Response:
    """The file of a day: its doses count as handed over, and that their persons' numbers were is kept."""
    check_csrf(viewer, csrf)
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.PCARE_WRITE)
    day = _day(hari, facility, viewer)
    if day is None:
        return _facility(viewer, db, facility, problem=viewer.texts.gettext(_NO_DAY))
    vault = NikVault.of(services_of(request).settings)
    try:
        handed = hand_over(db, viewer.known(), HandOver(facility=facility.id, day=day), vault=vault, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _facility(viewer, db, facility, problem=sentence_of(error, viewer.language))
    return _file(viewer, handed, day, bentuk)


def _file(viewer: Viewer, handed: HandedOver, day: date, form: str) -> Response:
    texts = viewer.texts
    name = f"pcare-{handed.facility.code}-{day.isoformat()}"
    head = [texts.gettext(word) for word in _HEAD]
    rows: list[list[object]] = [list(_line(viewer, row)) for row in handed.rows]
    if handed.without_nik:
        rows.append(
            [texts.gettext(mark("%(n)s dosis menunggu NIK dan tidak ada di berkas ini")) % {"n": handed.without_nik}]
        )
    if form == "xlsx":
        return xlsx_answer(name, viewer.now, "P-Care", head, rows)
    return csv_answer(name, viewer.now, head, rows)


def _line(viewer: Viewer, row: FileRow) -> Iterable[object]:
    texts, told = viewer.texts, row.letter
    yield texts.gettext(_TASKS[row.task])
    yield texts.gettext(mark("ya")) if row.again else texts.gettext(mark("belum"))
    yield told.nik
    yield told.name
    yield told.born.isoformat()
    yield told.sex
    yield told.facility
    yield told.vaccine
    yield told.batch
    yield told.dose
    yield told.day.isoformat()
    yield told.time
    yield told.reference


def _day(text: str, facility: Facility, viewer: Viewer) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day <= local_day(viewer.now, facility.timezone) else None


def _facility(viewer: Viewer, db: Session, facility: Facility, *, problem: str = "") -> Response:
    chosen = db.get(PcareFacility, facility.id)
    return page(
        viewer,
        "pcare/facility.html",
        status=422 if problem else 200,
        facility=facility,
        by_file=chosen is not None and chosen.mode is Reporting.FILE,
        code_there=(chosen.code_there if chosen else None) or "",
        today=local_day(viewer.now, facility.timezone),
        problem=problem,
        may_change=viewer.may(Permission.PCARE_WRITE.value, path_of(db, facility.id)),
    )
