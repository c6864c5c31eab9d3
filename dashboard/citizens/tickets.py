"""`/daftar/tiket/…`: a booking as its owner sees it. A ticket's secret opens it; nobody logs in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.queries import Ticket, ticket
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Anyone, Viewer
from tracker.access.principal import SYSTEM
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.people.queries import person_now
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.open_places import PlacesAsked, seek_places, seeker_of
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book
from tracker.registration.errors import TicketNotFound
from tracker.registration.service.addresses import booking_at, secret_of
from tracker.registration.service.finding import named
from tracker.registration.service.owning import move_own
from tracker.registration.service.tickets import TicketOffice, drawn, ticket_of, ticket_office

router = Router(include_in_schema=False)

# Before that a place is not the person's own yet; after it the code has done its work.
_SHOWN_AT_THE_DOOR = frozenset({BookingState.CONFIRMED, BookingState.ARRIVED, BookingState.FIT})

SHOWN = 10


@router.get("/daftar/tiket/{secret}")
def show_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """A booking as its owner sees it; after the dose what was given, and when the next is due."""
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    answer = page(
        viewer,
        "citizens/ticket.html",
        ticket=found,
        secret=secret,
        offered=None if found.offered is None else secret_of(db, office, found.offered),
        booked_next=None if found.booked_next is None else secret_of(db, office, found.booked_next),
    )
    return _private(answer)


@router.get("/daftar/tiket/{secret}/kode.svg")
def draw_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """The signed ticket as a QR code: staff scan it at the door, also with a phone that is offline."""
    del viewer
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    if found.booking.state not in _SHOWN_AT_THE_DOOR:
        raise TicketNotFound
    svg = drawn(office.sign(ticket_of(db, found.booking)))
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})


@router.get("/daftar/tiket/{secret}/berikutnya")
def find_next(
    *,
    secret: str,
    viewer: Anyone,
    db: Db,
    shared: Shared,
    tempat: Annotated[str, Query(max_length=100)] = "",
    dari: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Places for the dose after the one this ticket was for, to its owner alone; also elsewhere than the first."""
    return _next(viewer, db, ticket_office(db, shared.settings), secret, tempat=tempat.strip(), cursor=dari)


@router.post("/daftar/tiket/{secret}/berikutnya")
def book_next(
    secret: str, viewer: Anyone, db: Db, now: Now, shared: Shared, session: Annotated[UUID, Form()]
) -> Response:
    """Reserve one of them; the ticket's owner need not say again who they are."""
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    if found.next is None:
        return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)
    command = Book(
        id=uuid7(),
        person_id=found.booking.person_id,
        session_id=session,
        dose=found.next.dose,
        medium=Medium.WEB,
    )
    try:
        with db.begin_nested():
            booked = book(db, SYSTEM, command, now=now)
    except DomainError as error:
        return _next(viewer, db, office, secret, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/daftar/tiket/{secret_of(db, office, booked.booking.id)}", status_code=303)


@router.post("/daftar/tiket/{secret}/{step}")
def move_ticket(secret: str, step: str, viewer: Anyone, db: Db, now: Now, shared: Shared) -> Response:
    """Confirm (`pasti`) or cancel (`batal`); the secret is the proof, so there is no cookie a stranger could ride on."""
    states = {"pasti": BookingState.CONFIRMED, "batal": BookingState.CANCELLED}
    if step not in states:
        raise TicketNotFound
    booking_id = booking_at(db, ticket_office(db, shared.settings), secret)
    move_own(db, booking_id, states[step], language=viewer.language, now=now)
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


def _next(
    viewer: Viewer,
    db: Session,
    office: TicketOffice,
    secret: str,
    *,
    tempat: str = "",
    cursor: str | None = None,
    problem: str = "",
) -> Response:
    found: Ticket = ticket(db, booking_at(db, office, secret))
    person = person_now(db, found.booking.person_id)
    if found.next is None or person is None:
        return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)
    where = [VaccinationSession.vaccine_id == found.booking.vaccine_id]
    asked = PlacesAsked(where=(*where, named(tempat)) if tempat else tuple(where), near=found.point)
    places = seek_places(db, seeker_of(db, person, Medium.WEB), asked, limit=SHOWN, now=viewer.now, cursor=cursor)
    answer = page(
        viewer,
        "citizens/next.html",
        status=422 if problem else 200,
        ticket=found,
        secret=secret,
        tempat=tempat,
        places=places.places,
        cursor=places.cursor,
        later=bool(cursor),
        problem=problem,
    )
    return _private(answer)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
