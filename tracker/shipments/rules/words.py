"""The words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class ShipmentKind(StrEnum):
    """Who asked for it."""

    ORDER = "order"  # the receiver requests, the sender approves
    DIRECT = "direct"  # the sender sends
    RETURN = "return"  # the sender sends back up, also what may not be used any more
    UNANNOUNCED = "unannounced"  # it came without a word: the receiver tells of it, the sender confirms


class ShipmentState(StrEnum):
    """How far a shipment has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    PACKED = "packed"
    IN_TRANSIT = "in_transit"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    RETURNED = "returned"  # it turned round: all of it is back with the sender or written off
    UNCONFIRMED = "unconfirmed"  # told by its receiver, in nobody's books yet
    DISPUTED = "disputed"  # its sender says that it did not send this


STILL_HERE = frozenset({ShipmentState.REQUESTED, ShipmentState.APPROVED, ShipmentState.PACKED})
ON_THE_ROAD = frozenset({ShipmentState.IN_TRANSIT, ShipmentState.PARTLY_RECEIVED})
ARRIVED = frozenset({ShipmentState.RECEIVED, ShipmentState.RETURNED})
DISPATCHED = ON_THE_ROAD | ARRIVED
TOLD = frozenset({ShipmentState.UNCONFIRMED, ShipmentState.DISPUTED})


class Difference(StrEnum):
    """Why what arrived is not what was sent, or is not taken."""

    BROKEN = "broken"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    VVM = "vvm"
    HEAT = "heat"
    FREEZE = "freeze"
    LOST = "lost"
    STOLEN = "stolen"
    NOT_SENT = "not_sent"
    WRONG_LOT = "wrong_lot"
    WRONG_PRODUCT = "wrong_product"
    NOT_ORDERED = "not_ordered"
    NOT_RECEIVED = "not_received"
    OTHER = "other"


class OtherLot(StrEnum):
    """Why another lot goes than first expiry, first out says."""

    NOT_FOUND = "not_found"  # it does not lie where it should
    DAMAGED = "damaged"  # broken, wet, its label cannot be read
    WHOLE_BOX = "whole_box"  # a box is not torn open for a few vials
    ASKED_FOR = "asked_for"  # the receiver needs this lot
    TOO_SHORT = "too_short"  # it would expire at the receiver before it is used
    OTHER = "other"  # the note says it


# A rejected parcel that is spent goes to `unusable`; one that is merely wrong waits on hold for its return.
SPENT = frozenset({Difference.BROKEN, Difference.DAMAGED, Difference.EXPIRED, Difference.VVM})
