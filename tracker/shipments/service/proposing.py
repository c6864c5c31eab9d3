"""What to pack, before anybody packs: what first expiry, first out says, and what else lies there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.shipments.errors import BadState
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import ShipmentKind, ShipmentState
from tracker.shipments.service.choosing import Shelf, by_expiry, shelf_of
from tracker.shipments.service.ordering import require_end, seen
from tracker.shipments.service.setting_aside import keys_of, packed_vials
from tracker.stock.rules.entries import Key
from tracker.stock.rules.fefo import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`picks` as (parcel, vials) by place; vials that are lacking, by line of the order; the shelf they are picked from."""

    shipment: Shipment
    picks: tuple[tuple[Parcel, int], ...]
    missing: dict[int, int]
    shelf: Shelf


def propose(db: Session, principal: Principal, ref: str | UUID, *, now: datetime) -> Proposal:
    """What first expiry, first out would pack now.

    A packed return stays as it is packed: what goes back is named by whoever sends it, not by expiry. Nothing is written and
    nothing locked: packing looks again. Raises ShipmentNotFound, Forbidden, BadState.
    """
    shipment, from_path, _ = seen(db, principal, ref)
    require_end(principal, from_path)
    if shipment.state not in (ShipmentState.APPROVED, ShipmentState.PACKED):
        raise BadState(shipment=shipment.code, state=shipment.state.value)
    mine = packed_vials(db, shipment)
    shelf = shelf_of(db, shipment, mine, now=now)
    chosen, missing = mine, {}
    if shipment.kind is not ShipmentKind.RETURN or not mine:
        first = by_expiry(db, shipment, shelf, (), box=0)
        chosen, missing = keys_of(first.takes), first.missing
    parcels = {Key(p.place_id, p.batch_id, p.status): p for p in shelf.parcels}
    found = [(parcels[key], vials) for key, vials in chosen.items() if vials and key in parcels]
    return Proposal(
        shipment=shipment,
        picks=tuple(sorted(found, key=lambda one: (one[0].place, one[0].expiry, one[0].lot))),
        missing=missing,
        shelf=shelf,
    )
