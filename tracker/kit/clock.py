"""The one place that asks the machine what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

AHEAD = timedelta(minutes=5)
"""How far the clock of a phone or a device may run ahead of ours; beyond that it is wrong (domain.md §3, §5)."""


def utc_now() -> datetime:
    """The present instant, aware, in UTC. Edges call it; use cases get `now` as an argument."""
    return datetime.now(UTC)
