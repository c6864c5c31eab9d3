"""`/daftar/bersedia`: who finds no place, or wants to choose none, says that they are willing and is told when places open."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.citizens.form import Typed, address_of
from dashboard.citizens.homes import Home, homes_of
from dashboard.citizens.proof import messages_are_sent
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Anyone, Viewer
from tracker.catalog.models import Vaccine
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, answers_evenly, takes_fields
from tracker.interest.queries import standing_of
from tracker.interest.service import Willing, ask_to_be_told, take_back, tell_code
from tracker.kit.days import WESTERN, latest_day
from tracker.kit.errors import DomainError
from tracker.people.vault import NikVault
from tracker.registration.service.codes import is_spent
from tracker.registration.service.tickets import ticket_office
from tracker.settings import Settings

router = Router(include_in_schema=False)

_NO_HOME = mark("Kelurahan ini tidak kami kenal. Tulis nama lain, kodenya, atau nama puskesmas di sana.")
_MANY_HOMES = mark("Ada beberapa kelurahan dengan nama itu. Pilih satu di bawah.")
_NO_VACCINE = mark("Pilih vaksinnya.")
MOST_VACCINES = 100
# Far more than any field holds: a long slip of the finger gets its sentence, not an error page.
Words = Annotated[str, Form(max_length=2_000)]


@router.get("/daftar/bersedia")
def show_form(
    viewer: Anyone,
    db: Db,
    shared: Shared,
    vaksin: Annotated[str, Query(max_length=64)] = "",
    rumah: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The form; what was looked for stands in it."""
    return _form(viewer, db, shared.settings, typed=Typed(residence=rumah), vaccine=vaksin)


@router.post("/daftar/bersedia")
@answers_evenly
def ask(
    *,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    nik: Words = "",
    name: Words = "",
    phone: Words = "",
    residence: Words = "",
    vaksin: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Send a code to the phone; what is wrong stands at its field. The answer is the same whomever number and phone belong to."""
    typed = Typed(nik=nik, name=name, phone=phone, residence=residence)
    homes: list[Home] = []
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
        problems = typed.problems(latest_day(now), viewer.language, ("nik", "name", "phone"))
        homes = homes_of(db, residence)
        if len(homes) != 1:
            problems["residence"] = viewer.texts.gettext(_MANY_HOMES if homes else _NO_HOME)
        if vaksin not in {code for code, _ in _vaccines(db)}:
            problems["vaksin"] = viewer.texts.gettext(_NO_VACCINE)
        if problems or not messages_are_sent(shared.settings):
            return _form(viewer, db, shared.settings, typed=typed, vaccine=vaksin, problems=problems, homes=homes)
        willing = Willing(
            vaccine=vaksin, nik=nik, name=name, phone=phone, residence=homes[0].code, language=viewer.language
        )
        with db.begin_nested():
            code_id = ask_to_be_told(db, willing, office=ticket_office(db, shared.settings), now=now)
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
        return _form(viewer, db, shared.settings, typed=typed, vaccine=vaksin, problem=problem)
    return RedirectResponse(f"/daftar/bersedia/kode/{code_id}", status_code=303)


@router.get("/daftar/bersedia/kode/{code_id}")
def show_code(code_id: UUID, viewer: Anyone, db: Db) -> Response:
    """Where the code is typed; the same for a code that was never sent."""
    return _code(viewer, code_id, spent=is_spent(db, code_id))


@router.post("/daftar/bersedia/kode/{code_id}")
def say_code(
    *, code_id: UUID, request: Request, viewer: Anyone, db: Db, now: Now, shared: Shared, kode: Words = ""
) -> Response:
    """With the right code the wish is kept, and its own page opens."""
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
    except DomainError as error:
        return _code(viewer, code_id, problem=sentence_of(error, viewer.language))
    office = ticket_office(db, shared.settings)
    kept = tell_code(db, code_id, kode, vault=NikVault.of(shared.settings), office=office, now=now)
    if kept is None:
        return _code(viewer, code_id, wrong=True, spent=is_spent(db, code_id))
    return RedirectResponse(f"/daftar/bersedia/{office.sealed(kept.id)}", status_code=303)


@router.get("/daftar/bersedia/{secret}")
def show_own(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """How one's own wish stands, and what one has had."""
    standing = standing_of(db, _opened(db, shared.settings, secret))
    return _private(page(viewer, "citizens/willing_own.html", standing=standing, secret=secret, zone=WESTERN))


@router.post("/daftar/bersedia/{secret}")
@takes_fields()
def end_own(secret: str, db: Db, now: Now, shared: Shared) -> Response:
    """To be told no more."""
    take_back(db, _opened(db, shared.settings, secret), now=now)
    return RedirectResponse(f"/daftar/bersedia/{secret}", status_code=303)


def _opened(db: Session, settings: Settings, secret: str) -> UUID:
    return ticket_office(db, settings).unsealed(secret)[0]


def _vaccines(db: Session) -> list[tuple[str, str]]:
    rows = db.execute(select(Vaccine.code, Vaccine.name).order_by(Vaccine.name, Vaccine.code).limit(MOST_VACCINES))
    return [(row.code, row.name) for row in rows]


def _form(
    viewer: Viewer,
    db: Session,
    settings: Settings,
    *,
    typed: Typed,
    vaccine: str,
    problems: dict[str, str] | None = None,
    homes: list[Home] | None = None,
    problem: str = "",
) -> Response:
    answer = page(
        viewer,
        "citizens/willing.html",
        status=422 if problem or problems else 200,
        reachable=messages_are_sent(settings),
        typed=typed,
        vaccine=vaccine,
        vaccines=_vaccines(db),
        problems=problems or {},
        homes=homes or [],
        problem=problem,
    )
    return _private(answer)


def _code(viewer: Viewer, code: UUID, *, wrong: bool = False, spent: bool = False, problem: str = "") -> Response:
    status = 422 if wrong or problem else 200
    told = {"code": code, "wrong": wrong, "spent": spent, "problem": problem}
    return _private(page(viewer, "citizens/willing_code.html", status=status, **told))


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
