"""How many are told of places, and by when a place is theirs to have. Pure."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

SHARE = 1.5
"""So many are told for each place that is open: not everybody who said that they are willing books when told."""

COUNTS_FOR = timedelta(days=1)
"""So long somebody who was told of a session may still be on their way to book: they count among those told of its places."""

AHEAD_DAYS = 14
"""Places of so many days are told of; those of later days when they come nearer."""


def more_to_tell(room: int, told: int) -> int:
    """How many more people to tell of a session with room for so many, when so many were told of it lately."""
    return max(0, ceil(room * SHARE) - told)
