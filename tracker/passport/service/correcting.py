"""What a corrected watch frees: holds whose evidence was never measured where the vials lay."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.coldchain.models import Episode
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.commands import Decision
from tracker.passport.service.releasing import decide, lock_pool_of
from tracker.telemetry.models import WatchCorrection


def lift_mistaken(db: Session, episode_id: UUID, *, now: datetime) -> int:
    """Release the holds of a void episode whose watch a person corrected, in that person's name; returns how many.

    An episode that is void because of better data lifts nothing: that a person does, with a reason.
    """
    episode = db.get_one(Episode, episode_id)
    correction = db.get(WatchCorrection, episode.assignment_id)
    if episode.void_at is None or correction is None:
        return 0
    who = Principal(account_id=correction.corrected_by, name=correction.corrected_name, is_system=True)
    decision = Decision(reason=f"watch corrected: {correction.reason}")
    query = select(Hold.id).where(Hold.episode_id == episode_id, Hold.state == HoldState.HELD).order_by(Hold.id)
    mistaken = db.scalars(query).all()
    for hold_id in mistaken:
        lock_pool_of(db, hold_id)
        hold = db.scalars(select(Hold).where(Hold.id == hold_id).with_for_update()).one()
        if hold.state is HoldState.HELD:
            decide(db, who, hold, decision, state=HoldState.RELEASED, now=now)
    return len(mistaken)
