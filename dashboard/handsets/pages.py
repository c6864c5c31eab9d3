"""`/gawai`: the phones of one's stores; `/gawai/bentrok`: what a phone did that the house refused, for a person to decide."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame import labels
from dashboard.frame.listing import listed
from dashboard.frame.reasons import reason_text
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.handsets.desk import desk_beside
from dashboard.handsets.queries import count_conflicts, known_beside, phones
from dashboard.handsets.words import AMOUNT, KIND, SET_ASIDE, corrected, lines_of, phone_name, time_of
from dashboard.stock.forms import Fields, Typed
from tracker.access.rules import Permission
from tracker.api.sentences import sentences_of
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of, takes_fields
from tracker.edge.words import Seen
from tracker.handsets.commands import Settle
from tracker.handsets.errors import AlreadySettled, StepNotFound
from tracker.handsets.models import HandsetStep
from tracker.handsets.rules import OPEN, Way
from tracker.handsets.settling import cut_off, settle, steps_visible_to
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.queries import path_of
from tracker.settings import Settings

router = Router(include_in_schema=False)

PHONES = 20
CONFLICTS = 20
MOST_COUNTED = 1_000
SHORTEST_REASON = 3
_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_NO_WAY = mark("Pilih salah satu jalan keluar.")
_NO_NUMBER = mark("Jumlah ditulis dengan angka, waktu dengan tanggal dan jam.")
_WAYS = {"lagi": Way.AGAIN, "betulkan": Way.CORRECT, "batalkan": Way.DROP}

Csrf = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Seen, Form(max_length=200)]


@router.get("/gawai")
def show_phones(viewer: Member, db: Db, sesudah: str = "", putus: UUID | None = None) -> Response:
    """Phones with a book, the longest silent first; `putus`: the one about to be cut off, asked once more."""
    viewer.known().require(Permission.STOCK_READ)
    return _phones(viewer, db, sesudah=sesudah, asked=putus)


@router.post("/gawai/{handset_id}/putus")
def cut_phone_off(
    *,
    handset_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    alasan: Reason = "",
    sesudah: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """The phone was lost: nothing is taken from it any more."""
    check_csrf(viewer, csrf)
    if len(alasan.strip()) < SHORTEST_REASON:
        return _phones(viewer, db, sesudah=sesudah, asked=handset_id, problem=viewer.texts.gettext(_NO_REASON))
    cut_off(db, viewer.known(), handset_id, reason=alasan.strip(), now=now)
    return RedirectResponse("/gawai", status_code=303)


def _phones(
    viewer: Viewer, db: Session, *, sesudah: str = "", asked: UUID | None = None, problem: str = ""
) -> Response:
    principal = viewer.known()
    turned = phones(db, principal, after=sesudah, most=PHONES)
    may = {
        row[0].id
        for row in turned.rows
        if row[0].account_id == principal.account_id
        or principal.may(Permission.HANDSET_CUT_OFF, path_of(db, row[0].facility_id))
    }
    return page(
        viewer,
        "handsets/phones.html",
        phone_name=phone_name,
        turned=turned,
        sesudah=sesudah,
        may=may,
        asked=asked,
        problem=problem,
        conflicts=count_conflicts(db, principal, most=MOST_COUNTED + 1),
        most=MOST_COUNTED,
    )


@router.get("/gawai/bentrok")
def show_conflicts(viewer: Member, db: Db, sesudah: str = "") -> Response:
    """What waits for a person, in the order it came."""
    principal = viewer.known()
    principal.require(Permission.STOCK_READ)
    query = steps_visible_to(principal).where(HandsetStep.state.in_(sorted(OPEN)))
    # Ids are made in order of time by the phones that made them.
    turned = listed(db, [query], keys=[HandsetStep.id], key_of=lambda row: [row[0].id], most=CONFLICTS, after=sesudah)
    return page(
        viewer,
        "handsets/conflicts.html",
        rows=[(row, _why(viewer, row[0])) for row in turned.rows],
        kinds=KIND,
        turned=turned,
    )


@router.get("/gawai/bentrok/{step_id}")
def show_conflict(step_id: UUID, request: Request, viewer: Member, db: Db) -> Response:
    """One step: what the phone said, what stands in the house, and the ways out."""
    return _conflict(viewer, db, step_id, services_of(request).settings)


@router.post("/gawai/bentrok/{step_id}")
@takes_fields(*("csrf", "nomor", "cara", "alasan", "waktu", "vial", "lot-{n}", "jumlah-{n}-{key}"), *SET_ASIDE)
def decide(step_id: UUID, *, request: Request, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """A person decides: once more, with other amounts, or not at all. What is refused stands beside the form."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    chosen, reason = typed.get("cara"), typed.get("alasan")
    way = _WAYS.get(chosen)
    row = db.execute(steps_visible_to(viewer.known()).where(HandsetStep.id == step_id)).first()
    if row is None:
        raise StepNotFound
    body = corrected(row[0].body, typed, row[3].timezone, viewer.texts) if way is Way.CORRECT else None
    problem = ""
    if way is None or len(reason) < SHORTEST_REASON:
        problem = viewer.texts.gettext(_NO_REASON if way else _NO_WAY)
    elif way is Way.CORRECT and body is None:
        problem = next(iter(typed.faults.values()), viewer.texts.gettext(_NO_NUMBER))
    else:
        command = Settle(id=typed.number(), way=way, reason=reason, body=body)
        try:
            with db.begin_nested():
                settle(db, viewer.known(), step_id, command, shared=services_of(request), now=now)
        except AlreadySettled:
            db.expire_all()  # a colleague was quicker: the page says what they decided
        except DomainError as error:
            problem = sentence_of(error, viewer.texts.language)
        if not problem:
            return RedirectResponse(f"/gawai/bentrok/{step_id}", status_code=303)
    return _conflict(viewer, db, step_id, services_of(request).settings, problem=problem, chosen=chosen, typed=typed)


def _conflict(
    viewer: Viewer,
    db: Session,
    step_id: UUID,
    settings: Settings,
    *,
    problem: str = "",
    chosen: str = "",
    typed: Typed | None = None,
) -> Response:
    principal = viewer.known()
    row = db.execute(steps_visible_to(principal).where(HandsetStep.id == step_id)).first()
    if row is None:
        raise StepNotFound
    step, handset, account, facility = row
    lines = lines_of(step.body)
    return page(
        viewer,
        "handsets/conflict.html",
        step=step,
        handset=handset,
        account=account,
        facility=facility,
        lines=lines,
        happened=time_of(step.body, facility.timezone),
        kind=KIND.get(step.kind, step.kind),
        amounts=AMOUNT,
        other_lots=[(value, viewer.texts.gettext(word)) for value, word in labels.OTHER_LOT.items()],
        desk=desk_beside(db, principal, step, settings),
        known=known_beside(db, principal, step, lines),
        why=_why(viewer, step),
        reason_text=reason_text,
        open=step.state in OPEN,
        waits=step.state.value == "waiting",
        may_settle=principal.may(Permission.STOCK_WRITE, path_of(db, step.facility_id)),
        problem=problem,
        chosen=chosen or "lagi",
        typed=typed or Typed({}),
        number=uuid7(),
    )


def _why(viewer: Viewer, step: HandsetStep) -> str:
    return sentences_of(step.code, step.params)[viewer.texts.language] if step.code else ""
