"""`/daftar/tiket/…/keluarga`: whoever holds a ticket books for children and parents who have no phone of their own."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.citizens.choosing import Choice, choose
from dashboard.citizens.form import Typed, address_of
from dashboard.citizens.queries import Ticket, ticket, tickets_listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Anyone, Viewer
from tracker.catalog.models import Vaccine
from tracker.edge.deps import Db, Now, Shared
from tracker.edge.hop import Router
from tracker.kit.days import years_before
from tracker.kit.errors import DomainError
from tracker.network.queries import today_at
from tracker.people.models import Person
from tracker.people.rules.nik import Sex
from tracker.people.vault import NikVault
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.open_places import seeker_of
from tracker.quota.rules.words import Medium
from tracker.registration.errors import TicketNotFound
from tracker.registration.service.addresses import booking_at, secret_of, secrets_of
from tracker.registration.service.family import Relative, add_relative, head_of, relative_of, relatives_of
from tracker.registration.service.lost import tickets_of
from tracker.registration.service.owning import book_own
from tracker.registration.service.tickets import TicketOffice, ticket_office

router = Router(include_in_schema=False)

Words = Annotated[str, Form(max_length=2_000)]
# Older people have a number; who lost it registers where their papers are seen.
_CHILD_YEARS = 18

_NO_BIRTH = mark("Tulis tanggal lahirnya.")
_NO_SEX = mark("Pilih jenis kelaminnya.")
_GROWN = mark(
    "Tanpa NIK hanya anak yang dapat didaftar di sini. Orang dewasa: datang ke puskesmas dengan surat apa pun."
)


@router.get("/daftar/tiket/{secret}/keluarga")
def show_family(secret: str, viewer: Anyone, db: Db, shared: Shared) -> Response:
    """Who is told through this phone with their tickets, and the form for one more."""
    office = ticket_office(db, shared.settings)
    head, _ = _head(db, office, secret)
    return _page(viewer, db, office, secret, head)


@router.post("/daftar/tiket/{secret}/keluarga")
def add(
    *,
    secret: str,
    request: Request,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    nik: Words = "",
    name: Words = "",
    birth_date: Words = "",
    sex: Words = "",
) -> Response:
    """Register them, then choose where; somebody already there under that number is found."""
    office = ticket_office(db, shared.settings)
    head, found = _head(db, office, secret)
    said = {"name": name, "nik": nik, "birth_date": birth_date, "sex": sex}
    today = today_at(db, found.session.facility_id, now)
    try:
        request.app.state.citizen_throttle.hit(address_of(request), address_of(request))
        needed = ("nik", "name") if nik.strip() else ("name",)
        problems = Typed(nik=nik, name=name).problems(today, viewer.language, needed)
        born = None if nik.strip() else _birth(viewer, birth_date, sex, today, problems)
        if problems:
            return _page(viewer, db, office, secret, head, said=said, problems=problems)
        relative = Relative(name=name, nik=nik.strip() or None, birth_date=born, sex=None if born is None else Sex(sex))
        with db.begin_nested():
            vault = NikVault.of(shared.settings)
            person = add_relative(db, head, relative, unit_id=found.session.facility_id, vault=vault, now=now)
    except DomainError as error:
        return _page(viewer, db, office, secret, head, said=said, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/daftar/tiket/{secret}/keluarga/{person.id}", status_code=303)


@router.get("/daftar/tiket/{secret}/keluarga/{person_id}")
def find_for(
    *,
    secret: str,
    person_id: UUID,
    viewer: Anyone,
    db: Db,
    shared: Shared,
    tempat: Annotated[str, Query(max_length=100)] = "",
    dari: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Places for one of them, of the dose that is theirs."""
    head, found = _head(db, ticket_office(db, shared.settings), secret)
    person = relative_of(db, head, person_id)
    return _places(viewer, db, found, secret, person, tempat=tempat.strip(), cursor=dari)


@router.post("/daftar/tiket/{secret}/keluarga/{person_id}")
def book_for(
    *,
    secret: str,
    person_id: UUID,
    viewer: Anyone,
    db: Db,
    now: Now,
    shared: Shared,
    session: Annotated[UUID, Form()],
) -> Response:
    """Book it; the message goes to the phone of whoever books."""
    office = ticket_office(db, shared.settings)
    head, found = _head(db, office, secret)
    person = relative_of(db, head, person_id)
    try:
        with db.begin_nested():
            dose = _dose(db, person, session)
            booked = book_own(db, person.id, session, dose, language=viewer.language, now=now)
    except DomainError as error:
        return _places(viewer, db, found, secret, person, problem=sentence_of(error, viewer.language))
    return RedirectResponse(f"/daftar/tiket/{secret_of(db, office, booked.id)}", status_code=303)


def _head(db: Session, office: TicketOffice, secret: str) -> tuple[Person, Ticket]:
    found = ticket(db, booking_at(db, office, secret))
    head = head_of(db, found.booking.person_id)
    if head is None:
        raise TicketNotFound
    return head, found


def _birth(viewer: Viewer, birth_date: str, sex: str, today: date, problems: dict[str, str]) -> date | None:
    """The birth date of a child that has no number yet; what is wrong goes among the problems."""
    if sex not in list(Sex):
        problems["sex"] = viewer.texts.gettext(_NO_SEX)
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        problems["birth_date"] = viewer.texts.gettext(_NO_BIRTH)
        return None
    if born < years_before(today, _CHILD_YEARS):
        problems["birth_date"] = viewer.texts.gettext(_GROWN)
    return born


def _dose(db: Session, person: Person, session_id: UUID) -> int:
    """The dose of that session's vaccine that is this person's."""
    session = db.get(VaccinationSession, session_id)
    if session is None:
        raise TicketNotFound
    return seeker_of(db, person, Medium.WEB).dose_of(db.get_one(Vaccine, session.vaccine_id).code)


def _places(
    viewer: Viewer,
    db: Session,
    found: Ticket,
    secret: str,
    person: Person,
    *,
    tempat: str = "",
    cursor: str | None = None,
    problem: str = "",
) -> Response:
    back = f"/daftar/tiket/{secret}/keluarga"
    choice = Choice(
        title=viewer.texts.gettext("Tempat untuk %(name)s") % {"name": person.name},
        intro=viewer.texts.gettext("Kabar dikirim ke ponsel yang memegang tiket ini."),
        nothing=viewer.texts.gettext("Belum ada tempat untuk umur dan dosisnya."),
        way_out="",
        back=back,
        here=f"{back}/{person.id}",
        where=(),
        near=found.point,
    )
    seeker = seeker_of(db, person, Medium.WEB)
    return choose(viewer, db, choice, seeker, tempat=tempat, cursor=cursor, problem=problem)


def _page(
    viewer: Viewer,
    db: Session,
    office: TicketOffice,
    secret: str,
    head: Person,
    *,
    said: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    people = []
    for person in relatives_of(db, head):
        theirs = [one.id for one in tickets_of(db, person)]
        secrets = secrets_of(db, office, theirs)
        people.append((person, [(secrets[one.booking.id], one) for one in tickets_listed(db, theirs)]))
    answer = page(
        viewer,
        "citizens/family.html",
        status=422 if problem or problems else 200,
        secret=secret,
        people=people,
        said=said or {},
        problems=problems or {},
        problem=problem,
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
