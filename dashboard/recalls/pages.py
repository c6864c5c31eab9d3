"""`/penarikan`: recalls; `/penarikan/mulai`: start one, asked twice; `/penarikan/{id}`: how far it has come, its end, its way back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.recalls.queries import recall_page, recalls_of, start_page
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, Forbidden
from tracker.kit.ids import uuid7
from tracker.trace.errors import RecallNotFound
from tracker.trace.recalls import StartRecall, close_recall, start_recall
from tracker.trace.withdrawing import withdraw_recall

router = Router(include_in_schema=False)

Csrf = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Seen, Form(max_length=200)]
Said = Annotated[str, Form(max_length=1000)]
# Whom to call first, and facilities on a page.
FIRST = 12
A_PAGE = 25
CLASSES = ("1", "2", "3")
_NO_REASON = mark("Tulis alasannya, supaya yang lain mengerti.")
_NO_CLASS = mark("Pilih kelas penarikannya.")
_NO_BATCH = mark("Tulis nomor batch, atau pindai labelnya.")


@router.get("/penarikan")
def show_recalls(viewer: Member, db: Db, sesudah: str = "") -> Response:
    """The recalls that concern the viewer, open ones first, from where the page before ended."""
    turned = recalls_of(db, viewer.known(), after=sesudah)
    return page(viewer, "recalls/recalls.html", rows=turned.rows, turned=turned)


@router.get("/penarikan/mulai")
def ask_to_start(viewer: Member, db: Db, batch: Annotated[str, Query(max_length=1000)] = "") -> Response:
    """What calling a batch back would freeze, counted, and the reason asked for."""
    viewer.known().require(Permission.RECALL_WRITE)
    return _start(viewer, db, batch, problem="" if batch.strip() else _NO_BATCH)


@router.post("/penarikan/mulai")
def start(
    *,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    batch: Said = "",
    alasan: Reason = "",
    kelas: Annotated[str, Form(max_length=1)] = "",
    nomor: Annotated[UUID | None, Form()] = None,
    yakin: bool = Form(default=False),
) -> Response:
    """First asked whether it is meant (`yakin` false), then done; the same form sent twice starts one."""
    check_csrf(viewer, csrf)
    reason = alasan.strip()
    problem = _NO_REASON if len(reason) < 3 else _NO_CLASS if kelas not in CLASSES else ""
    if problem or not yakin:
        return _start(viewer, db, batch, problem=problem, reason=reason, kelas=kelas, sure=not problem)
    command = StartRecall(id=nomor or uuid7(), batch=batch, reason=reason, recall_class=int(kelas))
    try:
        with db.begin_nested():
            made, _ = start_recall(db, viewer.known(), command, now=now)
    except DomainError as error:
        return _start(viewer, db, batch, problem=sentence_of(error, viewer.language), reason=reason, kelas=kelas)
    return RedirectResponse(f"/penarikan/{made.id}", status_code=303)


@router.get("/penarikan/{recall_id}")
def show_recall(
    recall_id: UUID, viewer: Member, db: Db, sesudah: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> Response:
    """How far a recall has come: by facility what is frozen, gone, on the road; who has not acted and whom to call.

    The facilities with the most left stand first; `sesudah` so many of them.
    """
    return _recall(viewer, db, recall_id, after=sesudah)


@router.post("/penarikan/{recall_id}/tutup")
def close(recall_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", alasan: Reason = "") -> Response:
    """Close it with a reason; refused while vials are left within its reach."""
    check_csrf(viewer, csrf)
    reason = alasan.strip()
    problem = viewer.texts.gettext(_NO_REASON) if len(reason) < 3 else ""
    if not problem:
        try:
            with db.begin_nested():
                close_recall(db, viewer.known(), recall_id, reason=reason, now=now)
        except RecallNotFound:
            raise
        except DomainError as error:
            problem = sentence_of(error, viewer.language)
    if problem:
        return _recall(viewer, db, recall_id, problem=problem)
    return RedirectResponse(f"/penarikan/{recall_id}", status_code=303)


@router.get("/penarikan/{recall_id}/cabut")
def ask_to_withdraw(recall_id: UUID, viewer: Member, db: Db) -> Response:
    """What withdrawing a recall that was a mistake would give back, counted, and the reason asked for."""
    return _withdraw(viewer, db, recall_id)


@router.post("/penarikan/{recall_id}/cabut")
def withdraw(
    *,
    recall_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    alasan: Reason = "",
    yakin: bool = Form(default=False),
) -> Response:
    """First asked whether it is meant (`yakin` false), then done; the same form sent twice withdraws once."""
    check_csrf(viewer, csrf)
    reason = alasan.strip()
    problem = viewer.texts.gettext(_NO_REASON) if len(reason) < 3 else ""
    if problem or not yakin:
        return _withdraw(viewer, db, recall_id, problem=problem, reason=reason, sure=not problem)
    try:
        with db.begin_nested():
            withdraw_recall(db, viewer.known(), recall_id, reason=reason, now=now)
    except RecallNotFound:
        raise
    except DomainError as error:
        return _recall(viewer, db, recall_id, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/penarikan/{recall_id}", status_code=303)


def _withdraw(
    viewer: Viewer, db: Session, recall_id: UUID, *, problem: str = "", reason: str = "", sure: bool = False
) -> Response:
    viewer.known().require(Permission.RECALL_WRITE)
    shown = recall_page(db, viewer.known(), recall_id, first=0)
    if not shown.may_end:
        raise Forbidden(permission=Permission.RECALL_WRITE.value)
    return page(
        viewer,
        "recalls/withdraw.html",
        status=422 if problem else 200,
        shown=shown,
        recall=shown.recall,
        problem=problem,
        reason=reason,
        sure=sure,
    )


def _recall(viewer: Viewer, db: Session, recall_id: UUID, *, after: int = 0, problem: str = "") -> Response:
    shown = recall_page(db, viewer.known(), recall_id, first=FIRST)
    behind = after + A_PAGE
    turned = Listed(
        rows=shown.parts[after:behind], onward=str(behind) if behind < len(shown.parts) else "", begun=after > 0
    )
    return page(
        viewer,
        "recalls/recall.html",
        status=422 if problem else 200,
        shown=shown,
        recall=shown.recall,
        parts=turned.rows,
        turned=turned,
        waiting=shown.waiting[:FIRST],
        waiting_hidden=max(0, len(shown.waiting) - FIRST),
        problem=problem,
    )


def _start(
    viewer: Viewer, db: Session, said: str, *, problem: str, reason: str = "", kelas: str = "", sure: bool = False
) -> Response:
    shown = None
    if said.strip():
        try:
            shown = start_page(db, viewer.known(), said.strip(), viewer.now)
        except DomainError as error:
            problem, sure = sentence_of(error, viewer.language), False
    return page(
        viewer,
        "recalls/start.html",
        status=422 if problem else 200,
        shown=shown,
        said=said,
        problem=viewer.texts.gettext(problem),
        reason=reason,
        kelas=kelas,
        sure=sure and shown is not None,
        number=uuid7(),
        classes=CLASSES,
    )
