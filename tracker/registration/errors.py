"""What this room says when it must say no."""

from __future__ import annotations

from tracker.access.errors import TooManyAttempts
from tracker.kit.errors import Conflict, NotFound, Refused


class BadTicket(Refused):
    """The code is no ticket of this installation."""

    code = "registration.bad_ticket"


class TicketNotFound(NotFound):
    """There is no ticket at this address."""

    code = "registration.ticket_not_found"


class NoMessages(Refused):
    """The phone takes no messages, so nobody can show that it is theirs."""

    code = "registration.no_messages"


class TooManyCodes(TooManyAttempts):
    """Codes were asked for too often for one phone; `minutes` says when the next may be."""

    code = "registration.too_many_codes"


class TooManyRelatives(Conflict):
    """So many people are told through this phone already; `most` says how many may be."""

    code = "registration.too_many_relatives"


class TicketElsewhere(Conflict):
    """The ticket is for another facility."""

    code = "registration.ticket_elsewhere"


class TicketOtherDay(Conflict):
    """The ticket is for another day."""

    code = "registration.ticket_other_day"


class OtherMedium(Conflict):
    """The conversation was begun through another medium."""

    code = "registration.other_medium"


class BadCard(Refused):
    """The code is no card of this installation, or somebody changed it."""

    code = "registration.bad_card"


class CardNotFound(NotFound):
    """There is no card at this address."""

    code = "registration.card_not_found"


class NoDoseYet(Conflict):
    """A card is of a dose, and none was given."""

    code = "registration.no_dose_yet"


class NotYourTurn(Conflict):
    """In this phase only people of `group` register by themselves."""

    code = "registration.not_your_turn"


class BadBrowser(Refused):
    """What a browser said of itself is no way to notify it, or its push service is none that this house calls."""

    code = "registration.bad_browser"
