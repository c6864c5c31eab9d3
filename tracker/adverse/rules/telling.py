"""What can be told of an adverse event. Pure."""

from __future__ import annotations

from datetime import datetime

from tracker.adverse.commands import Told
from tracker.adverse.errors import BadOnset, DeathIsSerious, NothingTold
from tracker.adverse.rules.words import Outcome


def check_told(told: Told, *, given_at: datetime, now: datetime) -> None:
    """Raise NothingTold, BadOnset (before the dose, or to come), DeathIsSerious."""
    if not told.symptoms and not told.words:
        raise NothingTold(field="symptoms")
    if not given_at <= told.onset_at <= now:
        raise BadOnset(field="onset", given_at=given_at.isoformat())
    if told.outcome is Outcome.DIED and not told.serious:
        raise DeathIsSerious(field="serious")
