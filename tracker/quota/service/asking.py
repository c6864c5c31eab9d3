"""Asking the schedule, and setting it aside: only by who serves the person, with a reason that stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.kit.days import local_day
from tracker.network.models import Facility
from tracker.people.models import Person
from tracker.quota.errors import DoseBefore, DoseGiven, DoseNotForeseen, NotDue, TooNear, TooYoung
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.schedule import doses_of, schedule_of
from tracker.quota.rules.schedule import Given, Judgement, Why, Wish, judge

_REFUSALS = {Why.INTERVAL: NotDue, Why.AGE: TooYoung, Why.SPACING: TooNear, Why.DOSE_BEFORE: DoseBefore}


def judged(
    db: Session,
    person: Person,
    session: VaccinationSession,
    dose: int,
    day: date,
    *,
    now: datetime,
    but: UUID | None = None,
    given: Sequence[Given] | None = None,
) -> Judgement:
    """What the schedule says of a dose of a session's vaccine on `day`; `but` is the booking that is asked about.

    `given`: what the person has had, where that is known already.
    """
    code, schedule = schedule_of(db, session.vaccine_id, dose, day)
    wish = Wish(vaccine=code, dose=dose, day=day, born=person.birth_date)
    # Asked only where a dose before this one could be missing.
    today = day if dose == 1 else local_day(now, db.get_one(Facility, session.facility_id).timezone)
    return judge(wish, doses_of(db, person.id, but=but) if given is None else given, schedule, today)


def check_due(judgement: Judgement, person: Person, dose: int) -> None:
    """Raise DoseGiven, DoseNotForeseen, or NotDue (TooYoung, TooNear, DoseBefore) naming the first possible day."""
    if judgement.why is None:
        return
    if judgement.why is Why.GIVEN:
        raise DoseGiven(person=str(person.id), dose=dose)
    if judgement.first_day is None:
        raise DoseNotForeseen(dose=dose)
    raise _REFUSALS[judgement.why](dose=dose, first_day=judgement.first_day.isoformat())
