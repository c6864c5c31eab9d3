"""`/meja/orang/{booking}`: one person at the desk, from arriving to the dose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.desk.newcomer import NO_DAY
from dashboard.desk.pages import OBSERVED
from dashboard.desk.sessions import MOST, Served, served, vials_open
from dashboard.desk.vial import named_vial
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.adverse.models import AdverseEvent
from tracker.adverse.queries import adverse_visible_to
from tracker.catalog.models import Batch
from tracker.delivery.queries import fate_of, last_messages
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.edge.words import Seen
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError, NotFound
from tracker.people.models import Person
from tracker.people.queries import ids_of, phone_of
from tracker.people.service import read_person
from tracker.people.silence import silent_since
from tracker.quota.errors import BadStep, BookingNotFound, DoseNotForeseen, NotDue, OtherDay
from tracker.quota.models import Booking
from tracker.quota.queries import lists
from tracker.quota.queries.desk import number_of
from tracker.quota.queries.history import Appointment, Due, appointments_of, dues_of
from tracker.quota.rules.words import LIVE, STEPS, BookingState
from tracker.quota.service.commands import MoveBooking, Vaccinate
from tracker.quota.service.moving import move_booking
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.models import HealthAnswer
from tracker.registration.queries import health_answers_of

router = Router(include_in_schema=False)

_WHY = mark("Tulis alasannya, supaya yang lain mengerti.")
# What may be set aside by a word of whoever serves the person.
_MAY_OVERRIDE = (NotDue, DoseNotForeseen, OtherDay, BadStep)
_SAID = {"layak": BookingState.FIT, "tunda": BookingState.DEFERRED, "tolak": BookingState.REFUSED}
_MOST_MESSAGES = 5
Csrf = Annotated[str, Form(max_length=200)]
Words = Annotated[str, Seen, Form(max_length=500)]


class NothingHere(NotFound):
    """There is no such page."""

    code = "access.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Somebody at the desk: who, with which place, what they said of their health, what they were given and are due."""

    booking: Booking
    here: Served
    person: Person
    age: int
    answers: Sequence[HealthAnswer]
    given: Sequence[Appointment]
    due: Sequence[Due]
    lot: str | None

    @property
    def steps(self) -> frozenset[BookingState]:
        """Where the booking may go from here."""
        return STEPS.get(self.booking.state, frozenset())

    @property
    def watched_until(self) -> datetime | None:
        """Until when they are watched after the dose."""
        at = self.booking.vaccinated_at
        return None if at is None else at + OBSERVED


@router.get("/meja/orang/{booking_id}")
def show_person(booking_id: UUID, viewer: Member, db: Db, now: Now) -> Response:
    """One person at the desk; that they were looked at is kept."""
    return _person(viewer, db, booking_id, now)


@router.post("/meja/orang/{booking_id}/{act}")
def act_on_person(
    *,
    booking_id: UUID,
    act: str,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    catatan: Words = "",
    sampai: Annotated[str, Form(max_length=20)] = "",
    vial: Annotated[str, Form(max_length=40)] = "",
    kode: Annotated[str, Form(max_length=400)] = "",
    alasan: Words = "",
) -> Response:
    """They came (`hadir`), are fit (`layak`), come another day (`tunda`), have no dose (`tolak`), had it (`suntik`)."""
    check_csrf(viewer, csrf)
    who, note = viewer.known(), catatan.strip()
    record = _record(db, viewer, booking_id)
    if act in ("tunda", "tolak") and len(note) < 3:
        return _person(viewer, db, booking_id, now, problem=viewer.texts.gettext(_WHY))
    until = None
    if act == "tunda" and sampai:
        try:
            until = date.fromisoformat(sampai)
        except ValueError:
            return _person(viewer, db, booking_id, now, problem=viewer.texts.gettext(NO_DAY))
    problem, chosen = "", None
    if act == "suntik":
        problem, chosen = named_vial(viewer, db, record.here, record.booking, vial, kode, now)
    acts: dict[str, Callable[[], object]] = {
        "hadir": lambda: move_booking(db, who, MoveBooking(booking_id=booking_id, state=BookingState.ARRIVED), now=now),
        "suntik": lambda: vaccinate(
            db, who, Vaccinate(booking_id=booking_id, open_vial_id=chosen, override=alasan.strip() or None), now=now
        ),
        **{
            name: lambda state=state: move_booking(  # type: ignore[misc]  # mypy cannot type a lambda's default
                db, who, MoveBooking(booking_id=booking_id, state=state, note=note or None, until=until), now=now
            )
            for name, state in _SAID.items()
        },
    }
    if act not in acts:
        raise NothingHere
    override = False
    if not problem:
        try:
            with db.begin_nested():
                acts[act]()
        except NotFound:
            raise
        except DomainError as error:
            problem = sentence_of(error, viewer.language)
            override = act == "suntik" and isinstance(error, _MAY_OVERRIDE)
    if problem:
        return _person(viewer, db, booking_id, now, problem=problem, override=override)
    return RedirectResponse(f"/meja/orang/{booking_id}", status_code=303)


def _record(db: Session, viewer: Viewer, booking_id: UUID) -> Record:
    row = db.execute(lists.bookings_visible_to(viewer.known()).where(Booking.id == booking_id)).one_or_none()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    booking: Booking = row[0]
    db.refresh(booking)
    here = served(db, viewer.known(), booking.session_id)
    person = db.get_one(Person, booking.person_id)
    today = local_day(viewer.now, here.facility.timezone)
    born = person.birth_date
    return Record(
        booking=booking,
        here=here,
        person=person,
        age=today.year - born.year - ((today.month, today.day) < (born.month, born.day)),
        answers=health_answers_of(db, ids_of(db, person)),
        given=[one for one in appointments_of(db, person.id) if one.vaccinated_at is not None],
        due=dues_of(db, person.id),
        lot=db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
    )


def _person(
    viewer: Viewer, db: Session, booking_id: UUID, now: datetime, *, problem: str = "", override: bool = False
) -> Response:
    record = _record(db, viewer, booking_id)
    read_person(db, viewer.known(), record.person.id, now=now)
    awaits = record.booking.state in LIVE or record.booking.state in (BookingState.DEFERRED, BookingState.REFUSED)
    return page(
        viewer,
        "desk/person.html",
        status=422 if problem else 200,
        record=record,
        booking=record.booking,
        number=number_of(record.booking),
        opened=vials_open(db, record.here, viewer.now) if awaits else [],
        adverse=db.execute(
            adverse_visible_to(viewer.known())
            .where(Booking.id == booking_id)
            .order_by(AdverseEvent.recorded_at)
            .limit(MOST)
        ).all(),
        messages=[(one, fate_of(one)) for one in last_messages(db, str(record.person.id), most=_MOST_MESSAGES)],
        silent=silent_since(db, phone_of(db, record.person.id)),
        over=record.here.over(viewer.now),
        begun=record.here.begun(viewer.now),
        tomorrow=local_day(viewer.now, record.here.facility.timezone) + timedelta(days=1),
        problem=problem,
        override=override,
    )
