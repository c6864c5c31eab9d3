"""What the schedule says of a dose, and what a person has had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from tracker.catalog.models import Vaccine
from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.quota.models import Booking, DoseAge, DoseInterval, VaccinationSession, VaccineSpacing
from tracker.quota.rules.schedule import Given, Schedule
from tracker.quota.rules.words import BookingState

# Of each rule the row in force on the day; an age stands for the later doses too.
_RULES = text(
    """
    SELECT k.n, v.code, x.kind, x.other, x.number
    FROM unnest(CAST(:vaccines AS uuid[]), CAST(:doses AS int[]), CAST(:days AS date[])) WITH ORDINALITY
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
)

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
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.execute(_RULES, columns) if keys else ():
        found[row.n].append(row)
    return [
        (
            found[n][0].code,
            Schedule(
                intervals=tuple((row.other, row.number) for row in found[n] if row.kind == "interval"),
                min_months=next((row.number for row in found[n] if row.kind == "age"), 0),
                spacings=tuple((row.other, row.number) for row in found[n] if row.kind == "spacing"),
            ),
        )
        for n in range(1, len(keys) + 1)
    ]


def doses_of(db: Session, person_id: UUID, *, but: UUID | None = None) -> list[Given]:
    """Every dose the person has had, of any vaccine, on the day of its place; `but` leaves one booking out."""
    query = (
        select(Vaccine.code, Booking.dose, Booking.vaccinated_at, Facility.timezone)
        .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
        .join(Facility, Facility.id == VaccinationSession.facility_id)
        .join(Vaccine, Vaccine.id == Booking.vaccine_id)
        .where(Booking.person_id == person_id, Booking.state == BookingState.VACCINATED)
    )
    if but is not None:
        query = query.where(Booking.id != but)
    return [
        Given(row.code, row.dose, local_day(row.vaccinated_at, row.timezone))
        for row in db.execute(query)
        if row.vaccinated_at
    ]


MOST_RULES = 1_000


def rules_of(db: Session, vaccine: str | None) -> list[DoseInterval | DoseAge | VaccineSpacing]:
    """Every rule of a vaccine (of all when None), by vaccine, kind and day; a thousand of a kind at most."""
    found: list[DoseInterval | DoseAge | VaccineSpacing] = []
    for table in (DoseInterval, DoseAge, VaccineSpacing):
        query = select(table).order_by(*table.__mapper__.primary_key).limit(MOST_RULES)
        found += db.scalars(query if vaccine is None else query.where(table.vaccine_code == vaccine))
    return sorted(found, key=lambda rule: rule.vaccine_code)
