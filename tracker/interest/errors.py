"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import NotFound


class InterestNotFound(NotFound):
    """There is no such wish to be told at this address."""

    code = "interest.not_found"
