"""`/daftar/{session}`: a citizen books a place. No log-in; the ticket's secret opens it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.form import Typed, address_of
from dashboard.citizens.homes import Home, homes_of
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Anyone, Viewer
from dashboard.quota.queries import session_by_id
from tracker.access.principal import SYSTEM
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, once_undone, services_of
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.queries import today_at
from tracker.people.correcting import ChangePerson, change_person
from tracker.people.queries import person_who_says
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.errors import AlreadyBooked, DoseGiven, Exhausted, NotDue, TooYoung
from tracker.quota.queries.nearby import with_alternatives
from tracker.quota.rules.words import Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book
from tracker.registration.errors import OwnTicketFirst
from tracker.registration.service.addresses import secret_of
from tracker.registration.service.tickets import ticket_office

router = Router(include_in_schema=False)

_NO_HOME = mark("Kelurahan ini tidak kami kenal. Tulis nama lain, kodenya, nama puskesmas di sana, atau kosongkan.")
_MANY_HOMES = mark("Ada beberapa kelurahan dengan nama itu. Pilih satu di bawah.")

_OWN_HISTORY = (AlreadyBooked, DoseGiven, NotDue)


def _tells_history(error: DomainError) -> bool:
    """Whether a refusal says what somebody has had or booked; that they are too young, their number says itself."""
    return isinstance(error, _OWN_HISTORY) and not isinstance(error, TooYoung)


# Far more than any field holds: a long slip of the finger gets its sentence, not an error page.
_MOST = 2_000


class NoSuchBooking(NotFound):
    """There is no such session or booking."""

    code = "access.not_found"


@router.get("/daftar/{session_id}")
def show_form(
    session_id: UUID, viewer: Anyone, db: Db, dosis: int = 1, rumah: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """The form for one session; where one lives is known from the search."""
    return _form(viewer, db, session_id, dose=dosis, typed=Typed(residence=rumah))


def _full(
    refused: Exhausted, *, session_id: UUID, viewer: Viewer, db: Session, now: datetime, dose: int, **said: Any
) -> Response:
    """The form once more: what was typed, why there is no place, and where there is one."""
    typed = Typed(**{name: said[name] for name in ("nik", "name", "phone", "residence")})
    found = with_alternatives(db, refused, now=now)
    others: list[dict[str, object]] = list(found.params["alternatives"])  # type: ignore[call-overload]  # a list of JSON objects by contract
    return _form(
        viewer, db, session_id, dose=dose, typed=typed, problem=sentence_of(found, viewer.language), others=others
    )


@router.post("/daftar/{session_id}")
@once_undone(Exhausted, _full)
def take_place(
    session_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    nik: Annotated[str, Form(max_length=_MOST)] = "",
    name: Annotated[str, Form(max_length=_MOST)] = "",
    phone: Annotated[str, Form(max_length=_MOST)] = "",
    residence: Annotated[str, Form(max_length=_MOST)] = "",
    dose: Annotated[int, Form()] = 1,
) -> Response:
    """Register the person and reserve; what is wrong stands at its field, and when full, the nearest alternatives."""
    typed = Typed(nik=nik, name=name, phone=phone, residence=residence)
    facility = _facility_of(db, session_id, viewer)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
        problems = typed.problems(today_at(db, facility, now), viewer.language)
        homes = homes_of(db, residence)
        if residence.strip() and len(homes) != 1:
            problems["residence"] = viewer.texts.gettext(_MANY_HOMES if homes else _NO_HOME)
        if problems:
            return _form(viewer, db, session_id, dose=dose, typed=typed, problems=problems, homes=homes)
        with db.begin_nested():
            person = NewPerson(
                id=uuid7(),
                nik=nik,
                name=name,
                phone=phone or None,
                residence=homes[0].code if homes else None,
                claimed=True,
                unit_id=facility,
            )
            person_id = _person_id(db, person, request, viewer)
            command = Book(id=uuid7(), person_id=person_id, session_id=session_id, dose=dose, medium=Medium.WEB)
            booked = book(db, SYSTEM, command, now=now)
    except (NotFound, Exhausted):
        raise
    except DomainError as error:
        # Of one's own history only the ticket tells: number and phone together are still no secret.
        sentence = sentence_of(OwnTicketFirst() if _tells_history(error) else error, viewer.language)
        return _form(viewer, db, session_id, dose=dose, typed=typed, problem=sentence)
    secret = secret_of(db, ticket_office(db, services_of(request).settings), booked.booking.id)
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


def _person_id(db: Session, person: NewPerson, request: Request, viewer: Viewer) -> UUID:
    """Whoever number and phone belong to; else a record of their own, whether or not somebody else has that number."""
    vault = NikVault.of(services_of(request).settings)
    known = person_who_says(db, person.nik or "", person.phone, vault=vault, now=viewer.now)
    if known is not None:
        if known.residence is None and person.residence is not None:
            change_person(
                db, SYSTEM, ChangePerson(person_id=known.id, changes={"residence": person.residence}), now=viewer.now
            )
        return known.id
    return register_person(db, SYSTEM, person, vault=vault, now=viewer.now).person.id


def _facility_of(db: Session, session_id: UUID, viewer: Viewer) -> UUID:
    session = session_by_id(db, session_id, viewer.now)
    if session is None:
        raise NoSuchBooking
    return session.facility_id


def _form(
    viewer: Viewer,
    db: Session,
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
