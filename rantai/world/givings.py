"""The vaccinations of the world's past: planned, booked, come for and given, each at its own time by who would have done it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from rantai.world.calendar import MANAGERS, VACCINATORS, Act, Calendar, Staff, local
from rantai.world.names import BUSY, NEIGHBOURS, STORY, event_id
from rantai.world.persons import made_up_adult, made_up_infant
from rantai.world.places import puskesmas_rows
from tracker.access.principal import Principal
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking, NewBucket, PlanSession, Vaccinate
from tracker.quota.service.ending import close_session
from tracker.quota.service.leftovers import throw_leftovers_away
from tracker.quota.service.moving import move_booking
from tracker.quota.service.sessions import plan_session
from tracker.quota.service.vaccinating import vaccinate

# As many days as the trend on the first page shows, with today.
FIRST_SESSIONS = 13
OPENS, CLOSES = time(8, 0), time(11, 0)
"""Mornings only: the story's fridge loses its current thirteen hours before the demo starts, after all of them."""

_BETWEEN = timedelta(minutes=8)
BUCKETS = (
    NewBucket(kind="kelurahan", share=0.2),
    NewBucket(kind="city", share=0.4),
    NewBucket(kind="walk_in", share=0.1),
    NewBucket(kind="second_dose", share=0.1),
)
_BOOKS = "jaki"
_RESIDENCES = {row["code"]: row["code_kemendagri"] for row in puskesmas_rows()}
# How many come, day by day: near a full vial, as a clinic that calls people in plans it.
_COME_TO_THE_STORY = (9, 8, 10, 7, 9)
_COME_ELSEWHERE = (8, 9, 7)
_CHILDREN = "pentabio-5"
_CHILDREN_COME = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A session of the past: how many booked it and how many came without."""

    facility: str
    product: str
    day: date
    booked: int
    walked_in: int

    @property
    def id(self) -> UUID:
        """The same facility, product and day, the same session."""
        return event_id(f"session {self.facility} {self.product} {self.day}")

    @property
    def is_for_infants(self) -> bool:
        """Whether it is a day for children."""
        return self.product == _CHILDREN


def held_on(calendar: Calendar, back: int) -> Iterator[Held]:
    """The sessions of a day."""
    if not calendar.is_working_day(back) or back > FIRST_SESSIONS:
        return
    day = calendar.day(back)
    come = _COME_TO_THE_STORY[day.toordinal() % len(_COME_TO_THE_STORY)]
    yield Held(facility=STORY, product="coronavac-10", day=day, booked=come - 1, walked_in=1)
    # The neighbours take turns; a day for children every third day.
    turn = day.toordinal()
    come = _COME_ELSEWHERE[turn // 2 % len(_COME_ELSEWHERE)]
    yield Held(facility=NEIGHBOURS[turn % len(NEIGHBOURS)], product="coronavac-10", day=day, booked=come, walked_in=0)
    if turn % 3 == 0:
        facility = BUSY[turn // 3 % len(BUSY)]
        yield Held(facility=facility, product=_CHILDREN, day=day, booked=0, walked_in=_CHILDREN_COME)


def sessions_on(calendar: Calendar, back: int, vault: NikVault) -> list[Act]:
    """All about the sessions of a day: planned and booked on the eve, held in the morning and closed.

    A session is told whole: a worker that runs beside would close one whose day is over.
    """
    acts: list[Act] = []
    for session in held_on(calendar, back):
        eve = calendar.at(back + 1, time(15, 30))
        acts.append(Act(at=eve, do=partial(_plan, session)))
        for number in range(session.booked):
            at = eve + timedelta(minutes=10 + 9 * number)
            acts.append(Act(at=at, do=partial(_book, session, number, vault)))
            acts.append(Act(at=at + timedelta(minutes=2), do=partial(_confirm, session, number)))
        acts += _morning_of(session, calendar, back, vault)
    return acts


def _morning_of(session: Held, calendar: Calendar, back: int, vault: NikVault) -> Iterator[Act]:
    begins = calendar.at(back, OPENS)
    for number in range(session.booked + session.walked_in):
        comes = begins + timedelta(minutes=3) + _BETWEEN * number
        fate = _fate(session, number)
        if fate is BookingState.NO_SHOW:
            continue
        if number >= session.booked:
            yield Act(at=comes, do=partial(_book, session, number, vault))
        yield Act(at=comes, do=partial(_arrive, session, number))
        if fate is BookingState.DEFERRED:
            yield Act(at=comes + timedelta(minutes=4), do=partial(_defer, session, number))
        else:
            yield Act(at=comes + timedelta(minutes=6), do=partial(_vaccinate, session, number))
    ends = calendar.at(back, CLOSES)
    yield Act(at=ends + timedelta(minutes=10), do=partial(_throw_away, session))
    yield Act(at=ends + timedelta(minutes=15), do=partial(_close, session))


def _fate(session: Held, number: int) -> BookingState:
    """One in thirty does not come, one in thirty is sent home by the screening; whoever walks in has come."""
    chance = event_id(f"fate {session.id} {number}").int % 30
    if chance == 0 and number < session.booked:
        return BookingState.NO_SHOW
    return BookingState.DEFERRED if chance == 1 else BookingState.VACCINATED


def _vaccinator(db: Session, staff: Staff, session: Held) -> Principal:
    return staff(db, local(VACCINATORS, session.facility))


def _manager(db: Session, staff: Staff, session: Held) -> Principal:
    return staff(db, local(MANAGERS, session.facility))


def booking_id(session: Held, number: int) -> UUID:
    """The booking of the session's n-th person."""
    return event_id(f"booking {session.id} {number}")


