"""Commands of this room: what its use cases are asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tracker.passport.rules.harm import Disposition, ShakeTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why the vials may be used again, or must be thrown away."""

    reason: str
    shake_test: ShakeTest | None = None
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDisposition:
    """What becomes of one batch."""

    batch_id: UUID
    disposition: Disposition
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAlarm:
    """All dispositions of an alarm, in one act."""

    alarm_id: UUID
    dispositions: Sequence[BatchDisposition]
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideHeld:
    """What becomes of batches that an alarm held on when it was closed; those that are not named stay held."""

    alarm_id: UUID
    dispositions: Sequence[BatchDisposition]
