"""When devices were last heard of, and what the broker says of their connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from tracker.database.turns import Wanted, take_turns
from tracker.feed.service import append
from tracker.telemetry.events import DeviceStatusChanged
from tracker.telemetry.models import Device
from tracker.telemetry.rules.words import DeviceStatus

# Writing each device's row at each message would double the work of the database for a figure that
# people read in minutes.
SEEN_EVERY = timedelta(seconds=30)


def note_seen(db: Session, seen: Mapping[UUID, datetime]) -> None:
    """Remember when each device last delivered; coarse to `SEEN_EVERY`. Rows are locked by id."""
    if not seen:
        return
    take_turns(Wanted.DEVICE, ((device_id,) for device_id in seen))
    stale = db.execute(
        select(Device.id, Device.last_seen_at)
        .where(Device.id.in_(list(seen)))
        .order_by(Device.id)
        .with_for_update(key_share=True)
    )
    rows = [
        {"key": row.id, "seen_at": seen[row.id]}
        for row in stale
        if row.last_seen_at is None or seen[row.id] - row.last_seen_at >= SEEN_EVERY
    ]
    if rows:
        db.execute(text("UPDATE device SET last_seen_at = :seen_at WHERE id = :key"), rows)


def note_status(db: Session, device_id: UUID, status: DeviceStatus, *, at: datetime, now: datetime) -> bool:
    """Remember that a device connected or was lost; True when that changed anything.

    The broker repeats the retained status at each subscription: only a change is news. `at` is the
    receipt; an older one than the one remembered is ignored.
    """
    changed = db.execute(
        update(Device)
        .where(
            Device.id == device_id,
            Device.status != status,
            or_(Device.status_at.is_(None), Device.status_at <= at),
        )
        .values(status=status, status_at=at)
        .returning(Device.code, Device.unit_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        return False
    append(
        db,
        DeviceStatusChanged(device_code=changed.code, status=status),
        unit_id=changed.unit_id,
        subject=device_id,
        occurred_at=at,
        now=now,
    )
    return True
