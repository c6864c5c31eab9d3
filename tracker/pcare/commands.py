"""What this room is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tracker.pcare.rules.words import Reporting


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacility:
    """How a facility's doses reach P-Care, and its code there; None: our own code."""

    facility: str | UUID
    mode: Reporting
    code_there: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A facility's day in a file, for whoever types it into P-Care or uploads it there."""

    facility: str | UUID
    day: date
