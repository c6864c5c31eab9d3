"""Who stands at which end of a shipment, and what they may do with it now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dashboard.frame.choices import UNKNOWN, Choices, choices, known
from dashboard.frame.viewer import Viewer
from dashboard.stock.forms import Typed
from tracker.access.rules import Permission
from tracker.network.models import Equipment, Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.shipments.errors import ShipmentNotFound
from tracker.shipments.models import Shipment
from tracker.shipments.queries.finding import matches, shipments_visible_to
from tracker.shipments.rules.words import DISPATCHED, ON_THE_ROAD, STILL_HERE, TOLD, ShipmentKind, ShipmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """A shipment, both facilities, and at which of them the viewer may write."""

    shipment: Shipment
    sender: Facility
    receiver: Facility
    sends: bool
    takes: bool

    @property
    def steps(self) -> frozenset[str]:
        """What the viewer may do with it now; the use cases decide again."""
        state = self.shipment.state
        can = {
            "approve": self.sends and state is ShipmentState.REQUESTED,
            "pack": self.sends and state in (ShipmentState.APPROVED, ShipmentState.PACKED),
            "dispatch": self.sends and state is ShipmentState.PACKED,
            "receive": self.takes and state in ON_THE_ROAD,
            "turn": self.sends and state in ON_THE_ROAD,
            "confirm": self.sends and state in TOLD,
            "dispute": self.sends and state is ShipmentState.UNCONFIRMED,
            "unpack": self.sends and state is ShipmentState.PACKED,
            "untake": self.takes and self._may_hold_a_receipt,
            "unturn": self.sends and self._may_hold_a_receipt,
            "cancel": ((self.sends or self.takes) and state in STILL_HERE) or (self.takes and state in TOLD),
        }
        return frozenset(name for name, may in can.items() if may)

    @property
    def _may_hold_a_receipt(self) -> bool:
        """That can be taken back; a delivery that its sender confirmed was settled by both."""
        return self.shipment.state in DISPATCHED and self.shipment.kind is not ShipmentKind.UNANNOUNCED


def ends_of(db: Session, viewer: Viewer, ref: str) -> Ends:
    """The ends of a shipment by id or code; raises ShipmentNotFound."""
    row = db.execute(shipments_visible_to(viewer.known()).where(matches(ref))).one_or_none()
    if row is None:
        raise ShipmentNotFound(shipment=ref[:80])
    shipment: Shipment = row[0]
    ids = (shipment.from_facility_id, shipment.to_facility_id)
    found = {facility.id: facility for facility in db.scalars(select(Facility).where(Facility.id.in_(ids)))}
    return Ends(
        shipment=shipment,
        sender=found[ids[0]],
        receiver=found[ids[1]],
        sends=viewer.may(Permission.SHIPMENT_WRITE, row[3]),
        takes=viewer.may(Permission.SHIPMENT_WRITE, row[4]),
    )


def store_of(db: Session, viewer: Viewer, code: str) -> Facility:
    """The facility, for who may send from and receive at it; raises FacilityNotFound, Forbidden."""
    facility = facility_by_code_or_id(db, viewer.known(), code, Permission.STOCK_READ)
    viewer.known().require(Permission.SHIPMENT_WRITE, path_of(db, facility.id))
    return facility


def places_of(db: Session, facility: Facility, said: str = "") -> Choices[Equipment]:
    """Where goods can be put away: the facility's equipment that is in service, by name."""
    return choices(db, _in_service(facility), Equipment, said=said)


def check_places(db: Session, viewer: Viewer, facility: Facility, typed: Typed) -> None:
    """A place may be written by its code: what is none here is a fault of its field."""
    said = {name: code for name, code in typed.values.items() if code and name.partition("-")[0] == "tempat"}
    here = known(db, _in_service(facility), Equipment, set(said.values()))
    typed.faults |= {name: viewer.texts.gettext(UNKNOWN) for name, code in said.items() if code not in here}


def _in_service(facility: Facility) -> Select[Equipment]:
    return select(Equipment).where(Equipment.facility_id == facility.id, Equipment.in_service)
