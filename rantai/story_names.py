"""Names for the story: what an id of the feed is called by people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment
from tracker.telemetry.models import Channel, Device

_BATCHES_SHOWN = 3


class Names:
    """Looks names up once for one look at the feed; an unknown id is shown as it is."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self.unit = cache(self._unit)
        self.equipment = cache(self._equipment)
        self.channel = cache(self._channel)

    def batches(self, ids: Sequence[UUID]) -> str:
        """`CoronaVac 2026A01, …`, the first few."""
        rows = self._db.execute(
            select(Presentation.name, Batch.lot)
            .join(Batch, Batch.presentation_id == Presentation.id)
            .where(Batch.id.in_(ids[:_BATCHES_SHOWN]))
            .order_by(Presentation.name, Batch.lot)
        )
        named = [f"{name} {lot}" for name, lot in rows]
        return ", ".join(named) + (f" and {len(ids) - _BATCHES_SHOWN} more" if len(ids) > _BATCHES_SHOWN else "")

    def _unit(self, unit_id: UUID) -> str:
        return self._db.scalar(select(Unit.name).where(Unit.id == unit_id)) or str(unit_id)

    def _equipment(self, equipment_id: UUID) -> str:
        row = self._db.execute(
            select(Equipment.name, Unit.name)
            .join(Unit, Unit.id == Equipment.facility_id)
            .where(Equipment.id == equipment_id)
        ).one_or_none()
        return f"{row[0]}, {row[1]}" if row else str(equipment_id)

    def _channel(self, channel_id: int) -> str:
        code = self._db.scalar(
            select(Device.code).join(Channel, Channel.device_id == Device.id).where(Channel.id == channel_id)
        )
        return code or str(channel_id)
