"""`/kipi`: adverse events after a dose, one with its history, and the form that tells of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.frame.choices import Said
from dashboard.frame.listing import listed, newest
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import Fields, Typed
from tracker.access.models import Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.adverse.commands import AnswerAdverse, CorrectAdverse, TellAdverse, Told
from tracker.adverse.errors import AdverseNotFound
from tracker.adverse.models import AdverseChange, AdverseEvent, Symptom
from tracker.adverse.queries import (
    adverse_visible_to,
    all_symptoms,
    answers_of,
    changes_of,
    waits_for,
)
from tracker.adverse.rules.words import Level, Outcome
from tracker.adverse.service import answer_adverse, correct_adverse, level_of, may_correct, tell_adverse
from tracker.catalog.models import Batch
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.people.models import Person
from tracker.people.service import read_person
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries import lists

router = Router(include_in_schema=False)

A_PAGE = 12
MOST_SYMPTOMS = 100
MOST_CHANGES = 20
_SHOWS = {"": None, "fasilitas": Level.FACILITY, "dinkes": Level.OFFICE}
_WHY = mark("Tulis alasannya, supaya yang lain mengerti.")
_DONE = mark("Tulis apa yang sudah dilakukan.")
_FIELDS = {"onset": "mulai", "symptoms": "gejala", "serious": "serius"}


@router.get("/kipi")
def show_list(viewer: Member, db: Db, tunggu: Said = "", sesudah: Said = "") -> Response:
    """Those of one's area, the newest first; nobody is named. `tunggu`: serious ones that wait for the head or the office."""
    principal = viewer.known()
    principal.require(Permission.PERSON_READ)
    level = _SHOWS.get(tunggu)
    query = adverse_visible_to(principal)
    if level is not None:
        query = query.where(waits_for(level))
    found = listed(
        db,
        [query],
        keys=[AdverseEvent.recorded_at, AdverseEvent.id],
        key_of=lambda row: [row[0].recorded_at.isoformat(), row[0].id],
        most=A_PAGE,
        after=sesudah,
        descending=True,
    )
    shows = [
        ("/kipi", viewer.texts.gettext("Semua"), level is None),
        ("/kipi?tunggu=fasilitas", viewer.texts.gettext("Serius, menunggu kepala"), level is Level.FACILITY),
        ("/kipi?tunggu=dinkes", viewer.texts.gettext("Serius, menunggu dinkes"), level is Level.OFFICE),
    ]
    address = next(href for href, _, chosen in shows if chosen)
    serving = db.scalars(
        select(Facility)
        .join(Unit, Unit.id == Facility.id)
        .where(visible_to(principal, Unit.path, Permission.BOOKING_SERVE))
        .limit(2)
    ).all()
    return page(
        viewer,
        "adverse/list.html",
        found=found,
        words=_words(db, viewer),
        shows=shows,
        address=address,
        own=serving[0] if len(serving) == 1 else None,
    )


_TOLD = ("csrf", "mulai", "g-{symptom}", "serius", "akibat", "kata")


@router.get("/kipi/baru/{booking_id}")
def show_form(booking_id: UUID, viewer: Member, db: Db, now: Now, di: Said = "") -> Response:
    """The form for what followed the dose of a booking; that its person was looked at is kept. `di`: where they came with it."""
    return _form(viewer, db, booking_id, Typed({}), now, di)


