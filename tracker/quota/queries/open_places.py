"""Sessions to come as one person sees them: with the places that are theirs, and of the dose that is due.

One rule for the public page, the chat, the ticket's page and other systems: the number shown is how many persons like
this one may book, one after another, and each of them is seated (`tracker/quota/service/booking.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, cast, func, literal, select, tuple_
from sqlalchemy.orm import Session

from tracker.catalog.models import Vaccine
from tracker.edge.paging import BadCursor, decode_cursor, encode_cursor
from tracker.network.models import Facility
from tracker.network.queries import as_id, coordinates, geography_point, local_today, not_past
from tracker.network.rules.distance import Point
from tracker.people.models import Person
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.nearby import room_for, seats_by_session
from tracker.quota.queries.numbers import pool_numbers
from tracker.quota.queries.schedule import doses_of, schedules_of
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant
from tracker.quota.rules.last_booking import is_too_late
from tracker.quota.rules.schedule import Given, Schedule, Wish, judge, not_excluded
from tracker.quota.rules.words import Medium, SessionState

# How many sessions are looked at together, and how often for one page: what is asked stays bounded, and what was not
# looked at comes on the next page.
LOOKED_AT = 200
MOST_LOOKS = 5
_FAR = 10_000_000  # of a place without a point, in steps of 100 m


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeker:
    """What is known of whoever looks for a place. `given` is None where nobody knows what they have had.

    `dose`: the one they ask for; None for the one after those they have had. `born`: at the latest.
    """

    medium: Medium
    dose: int | None = None
    residence: str | None = None
    groups: frozenset[str] = frozenset()
    born: date | None = None
    given: Sequence[Given] | None = None

    def dose_of(self, vaccine: str) -> int:
        """Which dose of a vaccine they look for."""
        if self.dose is not None:
            return self.dose
        return 1 + max((one.dose for one in self.given or () if one.vaccine == vaccine), default=0)

    def may_have(self, wish: Wish, schedule: Schedule) -> bool:
        """Whether nothing that is known speaks against the dose on that day."""
        if self.given is None:
            return not_excluded(wish, schedule)
        return judge(wish, self.given, schedule, wish.day).why is None

    def applicant(self, dose: int) -> Applicant:
        """What the bucket rules see of them."""
        return Applicant(dose=dose, medium=self.medium, groups=self.groups, residence=self.residence)


def seeker_of(db: Session, person: Person, medium: Medium) -> Seeker:
    """Somebody we know, looking for the dose that is theirs."""
    return Seeker(
        medium=medium,
        residence=person.residence,
        groups=frozenset(str(group) for group in person.groups),
        born=person.birth_date,
        given=doses_of(db, person.id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlace:
    """A session with room for this person: `room` persons like them, for this dose. `distance_km` where both points are known."""

    session: VaccinationSession
    facility: Facility
    vaccine: Vaccine
    dose: int
    room: int
    point: Point | None
    distance_km: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesAsked:
    """Which sessions: `where` speaks of VaccinationSession and Facility. `near`: (latitude, longitude), sorts by distance.

    `vaccine`: its code; None for all. `ahead`: so many days from each place's today at most; None for all.
    """

    where: tuple[ColumnElement[bool], ...] = ()
    vaccine: str | None = None
    near: Point | None = None
    ahead: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesFound:
    """Some places, and where to go on; None when there are no more."""

    places: list[OpenPlace]
    cursor: str | None


def seek_places(
    db: Session, seeker: Seeker, asked: PlacesAsked, *, limit: int, now: datetime, cursor: str | None = None
) -> PlacesFound:
    """Places this person can book, by day (the nearest first where a point is given), from `cursor` on.

    Looks at a thousand sessions at most, in a few statements for every 200, first at twice as many as are asked for: mostly
    there is room. A page may hold fewer than `limit` and still not be the last. What it says may be gone a moment later.
    Raises BadCursor.
    """
    found: list[OpenPlace] = []
    after = None if cursor is None else _after(cursor)
    for looked_at in (min(2 * limit, LOOKED_AT), *([LOOKED_AT] * (MOST_LOOKS - 1))):
        rows = _rows(db, seeker, asked, after, now, most=looked_at)
        for row, place in _with_room(db, seeker, rows, now):
            if place is not None:
                found.append(place)
            after = (row[0].day, row[0].opens_at, row[0].id)
            if len(found) == limit:
                more = row is not rows[-1] or len(rows) == looked_at
                return PlacesFound(places=found, cursor=encode_cursor(_spelled(after)) if more else None)
        if len(rows) < looked_at:
            return PlacesFound(places=found, cursor=None)
    return PlacesFound(places=found, cursor=None if after is None else encode_cursor(_spelled(after)))


# Without how far it is: three distances to known places would say where somebody is, and a cursor stands in addresses.
_Key = tuple[date, datetime, UUID]


def _spelled(key: _Key) -> list[object]:
    day, opens, session = key
    return [day.isoformat(), opens.isoformat(), session]


def _after(cursor: str) -> _Key:
    day, opens, session = decode_cursor(cursor, 3)
    try:
        at, key = datetime.fromisoformat(opens), as_id(session)
        if key is None or at.tzinfo is None:
            raise BadCursor(field="cursor")
        return date.fromisoformat(day), at, key
    except ValueError as error:
        raise BadCursor(field="cursor") from error


def _far_of(db: Session, far: ColumnElement[int], session_id: UUID) -> int:
    """How far the place of the session is on which a page ended; raises BadCursor."""
    found = db.scalar(
        select(far)
        .select_from(VaccinationSession)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(VaccinationSession.id == session_id)
    )
    if found is None:
        raise BadCursor(field="cursor")
    return found


def _rows(
    db: Session, seeker: Seeker, asked: PlacesAsked, after: _Key | None, now: datetime, *, most: int
) -> Sequence[Any]:
    far: ColumnElement[int] = literal(0)
    distance: ColumnElement[float | None] = literal(None)
    # Without a point the order is that of an index, of all sessions or of one vaccine's: no more is read than is shown.
    keys: tuple[Any, ...] = (VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id)
    passed: tuple[Any, ...] | None = after
    if asked.near is not None:
        distance = func.ST_Distance(Facility.point, geography_point(asked.near[1], asked.near[0]))
        far = func.least(func.coalesce(cast(distance / 100, Integer), _FAR), _FAR)
        keys = (far, *keys)
        passed = None if after is None else (_far_of(db, far, after[-1]), *after)
    query = (
        select(VaccinationSession, Facility, Vaccine, *coordinates(), distance.label("metres"))
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == VaccinationSession.vaccine_id)
        .where(
            VaccinationSession.state != SessionState.CLOSED,
            not_past(VaccinationSession.day, now),
            VaccinationSession.closes_at > now,
            VaccinationSession.taken < VaccinationSession.capacity,
            *asked.where,
        )
        .order_by(*keys)
        .limit(most)
    )
    if asked.vaccine is not None:
        # By its id, so that the index of one vaccine's sessions gives them in order.
        one = select(Vaccine.id).where(Vaccine.code == asked.vaccine).correlate(None).scalar_subquery()
        query = query.where(VaccinationSession.vaccine_id == one)
    if asked.ahead is not None:
        query = query.where(VaccinationSession.day <= local_today(now) + asked.ahead)
    if seeker.dose is not None:
        # Not by `= ANY`, which the planner takes for one in a hundred and then puts all sessions of the nation in order.
        query = query.where(VaccinationSession.doses.op("@>", is_comparison=True)([seeker.dose]))
    if passed is not None:
        query = query.where(tuple_(*keys) > tuple_(*(literal(value) for value in passed)))
    return db.execute(query).all()


def _with_room(
    db: Session, seeker: Seeker, rows: Sequence[Any], now: datetime
) -> Iterator[tuple[Any, OpenPlace | None]]:
    sessions = [row[0] for row in rows]
    wishes = {
        row[0].id: Wish(vaccine=row[2].code, dose=seeker.dose_of(row[2].code), day=row[0].day, born=seeker.born)
        for row in rows
    }
    schedules = schedules_of(db, {(row[2].id, wishes[row[0].id].dose, row[0].day) for row in rows})
    numbers = pool_numbers(db, sessions, now)
    served = served_at(db, sessions)
    seats = seats_by_session(db, [one.id for one in sessions])
    for row in rows:
        session, facility, vaccine, lon, lat = row[:5]
        wish = wishes[session.id]
        schedule = schedules[vaccine.id, wish.dose, session.day]
        theirs = (
            wish.dose in session.doses
            and not is_too_late(session.opens_at, session.closes_at, seeker.medium, now)
            and seeker.may_have(wish, schedule)
        )
        room = 0
        if theirs:
            applicant = seeker.applicant(wish.dose)
            room = room_for(session, seats[session.id], served[session.id], numbers[session.id], applicant, now)
        place = OpenPlace(
            session=session,
            facility=facility,
            vaccine=vaccine,
            dose=wish.dose,
            room=room,
            point=None if lat is None or lon is None else (lat, lon),
            distance_km=None if row.metres is None else row.metres / 1000,
        )
        yield row, place if room > 0 else None
