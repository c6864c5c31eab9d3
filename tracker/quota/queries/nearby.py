"""Sessions with room near one that is full or short."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import any_, func, literal, select, true
from sqlalchemy.orm import Session, aliased

from tracker.database.types import any_of
from tracker.network.models import Facility
from tracker.quota.errors import Exhausted
from tracker.quota.models import Bucket, VaccinationSession
from tracker.quota.queries.numbers import Numbers, pool_numbers
from tracker.quota.queries.serving import served_at
from tracker.quota.rules.buckets import Applicant, Seats, eligible, seats_for
from tracker.quota.rules.last_booking import last_booking
from tracker.quota.rules.offers import Candidate, nearest_first
from tracker.quota.rules.words import SessionState

LOOK_AHEAD = timedelta(days=14)
MOST_LOOKED_AT = 200
SHOWN = 3
# Most who are refused find room at the first few places: of the others the quota is not read.
_AT_ONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    session_id: UUID
    day: date
    distance_km: float | None


def sessions_with_room(
    db: Session, applicant: Applicant, wanted: VaccinationSession, *, now: datetime, most: int
) -> list[Candidate]:
    """The `most` nearest sessions of the same vaccine and dose that have a place for this person.

    The wanted one itself is among them: who gave way may have it again once there is room. Looks at the 200 nearest sessions of the two weeks round the wanted day. What it says may be gone a
    moment later: whoever takes a place asks again under the locks.
    """
    near = nearest_first(_near(db, applicant, wanted, now), wanted=wanted.day)
    found: list[Candidate] = []
    for first in range(0, len(near), _AT_ONCE):
        found += _with_room(db, near[first : first + _AT_ONCE], applicant, now)
        if len(found) >= most:
            break
    return found[:most]


def _with_room(db: Session, near: Sequence[_Near], applicant: Applicant, now: datetime) -> list[Candidate]:
    """Those of them with room, in their order."""
    ids = [each.session_id for each in near]
    sessions = {
        each.id: each for each in db.scalars(select(VaccinationSession).where(any_of(VaccinationSession.id, ids)))
    }
    seats = seats_by_session(db, ids)
    numbers = pool_numbers(db, list(sessions.values()), now)
    served = served_at(db, list(sessions.values()))
    found = []
    for each in near:
        session = sessions[each.session_id]
        if last_booking(session.opens_at, session.closes_at) <= now:
            continue
        available = room_for(session, seats[session.id], served[session.id], numbers[session.id], applicant, now)
        if available > 0:
            found.append(
                Candidate(session_id=session.id, day=session.day, distance_km=each.distance_km, available=available)
            )
    return found


def room_for(
    session: VaccinationSession,
    seats: Sequence[Seats],
    served: Collection[str],
    numbers: Numbers,
    applicant: Applicant,
    now: datetime,
) -> int:
    """Persons like this one who may book one after another: places that are theirs, staff and vials permitting."""
    left = seats_for(seats, eligible(applicant, served), now)
    return max(0, min(left, session.capacity - session.taken, numbers.persons))


Alternatives = list[dict[str, Any]]


class Lately:
    """What was found for one like this within the last second, for a rush: thousands are refused the same session at once.

    What a search finds may be gone a moment later in any case. Of one process; from any thread.
    """

    def __init__(self, *, lasts_s: float = 1.0, most: int = 1_000) -> None:
        self._lasts_s, self._most = lasts_s, most
        self._found: dict[tuple[UUID, Applicant], tuple[float, Alternatives]] = {}
        self._lock = threading.Lock()

    def ask(self, wanted_id: UUID, applicant: Applicant, search: Callable[[], Alternatives]) -> Alternatives:
        """What was found lately, else what `search` finds."""
        with self._lock:
            at, found = self._found.get((wanted_id, applicant), (-math.inf, []))
        began = time.monotonic()
        if began - at < self._lasts_s:
            return found
        found = search()
        with self._lock:
            if len(self._found) >= self._most:
                self._found.clear()
            self._found[wanted_id, applicant] = began, found
        return found


def with_alternatives(db: Session, refused: Exhausted, *, now: datetime, lately: Lately | None = None) -> Exhausted:
    """The refusal with the nearest few sessions with room, for who was refused; in a rush what was found for others `lately`.

    To be asked in a transaction that has locked nothing: whoever else wants the full session would wait for the search.
    """
    applicant, wanted_id = refused.applicant, UUID(str(refused.params["session"]))

    def search() -> Alternatives:
        wanted = db.get(VaccinationSession, wanted_id)
        return [] if wanted is None or applicant is None else _alternatives(db, applicant, wanted, now)

    found = search() if lately is None or applicant is None else lately.ask(wanted_id, applicant, search)
    return Exhausted(**refused.params, alternatives=found)


def _alternatives(db: Session, applicant: Applicant, wanted: VaccinationSession, now: datetime) -> Alternatives:
    near = sessions_with_room(db, applicant, wanted, now=now, most=SHOWN + 1)
    found = [candidate for candidate in near if candidate.session_id != wanted.id][:SHOWN]
    if not found:
        return []
    rows = db.execute(
        select(VaccinationSession, Facility)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .where(VaccinationSession.id.in_([candidate.session_id for candidate in found]))
    )
    by_id = {session.id: (session, facility) for session, facility in rows}
    shown = []
    for candidate in found:
        session, facility = by_id[candidate.session_id]
        shown.append(
            {
                "session": str(session.id),
                "facility": facility.code,
                "name": facility.name,
                "date": session.day.isoformat(),
                "available": candidate.available,
                "distance_km": None if candidate.distance_km is None else round(candidate.distance_km, 2),
            }
        )
    return shown


def _near(db: Session, applicant: Applicant, wanted: VaccinationSession, now: datetime) -> list[_Near]:
    home = aliased(Facility)
    origin = select(home.point).where(home.id == wanted.facility_id).scalar_subquery()
    distance = (func.ST_Distance(Facility.point, origin) / 1000).label("distance_km")
    first = wanted.day - LOOK_AHEAD
    # Outwards from place to place by their index, and what each has by another: joined otherwise, or put in order by more
    # than the nearness, all sessions of the nation are read first. OFFSET keeps the planner from doing so.
    theirs = (
        select(VaccinationSession.id, VaccinationSession.day)
        .where(
            VaccinationSession.facility_id == Facility.id,
            VaccinationSession.vaccine_id == wanted.vaccine_id,
            VaccinationSession.day.between(max(first, applicant.not_before or first), wanted.day + LOOK_AHEAD),
            VaccinationSession.closes_at > now,
            VaccinationSession.state != SessionState.CLOSED,
            literal(applicant.dose) == any_(VaccinationSession.doses),
            VaccinationSession.taken < VaccinationSession.capacity,
        )
        .order_by(VaccinationSession.day, VaccinationSession.id)
        .offset(0)
        .correlate(Facility)
        .lateral("theirs")
    )
    nearest = (
        select(theirs.c.id, theirs.c.day, distance)
        .select_from(Facility)
        .join(theirs, true())
        .order_by(Facility.point.op("<->")(origin))
        .limit(MOST_LOOKED_AT)
    )
    rows = db.execute(nearest)
    return [_Near(session_id=row.id, day=row.day, distance_km=cast("float | None", row.distance_km)) for row in rows]


def seats_by_session(db: Session, session_ids: list[UUID]) -> dict[UUID, list[Seats]]:
    """The buckets of many sessions as the rules see them, in one statement."""
    found: dict[UUID, list[Seats]] = defaultdict(list)
    for bucket in db.scalars(select(Bucket).where(any_of(Bucket.session_id, session_ids)).order_by(Bucket.id)):
        found[bucket.session_id].append(
            Seats(
                id=bucket.id,
                kind=bucket.kind,
                places=bucket.places,
                taken=bucket.taken,
                release_at=bucket.release_at,
            )
        )
    return found
