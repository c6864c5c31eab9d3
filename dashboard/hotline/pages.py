"""`/hotline`: calls one takes and the log; `/hotline/panggilan/{id}`: a call; `/hotline/orang/{id}`: whom a call was about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.choices import Said
from dashboard.frame.labels import CALL_OUTCOME, TICKET_BY
from dashboard.frame.listing import Listed, listed
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of
from tracker.edge.words import Seen
from tracker.hotline.commands import BeginCall, EndCall, SayInCall, SendTicket
from tracker.hotline.errors import CallOpen
from tracker.hotline.models import HotlineCall
from tracker.hotline.queries import call_visible_to, calls_visible_to, open_call, own_calls, spelled_ticket
from tracker.hotline.rules.answers import answers_for
from tracker.hotline.rules.words import CallOutcome, TicketBy
from tracker.hotline.service import begin_call, choose_caller, end_call, find_caller, say_in_call, send_ticket
from tracker.kit.days import WESTERN
from tracker.kit.errors import DomainError, Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.network.queries import as_id
from tracker.people.errors import PersonNotFound
from tracker.people.models import Person
from tracker.people.queries import ids_of, person_now
from tracker.people.searching import MOST_FOUND
from tracker.people.service import note_list, read_person
from tracker.people.vault import NikVault
from tracker.quota.queries.history import Appointment, appointments_of
from tracker.registration.service.chats import last_answer
from tracker.registration.service.tickets import TicketOffice, ticket_office

router = Router(include_in_schema=False)

A_PAGE = 8
FIRST_ANSWERS = 4
_NOBODY = mark("Tidak ditemukan. Periksa ejaannya, cari dengan NIK, atau langsung daftarkan lewat percakapan.")
_NOTHING = mark("Tulis jawaban penelepon dahulu.")
_NO_OUTCOME = mark("Pilih hasil panggilannya.")
_NO_MEDIUM = mark("Pilih SMS atau WhatsApp.")
Csrf = Annotated[str, Form(max_length=200)]
Id = Annotated[str, Form(max_length=40)]
Word = Annotated[str, Form(max_length=20)]


@router.get("/hotline")
def show_hotline(viewer: Member, db: Db, siapa: Said = "", sesudah: Said = "") -> Response:
    """A call to take or to go on with, and the log: one's own calls, or (`siapa=unit`) those of the units one oversees."""
    return _hotline(viewer, db, siapa, sesudah)


@router.post("/hotline/panggilan")
def take(
    *,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    nomor: Id = "",
    telepon: Annotated[str, Form(max_length=60)] = "",
    bahasa: Word = "id",
) -> Response:
    """Take a call."""
    check_csrf(viewer, csrf)
    command = BeginCall(
        id=as_id(nomor) or uuid7(), phone=telepon.strip() or None, language="en" if bahasa == "en" else "id"
    )
    try:
        with db.begin_nested():
            call = begin_call(
                db, viewer.known(), command, vault=_vault(request), office=_office(db, request), now=now
            ).call
    except CallOpen as error:
        return RedirectResponse(f"/hotline/panggilan/{error.params['call']}", status_code=303)
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        return _hotline(viewer, db, "", "", problem=sentence_of(error, viewer.language), typed=telepon)
    return RedirectResponse(f"/hotline/panggilan/{call.id}", status_code=303)


@router.get("/hotline/panggilan/{call_id}")
def show_call(call_id: UUID, viewer: Member, db: Db, kata: Annotated[str, Seen, Said] = "") -> Response:
    """A call: what to read out, what was answered, who calls; once it is over, what it came to."""
    return _call(viewer, db, call_id, words=kata)


