"""Reads of this room: how one's own wish stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from tracker.catalog.models import Vaccine
from tracker.interest.errors import InterestNotFound
from tracker.interest.models import Interest
from tracker.network.models import Facility
from tracker.quota.models import VaccinationSession
from tracker.quota.queries.history import Appointment, appointments_of
from tracker.quota.rules.words import LIVE, BookingState

MOST_BEFORE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One's own wish: how many wait before them in their city (`many`: more than that), where they were told of, what they have had.

    `place`: they have a place or a dose of it, so they are told no more.
    """

    interest: Interest
    vaccine: str
    before: int
    many: bool
    facility: str
    place: bool
    history: Sequence[Appointment]


def standing_of(db: Session, interest_id: UUID) -> Standing:
    """How it stands; raises InterestNotFound."""
    kept = db.get(Interest, interest_id)
    if kept is None:
        raise InterestNotFound
    vaccine = db.get_one(Vaccine, kept.vaccine_id)
    earlier = (
        select(Interest.id)
        .where(
            Interest.vaccine_id == kept.vaccine_id,
            Interest.city == kept.city,
            Interest.told_at.is_(None),
            Interest.withdrawn_at.is_(None),
            tuple_(Interest.at, Interest.id) < (kept.at, kept.id),
        )
        .limit(MOST_BEFORE + 1)
    )
    before = db.scalar(select(func.count()).select_from(earlier.subquery())) or 0
    history = appointments_of(db, kept.person_id)
    has_it = LIVE | {BookingState.VACCINATED}
    return Standing(
        interest=kept,
        vaccine=vaccine.name,
        before=min(before, MOST_BEFORE),
        many=before > MOST_BEFORE,
        facility="" if kept.session_id is None else _facility(db, kept.session_id),
        place=any(one.vaccine == vaccine.code and one.state in has_it for one in history),
        history=history,
    )


def _facility(db: Session, session_id: UUID) -> str:
    of_session = select(Facility.name).join(VaccinationSession, VaccinationSession.facility_id == Facility.id)
    return db.scalars(of_session.where(VaccinationSession.id == session_id)).one()
