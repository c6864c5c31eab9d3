"""What this room says when it must say no."""

from __future__ import annotations

from tracker.kit.errors import Conflict, NotFound, Refused


class CallNotFound(NotFound):
    """There is no such call within the caller's reach."""

    code = "hotline.call_not_found"


class CallOpen(Conflict):
    """The operator has another call, `call`, that is not over."""

    code = "hotline.call_open"


class CallOver(Conflict):
    """The call is over: nothing is said in it any more."""

    code = "hotline.call_over"


class OtherCall(Conflict):
    """The id was used for another call."""

    code = "hotline.other_call"


class NoTicket(Conflict):
    """Nothing was booked in this call, so there is no ticket to send."""

    code = "hotline.no_ticket"


class NoPhoneToSend(Conflict):
    """Whoever was booked has no phone that takes messages."""

    code = "hotline.no_phone_to_send"


class BirthDateUnsaid(Refused):
    """By name somebody is found only with their birth date."""

    code = "hotline.birth_date_unsaid"


class NoteNamesSomebody(Refused):
    """The note holds an identity number or a phone."""

    code = "hotline.note_names_somebody"
