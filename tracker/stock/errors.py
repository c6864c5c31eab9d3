"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class EventNotFound(NotFound):
    """There is no such stock event within the caller's reach."""

    code = "stock.event_not_found"


class OpenVialNotFound(NotFound):
    """There is no such open vial within the caller's reach."""

    code = "stock.open_vial_not_found"


class HistoryNegative(Conflict):
    """A balance would fall below zero; `at` names the first instant that breaks."""

    code = "stock.history_negative"


class OtherContent(Conflict):
    """An event with this id is recorded, and it says something else."""

    code = "stock.other_content"


class AlreadyReversed(Conflict):
    """An event can be reversed only once."""

    code = "stock.already_reversed"


class NotAvailable(Conflict):
    """More vials would be promised than there are on one of the days that bind."""

    code = "stock.not_available"


class VialInUse(Conflict):
    """Doses were given or discarded from the opened vial, so its opening cannot be taken back."""

    code = "stock.vial_in_use"


class VialStopped(Conflict):
    """The opened vial is on hold, or it is empty."""

    code = "stock.vial_stopped"


class VialNotOpen(Conflict):
    """The vial was opened after the dose is said to have been given."""

    code = "stock.vial_not_open"


class TooFarAhead(Refused):
    """`occurred_at` lies more than five minutes ahead of the server's clock."""

    code = "stock.too_far_ahead"


class TooOld(Refused):
    """`occurred_at` lies before the year 2000."""

    code = "stock.too_old"


class UseShipment(Refused):
    """Dispatch and receipt go through shipments, where both sides see them."""

    code = "stock.use_shipment"


class OnlyFollows(Refused):
    """Reversals, emptied vials and corrected lots follow from what is told elsewhere."""

    code = "stock.only_follows"


class NotTogether(Refused):
    """Supplies, transfers, returns, waste and counts of one facility are told together; all else by itself."""

    code = "stock.not_together"


class UseHold(Refused):
    """Stock that a hold or a recall stopped is freed there, with a reason, not by a plain event."""

    code = "stock.use_hold"


class UnknownBatch(Refused):
    """No batch is known by this."""

    code = "stock.unknown_batch"


class AmbiguousBatch(Refused):
    """The lot number belongs to several products; name the batch by id or scan it."""

    code = "stock.ambiguous_batch"


class UnknownPlace(Refused):
    """There is no such equipment at this facility."""

    code = "stock.unknown_place"


class BadBarcode(Refused):
    """The scanned code cannot be read; `problem`, `position` and `message` say why."""

    code = "stock.bad_barcode"


class SeparatorMissing(Refused):
    """The scanner dropped a separator: the lot it sent holds what should stand behind the lot."""

    code = "stock.separator_missing"


class BadVials(Refused):
    """Vials are whole numbers: at least 1, for a count at least 0, at most ten million."""

    code = "stock.bad_vials"


class MissingField(Refused):
    """A field that events of this kind need is not there."""

    code = "stock.missing_field"


class NeedlessField(Refused):
    """Events of this kind do not take this field."""

    code = "stock.needless_field"


class SamePlace(Refused):
    """A transfer needs two different places."""

    code = "stock.same_place"


class UnknownReason(Refused):
    """The reason is none of those in `known`."""

    code = "stock.unknown_reason"


class BadStatusChange(Refused):
    """Vials cannot go from this status to that one."""

    code = "stock.bad_status_change"


class NotUsable(Refused):
    """Only usable vials can be opened or sent."""

    code = "stock.not_usable"


class Expired(Refused):
    """The batch is past its expiry date on the day of use."""

    code = "stock.expired"


class VvmSpent(Refused):
    """The vial monitor shows stage 3 or 4: the vials are not to be used."""

    code = "stock.vvm_spent"


class NoVvm(Refused):
    """The product carries no vial monitor."""

    code = "stock.no_vvm"


class CountedTwice(Refused):
    """One count names the same batch, place and status twice."""

    code = "stock.counted_twice"


class CountNeedsStatus(Refused):
    """Vials of several statuses lie there; a count says which of them it counted."""

    code = "stock.count_needs_status"


class SheetNotFound(NotFound):
    """There is no such count sheet within the caller's reach."""

    code = "stock.sheet_not_found"


class SheetClosed(Conflict):
    """The count sheet was posted or cancelled: `by` whom, and when."""

    code = "stock.sheet_closed"


class CountIncomplete(Refused):
    """Vials of these lots lie there by the books, and nobody counted them."""

    code = "stock.count_incomplete"


class CountUnsettled(Conflict):
    """Large or disputed differences need a second person's count, or an approval by who counted nothing."""

    code = "stock.count_unsettled"


class CountNeedsReason(Refused):
    """A difference of a count has a reason."""

    code = "stock.count_needs_reason"


class OwnCount(Refused):
    """Nobody approves what they counted."""

    code = "stock.own_count"


class OutOfService(Refused):
    """The equipment is out of service: nothing in it is used until it is back."""

    code = "stock.out_of_service"


class PlacePromised(Conflict):
    """What lies in the place is promised to others than the sessions that would take it along: so many vials."""

    code = "stock.place_promised"


class NotTakenAlong(Refused):
    """No session takes the place along: what lies in it is promised with the facility's stores."""

    code = "stock.not_taken_along"


class WitnessesMissing(Refused):
    """A destruction names two witnesses, two different people."""

    code = "stock.witnesses_missing"


class PackedVials(Refused):
    """The vials are packed for a shipment; unpack them first."""

    code = "stock.packed_vials"


class SameLot(Refused):
    """The right lot is the one that was written."""

    code = "stock.same_lot"


class OtherProduct(Refused):
    """The right lot is one of another product."""

    code = "stock.other_product"


class TooFewOfLot(Conflict):
    """That event brought fewer vials of the lot, or they were corrected since."""

    code = "stock.too_few_of_lot"


class LotsMixed(Conflict):
    """Other vials of the lot lay there too and some were moved or used: nobody can say which."""

    code = "stock.lots_mixed"


class SentOn(Conflict):
    """Vials of the lot were sent on under the wrong name."""

    code = "stock.sent_on"


class LotJoined(Conflict):
    """The lot was found to be another one, registered twice; what is told of it is told of that one."""

    code = "stock.lot_joined"


class NotJoined(Conflict):
    """Something stands in the way of joining two lots into one; `why` says what, `facility` where."""

    code = "stock.not_joined"


class CountedSince(Conflict):
    """One of the two lots was counted there since: a count asserts what lay on the shelf."""

    code = "stock.counted_since"


class NotReversible(Refused):
    """A reversal, a use or a follow-up of another event cannot be reversed by itself."""

    code = "stock.not_reversible"


class TooManyDoses(Refused):
    """The vial holds fewer doses than that."""

    code = "stock.too_many_doses"


class NoNeed(Refused):
    """The need of a day cannot fall below zero, nor lie in the past."""

    code = "stock.bad_need"
