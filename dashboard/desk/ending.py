"""`/meja/{session}/selesai`: the end of a session: doses left and whom to call for them, what is thrown away, and how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.desk.sessions import MOST, Served, served, vials_open
from dashboard.frame.exports import csv_answer
from dashboard.frame.labels import OPEN_WASTE
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import Texts
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.rules import Permission
from tracker.adverse.queries import tally_of_session
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.network.queries import as_id, path_of
from tracker.people.errors import PersonNotFound
from tracker.people.queries import phone_of
from tracker.people.service import note_list
from tracker.quota.queries.desk import guests_of
from tracker.quota.queries.report import SessionReport, session_report
from tracker.quota.rules.words import DISPLACEABLE, BookingState, Said
from tracker.quota.service.commands import AskStandby, NoteCall
from tracker.quota.service.leftovers import leftovers, throw_leftovers_away, why_thrown_away
from tracker.quota.service.standby import ask_standby, call_list, draw_standby, end_standby, note_call

router = Router(include_in_schema=False)

TO_CALL = 6
MISSING = (*DISPLACEABLE, BookingState.NO_SHOW)
MOST_MISSING = 6
Csrf = Annotated[str, Form(max_length=200)]
Id = Annotated[str, Form(max_length=40)]


@router.get("/meja/{session_id}/selesai")
def show_end(session_id: UUID, viewer: Member, db: Db) -> Response:
    """What is left, whom to call, what may be thrown away, and the report."""
    return _end(viewer, db, served(db, viewer.known(), session_id))


@router.get("/meja/{session_id}/selesai.csv")
def download_report(session_id: UUID, viewer: Member, db: Db) -> Response:
    """The report as a file: what was counted, and how many."""
    here = served(db, viewer.known(), session_id)
    texts = viewer.texts
    head = [texts.gettext("Sesi"), texts.gettext("Yang dihitung"), texts.gettext("Banyaknya")]
    name = f"{here.facility.name}, {here.product.name}, {here.session.day.isoformat()}"
    report = session_report(db, here.session)
    told = tally_of_session(db, session_id)
    rows = [[name, what, number] for what, number in _lines(texts, report, *told)]
    return csv_answer(f"sesi-{here.facility.code}-{here.session.day.isoformat()}", viewer.now, head, rows)


@router.post("/meja/{session_id}/selesai/buang")
def throw_away(session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "") -> Response:
    """Record what is proposed as thrown away."""
    return _done(viewer, db, session_id, csrf, lambda: throw_leftovers_away(db, viewer.known(), session_id, now=now))


@router.post("/meja/{session_id}/selesai/undi")
def draw(session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "") -> Response:
    """Draw the order of the standby list, once."""
    return _done(viewer, db, session_id, csrf, lambda: draw_standby(db, viewer.known(), session_id, now=now))


@router.post("/meja/{session_id}/selesai/panggil")
def call(
    *, session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", siaga: Id = "", kata: Id = ""
) -> Response:
    """What somebody said who was called."""
    standby_id = as_id(siaga)
    if standby_id is None or kata not in set(Said):
        raise NotFound
    command = NoteCall(session_id=session_id, standby_id=standby_id, said=Said(kata))
    return _done(viewer, db, session_id, csrf, lambda: note_call(db, viewer.known(), command, now=now))


@router.post("/meja/{session_id}/siaga")
def ask(
    *, session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", orang: Id = "", dosis: Id = ""
) -> Response:
    """Somebody wants to be called when doses are left."""
    person_id = as_id(orang)
    if person_id is None:
        raise PersonNotFound(person=orang)
    number = int(dosis) if dosis.isascii() and dosis.isdigit() else 0
    command = AskStandby(id=uuid7(), session_id=session_id, person_id=person_id, dose=number)
    return _done(viewer, db, session_id, csrf, lambda: ask_standby(db, viewer.known(), command, now=now))


@router.post("/meja/{session_id}/siaga/akhir")
def end(session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", siaga: Id = "") -> Response:
    """Somebody wants to be called no more."""
    standby_id = as_id(siaga)
    if standby_id is None:
        raise NotFound
    return _done(viewer, db, session_id, csrf, lambda: end_standby(db, viewer.known(), session_id, standby_id, now=now))


def _done(viewer: Viewer, db: Session, session_id: UUID, csrf: str, work: Callable[[], object]) -> Response:
    check_csrf(viewer, csrf)
    here = served(db, viewer.known(), session_id)
    try:
        with db.begin_nested():
            work()
    except NotFound:
        raise
    except DomainError as error:
        return _end(viewer, db, here, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/meja/{session_id}/selesai", status_code=303)


def _end(viewer: Viewer, db: Session, here: Served, *, problem: str = "") -> Response:
    report = session_report(db, here.session)
    told = tally_of_session(db, here.session.id)
    standby = call_list(db, here.session)
    calls = [one for one in standby.order if one.said is None][:TO_CALL]
    proposed = [
        (vial, lot, why_thrown_away(vial, here.session, viewer.now))
        for vial, lot in leftovers(db, here.session, viewer.now)
    ]
    called = [one for one in standby.order if one.said is not None][:MOST]
    missing = guests_of(db, here.session.id, MISSING, most=MOST_MISSING)
    named = {one.person.id for one in (*calls, *called)} | {one.booking.person_id for one in missing}
    note_list(db, viewer.known(), named, now=viewer.now)
    path = path_of(db, here.facility.id)
    return page(
        viewer,
        "desk/end.html",
        status=422 if problem else 200,
        here=here,
        over=here.over(viewer.now),
        opened=vials_open(db, here, viewer.now),
        proposed=proposed,
        proposed_doses=sum(vial.remaining for vial, _, _ in proposed),
        lines=list(_lines(viewer.texts, report, *told)),
        standby=standby,
        calls=[(one, phone_of(db, one.person.id)) for one in calls],
        called=called,
        missing=[(one, phone_of(db, one.booking.person_id)) for one in missing],
        missing_in_all=report.awaited + report.no_show,
        carrier=db.scalar(select(Equipment.code).where(Equipment.id == here.session.place_id)),
        may_close=viewer.known().may(Permission.SESSION_WRITE, path),
        answers=list(Said),
        problem=problem,
    )


def _lines(texts: Texts, report: SessionReport, told: int, serious: int) -> Iterator[tuple[str, int]]:
    """What is counted, in words, and how many."""
    yield texts.gettext("Sasaran (tempat yang direncanakan)"), report.target
    yield texts.gettext("Terdaftar"), report.booked
    yield texts.gettext("Datang"), report.came
    for dose, count in report.given.items():
        yield texts.gettext("Diberi dosis %(n)s", n=dose), count
    if report.late:
        yield texts.gettext("Di antaranya dicatat kemudian"), report.late
    yield texts.gettext("Masih di meja"), report.at_the_desk
    yield texts.gettext("Belum datang"), report.awaited
    yield texts.gettext("Ditunda"), report.deferred
    yield texts.gettext("Tidak boleh divaksin"), report.refused
    yield texts.gettext("Tidak datang"), report.no_show
    if report.displaced:
        yield texts.gettext("Tergeser"), report.displaced
    yield texts.gettext("Vial dibuka"), report.vials
    yield texts.gettext("Dosis di vial itu"), report.doses_opened
    yield texts.gettext("Dosis diberikan dari vial itu"), report.doses_given
    for reason, count in report.wasted.items():
        yield texts.gettext("Dosis terbuang: %(why)s", why=texts.gettext(OPEN_WASTE[reason.value])), count
    yield texts.gettext("Dosis tersisa"), report.doses_left
    yield texts.gettext("KIPI"), told
    yield texts.gettext("KIPI serius"), serious
