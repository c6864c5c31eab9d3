"""Many at once: real threads, real commits."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from tests.support.quota import Desk
from tests.support.world import NOW, World
from tracker.access.principal import SYSTEM
from tracker.database.engine import make_engine, transaction
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.errors import AlreadyBooked, Exhausted
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.words import LIVE, SEATED, BookingState, BucketKind, Medium
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import ArriveAt, Book, ChangeDay, MoveBooking, NewBucket, TakeBack, Vaccinate
from tracker.quota.service.correcting import take_back
from tracker.quota.service.displacing import displace
from tracker.quota.service.ending import cancel_session
from tracker.quota.service.moving import move_booking
from tracker.quota.service.offering import make_offer
from tracker.quota.service.rebooking import change_day
from tracker.quota.service.vaccinating import vaccinate
from tracker.settings import DatabaseSettings
from tracker.stock.models import Availability, OpenVial

THREADS = 8


@dataclass(frozen=True, slots=True)
class Fair:
    """A committed world with sessions and persons."""

    engine: Engine
    world: World
    sessions: list[UUID]
    persons: list[UUID]


@pytest.fixture
def patient(engine: Engine) -> Iterator[Engine]:
    """Waits as long as a slow machine makes it wait; a deadlock PostgreSQL finds by itself within a second."""
    guards = DatabaseSettings(pool_size=THREADS, statement_timeout_ms=60_000, lock_timeout_ms=60_000)
    made = make_engine(engine.url.render_as_string(hide_password=False), guards)
    yield made
    made.dispose()


@pytest.fixture
def fair(patient: Engine, committed_world: World) -> Fair:
    world = committed_world
    with transaction(patient) as db:
        desk = Desk(db, world, NOW)
        desk.stock("az-10/AZ003", 4)
        desk.stock("az-10/AZ003", 4, place="pkm-tanah-tinggi-k1")
        sessions = [
            desk.session(ahead=0, capacity=25),
            desk.session(ahead=1, capacity=25),
            desk.session(ahead=0, capacity=25, facility=world.neighbour),
        ]
        persons = [desk.person() for _ in range(48)]
    return Fair(patient, world, sessions, persons)


def all_at_once(work: list[Callable[[], None]]) -> Counter[str]:
    """Run in eight threads that start together; how often each ended how. Anything but a domain error is raised."""
    gate = threading.Barrier(THREADS)
    queues = [work[index::THREADS] for index in range(THREADS)]

    def run(queue: list[Callable[[], None]]) -> list[str]:
        gate.wait()
        ends = []
        for act in queue:
            try:
                act()
                ends.append("done")
            except DomainError as refused:
                ends.append(refused.code)
        return ends

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(end for ends in pool.map(run, queues) for end in ends)


def booker(fair: Fair, person: UUID, session: UUID) -> Callable[[], None]:
    def act() -> None:
        with transaction(fair.engine) as db:
            command = Book(id=uuid7(), person_id=person, session_id=session, dose=1, medium=Medium.WEB)
            book(db, SYSTEM, command, now=NOW)

    return act


def check(fair: Fair) -> None:
    with transaction(fair.engine) as db:
        for session in db.scalars(select(VaccinationSession)):
            live = db.scalar(select(func.count()).where(Booking.session_id == session.id, Booking.state.in_(LIVE)))
            assert session.live == live
            assert session.taken <= session.capacity
        for row in db.scalars(select(Availability)):
            assert row.needed <= row.vials + row.short


def test_a_crowd_at_one_door_gets_exactly_the_places_there_are(fair: Fair) -> None:
    ends = all_at_once([booker(fair, person, fair.sessions[0]) for person in fair.persons])
    assert ends == {"done": 25, Exhausted.code: 23}
    check(fair)


def test_a_crowd_gets_each_bucket_filled_and_none_overfull(fair: Fair) -> None:
    """Half the places are the residents'; residents may have the others' too, who cannot have theirs."""
    with transaction(fair.engine) as db:
        desk = Desk(db, fair.world, NOW)
        db.get_one(Facility, fair.world.puskesmas.id).code_kemendagri = "36.71.05.1001"
        buckets = (NewBucket(kind="kelurahan", share=0.5), NewBucket(kind="general", share=0.5))
        session = desk.session(ahead=2, capacity=20, buckets=buckets)
        homes = ("36.71.05.1001", "36.03.01.2001")
        persons = [desk.person(residence=homes[number % 2]) for number in range(48)]
    ends = all_at_once([booker(fair, person, session) for person in persons])
    assert ends == {"done": 20, Exhausted.code: 28}
    check(fair)
    with transaction(fair.engine) as db:
        filled = select(Bucket.kind, Bucket.places, Bucket.taken).where(Bucket.session_id == session)
        assert {row.kind: (row.places, row.taken) for row in db.execute(filled)} == {
            BucketKind.KELURAHAN: (10, 10),
            BucketKind.GENERAL: (10, 10),
        }
        strangers = select(func.count()).select_from(Booking).join(Person, Person.id == Booking.person_id)
        strangers = strangers.join(Bucket, Bucket.id == Booking.bucket_id).where(Booking.session_id == session)
        strangers = strangers.where(Bucket.kind == BucketKind.KELURAHAN, Person.residence != homes[0])
        assert db.scalar(strangers) == 0


def test_a_crowd_gets_exactly_the_doses_there_are_when_vials_bind(fair: Fair) -> None:
    """Four vials of ten for two sessions of one pool: 25 and 25 persons would need three each."""
    work = [booker(fair, person, fair.sessions[index % 2]) for index, person in enumerate(fair.persons)]
    ends = all_at_once(work)
    check(fair)
    assert 30 <= ends["done"] <= 40
    assert ends["done"] + ends[Exhausted.code] == 48
    with transaction(fair.engine) as db:
        assert db.scalar(select(func.max(Availability.needed))) == 4


def test_one_person_at_many_doors_gets_one_place(fair: Fair) -> None:
    ends = all_at_once([booker(fair, fair.persons[0], fair.sessions[index % 3]) for index in range(16)])
    assert ends == {"done": 1, AlreadyBooked.code: 15}
    check(fair)


def test_booking_cancelling_vaccinating_and_displacing_at_once_meet_no_deadlock(fair: Fair) -> None:
    dice = random.Random(7)
    work: list[Callable[[], None]] = []
    for index, person in enumerate(fair.persons):
        work.append(busy_person(fair, person, fair.sessions[index % 3], dice.random()))
        if index % 6 == 0:
            work.append(withdrawer(fair, dice.random() < 0.5))
    ends = all_at_once(work)
    assert ends["done"] > 18
    check(fair)
    for home in (True, False):
        withdrawer(fair, home, vials=0)()
    with transaction(fair.engine) as db:
        assert db.scalar(select(func.max(Availability.short))) == 0


def test_doses_taken_back_and_given_at_once_leave_each_seat_and_each_dose_counted_once(fair: Fair) -> None:
    """Two at two desks work on the same people: one corrects what the other types."""
    session, persons = fair.sessions[0], fair.persons[:12]
    with transaction(fair.engine) as db:
        desk = Desk(db, fair.world, NOW)
        bookings = [desk.vaccinate(desk.confirmed(session, person)).id for person in persons]

    def undo(booking_id: UUID, state: BookingState) -> None:
        with transaction(fair.engine) as db:
            take_back(db, SYSTEM, TakeBack(booking_id=booking_id, state=state, reason="salah ketuk"), now=NOW)

    def again(booking_id: UUID) -> None:
        with transaction(fair.engine) as db:
            vaccinate(db, SYSTEM, Vaccinate(booking_id=booking_id), now=NOW)

    work: list[Callable[[], None]] = []
    for booking_id in bookings:
        work += [partial(undo, booking_id, BookingState.ARRIVED), partial(undo, booking_id, BookingState.CANCELLED)]
        work += [partial(again, booking_id), partial(undo, booking_id, BookingState.CONFIRMED)]
    random.Random(11).shuffle(work)
    ends = all_at_once(work)
    assert ends["done"] >= len(bookings)
    check(fair)
    with transaction(fair.engine) as db:
        # When every dose ended taken back, no opened vial is left to sum over.
        given = db.scalar(select(func.coalesce(func.sum(OpenVial.given), 0)))
        vaccinated = db.scalar(select(func.count()).where(Booking.state == BookingState.VACCINATED))
        assert given == vaccinated
        taken = db.scalar(select(VaccinationSession.taken).where(VaccinationSession.id == session))
        assert taken == db.scalar(select(func.count()).where(Booking.session_id == session, Booking.state.in_(SEATED)))


def test_people_booked_at_one_door_who_come_to_others_at_once_have_one_seat_each(fair: Fair) -> None:
    here, tomorrow, there = fair.sessions
    with transaction(fair.engine) as db:
        desk = Desk(db, fair.world, NOW)
        bookings = [desk.confirmed(here, person).id for person in fair.persons[:16]]

    def come(booking_id: UUID, session: UUID) -> None:
        with transaction(fair.engine) as db:
            arrive_at(db, SYSTEM, ArriveAt(booking_id=booking_id, session_id=session), now=NOW)

    def cancel() -> None:
        with transaction(fair.engine) as db:
            cancel_session(db, SYSTEM, tomorrow, "vaksinator sakit", now=NOW)

    work: list[Callable[[], None]] = [partial(come, one, door) for one in bookings for door in (here, there, tomorrow)]
    random.Random(5).shuffle(work)
    all_at_once([*work, cancel])
    check(fair)
    with transaction(fair.engine) as db:
        for session in db.scalars(select(VaccinationSession)):
            seated = select(func.count()).where(Booking.session_id == session.id, Booking.state.in_(SEATED))
            assert session.taken == db.scalar(seated)
        live = db.scalar(select(func.count()).where(Booking.state.in_(LIVE)))
        gone = db.scalar(select(func.count()).where(Booking.state == BookingState.DISPLACED))
        assert (live or 0) + (gone or 0) == len(bookings)


def test_people_who_change_their_days_crosswise_at_once_keep_one_seat_each(fair: Fair) -> None:
    """Trap: one locks today's session and wants tomorrow's, another the other way round."""
    today, tomorrow, _ = fair.sessions
    with transaction(fair.engine) as db:
        desk = Desk(db, fair.world, NOW)
        booked = [(desk.confirmed(day, who).id, day) for who in fair.persons[:8] for day in (today,)]
        booked += [(desk.confirmed(day, who).id, day) for who in fair.persons[8:16] for day in (tomorrow,)]

    def change(booking_id: UUID, session: UUID) -> None:
        with transaction(fair.engine) as db:
            change_day(db, SYSTEM, ChangeDay(booking_id=booking_id, session_id=session), now=NOW)

    all_at_once([partial(change, one, today if day == tomorrow else tomorrow) for one, day in booked])
    check(fair)
    with transaction(fair.engine) as db:
        for one, day in booked:
            booking = db.get_one(Booking, one)
            assert booking.state is BookingState.CONFIRMED
            assert booking.session_id in {today, tomorrow} - {day}
        for session in db.scalars(select(VaccinationSession)):
            seated = select(func.count()).where(Booking.session_id == session.id, Booking.state.in_(SEATED))
            assert session.taken == db.scalar(seated)
            assert session.taken <= session.capacity


def busy_person(fair: Fair, person: UUID, session: UUID, luck: float) -> Callable[[], None]:
    """Books; some cancel, some come and are vaccinated."""

    def act() -> None:
        booking_id = uuid7()
        with transaction(fair.engine) as db:
            command = Book(id=booking_id, person_id=person, session_id=session, dose=1, medium=Medium.WEB)
            book(db, SYSTEM, command, now=NOW)
        if luck < 0.3:
            with transaction(fair.engine) as db:
                move_booking(db, SYSTEM, MoveBooking(booking_id=booking_id, state=BookingState.CANCELLED), now=NOW)
        elif luck < 0.6:
            with transaction(fair.engine) as db:
                vaccinate(db, SYSTEM, Vaccinate(booking_id=booking_id), now=NOW)

    return act


def withdrawer(fair: Fair, home: bool, *, vials: int = 1) -> Callable[[], None]:
    """Loses a vial of one of the two places, displaces, and offers everybody another place."""

    def act() -> None:
        place, facility = (
            ("pkm-cipondoh-k1", fair.world.puskesmas) if home else ("pkm-tanah-tinggi-k1", fair.world.neighbour)
        )
        with transaction(fair.engine) as db:
            if vials:
                Desk(db, fair.world, NOW).lose("az-10/AZ003", vials, place=place)
        with transaction(fair.engine) as db:
            gone = displace(db, facility.id, fair.world.presentations["az-10"].id, now=NOW)
        for booking_id in gone.bookings:
            with transaction(fair.engine) as db:
                make_offer(db, booking_id, now=NOW)

    return act
