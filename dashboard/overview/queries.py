"""Whose home it is, and how the last two weeks went."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission, Role
from tracker.coldchain.models import Alarm
from tracker.coldchain.rules.limits import Severity
from tracker.network.models import Facility
from tracker.network.queries import day_there
from tracker.quota.models import VaccinationSession

TREND_DAYS = 14


def workplace_of(db: Session, principal: Principal, roles: Collection[Role]) -> tuple[Role, Facility] | None:
    """The facility somebody works at, with the role; None for who oversees an area or whose unit keeps no stock."""
    if any(grant.role not in roles for grant in principal.grants):
        return None
    for grant in principal.grants:
        query = select(Facility).join(Unit, Unit.id == Facility.id).where(Unit.path == grant.path)
        facility = db.scalar(query)
        if facility is not None:
            return grant.role, facility
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Counts a day, oldest first, of the days up to today at the places they happened."""

    days: tuple[date, ...]
    alarms: tuple[int, ...]
    vaccinated: tuple[int, ...]


def trend_of(db: Session, principal: Principal, today: date) -> Trend:
    """Alarms that rang (advisories not among them) and people vaccinated on each of the last 14 days."""
    days = tuple(today - timedelta(days=back) for back in range(TREND_DAYS - 1, -1, -1))
    rang_on = day_there(Alarm.alarmed_at)
    rang = db.execute(
        select(rang_on, func.count())
        .select_from(Alarm)
        .join(Unit, Unit.id == Alarm.unit_id)
        .outerjoin(Facility, Facility.id == Alarm.unit_id)
        .where(
            visible_to(principal, Unit.path, Permission.ALARM_READ),
            Alarm.severity == Severity.ALARM,
            Alarm.merged_into.is_(None),
            Alarm.withdrawn_at.is_(None),
            # Two days more than asked for: no zone is farther from UTC than one.
            Alarm.alarmed_at >= days[0] - timedelta(days=1),
        )
        .group_by(rang_on)
    )
    given = db.execute(
        select(VaccinationSession.day, func.sum(VaccinationSession.vaccinated))
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(
            visible_to(principal, Unit.path, Permission.QUOTA_READ),
            VaccinationSession.day.between(days[0], today),
        )
        .group_by(VaccinationSession.day)
    )
    alarms = {row[0]: int(row[1]) for row in rang}
    vaccinated = {row[0]: int(row[1]) for row in given}
    return Trend(
        days=days,
        alarms=tuple(alarms.get(day, 0) for day in days),
        vaccinated=tuple(vaccinated.get(day, 0) for day in days),
    )
