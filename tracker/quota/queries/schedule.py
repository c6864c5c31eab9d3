"""What the schedule says of a dose, and what a person has had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Vaccine
from tracker.database.hot import ask
from tracker.database.types import any_of
from tracker.kit.days import local_day
from tracker.quota.models import DoseAge, DoseInterval, VaccineSpacing
from tracker.quota.rules.schedule import Given, Schedule
from tracker.quota.rules.words import LIVE

# Of each rule the row in force on the day; an age stands for the later doses too.
_RULES = """
    SELECT json_agg(json_build_array(k.n, v.code, x.kind, x.other, x.number))::text
    FROM unnest(CAST(%(vaccines)s AS uuid[]), CAST(%(doses)s AS int[]), CAST(%(days)s AS date[])) WITH ORDINALITY
         AS k (vaccine_id, dose, day, n)
    JOIN vaccine v ON v.id = k.vaccine_id
    LEFT JOIN LATERAL (
        (SELECT DISTINCT ON (i.after_code) 'interval' AS kind, i.after_code AS other, i.min_days AS number
         FROM dose_interval i WHERE i.vaccine_code = v.code AND i.dose = k.dose AND i.from_day <= k.day
         ORDER BY i.after_code, i.from_day DESC)
        UNION ALL
        (SELECT 'age', NULL, a.min_months FROM dose_age a
         WHERE a.vaccine_code = v.code AND a.dose <= k.dose AND a.from_day <= k.day
         ORDER BY a.dose DESC, a.from_day DESC LIMIT 1)
        UNION ALL
        (SELECT DISTINCT ON (s.other_code) 'spacing', s.other_code, s.min_days
         FROM vaccine_spacing s WHERE s.vaccine_code = v.code AND s.from_day <= k.day
         ORDER BY s.other_code, s.from_day DESC)
    ) x ON true
"""

Asked = tuple[UUID, int, date]
"""A vaccine's id, a dose of it, and a day."""


def schedules_of(db: Session, asked: Collection[Asked]) -> dict[Asked, Schedule]:
    """The rules in force for each dose on its day; one statement."""
    keys = sorted(asked)
    return {key: schedule for key, (_, schedule) in zip(keys, _schedules(db, keys), strict=True)}


def schedule_of(db: Session, vaccine_id: UUID, dose: int, day: date) -> tuple[str, Schedule]:
    """The vaccine's code and the rules in force for its dose on `day`."""
    return _schedules(db, [(vaccine_id, dose, day)])[0]


def _schedules(db: Session, keys: Sequence[Asked]) -> list[tuple[str, Schedule]]:
    columns = {
        "vaccines": [vaccine for vaccine, _, _ in keys],
        "doses": [dose for _, dose, _ in keys],
        "days": [day for _, _, day in keys],
    }
    codes: dict[int, str] = {}
    found: dict[tuple[int, str], list[tuple[str, int]]] = defaultdict(list)
    db.flush()
    for n, code, kind, other, number in (ask(db.connection(), _RULES, columns) or ()) if keys else ():
        codes[n] = code
        found[n, kind].append((other, number))
    return [
        (
            codes[n],
            Schedule(
                intervals=tuple(found[n, "interval"]),
                min_months=next((number for _, number in found[n, "age"]), 0),
                spacings=tuple(found[n, "spacing"]),
            ),
        )
        for n in range(1, len(keys) + 1)
    ]


def next_doses(db: Session, vaccine_ids: Collection[UUID], day: date) -> dict[UUID, dict[int, DoseInterval]]:
    """By vaccine and dose given on that day: the rule in force for when the one after it is due; one statement."""
    rows = db.execute(
        select(Vaccine.id, DoseInterval)
        .join(Vaccine, Vaccine.code == DoseInterval.vaccine_code)
        .where(
            any_of(Vaccine.id, vaccine_ids),
            DoseInterval.after_code == DoseInterval.vaccine_code,
            DoseInterval.from_day <= day,
        )
        .order_by(DoseInterval.from_day)
    )
    found: dict[UUID, dict[int, DoseInterval]] = defaultdict(dict)
    for vaccine_id, interval in rows:
        found[vaccine_id][interval.dose - 1] = interval
    return found


_GIVEN = """
    SELECT json_agg(json_build_array(v.code, b.dose, b.vaccinated_at, f.timezone))
    FROM booking b
    JOIN vaccination_session s ON s.id = b.session_id
    JOIN facility f ON f.id = s.facility_id
    JOIN vaccine v ON v.id = b.vaccine_id
    WHERE b.person_id = %(person)s AND b.state = 'vaccinated' AND b.id IS DISTINCT FROM CAST(%(but)s AS uuid)
"""
_LIVE = ", ".join(f"'{state.value}'" for state in sorted(LIVE))
_KNOWN = f"""
    SELECT json_build_object(
        'said_before', EXISTS (SELECT FROM booking WHERE id = %(booking)s),
        'live_at', (
            SELECT json_agg(session_id) FROM booking
            WHERE person_id = %(person)s AND vaccine_id = %(vaccine)s AND dose = %(dose)s AND state IN ({_LIVE})
        ),
        'given', ({_GIVEN})
    )::text
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Of somebody who asks for a place: whether this booking is there, where one for the dose is live, what they have had."""

    said_before: bool
    live_at: tuple[UUID, ...]
    given: list[Given]


def known_of(db: Session, person_id: UUID, booking_id: UUID, vaccine_id: UUID, dose: int) -> Known:
    """All of it in one statement, for who books."""
    db.flush()
    asked = {"person": person_id, "booking": booking_id, "vaccine": vaccine_id, "dose": dose, "but": None}
    found = ask(db.connection(), _KNOWN, asked)
    return Known(found["said_before"], tuple(map(UUID, found["live_at"] or ())), _given(found["given"]))


def doses_of(db: Session, person_id: UUID, *, but: UUID | None = None) -> list[Given]:
    """Every dose the person has had, of any vaccine, on the day of its place; `but` leaves one booking out."""
    db.flush()
    return _given(ask(db.connection(), f"SELECT ({_GIVEN})::text", {"person": person_id, "but": but}))


def _given(rows: Sequence[tuple[str, int, str, str]] | None) -> list[Given]:
    return [Given(code, dose, local_day(datetime.fromisoformat(at), zone)) for code, dose, at, zone in rows or ()]


MOST_RULES = 1_000


def rules_of(db: Session, vaccine: str | None) -> list[DoseInterval | DoseAge | VaccineSpacing]:
    """Every rule of a vaccine (of all when None), by vaccine, kind and day; a thousand of a kind at most."""
    found: list[DoseInterval | DoseAge | VaccineSpacing] = []
    for table in (DoseInterval, DoseAge, VaccineSpacing):
        query = select(table).order_by(*table.__mapper__.primary_key).limit(MOST_RULES)
        found += db.scalars(query if vaccine is None else query.where(table.vaccine_code == vaccine))
    return sorted(found, key=lambda rule: rule.vaccine_code)
