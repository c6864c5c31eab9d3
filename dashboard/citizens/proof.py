"""`/daftar/kode/{code}`: the code that was sent to the phone is told, and the place is booked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.form import address_of
from dashboard.citizens.queries import tickets_listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Anyone, Viewer
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, once_undone
from tracker.kit.errors import DomainError
from tracker.people.models import Person
from tracker.people.queries import person_now, person_who_says
from tracker.people.vault import NikVault
from tracker.quota.errors import Exhausted
from tracker.quota.queries.nearby import with_alternatives
from tracker.registration.service.addresses import secret_of, secrets_of
from tracker.registration.service.codes import is_spent, told_again, told_right, use_code
from tracker.registration.service.lost import tickets_of
from tracker.registration.service.owning import book_own
from tracker.registration.service.proving import person_for, wish_of
from tracker.registration.service.tickets import TicketOffice, ticket_office
from tracker.settings import Settings

router = Router(include_in_schema=False)

Words = Annotated[str, Form(max_length=2_000)]


@router.get("/daftar/kode/{code_id}")
def show_code(code_id: UUID, viewer: Anyone, db: Db) -> Response:
    """Where the code is typed; the same for a code that was never sent."""
    return _form(viewer, code_id, spent=is_spent(db, code_id))


def _full(
    refused: Exhausted, *, code_id: UUID, kode: str, viewer: Viewer, db: Session, now: datetime, **said: object
) -> Response:
    """The form once more: why there is no place, and where there is one, for the same code."""
    del said
    found = with_alternatives(db, refused, now=now)
    others: list[dict[str, object]] = list(found.params["alternatives"])  # type: ignore[call-overload]  # a list of JSON objects by contract
    return _form(viewer, code_id, problem=sentence_of(found, viewer.language), others=others, kode=kode)


@router.post("/daftar/kode/{code_id}")
@once_undone(Exhausted, _full)
def tell_code(
    *,
    code_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    kode: Words = "",
    session: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Book what was typed, or with `session` the same elsewhere; who has a place already is shown their tickets."""
    office = ticket_office(db, shared.settings)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
    except DomainError as error:
        return _form(viewer, code_id, problem=sentence_of(error, viewer.language))
    code = told_right(db, code_id, kode, office=office, now=now)
    wish = None if code is None else wish_of(code, office)
    if code is None or wish is None:
        again = told_again(db, code_id, kode, office=office, now=now)
        owner = None if again is None else person_now(db, again)
        if owner is None:
            return _form(viewer, code_id, wrong=True, spent=is_spent(db, code_id))
        return own_tickets(viewer, db, office, owner)
    vault = NikVault.of(shared.settings)
    wish = wish if session is None else wish.at(session)
    try:
        with db.begin_nested():
            person_id = person_for(db, wish, vault=vault, now=now)
            where = UUID(wish.session)
            booking = book_own(db, person_id, where, wish.dose, language=viewer.language, now=now)
    except Exhausted:
        raise
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
        known = person_who_says(db, wish.nik, wish.phone, vault=vault, now=now)
        if known is None:
            return _form(viewer, code_id, problem=problem, kode=kode)
        use_code(code, known.id, now)
        return own_tickets(viewer, db, office, known, problem)
    use_code(code, booking.person_id, now)
    return RedirectResponse(f"/daftar/tiket/{secret_of(db, office, booking.id)}", status_code=303)


def messages_are_sent(settings: Settings) -> bool:
    """Whether a code can reach anybody's phone."""
    return bool(settings.delivery.sms_url or settings.delivery.whatsapp_url)


def own_tickets(viewer: Viewer, db: Session, office: TicketOffice, person: Person, problem: str = "") -> Response:
    """What somebody has, whose phone it is, and the `problem` why a place is not theirs: the only ticket at once, else a list."""
    found = [one.id for one in tickets_of(db, person)]
    secrets = secrets_of(db, office, found)
    if len(found) == 1 and not problem:
        return RedirectResponse(f"/daftar/tiket/{secrets[found[0]]}", status_code=303)
    listed = [(secrets[one.booking.id], one) for one in tickets_listed(db, found)]
    return _private(
        page(viewer, "citizens/tickets.html", status=422 if problem else 200, tickets=listed, problem=problem)
    )


def _form(
    viewer: Viewer,
    code_id: UUID,
    *,
    wrong: bool = False,
    spent: bool = False,
    problem: str = "",
    others: list[dict[str, object]] | None = None,
    kode: str = "",
) -> Response:
    answer = page(
        viewer,
        "citizens/proof.html",
        status=422 if wrong or problem else 200,
        code=code_id,
        wrong=wrong,
        spent=spent,
        problem=problem,
        others=others or [],
        kode=kode,
    )
    return _private(answer)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
