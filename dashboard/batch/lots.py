"""`/lot-salah`: the wrong lot was written of what came; what changes is counted before it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import LONGEST, Typed
from tracker.access.rules import Permission
from tracker.catalog.models import Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.quota.service.relabelling import correct_lot, foresee_correction
from tracker.stock.errors import EventNotFound
from tracker.stock.presenting import foreseen_out
from tracker.stock.queries.corrections import inflows_of
from tracker.stock.rules.words import MOST_VIALS
from tracker.stock.service.commands import CorrectLot

router = Router(include_in_schema=False)

Code = Annotated[str, Query(max_length=64)]
Lot = Annotated[str, Query(max_length=128)]
_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_NO_EVENT = mark("Pilih kedatangan yang salah lotnya.")
_NO_LOT = mark("Tulis lot yang benar, seperti di label.")
_NO_VIALS = mark("Jumlah vial ditulis dengan angka, paling sedikit 1; kosong berarti semuanya.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the form says, as it was typed."""

    facility: str = ""
    wrong: str = ""
    event: UUID | None = None
    right: str = ""
    vials: str = ""
    reason: str = ""


@router.get("/lot-salah")
def ask(viewer: Member, db: Db, fasilitas: Code = "", lot: Lot = "") -> Response:
    """What came of the lot at the facility, and which lot it was in truth."""
    return _page(viewer, db, Said(facility=fasilitas, wrong=lot))


@router.post("/lot-salah")
def correct(
    *,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    fasilitas: Annotated[str, Form(max_length=64)] = "",
    lot: Annotated[str, Form(max_length=128)] = "",
    kejadian: Annotated[UUID | None, Form()] = None,
    benar: Annotated[str, Form(max_length=128)] = "",
    vial: Annotated[str, Form(max_length=LONGEST)] = "",
    alasan: Annotated[str, Seen, Form(max_length=200)] = "",
    nomor: Annotated[UUID | None, Form()] = None,
    yakin: bool = Form(default=False),
) -> Response:
    """First counted and asked whether it is meant (`yakin` false), then done; the same form sent twice corrects once."""
    check_csrf(viewer, csrf)
    said = Said(
        facility=fasilitas, wrong=lot, event=kejadian, right=benar.strip(), vials=vial.strip(), reason=alasan.strip()
    )
    typed = Typed({"vial": said.vials})
    vials = typed.amount("vial", viewer.texts) if said.vials else None
    problem = viewer.texts.gettext(_problem(said, vials)) if not typed.faults else typed.faults["vial"]
    if problem or said.event is None:
        return _page(viewer, db, replace(said, vials=typed.get("vial")), problem=problem)
    command = CorrectLot(
        id=nomor or uuid7(),
        event_id=said.event,
        wrong=said.wrong,
        right=said.right,
        reason=said.reason,
        vials=vials,
    )
    try:
        if not yakin:
            return _page(viewer, db, said, command=command)
        with db.begin_nested():
            done = correct_lot(db, viewer.known(), command, now=now)
    except EventNotFound:
        raise
    except DomainError as error:
        return _page(viewer, db, said, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/batch/{done.correction.to_batch_id}?fasilitas={said.facility}", status_code=303)


def _problem(said: Said, vials: int | None) -> str:
    if said.event is None:
        return _NO_EVENT
    if not said.right:
        return _NO_LOT
    if vials is not None and not 1 <= vials <= MOST_VIALS:
        return _NO_VIALS
    return _NO_REASON if len(said.reason) < 3 else ""


def _page(viewer: Viewer, db: Session, said: Said, *, problem: str = "", command: CorrectLot | None = None) -> Response:
    viewer.known().require(Permission.STOCK_WRITE)
    place = batch = foreseen = None
    if said.facility.strip() and said.wrong.strip():
        place = facility_by_code_or_id(db, viewer.known(), said.facility.strip(), Permission.STOCK_READ)
        viewer.known().require(Permission.STOCK_WRITE, path_of(db, place.id))
        try:
            batch = batch_by_ref(db, said.wrong.strip())
        except DomainError as error:
            problem = sentence_of(error, viewer.language)
    if command is not None and place is not None:
        meant, found = foresee_correction(db, viewer.known(), command)
        foreseen = foreseen_out(place.code, meant, found)
    return page(
        viewer,
        "batch/lots.html",
        status=422 if problem else 200,
        said=said,
        place=place,
        batch=batch,
        product=None if batch is None else db.get_one(Presentation, batch.presentation_id).name,
        inflows=[] if place is None or batch is None else inflows_of(db, place.id, batch.id),
        foreseen=foreseen,
        gone=0 if foreseen is None else foreseen.vials - foreseen.on_hand - foreseen.opened,
        number=command.id if command is not None else None,
        problem=problem,
    )
