"""Sessions to come as one person sees them: with the places that are theirs, and of the dose that is due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Vaccine
from tracker.network.models import Facility
from tracker.network.queries import coordinates, local_today
from tracker.network.rules.distance import Point
from tracker.people.models import Person
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.nearby import seats_by_session
from tracker.quota.queries.numbers import Numbers, pool_numbers
from tracker.quota.queries.quota import USUAL_DAYS
from tracker.quota.queries.schedule import doses_of, schedule_of
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, Seats, eligible, seats_for
from tracker.quota.rules.schedule import Schedule, Wish, judge
from tracker.quota.rules.words import Medium, SessionState

# Far more than a country's vaccines have sessions for one name of a place; the nearest days come first.
MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlace:
    """A session that is not over, with its place, its seats and what its pool bears."""

    session: VaccinationSession
    facility: Facility
    vaccine: Vaccine
    point: Point | None
    seats: Sequence[Seats]
    served: Collection[str]
    numbers: Numbers

    def room_for(self, applicant: Applicant, now: datetime) -> int:
        """Persons like this one who may book one after another: places that are theirs, staff and vials permitting."""
        left = seats_for(self.seats, eligible(applicant, self.served), now)
        return max(0, min(left, self.session.capacity - self.session.taken, self.numbers.persons))


def open_places(db: Session, now: datetime, *where: ColumnElement[bool]) -> list[OpenPlace]:
    """Sessions of the next fortnight that are not over, by day; five statements. `where` speaks of session and facility."""
    rows = db.execute(
        select(VaccinationSession, Facility, Vaccine, *coordinates())
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .where(
            VaccinationSession.state != SessionState.CLOSED,
            VaccinationSession.closes_at > now,
            VaccinationSession.day <= local_today(now) + USUAL_DAYS,
            VaccinationSession.taken < VaccinationSession.capacity,
            *where,
        )
        .order_by(VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id)
        .limit(MOST_LOOKED_AT)
    ).all()
    sessions = [row[0] for row in rows]
    numbers = pool_numbers(db, sessions, now)
    served = served_at(db, sessions)
    seats = seats_by_session(db, [one.id for one in sessions])
    return [
        OpenPlace(
            session=session,
            facility=facility,
            vaccine=vaccine,
            point=None if lat is None or lon is None else (lat, lon),
            seats=seats[session.id],
            served=served[session.id],
            numbers=numbers[session.id],
        )
        for session, facility, vaccine, lon, lat in rows
    ]


class NextDose:
    """Which dose of a vaccine a person may have at a session: the one after those they have had, when the schedule allows."""

    def __init__(self, db: Session, person: Person | None) -> None:
        self._db = db
        self._born = None if person is None else person.birth_date
        self._given = [] if person is None else doses_of(db, person.id)
        self._rules: dict[tuple[UUID, int], Schedule] = {}

    def there(self, place: OpenPlace) -> int | None:
        """The dose, None for none."""
        code, day = place.vaccine.code, place.session.day
        dose = 1 + max((one.dose for one in self._given if one.vaccine == code), default=0)
        if dose not in place.session.doses:
            return None
        wish = Wish(vaccine=code, dose=dose, day=day, born=self._born)
        return dose if judge(wish, self._given, self._rules_of(place, dose), day).why is None else None

    def _rules_of(self, place: OpenPlace, dose: int) -> Schedule:
        key = (place.vaccine.id, dose)
        if key not in self._rules:
            self._rules[key] = schedule_of(self._db, *key, place.session.day)[1]
        return self._rules[key]


def applicant_for(person: Person, dose: int, medium: Medium) -> Applicant:
    """What the bucket rules see of a person."""
    return Applicant(
        dose=dose,
        medium=medium,
        groups=frozenset(str(group) for group in person.groups),
        residence=person.residence,
    )
