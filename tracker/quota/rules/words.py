"""The words of this room. Pure."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """A session is planned, open while people come, and closed for good."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class SessionAct(StrEnum):
    """What somebody did to a session after it was planned."""

    CHANGED = "changed"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    REOPENED = "reopened"


class BookingState(StrEnum):
    """Where a booking stands; fit, deferred and refused are what screening says."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    FIT = "fit"
    DEFERRED = "deferred"
    REFUSED = "refused"
    VACCINATED = "vaccinated"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    DISPLACED = "displaced"
    LAPSED = "lapsed"


LIVE = frozenset({BookingState.RESERVED, BookingState.CONFIRMED, BookingState.ARRIVED, BookingState.FIT})
"""These need a vial."""

SEATED = LIVE | {BookingState.VACCINATED, BookingState.DEFERRED, BookingState.REFUSED}
"""These use a place of the session: they will come, or came and took the staff's time."""

SCREENED = frozenset({BookingState.FIT, BookingState.DEFERRED, BookingState.REFUSED})
"""What screening says."""

CAME = SCREENED | {BookingState.ARRIVED, BookingState.VACCINATED}
"""These have been at the desk."""

DISPLACEABLE = frozenset({BookingState.RESERVED, BookingState.CONFIRMED})
"""Who has arrived is never displaced."""

_B = BookingState
STEPS: dict[BookingState, frozenset[BookingState]] = {
    _B.RESERVED: frozenset(
        {_B.CONFIRMED, _B.CANCELLED, _B.ARRIVED, _B.LAPSED, _B.DISPLACED, _B.NO_SHOW, _B.VACCINATED}
    ),
    _B.CONFIRMED: frozenset({_B.CANCELLED, _B.ARRIVED, _B.DISPLACED, _B.NO_SHOW, _B.VACCINATED}),
    _B.ARRIVED: frozenset({_B.FIT, _B.DEFERRED, _B.REFUSED, _B.VACCINATED, _B.CANCELLED, _B.NO_SHOW}),
    _B.FIT: frozenset({_B.VACCINATED, _B.DEFERRED, _B.REFUSED, _B.CANCELLED, _B.NO_SHOW}),
    # Asked once more: the pressure fell, a mother made up her mind. Both answers are kept.
    _B.DEFERRED: frozenset({_B.FIT, _B.REFUSED}),
    _B.REFUSED: frozenset({_B.FIT, _B.DEFERRED}),
}
"""From which state one may go where; vaccinating says that the person came."""

_WAITING = frozenset({_B.CONFIRMED, _B.ARRIVED})
_NOT_DONE = frozenset({_B.NO_SHOW, _B.DEFERRED, _B.REFUSED, _B.CANCELLED})
TAKEN_BACK: dict[BookingState, frozenset[BookingState]] = {
    _B.ARRIVED: frozenset({_B.CONFIRMED}),
    _B.FIT: _WAITING,
    _B.DEFERRED: _WAITING | _NOT_DONE - {_B.DEFERRED},
    _B.REFUSED: _WAITING | _NOT_DONE - {_B.REFUSED},
    _B.NO_SHOW: _WAITING | _NOT_DONE - {_B.NO_SHOW},
    _B.VACCINATED: _WAITING | _NOT_DONE,
    _B.CANCELLED: _WAITING,
    _B.LAPSED: _WAITING,
    _B.DISPLACED: _WAITING,
}
"""From a state reached by mistake to what should have stood instead; somebody says why, and both stay visible."""


class BucketKind(StrEnum):
    """For whom a share of a session is kept."""

    KELURAHAN = "kelurahan"  # residents of the facility's kelurahan
    CITY = "city"  # residents of its city or regency
    WALK_IN = "walk_in"  # who comes without a booking
    SECOND_DOSE = "second_dose"
    NAKES = "nakes"  # health workers
    GENERAL = "general"  # anybody


class ClaimState(StrEnum):
    """A claim for the next dose: backed by vials, not backed, used by a booking, past its window, or not one at all.

    Withdrawn: the dose it followed was not given after all.
    """

    FUNDED = "funded"
    UNFUNDED = "unfunded"
    USED = "used"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class OfferState(StrEnum):
    """What became of a displaced person's offer."""

    PENDING = "pending"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    LAPSED = "lapsed"
    DECLINED = "declined"
    NONE_FOUND = "none_found"
    REBOOKED = "rebooked"


class Medium(StrEnum):
    """Through which mouth a booking came, and through which the person is told."""

    WEB = "web"
    WHATSAPP = "whatsapp"
    SMS = "sms"
    USSD = "ussd"
    OPERATOR = "operator"
    HOTLINE = "hotline"
    APP = "app"
    WALK_IN = "walk_in"


class Said(StrEnum):
    """What somebody said who was called because doses are left."""

    COMING = "coming"
    DECLINED = "declined"
    UNREACHED = "unreached"