@router.post("/kipi/baru/{booking_id}")
@takes_fields(*_TOLD, "nomor")
def tell(booking_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields, di: Said = "") -> Response:
    """Write it down, once however often the form is sent."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    _, given_at, here = _place(db, viewer, booking_id, di)
    told = _told(viewer, typed, (here or given_at).timezone, now)
    if not typed.faults:
        place = None if here is None else here.id
        command = TellAdverse(id=typed.number(), booking_id=booking_id, told=told, facility_id=place)
        if _taken(db, viewer, typed, lambda: tell_adverse(db, viewer.known(), command, now=now)):
            return RedirectResponse(f"/kipi/{command.id}", status_code=303)
    return _form(viewer, db, booking_id, typed, now, di)


@router.get("/kipi/{adverse_id}")
def show_one(adverse_id: UUID, viewer: Member, db: Db, now: Now, riwayat: str = "") -> Response:
    """One, with whom it befell, what was done, and what was put right."""
    return _one(viewer, db, adverse_id, now, after=riwayat)


@router.post("/kipi/{adverse_id}/betulkan")
@takes_fields(*_TOLD, "cabut", "alasan")
def correct(adverse_id: UUID, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Put right what was told, or withdraw it, with a reason."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    told = _told(viewer, typed, _row(db, viewer, adverse_id)[2].timezone, now)
    if len(typed.get("alasan")) < 3:
        typed.faults["alasan"] = viewer.texts.gettext(_WHY)
    if not typed.faults:
        command = CorrectAdverse(
            event_id=adverse_id, told=told, withdrawn=bool(typed.get("cabut")), reason=typed.get("alasan")
        )
        if _taken(db, viewer, typed, lambda: correct_adverse(db, viewer.known(), command, now=now)):
            return RedirectResponse(f"/kipi/{adverse_id}", status_code=303)
    return _one(viewer, db, adverse_id, now, typed)


@router.post("/kipi/{adverse_id}/tindak")
def answer(
    *,
    adverse_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    tindakan: Annotated[str, Seen, Form(max_length=1000)] = "",
) -> Response:
    """What was done about a serious one."""
    check_csrf(viewer, csrf)
    typed = Typed({})
    if len(tindakan.strip()) < 2:
        typed.faults["tindakan"] = viewer.texts.gettext(_DONE)
        return _one(viewer, db, adverse_id, now, typed)
    command = AnswerAdverse(event_id=adverse_id, words=tindakan.strip())
    if _taken(db, viewer, typed, lambda: answer_adverse(db, viewer.known(), command, now=now)):
        return RedirectResponse(f"/kipi/{adverse_id}", status_code=303)
    return _one(viewer, db, adverse_id, now, typed)


def _taken(db: Session, viewer: Viewer, typed: Typed, work: Any) -> bool:
    """Whether the house took it; what it refuses stands beside its field."""
    try:
        with db.begin_nested():
            work()
    except NotFound:
        raise
    except DomainError as error:
        field = _FIELDS.get(str(error.params.get("field")), "")
        typed.faults[field] = sentence_of(error, viewer.language)
        return False
    return True


def _told(viewer: Viewer, typed: Typed, zone: str, now: datetime) -> Told:
    outcome = typed.get("akibat")
    return Told(
        onset_at=typed.moment("mulai", zone, now, viewer.texts),
        symptoms=tuple(sorted(name[2:] for name, value in typed.values.items() if name.startswith("g-") and value)),
        words=typed.get("kata") or None,
        serious=bool(typed.get("serius")),
        outcome=Outcome(outcome) if outcome in set(Outcome) else Outcome.UNKNOWN,
    )


def _place(db: Session, viewer: Viewer, booking_id: UUID, di: str) -> tuple[Booking, Facility, Facility | None]:
    """The booking, where its dose was given, and the other facility where it is told."""
    here = facility_by_code_or_id(db, viewer.known(), di, Permission.BOOKING_SERVE) if di else None
    if here is None:
        row = db.execute(lists.bookings_visible_to(viewer.known()).where(Booking.id == booking_id)).one_or_none()
        booking = None if row is None else row[0]
    else:
        booking = db.get(Booking, booking_id)
    if booking is None:
        raise BookingNotFound(booking=str(booking_id))
    session = db.get_one(VaccinationSession, booking.session_id)
    return booking, db.get_one(Facility, session.facility_id), here


def _words(db: Session, viewer: Viewer) -> dict[str, str]:
    """The country's list in the viewer's language, in its order."""
    rows = db.scalars(all_symptoms().order_by(Symptom.seq, Symptom.code).limit(MOST_SYMPTOMS))
    return {one.code: one.word_en if viewer.language == "en" else one.word_id for one in rows}


def _form(viewer: Viewer, db: Session, booking_id: UUID, typed: Typed, now: datetime, di: str) -> Response:
    booking, facility, here = _place(db, viewer, booking_id, di)
    zone = (here or facility).timezone
    viewer.known().require(Permission.BOOKING_SERVE, path_of(db, (here or facility).id))
    person = read_person(db, viewer.known(), booking.person_id, now=now)
    return page(
        viewer,
        "adverse/new.html",
        status=422 if typed.faults else 200,
        booking=booking,
        facility=facility,
        here=here,
        zone=zone,
        person=person,
        lot=db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
        typed=typed,
        number=typed.number(),
        words=_words(db, viewer),
        outcomes=list(Outcome),
        began=typed.get("mulai") or _local(now, zone),
    )


def _local(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _row(db: Session, viewer: Viewer, adverse_id: UUID) -> Any:
    row = db.execute(adverse_visible_to(viewer.known()).where(AdverseEvent.id == adverse_id)).one_or_none()
    if row is None:
        raise AdverseNotFound(event=str(adverse_id))
    return row


def _one(
    viewer: Viewer, db: Session, adverse_id: UUID, now: datetime, typed: Typed | None = None, *, after: str = ""
) -> Response:
    event, booking, facility, product, lot, codes = _row(db, viewer, adverse_id)
    who = viewer.known()
    path = path_of(db, facility.id)
    person: Person = read_person(db, who, booking.person_id, now=now)
    answers = {one.level: one for one in answers_of(db, adverse_id)}
    told = changes_of(adverse_id)
    level = level_of(who, path) if who.may(Permission.ADVERSE_ANSWER, path) else None
    return page(
        viewer,
        "adverse/one.html",
        status=422 if typed is not None and typed.faults else 200,
        event=event,
        booking=booking,
        facility=facility,
        product=product,
        lot=lot,
        codes=codes or [],
        person=person,
        answers=answers,
        levels=list(Level),
        mine=level if event.serious and not event.withdrawn and level not in answers else None,
        changes=newest(
            db, told, [AdverseChange.recorded_at, AdverseChange.id], most=MOST_CHANGES, after=after, field="riwayat"
        ),
        words=_words(db, viewer),
        outcomes=list(Outcome),
        typed=typed or Typed(_as_typed(event, codes or [])),
        began=_local(event.onset_at, facility.timezone),
        told_at=None if event.told_at_id is None else db.get_one(Facility, event.told_at_id),
        sees_given=who.sees(path),
        serves=may_correct(db, who, event, facility.id),
    )


def _as_typed(event: AdverseEvent, codes: list[str]) -> dict[str, str]:
    return {
        **{f"g-{code}": "1" for code in codes},
        "kata": event.words or "",
        "serius": "1" if event.serious else "",
        "akibat": event.outcome.value,
        "cabut": "1" if event.withdrawn else "",
    }
