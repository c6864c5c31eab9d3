"""Holds as the caller may see them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState


def holds_visible_to(
    principal: Principal, *, state: HoldState | None = None, alarm_id: UUID | None = None, batch_id: UUID | None = None
) -> Select[*tuple[Any, ...]]:
    """Rows named: Hold, facility_code, facility_name, lot, expiry, presentation_code, presentation_name, place_code, place_name, timezone."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Hold,
            Unit.code.label("facility_code"),
            Unit.name.label("facility_name"),
            Batch.lot,
            Batch.expiry,
            Presentation.code.label("presentation_code"),
            Presentation.name.label("presentation_name"),
            Presentation.doses_per_vial,
            Equipment.code.label("place_code"),
            Equipment.name.label("place_name"),
            Facility.timezone,
        )
        .join(Unit, Unit.id == Hold.facility_id)
        .join(Batch, Batch.id == Hold.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .outerjoin(Equipment, Equipment.id == Hold.holder_id)
        .join(Facility, Facility.id == Hold.facility_id)
        .where(visible_to(principal, Unit.path, Permission.ALARM_READ))
    )
    if state is not None:
        query = query.where(Hold.state == state)
    if alarm_id is not None:
        query = query.where(Hold.alarm_id == alarm_id)
    if batch_id is not None:
        query = query.where(Hold.batch_id == batch_id)
    return query
