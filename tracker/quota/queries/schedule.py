"""What the schedule says of a dose, and what a person has had."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select, text
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
    (SELECT DISTINCT ON (i.after_code) 'interval' AS kind, v.code, i.after_code AS other, i.min_days AS number
     FROM dose_interval i JOIN vaccine v ON v.code = i.vaccine_code
     WHERE v.id = :vaccine AND i.dose = :dose AND i.from_day <= :day ORDER BY i.after_code, i.from_day DESC)
    UNION ALL
    (SELECT 'age', v.code, NULL, a.min_months FROM dose_age a JOIN vaccine v ON v.code = a.vaccine_code
     WHERE v.id = :vaccine AND a.dose <= :dose AND a.from_day <= :day ORDER BY a.dose DESC, a.from_day DESC LIMIT 1)
    UNION ALL
    (SELECT DISTINCT ON (s.other_code) 'spacing', v.code, s.other_code, s.min_days
     FROM vaccine_spacing s JOIN vaccine v ON v.code = s.vaccine_code
     WHERE v.id = :vaccine AND s.from_day <= :day ORDER BY s.other_code, s.from_day DESC)
    UNION ALL
    SELECT 'vaccine', v.code, NULL, 0 FROM vaccine v WHERE v.id = :vaccine
    """
)


def schedule_of(db: Session, vaccine_id: UUID, dose: int, day: date) -> tuple[str, Schedule]:
    """The vaccine's code and the rules in force for its dose on `day`."""
    rows = db.execute(_RULES, {"vaccine": vaccine_id, "dose": dose, "day": day}).all()
    schedule = Schedule(
        intervals=tuple((row.other, row.number) for row in rows if row.kind == "interval"),
        min_months=next((row.number for row in rows if row.kind == "age"), 0),
        spacings=tuple((row.other, row.number) for row in rows if row.kind == "spacing"),
    )
    return rows[0].code, schedule


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
