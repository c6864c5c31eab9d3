"""Phases of registration: in the first of 2021 only health workers registered by themselves.

The desk and other systems are not bound by it: who serves people knows whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.kit.days import WESTERN, local_day
from tracker.people.models import Person
from tracker.people.queries import person_now
from tracker.people.rules.groups import PersonGroup
from tracker.quota.queries.schedule import doses_of
from tracker.quota.rules.standby import Group, group_of
from tracker.registration.errors import NotYourTurn
from tracker.registration.models import RegistrationPhase
from tracker.registration.rules.phases import Phase, phase_on

_MEANT = {PersonGroup.NAKES: {Group.NAKES}, PersonGroup.LANSIA: {Group.ELDERLY}}


def phases_of(db: Session) -> Sequence[RegistrationPhase]:
    """All of them, the earliest first."""
    return db.scalars(select(RegistrationPhase).order_by(RegistrationPhase.from_day)).all()


def phase_now(db: Session, now: datetime) -> Phase | None:
    """The one that holds, by the day of the programme's headquarters; None where all may register."""
    return phase_on(local_day(now, WESTERN), [(one.from_day, one.only) for one in phases_of(db)])


def begin_phase(db: Session, from_day: date, only: PersonGroup | None) -> None:
    """From that day on only these register, or all; what was said before of that day is replaced."""
    db.merge(RegistrationPhase(from_day=from_day, only=only))
    db.flush()


def has_turn(db: Session, person: Person, phase: Phase | None, now: datetime) -> bool:
    """Whether somebody may register now: they are of the group by what was imported, or began in an earlier phase."""
    if phase is None or group_of(person.groups, person.birth_date, local_day(now, WESTERN)) in _MEANT[phase.only]:
        return True
    return bool(doses_of(db, person.id))


def check_turn(db: Session, person_id: UUID, phase: Phase | None, now: datetime) -> None:
    """Raises NotYourTurn."""
    person = None if phase is None else person_now(db, person_id)
    if phase is not None and person is not None and not has_turn(db, person, phase, now):
        raise NotYourTurn(group=phase.only)
