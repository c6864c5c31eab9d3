"""Dead letters are bounded: a device that floods costs a little and stays visible."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.telemetry.models import DeadLetter
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.deadletters import KEPT_BYTES, MOST_BYTES, Undeliverable, bury
from tracker.telemetry.service.devices import add_device

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def test_a_device_that_floods_fills_no_disk_and_hides_nobody_else(db: Session, world: World) -> None:
    loud = add_device(db, SYSTEM, NewDevice(code="loud", unit=world.puskesmas.code), now=NOW).device.id
    quiet = add_device(db, SYSTEM, NewDevice(code="quiet", unit=world.puskesmas.code), now=NOW).device.id

    def letter(device: UUID | None, number: int) -> Undeliverable:
        payload = number.to_bytes(4, "big") * 20_000
        return Undeliverable(
            topic=str(device), payload=payload, reason="malformed", detail="x", received_at=NOW, device_id=device
        )

    for start in range(0, 200, 10):
        bury(db, [letter(loud, number) for number in range(start, start + 10)])
    for start in range(0, 200, 10):
        bury(db, [letter(None, number) for number in range(start, start + 10)])
    bury(db, [letter(quiet, 1)])
    size = func.sum(func.octet_length(DeadLetter.payload))
    kept = {row[0]: row[1] for row in db.execute(select(DeadLetter.device_id, size).group_by(DeadLetter.device_id))}
    assert kept[loud] <= MOST_BYTES + 11 * KEPT_BYTES
    assert kept[None] <= MOST_BYTES + 11 * KEPT_BYTES
    assert kept[quiet] == KEPT_BYTES
    assert db.scalar(select(func.sum(DeadLetter.times)).where(DeadLetter.device_id == loud)) == 200, "all are counted"
