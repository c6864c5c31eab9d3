"""Putting a lot right. What follows from a new expiry for promises is the stock room's (`stock/service/places.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.events import BatchChanged
from tracker.catalog.history import Correction, note_changes
from tracker.catalog.models import Batch
from tracker.catalog.service import check_expiry
from tracker.feed.service import append
from tracker.kit.days import WESTERN, local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChange:
    """What to put right; None leaves as it is. A new expiry needs a reason."""

    manufacturer: str | None = None
    expiry: date | None = None
    why: Correction = field(default_factory=Correction)


def change_batch(db: Session, principal: Principal, batch: Batch, command: BatchChange, *, now: datetime) -> Batch:
    """Put facts of a batch right and keep what was said before; the lot stays, vials are counted by it.

    Raises ImplausibleExpiry, CorrectionIncomplete, Forbidden.
    """
    principal.require(Permission.CATALOG_WRITE)
    if command.expiry is not None:
        check_expiry(command.expiry, local_day(now, WESTERN))
    wanted = {"manufacturer": command.manufacturer, "expiry": command.expiry}
    before = {
        name: getattr(batch, name)
        for name, value in wanted.items()
        if value is not None and getattr(batch, name) != value
    }
    for name in before:
        setattr(batch, name, wanted[name])
    if before:
        note_changes(db, principal, batch, before, command.why, now=now)
        told = BatchChanged(lot=batch.lot, changed=tuple(before))
        append(db, told, unit_id=None, subject=batch.id, occurred_at=now, now=now)
        db.flush()
    return batch
