"""What this room refuses."""

from __future__ import annotations

from tracker.kit.errors import DomainError


class KeyNotHeld(DomainError):
    """A secret key that the database was written under was not given to this process."""

    code = "sealing.key_not_held"
