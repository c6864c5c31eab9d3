"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class ShipmentNotFound(NotFound):
    """There is no such shipment within the caller's reach."""

    code = "shipments.not_found"


class OtherContent(Conflict):
    """A shipment or receipt with this id says something else."""

    code = "shipments.other_content"


class BadState(Conflict):
    """The shipment has come too far, or not far enough, for this."""

    code = "shipments.bad_state"


class CancelledAlready(Conflict):
    """Somebody gave the shipment up before, for another reason."""

    code = "shipments.cancelled_already"


class PackedAlready(Conflict):
    """An order is packed by what was approved of it: other numbers need its boxes emptied first."""

    code = "shipments.packed_already"


class BuiltUpon(Conflict):
    """Another receipt followed, or somebody counted or moved these vials since: a receipt is taken back before that only."""

    code = "shipments.built_upon"


class ReceiptNotFound(NotFound):
    """The shipment has no such receipt."""

    code = "shipments.receipt_not_found"


class SsccTaken(Conflict):
    """Another box carries this SSCC."""

    code = "shipments.sscc_taken"


class PackedSince(Conflict):
    """Other boxes were packed since those that are meant."""

    code = "shipments.packed_since"


class NothingToPack(Conflict):
    """No usable vials of what was ordered; `skipped` says what there is and why it is not taken."""

    code = "shipments.nothing_to_pack"


class NotEnough(Conflict):
    """There are not so many usable vials of that batch in that place, less what other shipments have packed."""

    code = "shipments.not_enough"


class MoreThanApproved(Conflict):
    """More vials of a product are named for the boxes than its sender approved for this shipment."""

    code = "shipments.more_than_approved"


class EarlierFirst(Conflict):
    """Vials of another lot, or in another place, must go before these, and nobody said why these go first."""

    code = "shipments.earlier_first"


class ReasonUnsaid(Refused):
    """The reason `other` is said in a note."""

    code = "shipments.reason_unsaid"


class StoppedSincePacked(Conflict):
    """Packed vials were stopped (held, recalled) or freed since, so others of the batch would leave in their stead."""

    code = "shipments.stopped_since_packed"


class OnlyReturned(Refused):
    """Vials that may not be used travel as a return, made by who sends them back up the tree."""

    code = "shipments.only_returned"


class NoRoute(Refused):
    """Goods go up or down the tree, and sideways only under the same city."""

    code = "shipments.no_route"


class ArrivedExpired(Refused):
    """A lot that had expired on the day on which it is said to have arrived."""

    code = "shipments.arrived_expired"


class OtherExpiry(Refused):
    """The expiry that was read is not that of the lot."""

    code = "shipments.other_expiry"


class NotAsTold(Refused):
    """A confirmation is of as many vials of each lot as the receiver told; anything else is disputed."""

    code = "shipments.not_as_told"


class LeftAfterArrival(Refused):
    """The sender says that it left after the receiver had it."""

    code = "shipments.left_after_arrival"


class SenderLacks(Conflict):
    """By the sender's books fewer usable vials of the lot lay there then, so they cannot have been sent."""

    code = "shipments.sender_lacks"


class GoneSince(Conflict):
    """By the sender's books these vials went elsewhere, or were stopped, since (`at`)."""

    code = "shipments.gone_since"


class BadSscc(Refused):
    """An SSCC has eighteen digits, the last a check digit."""

    code = "shipments.bad_sscc"


class EmptyLine(Refused):
    """A receipt's line says of at least one vial what became of it."""

    code = "shipments.empty_line"


class EmptyReceipt(Refused):
    """A receipt says of at least one vial what became of it."""

    code = "shipments.empty_receipt"


class NoSuchLine(Refused):
    """The order has no such line."""

    code = "shipments.no_such_line"


class MissingReason(Refused):
    """Rejected, missing and surplus vials need a reason."""

    code = "shipments.missing_reason"


class MissingPlace(Refused):
    """Vials that arrived need a place."""

    code = "shipments.missing_place"


class BeforeSent(Refused):
    """The receipt is told for a time before the shipment left (`sent_at`): one of the two clocks is wrong."""

    code = "shipments.before_sent"


class MoreThanSent(Refused):
    """More vials than are on the road or were written off; what is too many is `surplus`."""

    code = "shipments.more_than_sent"
