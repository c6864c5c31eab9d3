"""`/daftar/tiket-hilang`: a lost ticket comes back with a code sent to the phone on file."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.citizens.form import Typed, address_of
from dashboard.citizens.proof import messages_are_sent, own_tickets
from dashboard.citizens.queries import tickets_listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Anyone, Viewer
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, answers_evenly
from tracker.kit.days import latest_day
from tracker.kit.errors import DomainError
from tracker.people.queries import person_now
from tracker.people.vault import NikVault
from tracker.quota.rules.words import Medium
from tracker.registration.service.addresses import change_addresses, secrets_of
from tracker.registration.service.codes import is_spent, told_again
from tracker.registration.service.lost import AskForCode, ask_for_code, tickets_for_code
from tracker.registration.service.tickets import ticket_office
from tracker.settings import Settings

router = Router(include_in_schema=False)

Words = Annotated[str, Form(max_length=2_000)]


@router.get("/daftar/tiket-hilang")
def show_question(viewer: Anyone, shared: Shared) -> Response:
    """The form that asks for a code."""
    return _question(viewer, shared.settings)


@router.post("/daftar/tiket-hilang")
@answers_evenly
def ask(
    *, request: Request, viewer: Anyone, db: Db, now: Now, shared: Shared, nik: Words = "", phone: Words = ""
) -> Response:
    """Send a code where number and phone are somebody's; the answer is the same for everybody."""
    typed = Typed(nik=nik, phone=phone)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
        problems = typed.problems(latest_day(now), viewer.language, ("nik", "phone"))
        if problems:
            return _question(viewer, shared.settings, typed=typed, problems=problems)
        asked = AskForCode(nik=nik, phone=phone, medium=Medium.WEB, language=viewer.language)
        with db.begin_nested():
            vault = NikVault.of(shared.settings)
            code_id = ask_for_code(db, asked, vault=vault, office=ticket_office(db, shared.settings), now=now)
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
        return _question(viewer, shared.settings, typed=typed, problem=problem)
    return RedirectResponse(f"/daftar/tiket-hilang/{code_id}", status_code=303)


@router.get("/daftar/tiket-hilang/{code_id}")
def show_code_form(code_id: UUID, viewer: Anyone, db: Db) -> Response:
    """Where the code is typed; the same for a code that was never sent."""
    return _code_form(viewer, code_id, spent=is_spent(db, code_id))


@router.post("/daftar/tiket-hilang/{code_id}")
def tell_code(
    *,
    code_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    kode: Words = "",
    ganti: Words = "",
) -> Response:
    """The tickets a code opens: the only one at once, else a list. With `ganti` each gets a new address first."""
    office = ticket_office(db, shared.settings)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
    except DomainError as error:
        return _code_form(viewer, code_id, problem=sentence_of(error, viewer.language))
    found = tickets_for_code(db, code_id, kode, office=office, now=now)
    if found is None:
        again = told_again(db, code_id, kode, office=office, now=now)
        owner = None if again is None else person_now(db, again)
        if owner is None:
            return _code_form(viewer, code_id, wrong=True, spent=is_spent(db, code_id))
        return own_tickets(viewer, db, office, owner)
    if ganti:
        change_addresses(db, [one.id for one in found], by="owner", now=now)
    secrets = secrets_of(db, office, [one.id for one in found])
    if len(found) == 1:
        return RedirectResponse(f"/daftar/tiket/{secrets[found[0].id]}", status_code=303)
    listed = [(secrets[one.booking.id], one) for one in tickets_listed(db, [one.id for one in found])]
    return _private(page(viewer, "citizens/tickets.html", tickets=listed, problem=""))


def _question(
    viewer: Viewer,
    settings: Settings,
    *,
    typed: Typed | None = None,
    problems: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    answer = page(
        viewer,
        "citizens/lost.html",
        status=422 if problem or problems else 200,
        reachable=messages_are_sent(settings),
        typed=typed or Typed(),
        problems=problems or {},
        problem=problem,
    )
    return _private(answer)


def _code_form(viewer: Viewer, code: UUID, *, wrong: bool = False, spent: bool = False, problem: str = "") -> Response:
    status = 422 if wrong or problem else 200
    told = {"code": code, "wrong": wrong, "spent": spent, "problem": problem}
    return _private(page(viewer, "citizens/code.html", status=status, **told))


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
