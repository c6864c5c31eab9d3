"""The words of the ledger. Pure."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What happened to vials."""

    SUPPLY = "supply"
    DISPATCH = "dispatch"
    RECEIPT = "receipt"
    TRANSFER = "transfer"
    OPENING = "opening"
    USE = "use"  # an open vial is empty: open → used; never asked for, follows from its last dose
    RETURN = "return"
    COUNT = "count"
    WASTE = "waste"
    STATUS = "status"
    DESTRUCTION = "destruction"
    REVERSAL = "reversal"
    RELABEL = "relabel"  # vials told as one lot were another; never asked for, follows from a lot correction


OF_SHIPMENTS = frozenset({Kind.DISPATCH, Kind.RECEIPT})
"""What is taken back on the shipment, not in the ledger."""

NOT_TAKEN_BACK = frozenset({Kind.REVERSAL, Kind.USE})
"""A reversal is the end of it, and an empty vial follows from its doses."""

ONLY_FOLLOWS = NOT_TAKEN_BACK | {Kind.RELABEL}
"""What nobody tells by itself. An emptied vial told by hand would leave its doses promised, and no vial in the books."""


def told_by_hand(kind: Kind, cause: UUID | None, because_id: UUID | None) -> bool:
    """Whether somebody told an event by itself, so that it is taken back by itself: no shipment, hold or other event did."""
    return kind not in OF_SHIPMENTS | NOT_TAKEN_BACK and cause is None and because_id is None


class Account(StrEnum):
    """Where vials are. The first three have balances, the rest is the outer world."""

    PLACE = "place"  # a piece of equipment
    TRANSIT = "transit"  # one shipment on the road
    OPEN = "open"  # the opened vials of one facility
    SUPPLIER = "supplier"
    USED = "used"
    WASTED = "wasted"
    LOST = "lost"
    FOUND = "found"
    DESTROYED = "destroyed"


BALANCED = frozenset({Account.PLACE, Account.TRANSIT, Account.OPEN})
# What vials come out of again as what they were: their road goes on through it.
ROAD = BALANCED | {Account.LOST}


class Status(StrEnum):
    """What may be done with vials. Expiry is not one: it is a comparison with a day."""

    USABLE = "usable"
    HELD = "held"
    RECALLED = "recalled"
    UNUSABLE = "unusable"


SPOILABLE = frozenset({Status.USABLE, Status.HELD})
"""Statuses that a spent monitor ends at once; recalled vials stay recalled, for the recall counts them."""


class SheetState(StrEnum):
    """What became of a count sheet."""

    OPEN = "open"
    POSTED = "posted"
    CANCELLED = "cancelled"


class JoinHindrance(StrEnum):
    """What stands in the way of telling all of one lot again of another."""

    EXPIRY = "expiry"  # two days: one of them is wrong, and is put right first
    COUNTED = "counted"  # somebody counted one of them where the other lay
    PACKED = "packed"
    ROAD = "road"  # a shipment's papers name it, and its vials have not arrived
    RECALLED = "recalled"  # by its own name: the other one must be called back first


class WasteReason(StrEnum):
    """Why a closed vial was thrown away (WHO SMART immunisations, closed-vial discards, and what stores report)."""

    EXPIRED = "expired"
    HEAT = "heat"
    FREEZE = "freeze"
    BROKEN = "broken"
    DAMAGED = "damaged"
    VVM = "vvm"
    LABEL = "label"
    CONTAMINATED = "contaminated"
    RECALLED = "recalled"
    NO_DILUENT = "no_diluent"
    OTHER = "other"


class OpenWaste(StrEnum):
    """Why doses left in an opened vial were thrown away."""

    TIME_LIMIT = "time_limit"
    SESSION_END = "session_end"
    CONTAMINATION = "contamination"
    HELD = "held"
    OTHER = "other"


class ReceiptOutcome(StrEnum):
    """What became of vials that a shipment should have brought."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    SURPLUS = "surplus"
    RECOVERED = "recovered"  # written off as missing, and it turned up after all


# WHO: stages 1 and 2 may be used, 3 (discard point reached) and 4 may not.
VVM_UNUSABLE_FROM = 3

MOST_VIALS = 10_000_000
"""More whole vials than any line, count or order of the country has; a larger number is a slip of the hand."""


def is_spent(vvm_stage: int | None) -> bool:
    """Whether a vial monitor says that the vial must not be used; one that nobody has read says nothing."""
    return vvm_stage is not None and vvm_stage >= VVM_UNUSABLE_FROM
