"""`/meja`: the desk of a session: who waits, who is expected, and finding whoever stands in front of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.desk.sessions import Served, served, sessions_to_serve
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.catalog.images import read_codes
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.kit.ids import uuid7
from tracker.network.queries import as_id
from tracker.people.errors import PersonNotFound
from tracker.people.models import Person
from tracker.people.queries import person_by_id
from tracker.people.rules.sought import read_sought
from tracker.people.searching import MOST_FOUND, person_with_paper, search_people
from tracker.people.service import note_list
from tracker.people.vault import NikVault
from tracker.quota.errors import BookingNotFound, DoseNotForeseen, NotDue
from tracker.quota.queries.desk import WAITING, ToServe, count_guests, guests_of, to_serve
from tracker.quota.rules.words import DISPLACEABLE, BookingState, Medium
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import ArriveAt, Book
from tracker.quota.service.standby import standing_of
from tracker.registration.service.cards import owner_of_card
from tracker.registration.service.tickets import check_in, ticket_office

router = Router(include_in_schema=False)

MOST_SHOWN = 50
FIRST_EXPECTED = 12
OBSERVED = timedelta(minutes=30)
"""How long somebody is watched after a dose (the ministry's technical guide: thirty minutes)."""
DOSES = tuple("123456789")

_NOBODY = mark("Tidak ditemukan di sini. Periksa ejaannya, cari dengan NIK, atau daftarkan.")
NO_DOSE = mark("Tulis dosis ke berapa, 1 sampai 9.")
_NOTHING = mark("Tulis NIK, nomor ponsel, atau paling sedikit dua huruf nama.")
Csrf = Annotated[str, Form(max_length=200)]
Id = Annotated[str, Form(max_length=40)]
Words = Annotated[str, Seen, Form(max_length=500)]


@router.get("/meja")
def show_sessions(viewer: Member, db: Db) -> Response:
    """The sessions of today and yesterday; where there is but one of today, its desk."""
    found = sessions_to_serve(db, viewer.known(), viewer.now)
    today = [one for one in found if not one.over(viewer.now) and one.begun(viewer.now)]
    if len(today) == 1 and len(found) == 1:
        return RedirectResponse(f"/meja/{today[0].session.id}", status_code=303)
    return page(viewer, "desk/sessions.html", found=found)


@router.get("/meja/{session_id}")
def show_desk(session_id: UUID, viewer: Member, db: Db) -> Response:
    """Who waits, who is watched after a dose, who is still expected."""
    return _desk(viewer, db, served(db, viewer.known(), session_id))


@router.post("/meja/{session_id}/cari")
def find(
    *,
    session_id: UUID,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    siapa: Annotated[str, Form(max_length=2_000)] = "",
    foto: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """A ticket's code checks its owner in, a card's opens its owner; anything else is looked up. What was typed stands in no address."""
    check_csrf(viewer, csrf)
    here = served(db, viewer.known(), session_id)
    try:
        said = _ticket_in(foto) or siapa.strip()
        owner = owner_of_card(db, said)
        if owner is not None:
            shown = person_with_paper(db, viewer.known(), here.facility.id, owner, now=now)
            return _found(viewer, db, here, shown) if shown else _desk(viewer, db, here, problem=_nobody(viewer))
        if said.count(".") == 2 and len(said) > 80:
            office = ticket_office(db, services_of(request).settings)
            with db.begin_nested():
                booking = check_in(db, viewer.known(), office, said, here.facility.code, now=now)
            return RedirectResponse(f"/meja/orang/{booking.id}", status_code=303)
        sought = read_sought(said)
        vault = NikVault.of(services_of(request).settings)
        people = search_people(db, viewer.known(), here.facility.id, sought, vault=vault, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _desk(viewer, db, here, problem=sentence_of(error, viewer.language))
    if not people:
        return _desk(viewer, db, here, problem=viewer.texts.gettext(_NOTHING) if sought.empty else _nobody(viewer))
    return _found(viewer, db, here, people)


@router.post("/meja/{session_id}/datang")
def arrive(*, session_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", tempat: Id = "") -> Response:
    """Whoever has a place, here or elsewhere, has come to this session."""
    check_csrf(viewer, csrf)
    here = served(db, viewer.known(), session_id)
    booking_id = as_id(tempat)
    if booking_id is None:
        raise BookingNotFound(booking=tempat)
    try:
        with db.begin_nested():
            booking = arrive_at(db, viewer.known(), ArriveAt(booking_id=booking_id, session_id=session_id), now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _desk(viewer, db, here, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/meja/orang/{booking.id}", status_code=303)


@router.post("/meja/{session_id}/tanpa-janji")
def walk_in(
    *,
    session_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    orang: Id = "",
    nomor: Id = "",
    dosis: Annotated[str, Form(max_length=20)] = "",
    alasan: Words = "",
) -> Response:
    """Somebody known has come without a place: they get one for the dose that is due, and their claim is used."""
    check_csrf(viewer, csrf)
    here = served(db, viewer.known(), session_id)
    if dosis not in DOSES:
        return _desk(viewer, db, here, problem=viewer.texts.gettext(NO_DOSE))
    person_id = as_id(orang)
    if person_id is None:
        raise PersonNotFound(person=orang)
    command = Book(
        id=as_id(nomor) or uuid7(),
        person_id=person_id,
        session_id=session_id,
        dose=int(dosis),
        medium=Medium.WALK_IN,
        override=alasan.strip() or None,
    )
    try:
        with db.begin_nested():
            booking = book(db, viewer.known(), command, now=now).booking
            arrive_at(db, viewer.known(), ArriveAt(booking_id=booking.id, session_id=session_id), now=now)
    except NotFound:
        raise
    except DomainError as error:
        problem = sentence_of(error, viewer.language)
        person = _known(db, viewer, person_id) if isinstance(error, NotDue | DoseNotForeseen) else None
        if person is None:
            return _desk(viewer, db, here, problem=problem)
        return _found(viewer, db, here, [person], problem=problem)
    return RedirectResponse(f"/meja/orang/{booking.id}", status_code=303)


def _known(db: Session, viewer: Viewer, person_id: UUID) -> Person | None:
    """Somebody whom the viewer may see; None for anybody else."""
    try:
        return person_by_id(db, viewer.known(), person_id)
    except PersonNotFound:
        return None


def _nobody(viewer: Viewer) -> str:
    return viewer.texts.gettext(_NOBODY)


def _ticket_in(photo: UploadFile | None) -> str:
    """The text of the first code in a photo, without what a scanner puts before it; nothing where none was sent."""
    data = photo.file.read() if photo is not None else b""
    return read_codes(data)[0].partition("]")[2][2:] if data else ""


def _desk(viewer: Viewer, db: Session, here: Served, *, problem: str = "") -> Response:
    counts = count_guests(db, here.session.id)
    waiting = guests_of(db, here.session.id, WAITING, most=MOST_SHOWN)
    watched = guests_of(db, here.session.id, (BookingState.VACCINATED,), most=MOST_SHOWN, since=viewer.now - OBSERVED)
    expected = guests_of(db, here.session.id, tuple(DISPLACEABLE), most=FIRST_EXPECTED)
    named = {one.booking.person_id for one in (*waiting, *watched, *expected)}
    note_list(db, viewer.known(), named, now=viewer.now)
    return page(
        viewer,
        "desk/desk.html",
        status=422 if problem else 200,
        here=here,
        over=here.over(viewer.now),
        begun=here.begun(viewer.now),
        waiting=waiting,
        waiting_in_all=sum(counts.get(state, 0) for state in WAITING),
        watched=[(one, one.booking.vaccinated_at + OBSERVED) for one in watched if one.booking.vaccinated_at],
        expected=expected,
        expected_in_all=sum(counts.get(state, 0) for state in DISPLACEABLE),
        done=counts.get(BookingState.VACCINATED, 0),
        problem=problem,
    )


def _found(viewer: Viewer, db: Session, here: Served, people: list[Person], *, problem: str = "") -> Response:
    shown = people[:MOST_FOUND]
    to_do: dict[UUID, ToServe] = to_serve(db, [one.id for one in shown], here.session.vaccine_id, here.session.day)
    return page(
        viewer,
        "desk/found.html",
        status=422 if problem else 200,
        here=here,
        people=[(one, to_do[one.id], uuid7()) for one in shown],
        standing=standing_of(db, here.session, [one.id for one in shown]),
        more=len(people) > MOST_FOUND,
        problem=problem,
    )
