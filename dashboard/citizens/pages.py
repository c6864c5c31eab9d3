"""`/daftar`: a citizen finds a place with vaccine and books it. No log-in; a ticket's secret opens it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.form import Typed
from dashboard.citizens.queries import offers, ticket, villages
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Anyone, Viewer
from dashboard.quota.queries import session_by_id, vaccines_with_sessions
from tracker.access.principal import SYSTEM
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, services_of
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.queries import today_at
from tracker.people.queries import person_who_says
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.errors import AlreadyBooked, DoseGiven, Exhausted, NotDue, TooYoung
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.errors import OwnTicketFirst, TicketNotFound
from tracker.registration.service.tickets import drawn, ticket_of, ticket_office

router = Router(include_in_schema=False)

# Before that a place is not the person's own yet; after it the code has done its work.
_SHOWN_AT_THE_DOOR = frozenset({BookingState.CONFIRMED, BookingState.ARRIVED, BookingState.FIT})

_OWN_HISTORY = (AlreadyBooked, DoseGiven, NotDue)


def _tells_history(error: DomainError) -> bool:
    """Whether a refusal says what somebody has had or booked; that they are too young, their number says itself."""
    return isinstance(error, _OWN_HISTORY) and not isinstance(error, TooYoung)


# Cards on a page: what one still reads through on a phone.
SHOWN = 10

# Far more than any field holds: a long slip of the finger gets its sentence, not an error page.
_MOST = 2_000

Latitude = Annotated[float | None, Query(ge=-90, le=90)]
Longitude = Annotated[float | None, Query(ge=-180, le=180)]


class NoSuchBooking(NotFound):
    """There is no such session or booking."""

    code = "access.not_found"


@router.get("/daftar")
def find_place(
    viewer: Anyone,
    db: Db,
    vaksin: str = "",
    hari: str = "",
    dosis: Annotated[int, Query(ge=0, le=9)] = 0,
    lat: Latitude = None,
    lon: Longitude = None,
    lembar: Annotated[int, Query(ge=1, le=100)] = 1,
) -> Response:
    """Places with room, a few a page (`lembar`); the nearest first where the phone told where it is."""
    near = (lat, lon) if lat is not None and lon is not None else None
    every = offers(db, viewer.now, vaccine=vaksin, near=near)
    days = sorted({offer.session.day for offer in every})
    doses = sorted({dose for offer in every for dose in offer.session.doses})
    found = [o for o in every if hari in ("", o.session.day.isoformat()) and (not dosis or dosis in o.session.doses)]
    sheets = max(1, -(-len(found) // SHOWN))
    lembar = min(lembar, sheets)
    asked = {"vaksin": vaksin, "hari": hari, "dosis": dosis or "", "lat": lat, "lon": lon}
    kept = {name: value for name, value in asked.items() if value not in ("", None)}
    return page(
        viewer,
        "citizens/find.html",
        vaccines=vaccines_with_sessions(db, viewer.now),
        chosen=vaksin,
        days=days,
        day=hari,
        doses=doses,
        dose=dosis,
        near=near,
        offers=found[(lembar - 1) * SHOWN : lembar * SHOWN],
        more=max(0, len(found) - lembar * SHOWN),
        next_page=f"/daftar?{urlencode({**kept, 'lembar': lembar + 1})}",
        back_page=f"/daftar?{urlencode({**kept, 'lembar': lembar - 1})}" if lembar > 1 else "",
        filtered=bool(kept),
    )


@router.get("/daftar/tiket/{secret}")
def show_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """A booking as its owner sees it."""
    office = ticket_office(shared.settings)
    found = ticket(db, office.booking_of(secret), viewer.now)
    offered = None if found.offered is None else office.secret_of(found.offered)
    answer = page(viewer, "citizens/ticket.html", ticket=found, secret=secret, offered=offered)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@router.get("/daftar/tiket/{secret}/kode.svg")
def draw_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """The signed ticket as a QR code: staff scan it at the door, also with a phone that is offline."""
    office = ticket_office(shared.settings)
    found = ticket(db, office.booking_of(secret), viewer.now)
    if found.booking.state not in _SHOWN_AT_THE_DOOR:
        raise TicketNotFound
    svg = drawn(office.sign(ticket_of(db, found.booking)))
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})


@router.post("/daftar/tiket/{secret}/{step}")
def move_ticket(secret: str, step: str, db: Db, now: Now, shared: Shared) -> Response:
    """Confirm (`pasti`) or cancel (`batal`); the secret is the proof, so there is no cookie a stranger could ride on."""
    states = {"pasti": BookingState.CONFIRMED, "batal": BookingState.CANCELLED}
    if step not in states:
        raise TicketNotFound
    booking_id = ticket_office(shared.settings).booking_of(secret)
    move_booking(db, SYSTEM, MoveBooking(booking_id=booking_id, state=states[step]), now=now)
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


@router.get("/daftar/{session_id}")
def show_form(session_id: UUID, viewer: Anyone, db: Db, dosis: int = 1) -> Response:
    """The form for one session."""
    return _form(viewer, db, session_id, dose=dosis)


@router.post("/daftar/{session_id}")
def take_place(
    session_id: UUID,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    nik: Annotated[str, Form(max_length=_MOST)] = "",
    name: Annotated[str, Form(max_length=_MOST)] = "",
    phone: Annotated[str, Form(max_length=_MOST)] = "",
    residence: Annotated[str, Form(max_length=20)] = "",
    dose: Annotated[int, Form()] = 1,
) -> Response:
    """Register the person and reserve; what is wrong stands at its field, and when full, the nearest alternatives."""
    typed = Typed(nik=nik, name=name, phone=phone, residence=residence)
    facility = _facility_of(db, session_id, viewer)
    try:
        request.app.state.citizen_throttle.hit(_address(request), _address(request))
        problems = typed.problems(today_at(db, facility, now), viewer.language)
        if problems:
            return _form(viewer, db, session_id, dose=dose, typed=typed, problems=problems)
        with db.begin_nested():
            person = NewPerson(
                id=uuid7(),
                nik=nik,
                name=name,
                phone=phone or None,
                residence=residence or None,
                claimed=True,
                unit_id=facility,
            )
            person_id = _person_id(db, person, request, viewer)
            command = Book(id=uuid7(), person_id=person_id, session_id=session_id, dose=dose, medium=Medium.WEB)
            booked = book(db, SYSTEM, command, now=now)
    except NotFound:
        raise
    except DomainError as error:
        others = list(error.params.get("alternatives", [])) if isinstance(error, Exhausted) else []  # type: ignore[call-overload]  # a list of JSON objects by contract
        # Of one's own history only the ticket tells: number and phone together are still no secret.
        sentence = sentence_of(OwnTicketFirst() if _tells_history(error) else error, viewer.language)
        return _form(viewer, db, session_id, dose=dose, typed=typed, problem=sentence, others=others)
    secret = ticket_office(services_of(request).settings).secret_of(booked.booking.id)
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


def _person_id(db: Session, person: NewPerson, request: Request, viewer: Viewer) -> UUID:
    """Whoever number and phone belong to; else a record of their own, whether or not somebody else has that number."""
    vault = NikVault.from_secret(services_of(request).settings.secret_key.get_secret_value())
    known = person_who_says(db, person.nik or "", person.phone, vault=vault, now=viewer.now)
    if known is not None:
        return known.id
    return register_person(db, SYSTEM, person, vault=vault, now=viewer.now).person.id


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"


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
        villages=villages(db),
        typed=typed or Typed(),
        problem=problem,
        problems=problems or {},
        others=others or [],
    )
    answer.headers["Cache-Control"] = "private, no-store"  # what was typed stands in it
    return answer
