"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class BatchNotFound(NotFound):
    """There is no such batch."""

    code = "catalog.batch_not_found"


class PresentationNotFound(NotFound):
    """There is no such product."""

    code = "catalog.presentation_not_found"


class VaccineNotFound(NotFound):
    """There is no such vaccine."""

    code = "catalog.vaccine_not_found"


class StorageClassNotFound(NotFound):
    """There is no such storage class."""

    code = "catalog.storage_class_not_found"


class CodeTaken(Conflict):
    """The code, GTIN or NIE already belongs to another product."""

    code = "catalog.code_taken"


class BatchDiffers(Conflict):
    """The lot is known with another expiry date; one of the two was read wrongly."""

    code = "catalog.batch_differs"


class LotAmbiguous(Conflict):
    """More than one product has a batch with this lot; name the batch by its id or by a full scan."""

    code = "catalog.lot_ambiguous"


class BadGtin(Refused):
    """A GTIN has 8, 12, 13 or 14 digits, the last a check digit."""

    code = "catalog.bad_gtin"


class BadNie(Refused):
    """A BPOM marketing number (NIE) has 3 letters and 11 or 12 letters or digits."""

    code = "catalog.bad_nie"


class BadLot(Refused):
    """A lot has 1 to 20 characters that may stand in a GS1 code."""

    code = "catalog.bad_lot"


class SeparatorMissing(Refused):
    """The lot begins with one that is known and goes on like another field of the label: a separator was lost."""

    code = "catalog.separator_missing"


class ImplausibleExpiry(Refused):
    """No vaccine expires that long ago or that far ahead."""

    code = "catalog.implausible_expiry"


class CorrectionIncomplete(Refused):
    """What labels are read by changes only with a reason, and officially only with a dated source."""

    code = "catalog.correction_incomplete"


class BadBands(Refused):
    """The condition bands of a storage class do not make sense."""

    code = "catalog.bad_bands"


class BadPolicy(Refused):
    """The figures of a product contradict one another or are out of range."""

    code = "catalog.bad_policy"


class ScanUnreadable(Refused):
    """The text is no code we can read; the parameters tell the position and why."""

    code = "catalog.scan_unreadable"


class ImageUnreadable(Refused):
    """No code was found in the picture, or it is no picture."""

    code = "catalog.image_unreadable"


class ImageTooLarge(Refused):
    """The picture has more bytes or pixels than are read."""

    code = "catalog.image_too_large"


class NotJoinedHere(Conflict):
    """No spelling of that name was joined into this lot."""

    code = "catalog.not_joined_here"
