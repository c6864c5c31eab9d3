"""`/daftar/{session}`: a citizen says who wants a place. No log-in: a code to their phone (`proof.py`), then the ticket's secret."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.form import Typed, address_of
from dashboard.citizens.homes import Home, homes_of
from dashboard.citizens.proof import messages_are_sent
from dashboard.frame.error_pages import keep_place
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Anyone, Viewer
from dashboard.quota.queries import session_by_id
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, enters_in_line, once_undone
from tracker.edge.line import COOKIE
from tracker.edge.services import Services
from tracker.kit.errors import DomainError, NotFound
from tracker.network.queries import today_at
from tracker.quota.errors import Exhausted
from tracker.quota.queries.nearby import with_alternatives
from tracker.registration.service.proving import Wish, ask_to_book
from tracker.registration.service.tickets import ticket_office
from tracker.settings import Settings

router = Router(include_in_schema=False)

_NO_HOME = mark("Kelurahan ini tidak kami kenal. Tulis nama lain, kodenya, nama puskesmas di sana, atau kosongkan.")
_MANY_HOMES = mark("Ada beberapa kelurahan dengan nama itu. Pilih satu di bawah.")

# Far more than any field holds: a long slip of the finger gets its sentence, not an error page.
_MOST = 2_000


class NoSuchBooking(NotFound):
    """There is no such session or booking."""

    code = "access.not_found"


@router.get("/daftar/{session_id}")
@enters_in_line(lambda _: True)
def show_form(
    session_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    shared: Shared,
    dosis: int = 1,
    rumah: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The form for one session; where one lives is known from the search. Opened, it may be sent although a rush begins."""
    answer = _form(viewer, db, shared.settings, session_id, dose=dosis, typed=Typed(residence=rumah))
    keep_place(answer, request.app.state.line.form_pass(request.cookies.get(COOKIE)), shared.settings)
    return answer


def _full(
    refused: Exhausted,
    *,
    session_id: UUID,
    viewer: Viewer,
    db: Session,
    now: datetime,
    shared: Services,
    dose: int,
    **said: Any,
) -> Response:
    """The form once more: what was typed, why there is no place, and where there is one."""
    typed = Typed(**{name: said[name] for name in ("nik", "name", "phone", "residence")})
    found = with_alternatives(db, refused, now=now)
    others: list[dict[str, object]] = list(found.params["alternatives"])  # type: ignore[call-overload]  # a list of JSON objects by contract
    problem = sentence_of(found, viewer.language)
    return _form(viewer, db, shared.settings, session_id, dose=dose, typed=typed, problem=problem, others=others)


@router.post("/daftar/{session_id}")
@enters_in_line(lambda _: True)
@once_undone(Exhausted, _full)
def ask(
    *,
    session_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    nik: Annotated[str, Form(max_length=_MOST)] = "",
    name: Annotated[str, Form(max_length=_MOST)] = "",
    phone: Annotated[str, Form(max_length=_MOST)] = "",
    residence: Annotated[str, Form(max_length=_MOST)] = "",
    dose: Annotated[int, Form()] = 1,
) -> Response:
    """Send a code to the phone; what is wrong stands at its field, and when full, the nearest alternatives.

    The answer is the same whomever number and phone belong to.
    """
    typed = Typed(nik=nik, name=name, phone=phone, residence=residence)
    facility = _facility_of(db, session_id, viewer)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
        problems = typed.problems(today_at(db, facility, now), viewer.language, ("nik", "name", "phone"))
        homes = homes_of(db, residence)
        if residence.strip() and len(homes) != 1:
            problems["residence"] = viewer.texts.gettext(_MANY_HOMES if homes else _NO_HOME)
        if problems or not messages_are_sent(shared.settings):
            return _form(
                viewer, db, shared.settings, session_id, dose=dose, typed=typed, problems=problems, homes=homes
            )
        wish = Wish(
            session=str(session_id),
            dose=dose,
            nik=nik,
            name=name,
            phone=phone,
            residence=homes[0].code if homes else None,
            language=viewer.language,
        )
        with db.begin_nested():
            code_id = ask_to_book(db, wish, office=ticket_office(db, shared.settings), now=now)
    except (NotFound, Exhausted):
        raise
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
        return _form(viewer, db, shared.settings, session_id, dose=dose, typed=typed, problem=problem)
    return RedirectResponse(f"/daftar/kode/{code_id}", status_code=303)


def _facility_of(db: Session, session_id: UUID, viewer: Viewer) -> UUID:
    session = session_by_id(db, session_id, viewer.now)
    if session is None:
        raise NoSuchBooking
    return session.facility_id


def _form(
    viewer: Viewer,
    db: Session,
    settings: Settings,
    session_id: UUID,
    *,
    dose: int,
    typed: Typed | None = None,
    problem: str = "",
    problems: dict[str, str] | None = None,
    others: list[dict[str, object]] | None = None,
    homes: list[Home] | None = None,
) -> Response:
    session = session_by_id(db, session_id, viewer.now)
    if session is None:
        raise NoSuchBooking
    answer = page(
        viewer,
        "citizens/book.html",
        status=422 if problem or problems else 200,
        reachable=messages_are_sent(settings),
        session=session,
        dose=dose if dose in session.doses else session.doses[0],
        homes=homes or [],
        typed=typed or Typed(),
        problem=problem,
        problems=problems or {},
        others=others or [],
    )
    answer.headers["Cache-Control"] = "private, no-store"  # what was typed stands in it
    return answer
