"""Whose people a session serves."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.network.queries import served_areas
from tracker.quota.models import VaccinationSession


def served_at(db: Session, sessions: Collection[VaccinationSession]) -> dict[UUID, frozenset[str]]:
    """The areas each session serves, by its id: those it was planned for, else its facility's. One statement."""
    if not sessions:
        return {}
    of_facility = served_areas(db, {one.facility_id for one in sessions})
    return {one.id: frozenset(one.areas) if one.areas else of_facility[one.facility_id] for one in sessions}
