"""Reads of this room; each starts from what the caller may see, and nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.network.models import Facility
from tracker.pcare.models import PcareDay, PcareLink, PcareRecord, PcareStranger
from tracker.pcare.rules.words import State

# More are not counted: whether it is ten thousand or a million, they are many.
MOST_COUNTED = 10_000


def records_visible_to(principal: Principal) -> Select[PcareRecord, Facility]:
    """A select of (record, facility), not ordered."""
    return (
        select(PcareRecord, Facility)
        .join(Facility, Facility.id == PcareRecord.facility_id)
        .join(Unit, Unit.id == PcareRecord.facility_id)
        .where(visible_to(principal, Unit.path, Permission.PCARE_READ))
    )


def counts_of(db: Session, principal: Principal) -> Mapping[State, int]:
    """How many records are in each state, no more than `MOST_COUNTED` of one."""
    found: dict[State, int] = {}
    for state in State:
        some = records_visible_to(principal).where(PcareRecord.state == state).with_only_columns(PcareRecord.id)
        found[state] = db.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED).subquery())) or 0
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the line to P-Care is. `oldest`: since when the oldest record waits that could leave."""

    connected: bool
    trouble: str | None
    rests_until: datetime | None
    answered_at: datetime | None
    oldest: datetime | None


def line_of(db: Session) -> Line:
    """How it is now, for the whole installation."""
    link = db.get_one(PcareLink, 1)
    oldest = (
        select(PcareRecord.made_at)
        .where(PcareRecord.state.in_((State.WAITING, State.SENT)), PcareRecord.next_at.is_not(None))
        .order_by(PcareRecord.id)
        .limit(1)
    )
    return Line(
        connected=link.connected_at is not None,
        trouble=link.trouble,
        rests_until=link.next_at,
        answered_at=link.answered_at,
        oldest=db.scalar(oldest),
    )


def days_that_differ(principal: Principal) -> Select[PcareDay, Facility]:
    """A select of (day, facility) where one side has what the other has not, not ordered."""
    return (
        select(PcareDay, Facility)
        .join(Facility, Facility.id == PcareDay.facility_id)
        .join(Unit, Unit.id == PcareDay.facility_id)
        .where(
            (PcareDay.only_there > 0) | (PcareDay.only_here > 0),
            visible_to(principal, Unit.path, Permission.PCARE_READ),
        )
    )


def strangers_visible_to(principal: Principal) -> Select[PcareStranger, Facility]:
    """A select of (stranger, facility): what P-Care has and we have not, not ordered."""
    return (
        select(PcareStranger, Facility)
        .join(Facility, Facility.id == PcareStranger.facility_id)
        .join(Unit, Unit.id == PcareStranger.facility_id)
        .where(visible_to(principal, Unit.path, Permission.PCARE_READ))
    )
