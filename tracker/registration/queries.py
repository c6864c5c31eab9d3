"""Reads of this room."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.registration.models import HealthAnswer

MOST_ANSWERS = 100


def health_answers_of(db: Session, person_ids: Collection[UUID]) -> list[HealthAnswer]:
    """What was said of their health under these ids, the newest first; no more than a hundred."""
    mine = select(HealthAnswer).where(HealthAnswer.person_id.in_(person_ids))
    return list(db.scalars(mine.order_by(HealthAnswer.at.desc(), HealthAnswer.id.desc()).limit(MOST_ANSWERS)))
