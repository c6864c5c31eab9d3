"""`/kuota/sesi/…` and `/kuota/pendaftaran/…`: a session and a booking, what may be done to them, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.newer import FIELD, changed, insist_unchanged, standing
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.quota.opened import booking_page, hours_of, session_page
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.versions import Stale
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Facility
from tracker.quota.rules.words import TAKEN_BACK, BookingState
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, CorrectDose, TakeBack
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.ending import cancel_session, close_session, reopen_session
from tracker.quota.service.leftovers import throw_leftovers_away
from tracker.quota.service.seating import lock_sessions
from tracker.quota.service.sessions import session_for

router = Router(include_in_schema=False)

Words = Annotated[str, Seen, Form(max_length=500)]
Csrf = Annotated[str, Form(max_length=200)]
NOTHING: Mapping[str, str] = dict.fromkeys(("mulai", "selesai", "kapasitas", "alasan"), "")


class NothingHere(NotFound):
    """There is no such page."""

    code = "access.not_found"


@router.get("/kuota/sesi/{session_id}")
def show_session(
    session_id: UUID, viewer: Member, db: Db, sesudah: str = "", belum: str = "", riwayat: str = ""
) -> Response:
    """One session: who is booked, what is left in its vials, and what may be done to it."""
    return _session(viewer, db, session_id, after=sesudah, untold_after=belum, changes_after=riwayat)


@router.post("/kuota/sesi/{session_id}/{act}")
def act_on_session(
    session_id: UUID,
    act: str,
    viewer: Member,
    db: Db,
    now: Now,
    *,
    csrf: Csrf = "",
    alasan: Words = "",
    mulai: Annotated[time | None, Form()] = None,
    selesai: Annotated[time | None, Form()] = None,
    kapasitas: Annotated[int | None, Form(ge=1, le=100_000)] = None,
    versi: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Change it (`ubah`), cancel (`batal`), close (`tutup`), open again (`buka`), record waste (`buang`)."""
    check_csrf(viewer, csrf)
    who, reason = viewer.known(), alasan.strip()
    change = ChangeSession(session_id=session_id, reason=reason, opens=mulai, closes=selesai, capacity=kapasitas)
    wrote = {
        "mulai": f"{mulai:%H:%M}" if mulai else "",
        "selesai": f"{selesai:%H:%M}" if selesai else "",
        "kapasitas": str(kapasitas or ""),
        "alasan": reason,
        FIELD: versi,
    }
    acts: dict[str, Callable[[], object]] = {
        "ubah": lambda: _change(db, viewer, change, wrote, now),
        "batal": lambda: cancel_session(db, who, session_id, reason, now=now),
        "tutup": lambda: close_session(db, who, session_id, now=now, reason=reason or None),
        "buka": lambda: reopen_session(db, who, session_id, reason, now=now),
        "buang": lambda: throw_leftovers_away(db, who, session_id, now=now),
    }
    problem = _done(db, viewer, acts.get(act), reason=reason, needs_reason=act in ("ubah", "batal", "buka"))
    if problem:
        return _session(viewer, db, session_id, problem=problem, wrote=wrote if act == "ubah" else NOTHING)
    return RedirectResponse(f"/kuota/sesi/{session_id}", status_code=303)


@router.get("/kuota/pendaftaran/{booking_id}")
def show_booking(booking_id: UUID, viewer: Member, db: Db, riwayat: str = "") -> Response:
    """One booking at the desk: how it stands, each step that was told, and the way back from a mistake."""
    return _booking(viewer, db, booking_id, after=riwayat)


@router.post("/kuota/pendaftaran/{booking_id}/{act}")
def act_on_booking(
    booking_id: UUID,
    act: str,
    viewer: Member,
    db: Db,
    now: Now,
    *,
    csrf: Csrf = "",
    alasan: Words = "",
    keadaan: Annotated[str, Form(max_length=20)] = "",
    waktu: Annotated[datetime | None, Form()] = None,
) -> Response:
    """Bring it back from a mistake (`kembalikan`), or set the time of its dose right (`koreksi`)."""
    check_csrf(viewer, csrf)
    who, reason = viewer.known(), alasan.strip()
    acts: dict[str, Callable[[], object]] = {}
    if keadaan in set(BookingState):
        back = TakeBack(booking_id=booking_id, state=BookingState(keadaan), reason=reason)
        acts["kembalikan"] = lambda: take_back(db, who, back, now=now)
    if waktu is not None:
        zone = booking_page(db, who, booking_id).zone
        at = waktu if waktu.tzinfo else waktu.replace(tzinfo=ZoneInfo(zone))
        right = CorrectDose(booking_id=booking_id, reason=reason, occurred_at=at)
        acts["koreksi"] = lambda: correct_dose(db, who, right, now=now)
    problem = _done(db, viewer, acts.get(act), reason=reason, needs_reason=True)
    if problem:
        return _booking(viewer, db, booking_id, problem=problem)
    return RedirectResponse(f"/kuota/pendaftaran/{booking_id}", status_code=303)


def _change(db: Session, viewer: Viewer, change: ChangeSession, wrote: Mapping[str, str], now: datetime) -> None:
    """Save hours and capacity, if nobody saved others since the form was drawn. Raises Stale, and what changing raises."""
    session = session_for(db, viewer.known(), change.session_id, Permission.SESSION_WRITE)
    zone = db.get_one(Facility, session.facility_id).timezone
    locked = lock_sessions(db, [session.id])[session.id]
    insist_unchanged(wrote, hours_of(locked, zone))
    change_session(db, viewer.known(), change, now=now)


def _done(db: Session, viewer: Viewer, work: Callable[[], object] | None, *, reason: str, needs_reason: bool) -> str:
    """Do it; the sentence to show where it was not done."""
    if work is None:
        raise NothingHere
    if needs_reason and len(reason) < 3:
        return viewer.texts.gettext("Tulis alasannya, supaya yang lain mengerti.")
    try:
        with db.begin_nested():
            work()
    except NotFound:
        raise
    except Stale as stale:
        now = standing(stale)
        words = (viewer.texts.gettext("Jam"), viewer.texts.gettext("Kapasitas"))
        hours = f"{now['mulai']}–{now['selesai']}"
        return changed(viewer.texts, zip(words, (hours, now["kapasitas"]), strict=True))
    except DomainError as error:
        return sentence_of(error, viewer.language)
    return ""


def _session(
    viewer: Viewer,
    db: Session,
    session_id: UUID,
    *,
    problem: str = "",
    wrote: Mapping[str, str] = NOTHING,
    **turned: str,
) -> Response:
    shown = session_page(db, viewer.known(), session_id, viewer.now, **turned)
    return page(
        viewer,
        "quota/session.html",
        status=422 if problem else 200,
        shown=shown,
        session=shown.session,
        wrote=wrote,
        problem=problem,
    )


def _booking(viewer: Viewer, db: Session, booking_id: UUID, *, problem: str = "", after: str = "") -> Response:
    shown = booking_page(db, viewer.known(), booking_id, after=after)
    ways = sorted(state.value for state in TAKEN_BACK.get(shown.booking.state, ()))
    return page(
        viewer,
        "quota/booking.html",
        status=422 if problem else 200,
        shown=shown,
        booking=shown.booking,
        ways=ways,
        problem=problem,
    )
