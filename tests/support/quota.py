"""Sessions, persons and bookings for tests, and the invariant everything here is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.quota import QuotaAsked, QuotaItem, quota_of, sessions_asked
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking, NewBucket, PlanSession, Vaccinate
from tracker.quota.service.moving import move_booking
from tracker.quota.service.sessions import plan_session
from tracker.quota.service.vaccinating import vaccinate
from tracker.registration.service.tickets import TicketOffice
from tracker.stock.models import Availability, StockNeed
from tracker.stock.rules.words import Kind

VAULT = NikVault.from_secret("a secret for tests only, at least 32 characters")
OFFICE = TicketOffice.from_secret("a secret for tests only, at least 32 characters", "https://rantai.example")
ALL = (NewBucket(kind="general", share=1),)
_serial = count(1)


def fresh_nik() -> str:
    """A number that can be one and that no other test has used; the persons are made up."""
    number = next(_serial)
    serial, rest = number % 9999 + 1, number // 9999
    return f"3671{rest % 98 + 1:02d}{1 + number % 28:02d}0190{serial:04d}"


@dataclass(slots=True)
class Desk:
    """Plans, registers, books and vaccinates at the world's time as the system."""

    db: Session
    world: World
    now: datetime
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.db, self.world)

    @property
    def today(self) -> date:
        return self.ledger.today

    def day(self, ahead: int) -> date:
        return self.today + timedelta(days=ahead)

    def stock(self, batch: str, vials: int, *, place: str = "pkm-cipondoh-k1") -> None:
        equipment = self.world.equipment[place]
        facility = next(f for f in self.world.facilities.values() if f.id == equipment.facility_id)
        line = self.ledger.line(batch, vials, place=equipment)
        self.ledger.post(Kind.SUPPLY, line, facility=facility, at=self.now, now=self.now)

    def lose(self, batch: str, vials: int, *, place: str = "pkm-cipondoh-k1") -> None:
        equipment = self.world.equipment[place]
        facility = next(f for f in self.world.facilities.values() if f.id == equipment.facility_id)
        line = self.ledger.line(batch, vials, place=equipment, reason="broken")
        self.ledger.post(Kind.WASTE, line, facility=facility, at=self.now, now=self.now)

    def person(self, **more: object) -> UUID:
        command = NewPerson(**{"id": uuid7(), "nik": fresh_nik(), "name": "Warga Rekaan", **more})  # type: ignore[arg-type]  # test data
        return register_person(self.db, SYSTEM, command, vault=VAULT, now=self.now).person.id

    def session(
        self,
        *,
        product: str = "az-10",
        ahead: int = 1,
        capacity: int = 100,
        doses: tuple[int, ...] = (1, 2),
        buckets: tuple[NewBucket, ...] = ALL,
        facility: Facility | None = None,
        place: str | None = None,
        areas: tuple[str, ...] = (),
    ) -> UUID:
        # Today's can be booked and served whenever the test runs, also late in the evening.
        late = self.now + timedelta(hours=3)
        evening = datetime.combine(self.day(ahead), time(23), tzinfo=ZoneInfo(self.world.puskesmas.timezone))
        command = PlanSession(
            place=place,
            areas=areas,
            id=uuid7(),
            facility=(facility or self.world.puskesmas).id,
            day=self.day(ahead),
            opens=time(8),
            closes=max(evening, late) if ahead == 0 else time(23),
            presentation=product,
            doses=doses,
            capacity=capacity,
            buckets=buckets,
        )
        return plan_session(self.db, SYSTEM, command, now=self.now)[0]

    def book(self, session: UUID, person: UUID | None = None, *, dose: int = 1, medium: Medium = Medium.WEB) -> Booking:
        # Who comes for a later dose without an earlier one here brings a card from elsewhere.
        card = "kartu vaksin dari tempat lain" if dose > 1 and person is None else None
        command = Book(
            id=uuid7(), person_id=person or self.person(), session_id=session, dose=dose, medium=medium, override=card
        )
        return book(self.db, SYSTEM, command, now=self.now).booking

    def booked(self, session: UUID, persons: int, *, dose: int = 1) -> list[Booking]:
        return [self.confirmed(session, dose=dose) for _ in range(persons)]

    def confirmed(self, session: UUID, person: UUID | None = None, *, dose: int = 1) -> Booking:
        return self.move(self.book(session, person, dose=dose), BookingState.CONFIRMED)

    def move(self, booking: Booking, state: BookingState) -> Booking:
        return move_booking(self.db, SYSTEM, MoveBooking(booking_id=booking.id, state=state), now=self.now)

    def vaccinate(self, booking: Booking) -> Booking:
        return vaccinate(self.db, SYSTEM, Vaccinate(booking_id=booking.id), now=self.now)

    def read(self, session: UUID) -> VaccinationSession:
        self.db.flush()
        return self.db.get_one(VaccinationSession, session, populate_existing=True)

    def state(self, booking: Booking) -> BookingState:
        self.db.flush()
        return self.db.get_one(Booking, booking.id, populate_existing=True).state

    def states(self, bookings: list[Booking]) -> list[BookingState]:
        return [self.state(booking) for booking in bookings]

    def quota(self, session: UUID, *, dose: int = 1) -> list[QuotaItem]:
        self.db.flush()
        asked = QuotaAsked(from_day=self.day(-1), to_day=self.day(40))
        return [item for item in self.quota_asked(asked) if item.session == session and item.dose == dose]

    def quota_asked(self, asked: QuotaAsked) -> list[QuotaItem]:
        rows = self.db.execute(sessions_asked(self.db, SYSTEM, asked, self.now)).all()
        return quota_of(self.db, rows, now=self.now)

    def available(self, session: UUID, *, dose: int = 1) -> int:
        return max(item.available for item in self.quota(session, dose=dose))

    def need(self, product: str = "az-10") -> dict[date, int]:
        self.db.flush()
        rows = self.db.execute(
            select(StockNeed.day, StockNeed.vials).where(
                StockNeed.pool_id == self.world.puskesmas.id,
                StockNeed.presentation_id == self.world.presentations[product].id,
                StockNeed.vials > 0,
            )
        )
        return {row.day: row.vials for row in rows}

    def short(self, product: str = "az-10") -> int:
        self.db.flush()
        rows = self.db.scalars(
            select(Availability.short).where(
                Availability.facility_id == self.world.puskesmas.id,
                Availability.presentation_id == self.world.presentations[product].id,
            )
        )
        return max(rows, default=0)

    def name_of(self, person: UUID) -> str:
        return self.db.get_one(Person, person).name
