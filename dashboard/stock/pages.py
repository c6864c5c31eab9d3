"""`/vial/{id}`: an opened vial, where its doses went, and the way back of a discard that was none."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import LONGEST, Typed
from dashboard.stock.queries import open_vial_page
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.stock.errors import VialStopped
from tracker.stock.rules.words import OpenWaste
from tracker.stock.service.amending import take_back_doses
from tracker.stock.service.commands import DiscardDoses, TakeBackDoses
from tracker.stock.service.opening import discard_doses

router = Router(include_in_schema=False)

_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_NO_CHOICE = mark("Pilih alasannya.")
_OTHER_REST = mark("Sementara itu dosis dari vial ini terpakai; sisanya kini lain. Periksa, lalu kirim lagi.")


@router.get("/vial/{vial_id}")
def show_vial(vial_id: UUID, viewer: Member, db: Db, riwayat: str = "") -> Response:
    """One opened vial; outside the caller's subtree there is no such page."""
    return _vial(viewer, db, vial_id, after=riwayat)


@router.post("/vial/{vial_id}/buang")
def throw_away(
    *,
    vial_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    sisa: Annotated[str, Form(max_length=4)] = "",
    alasan: Annotated[str, Seen, Form(max_length=40)] = "",
) -> Response:
    """What is left is thrown away. `sisa` is what the page said was left: a second tap finds that it was, and says nothing."""
    check_csrf(viewer, csrf)
    if alasan not in set(OpenWaste):
        return _vial(viewer, db, vial_id, problem=viewer.texts.gettext(_NO_CHOICE), field="sebab")
    vial = open_vial_page(db, viewer.known(), vial_id).vial
    if str(vial.remaining) != sisa:
        if vial.closed_at is not None:
            return RedirectResponse(f"/vial/{vial_id}", status_code=303)
        return _vial(viewer, db, vial_id, problem=viewer.texts.gettext(_OTHER_REST), field="sebab")
    command = DiscardDoses(open_vial_id=vial_id, occurred_at=now, reason=OpenWaste(alasan), doses=vial.remaining)
    try:
        with db.begin_nested():
            discard_doses(db, viewer.known(), command, now=now)
    except NotFound:
        raise
    except VialStopped:
        pass  # A second tap came while the first was at work; the page shows what became of it.
    except DomainError as error:
        return _vial(viewer, db, vial_id, problem=sentence_of(error, viewer.language), field="sebab")
    return RedirectResponse(f"/vial/{vial_id}", status_code=303)


@router.post("/vial/{vial_id}/kembalikan")
def take_back(
    *,
    vial_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    dosis: Annotated[str, Form(max_length=LONGEST)] = "",
    alasan: Annotated[str, Seen, Form(max_length=500)] = "",
) -> Response:
    """Doses were not thrown away after all: they are in the vial again, and what was told stays visible."""
    check_csrf(viewer, csrf)
    reason = alasan.strip()
    typed = Typed({"dosis": dosis.strip()})
    doses = typed.amount("dosis", viewer.texts)
    if doses is None or len(reason) < 3:
        return _vial(viewer, db, vial_id, problem=typed.faults.get("dosis") or viewer.texts.gettext(_NO_REASON))
    command = TakeBackDoses(open_vial_id=vial_id, doses=doses, reason=reason, thrown_away=True)
    try:
        with db.begin_nested():
            take_back_doses(db, viewer.known(), command, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _vial(viewer, db, vial_id, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/vial/{vial_id}", status_code=303)


def _vial(
    viewer: Viewer, db: Session, vial_id: UUID, *, problem: str = "", field: str = "", after: str = ""
) -> Response:
    shown = open_vial_page(db, viewer.known(), vial_id, after=after)
    return page(
        viewer,
        "stock/vial.html",
        status=422 if problem else 200,
        shown=shown,
        vial=shown.vial,
        problem=problem,
        field=field,
        # What a hold stops is discarded where the hold is decided.
        reasons=[reason.value for reason in OpenWaste if reason is not OpenWaste.HELD],
    )
