"""Vaccination sessions of the coming days, and people who have booked: what a warm fridge takes away.

Every start adds the days that have come into reach since the last one; bookings are made with a new session
only, so a second start the same day adds nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world.givings import BUCKETS
from rantai.world.names import NEIGHBOURS, STORY, event_id
from rantai.world.persons import made_up_adult
from rantai.world.places import puskesmas_rows
from tracker.access.principal import SYSTEM
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Facility
from tracker.people.service import register_person
from tracker.people.vault import NikVault
from tracker.quota.errors import Exhausted
from tracker.quota.models import VaccinationSession
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking, PlanSession
from tracker.quota.service.moving import move_booking
from tracker.quota.service.sessions import plan_session

_OPENS, _CLOSES = time(8, 0), time(14, 0)
_ZONE = ZoneInfo(WESTERN)
# Kelurahan Cipondoh.
_RESIDENCE = "36.71.05.1001"
_MEDIA = (Medium.WHATSAPP, Medium.SMS, Medium.WEB, Medium.USSD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A session of the seed and how many have booked it."""

    facility: str
    product: str
    day: date
    capacity: int
    booked: int

    @property
    def id(self) -> UUID:
        """The same facility, product and day, the same session."""
        return event_id(f"session {self.facility} {self.product} {self.day}")


def planned(today: date) -> Iterator[Planned]:
    """Today and the four days to come at the story's puskesmas and its neighbours, two days elsewhere."""
    for row in puskesmas_rows():
        code = row["code"]
        near = code == STORY or code in NEIGHBOURS
        for ahead in range(5 if near else 2):
            day = today + timedelta(days=ahead)
            booked = {STORY: (0, 20, 14, 6, 0), **dict.fromkeys(NEIGHBOURS, (0, 4, 2, 0, 0))}.get(code, (0, 0))[ahead]
            yield Planned(facility=code, product="coronavac-10", day=day, capacity=60 if near else 40, booked=booked)


def seed_promises(db: Session, secret_key: str, *, now: datetime) -> None:
    """Plan what is missing, and let people book it."""
    vault = NikVault.from_secret(secret_key)
    units = {row.code: row.id for row in db.execute(select(Facility.code, Facility.id))}
    known = set(db.scalars(select(VaccinationSession.id)))
    for session in planned(local_day(now, WESTERN)):
        closes_at = datetime.combine(session.day, _CLOSES, tzinfo=_ZONE)
        if session.id in known or closes_at <= now + timedelta(minutes=30):
            continue
        command = PlanSession(
            id=session.id,
            facility=session.facility,
            day=session.day,
            opens=_OPENS,
            closes=_CLOSES,
            presentation=session.product,
            doses=(1, 2),
            capacity=session.capacity,
            buckets=BUCKETS,
        )
        plan_session(db, SYSTEM, command, now=now)
        _let_people_book(db, session, vault, units[session.facility], now)


def _let_people_book(db: Session, session: Planned, vault: NikVault, unit_id: UUID, now: datetime) -> None:
    for number in range(session.booked):
        person = made_up_adult(f"{session.id} {number}", unit_id, _RESIDENCE)
        register_person(db, SYSTEM, person, vault=vault, now=now)
        wish = Book(
            id=event_id(f"booking {session.id} {number}"),
            person_id=person.id,
            session_id=session.id,
            dose=1,
            medium=_MEDIA[number % len(_MEDIA)],
        )
        try:
            book(db, SYSTEM, wish, now=now)
        except Exhausted:
            # A later start may find the vials gone: then there is nothing to promise.
            return
        move_booking(db, SYSTEM, MoveBooking(booking_id=wish.id, state=BookingState.CONFIRMED), now=now)
