"""`/daftar/tiket/…`: a booking as its owner sees it. A ticket's secret opens it; nobody logs in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlalchemy.orm import Session

from dashboard.citizens.choosing import Choice, choose
from dashboard.citizens.queries import Ticket, doses_before, given_before, ticket
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Anyone, Viewer
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError
from tracker.people.queries import person_now
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.desk import number_of
from tracker.quota.queries.open_places import seeker_of
from tracker.quota.rules.words import DISPLACEABLE, BookingState, Medium
from tracker.registration.errors import TicketNotFound
from tracker.registration.service.addresses import booking_at, secret_of
from tracker.registration.service.family import head_of
from tracker.registration.service.owning import book_own, change_own_day, move_own
from tracker.registration.service.pushes import browsers_of
from tracker.registration.service.tickets import drawn, ticket_of, ticket_office

router = Router(include_in_schema=False)

# Before that a place is not the person's own yet; after it the code has done its work.
_SHOWN_AT_THE_DOOR = frozenset({BookingState.CONFIRMED, BookingState.ARRIVED, BookingState.FIT})

# Pixels: the smallest phone shows it whole, and a scanner reads it from there.
_SAVED_WIDTH = 300

Words = Annotated[str, Query(max_length=100)]
From = Annotated[str | None, Query(max_length=1000)]


@router.get("/daftar/tiket/{secret}")
def show_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """A booking as its owner sees it; after the dose what was given, and when the next is due."""
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    given = given_before(db, found.booking)
    answer = page(
        viewer,
        "citizens/ticket.html",
        ticket=found,
        number=number_of(found.booking),
        secret=secret,
        offered=None if found.offered is None else secret_of(db, office, found.offered),
        elsewhere=f"/daftar/tiket/{secret_of(db, office, given)}/berikutnya" if given else "/daftar",
        booked_next=None if found.booked_next is None else secret_of(db, office, found.booked_next),
        before=doses_before(db, found.booking),
        has_family=head_of(db, found.booking.person_id) is not None,
        push_key=office.push_keys[0].text if shared.settings.delivery.push_contact else "",
        browsers=len(browsers_of(db, office, found.booking.person_id)),
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


@router.get("/daftar/tiket/{secret}/simpan.html")
def save_ticket(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """The ticket as one file that a phone keeps and opens without a network: its code is in it, nothing is fetched."""
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    if found.booking.state not in _SHOWN_AT_THE_DOOR:
        raise TicketNotFound
    code = drawn(office.sign(ticket_of(db, found.booking)), _SAVED_WIDTH)
    answer = page(viewer, "citizens/saved.html", ticket=found, code=Markup(code), link=office.link(secret))  # noqa: S704  # drawn by the house
    answer.headers["Content-Disposition"] = f'attachment; filename="tiket-{found.session.day.isoformat()}.html"'
    return _private(answer)


@router.get("/daftar/tiket/{secret}/berikutnya")
def find_next(
    *,
    secret: str,
    viewer: Anyone,
    db: Db,
    shared: Shared,
    tempat: Words = "",
    dari: From = None,
) -> Response:
    """Places for the dose after the one this ticket was for, to its owner alone; also elsewhere than the first."""
    found = ticket(db, booking_at(db, ticket_office(db, shared.settings), secret))
    return _next(viewer, db, found, secret, tempat=tempat.strip(), cursor=dari)


@router.post("/daftar/tiket/{secret}/berikutnya")
def book_next(
    secret: str, viewer: Anyone, db: Db, now: Now, shared: Shared, session: Annotated[UUID, Form()]
) -> Response:
    """Book one of them; the ticket's owner need not say again who they are."""
    office = ticket_office(db, shared.settings)
    found = ticket(db, booking_at(db, office, secret))
    if found.next is None:
        return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)
    dose, person_id = found.next.dose, found.booking.person_id
    try:
        with db.begin_nested():
            booked = book_own(db, person_id, session, dose, language=viewer.language, now=now)
    except DomainError as error:
        return _next(viewer, db, found, secret, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/daftar/tiket/{secret_of(db, office, booked.id)}", status_code=303)


@router.get("/daftar/tiket/{secret}/ganti")
def find_other_day(
    *,
    secret: str,
    viewer: Anyone,
    db: Db,
    shared: Shared,
    tempat: Words = "",
    dari: From = None,
) -> Response:
    """Other days and places for the same dose."""
    found = ticket(db, booking_at(db, ticket_office(db, shared.settings), secret))
    return _other_day(viewer, db, found, secret, tempat=tempat.strip(), cursor=dari)


@router.post("/daftar/tiket/{secret}/ganti")
def change_to(
    secret: str, viewer: Anyone, db: Db, now: Now, shared: Shared, session: Annotated[UUID, Form()]
) -> Response:
    """Take one of them; the former is let go in the same step, and stays where the new one cannot be had."""
    found = ticket(db, booking_at(db, ticket_office(db, shared.settings), secret))
    try:
        with db.begin_nested():
            change_own_day(db, found.booking.id, session, language=viewer.language, now=now)
    except DomainError as error:
        return _other_day(viewer, db, found, secret, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


@router.post("/daftar/tiket/{secret}/{step}")
@takes_fields()
def move_ticket(secret: str, step: str, viewer: Anyone, db: Db, now: Now, shared: Shared) -> Response:
    """Confirm (`pasti`) or cancel (`batal`); the secret is the proof, so there is no cookie a stranger could ride on."""
    states = {"pasti": BookingState.CONFIRMED, "batal": BookingState.CANCELLED}
    if step not in states:
        raise TicketNotFound
    booking_id = booking_at(db, ticket_office(db, shared.settings), secret)
    move_own(db, booking_id, states[step], language=viewer.language, now=now)
    return RedirectResponse(f"/daftar/tiket/{secret}", status_code=303)


def _next(viewer: Viewer, db: Session, found: Ticket, secret: str, **said: Any) -> Response:
    back = f"/daftar/tiket/{secret}"
    person = person_now(db, found.booking.person_id)
    if found.next is None or person is None:
        return RedirectResponse(back, status_code=303)
    due = viewer.texts.date(found.next.due_day)
    dose = viewer.texts.gettext("Dosis %(n)s") % {"n": found.next.dose}
    choice = Choice(
        title=f"{found.vaccine}, {dose}",
        intro=viewer.texts.gettext("Sebaiknya %(due)s; paling awal %(first)s, paling lambat %(last)s.")
        % {
            "due": due,
            "first": viewer.texts.date(found.next.from_day),
            "last": viewer.texts.date(found.next.last_day),
        },
        nothing=viewer.texts.gettext("Belum ada sesi yang memberi dosis ini pada harinya."),
        way_out=viewer.texts.gettext(
            "Tanpa janji pun Anda boleh datang sekitar %(due)s dengan tiket atau KTP: petugas menemukan hak Anda atas dosis ini."
        )
        % {"due": due},
        back=back,
        here=f"{back}/berikutnya",
        where=(VaccinationSession.vaccine_id == found.booking.vaccine_id,),
        near=found.point,
    )
    return choose(viewer, db, choice, seeker_of(db, person, Medium.WEB), **said)


def _other_day(viewer: Viewer, db: Session, found: Ticket, secret: str, **said: Any) -> Response:
    back = f"/daftar/tiket/{secret}"
    person = person_now(db, found.booking.person_id)
    if found.booking.state not in DISPLACEABLE or person is None:
        return RedirectResponse(back, status_code=303)
    choice = Choice(
        title=viewer.texts.gettext("Ganti hari atau tempat"),
        intro=viewer.texts.gettext(
            "Sekarang: %(place)s, %(day)s. Tempat itu baru dilepas bila yang lain sudah didapat."
        )
        % {"place": found.facility, "day": viewer.texts.weekday(found.session.day)},
        nothing=viewer.texts.gettext("Tidak ada hari lain yang masih ada tempat. Tempat Anda tetap."),
        way_out="",
        back=back,
        here=f"{back}/ganti",
        where=(
            VaccinationSession.vaccine_id == found.booking.vaccine_id,
            VaccinationSession.id != found.booking.session_id,
        ),
        near=found.point,
    )
    seeker = replace(seeker_of(db, person, Medium.WEB), dose=found.booking.dose)
    if found.booking.override is not None:
        seeker = replace(seeker, given=None)  # whoever served them has set the schedule aside
    return choose(viewer, db, choice, seeker, **said)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