@router.post("/hotline/panggilan/{call_id}/jawab")
def say(
    *,
    call_id: UUID,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    nomor: Id = "",
    teks: Annotated[str, Form(max_length=2000)] = "",
    pilih: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """What the caller answered: typed, or one of the buttons."""
    said = pilih or teks
    if not said.strip():
        check_csrf(viewer, csrf)
        return _call(viewer, db, call_id, problem=viewer.texts.gettext(_NOTHING))
    command = SayInCall(call_id=call_id, message_id=nomor or str(uuid7()), text=said)
    vault, office = _vault(request), _office(db, request)
    return _done(
        viewer,
        db,
        call_id,
        csrf,
        lambda: say_in_call(db, viewer.known(), command, vault=vault, office=office, now=now),
    )


@router.post("/hotline/panggilan/{call_id}/cari")
def search(
    *,
    call_id: UUID,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    siapa: Annotated[str, Seen, Form(max_length=300)] = "",
) -> Response:
    """Who may be calling; what was typed stands in no address."""
    check_csrf(viewer, csrf)
    try:
        with db.begin_nested():
            found = find_caller(db, viewer.known(), call_id, siapa, vault=_vault(request), now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        return _call(viewer, db, call_id, problem=sentence_of(error, viewer.language))
    return _call(viewer, db, call_id, found=found, problem="" if found else viewer.texts.gettext(_NOBODY))


@router.post("/hotline/panggilan/{call_id}/orang")
def choose(*, call_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", orang: Id = "") -> Response:
    """It is this one."""
    person_id = as_id(orang)
    if person_id is None:
        raise PersonNotFound(person=orang)
    return _done(viewer, db, call_id, csrf, lambda: choose_caller(db, viewer.known(), call_id, person_id, now=now))


@router.post("/hotline/panggilan/{call_id}/tiket")
def send(*, call_id: UUID, viewer: Member, db: Db, now: Now, csrf: Csrf = "", lewat: Word = "") -> Response:
    """Send the ticket, once."""
    if lewat not in {one.value for one in TicketBy}:
        check_csrf(viewer, csrf)
        return _call(viewer, db, call_id, problem=viewer.texts.gettext(_NO_MEDIUM))
    command = SendTicket(call_id=call_id, by=TicketBy(lewat))
    return _done(viewer, db, call_id, csrf, lambda: send_ticket(db, viewer.known(), command, now=now))


@router.post("/hotline/panggilan/{call_id}/akhir")
def end(
    *,
    call_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    hasil: Word = "",
    catatan: Annotated[str, Seen, Form(max_length=500)] = "",
) -> Response:
    """What the call came to; then the next can be taken."""
    if hasil not in {one.value for one in CallOutcome}:
        check_csrf(viewer, csrf)
        return _call(viewer, db, call_id, problem=viewer.texts.gettext(_NO_OUTCOME), note=catatan)
    command = EndCall(call_id=call_id, outcome=CallOutcome(hasil), note=catatan)
    return _done(
        viewer,
        db,
        call_id,
        csrf,
        lambda: end_call(db, viewer.known(), command, now=now),
        to="/hotline",
        note=catatan,
    )


@router.get("/hotline/orang/{person_id}")
def show_caller(person_id: UUID, viewer: Member, db: Db, now: Now) -> Response:
    """Whom a call was about; that they were looked at is kept."""
    principal = viewer.known()
    if not principal.may(Permission.HOTLINE_SERVE):
        principal.require(Permission.HOTLINE_READ)
    person = read_person(db, principal, person_id, now=now)
    return page(viewer, "hotline/caller.html", person=person, appointments=_appointments(db, person))


def _done(
    viewer: Viewer,
    db: Session,
    call_id: UUID,
    csrf: str,
    act: Callable[[], object],
    *,
    to: str = "",
    note: str = "",
) -> Response:
    """Do it and show the call, or `to`; what was refused is said on the call's page."""
    check_csrf(viewer, csrf)
    try:
        with db.begin_nested():
            act()
    except (NotFound, Forbidden):
        raise
    except DomainError as error:
        return _call(viewer, db, call_id, problem=sentence_of(error, viewer.language), note=note)
    return RedirectResponse(to or f"/hotline/panggilan/{call_id}", status_code=303)


def _hotline(viewer: Viewer, db: Session, whose: str, after: str, *, problem: str = "", typed: str = "") -> Response:
    principal = viewer.known()
    serves, oversees = principal.may(Permission.HOTLINE_SERVE), principal.may(Permission.HOTLINE_READ)
    if not serves:
        principal.require(Permission.HOTLINE_READ)
    units = oversees and (whose == "unit" or not serves)
    return page(
        viewer,
        "hotline/hotline.html",
        status=422 if problem else 200,
        serves=serves,
        oversees=oversees,
        units=units,
        standing=open_call(db, principal) if serves else None,
        calls=_log(db, calls_visible_to(principal) if units else own_calls(principal), after),
        number=uuid7(),
        zone=WESTERN,
        problem=problem,
        typed=typed,
    )


def _log(db: Session, query: object, after: str) -> Listed[tuple[HotlineCall, str]]:
    return listed(
        db,
        [query],  # type: ignore[list-item]  # a select of two columns, whichever of the two it is
        keys=(HotlineCall.begun_at, HotlineCall.id),
        key_of=lambda row: (row[0].begun_at.isoformat(), row[0].id),
        most=A_PAGE,
        after=after,
        descending=True,
    )


def _call(
    viewer: Viewer,
    db: Session,
    call_id: UUID,
    *,
    words: str = "",
    problem: str = "",
    found: Sequence[Person] = (),
    note: str = "",
) -> Response:
    principal = viewer.known()
    call, operator = call_visible_to(db, principal, call_id)
    if call.account_id != principal.account_id or call.ended_at is not None:
        return page(
            viewer,
            "hotline/over.html",
            status=409 if problem else 200,
            call=call,
            operator=operator,
            zone=WESTERN,
            problem=problem,
        )
    person = None if call.person_id is None else person_now(db, call.person_id)
    if person is not None:
        note_list(db, principal, [person.id], now=viewer.now)
    answers = answers_for(words, call.language)
    return page(
        viewer,
        "hotline/call.html",
        status=422 if problem else 200,
        call=call,
        said=last_answer(db, call.conversation_id),
        message=uuid7(),
        ticket=None if call.booking_id is None else spelled_ticket(db, call.booking_id),
        person=person,
        appointments=[] if person is None else _appointments(db, person),
        found=found[:MOST_FOUND],
        more=len(found) > MOST_FOUND,
        words=words,
        answers=answers if words else answers[:FIRST_ANSWERS],
        all_answers=len(answers),
        spoken=int(call.language == "en"),
        outcomes=CALL_OUTCOME,
        media=TICKET_BY,
        problem=problem,
        note=note,
        zone=WESTERN,
    )


def _appointments(db: Session, person: Person) -> list[Appointment]:
    return [each for one in ids_of(db, person) for each in appointments_of(db, one)]


def _vault(request: Request) -> NikVault:
    return NikVault.of(services_of(request).settings)


def _office(db: Session, request: Request) -> TicketOffice:
    return ticket_office(db, services_of(request).settings)
