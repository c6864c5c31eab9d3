"""A step of a session's desk beside what the house knows: whose booking it is of, and the vials it may have been drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.handsets.errors import BodyWrong
from tracker.handsets.models import HandsetStep
from tracker.handsets.sealed import unsealed
from tracker.handsets.taking import meant
from tracker.network.queries import as_id, path_of
from tracker.quota.models import Booking
from tracker.sealing.keyring import Keyring
from tracker.settings import Settings
from tracker.stock.models import OpenVial

DOSE = "booking.vaccinate"
WALK_IN = "session.walk_in"
_NEAR = timedelta(days=1)
_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDesk:
    """`name`: who came without a place, as their step was sealed. `vials`: open about then, with their lot; those of the dose's."""

    booking: Booking | None
    name: str
    lot: str | None
    vials: Sequence[tuple[OpenVial, str]]


def desk_beside(db: Session, principal: Principal, step: HandsetStep, settings: Settings) -> AtDesk | None:
    """None for a step of the store, and for who does not serve people there."""
    serves = principal.may(Permission.BOOKING_SERVE, path_of(db, step.facility_id))
    if not serves or not step.kind.startswith(("booking.", "session.")):
        return None
    booking_id = as_id(str(meant(db, step).get("booking", "")))
    booking = None if booking_id is None else db.get(Booking, booking_id)
    return AtDesk(
        booking=booking,
        name=_name(step, settings) if step.kind == WALK_IN else "",
        lot=None if booking is None else db.scalar(select(Batch.lot).where(Batch.id == booking.batch_id)),
        vials=_vials(db, step.facility_id, booking, step) if step.kind == DOSE else (),
    )


def _name(step: HandsetStep, settings: Settings) -> str:
    try:
        told: Any = unsealed(Keyring.of(settings), step.body.get("sealed"))
    except BodyWrong:
        return ""
    return str(told.get("name", ""))[:200]


def _vials(
    db: Session, facility_id: UUID, booking: Booking | None, step: HandsetStep
) -> Sequence[tuple[OpenVial, str]]:
    if booking is None:
        return ()
    rows = db.execute(
        select(OpenVial, Batch.lot)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(
            OpenVial.facility_id == facility_id,
            Presentation.vaccine_id == booking.vaccine_id,
            OpenVial.opened_at <= step.said_at,
            OpenVial.discard_by > step.said_at - _NEAR,
        )
        .order_by(OpenVial.opened_at.desc(), OpenVial.id)
        .limit(_MOST)
    )
    return [(vial, lot) for vial, lot in rows]
