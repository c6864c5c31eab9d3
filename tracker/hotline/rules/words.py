"""The words of this room, and how long a call that was cut off may be gone on with. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from enum import StrEnum

GOES_ON = timedelta(minutes=10)
"""So long after the last word a call that was cut off is gone on with; later it is over."""


class CallOutcome(StrEnum):
    """What a call came to."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    INFORMED = "informed"
    COMPLAINT = "complaint"
    NOT_REACHED = "not_reached"  # called back, and nobody answered
    CUT_OFF = "cut_off"  # the line broke, or nobody ended it


class TicketBy(StrEnum):
    """By what a ticket is sent to whoever called."""

    SMS = "sms"
    WHATSAPP = "whatsapp"


def is_left(touched_at: datetime, now: datetime) -> bool:
    """Whether nobody has gone on with a call for so long that it is over."""
    return now - touched_at > GOES_ON


_DIGITS_TOGETHER = re.compile(r"\d(?:[\s.\-]?\d){8,}")


def names_somebody(note: str) -> bool:
    """Whether a note holds an identity number or a phone: the log names nobody, and a note stands in it."""
    return _DIGITS_TOGETHER.search(unicodedata.normalize("NFKC", note)) is not None