def _plan(session: Held, db: Session, staff: Staff, now: datetime) -> None:
    command = PlanSession(
        id=session.id,
        facility=session.facility,
        day=session.day,
        opens=OPENS,
        closes=CLOSES,
        presentation=session.product,
        doses=(1,) if session.is_for_infants else (1, 2),
        capacity=60,
        buckets=() if session.is_for_infants else BUCKETS,
    )
    plan_session(db, _manager(db, staff, session), command, now=now)


def _person(session: Held, number: int, staff: Staff) -> NewPerson:
    name, unit_id = f"{session.id} {number}", staff.facilities[session.facility]
    residence = _RESIDENCES[session.facility]
    if session.is_for_infants:
        return made_up_infant(name, unit_id, residence, session.day)
    return made_up_adult(name, unit_id, residence)


def _book(session: Held, number: int, vault: NikVault, db: Session, staff: Staff, now: datetime) -> None:
    """Whoever books beforehand does it through another system; who walks in is written down at the desk."""
    walks_in = number >= session.booked
    who = _vaccinator(db, staff, session) if walks_in else staff(db, _BOOKS)
    person = _person(session, number, staff)
    register_person(db, who, person, vault=vault, now=now)
    wish = Book(
        id=booking_id(session, number),
        person_id=person.id,
        session_id=session.id,
        dose=1,
        medium=Medium.WALK_IN if walks_in else Medium.APP,
    )
    book(db, who, wish, now=now)


def _confirm(session: Held, number: int, db: Session, staff: Staff, now: datetime) -> None:
    confirmed = MoveBooking(booking_id=booking_id(session, number), state=BookingState.CONFIRMED)
    move_booking(db, staff(db, _BOOKS), confirmed, now=now)


def _arrive(session: Held, number: int, db: Session, staff: Staff, now: datetime) -> None:
    arrived = MoveBooking(booking_id=booking_id(session, number), state=BookingState.ARRIVED)
    move_booking(db, _vaccinator(db, staff, session), arrived, now=now)


def _defer(session: Held, number: int, db: Session, staff: Staff, now: datetime) -> None:
    deferred = MoveBooking(
        booking_id=booking_id(session, number), state=BookingState.DEFERRED, note="tekanan darah tinggi; datang lagi"
    )
    move_booking(db, _vaccinator(db, staff, session), deferred, now=now)


def _vaccinate(session: Held, number: int, db: Session, staff: Staff, now: datetime) -> None:
    given = Vaccinate(booking_id=booking_id(session, number), occurred_at=now)
    vaccinate(db, _vaccinator(db, staff, session), given, now=now)


def _throw_away(session: Held, db: Session, staff: Staff, now: datetime) -> None:
    throw_leftovers_away(db, _vaccinator(db, staff, session), session.id, now=now)


def _close(session: Held, db: Session, staff: Staff, now: datetime) -> None:
    close_session(db, _manager(db, staff, session), session.id, now=now)
