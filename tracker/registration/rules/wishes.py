"""What a talk says, offers, and wants looked up or done for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A session offered for choosing."""

    session: str
    facility: str
    day: str
    dose: int
    room: int
    vaccine: str = ""
    hours: str = ""
    distance_km: float | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """One reply: a text's key and what fills it."""

    key: str
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to the question that stands, for mouths that can show buttons: `answer` is what pressing one says."""

    answer: str
    label: Say
    detail: Say | None = None


@dataclass(frozen=True, slots=True)
class FindPerson:
    """Who is registered under this number and phone, and is it they who write? The phone is None where the message had none.

    `name` as it stood beside: for who writes from their own phone and is not registered yet.
    """

    nik: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FindByEnding:
    """Whose number, of those told through the phone that writes, ends in these six digits?"""

    ending: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TellProof:
    """Whose phone did this code go to?"""

    code: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindSessions:
    """Which sessions with room are at places of this name, or near this point (latitude, longitude), for this person?"""

    place: str
    person: str
    near: tuple[float, float] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TakePlace:
    """Book and confirm this session for this person, and keep for the desk what they said of their health."""

    option: Option
    person: str
    answers: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeepAnswers:
    """Keep for the desk what a person said of their health who was sent home with advice."""

    person: str
    answers: dict[str, bool]


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """Take or decline the place that was offered to whoever writes; `person` is known where they have talked before."""

    yes: bool
    person: str | None


@dataclass(frozen=True, slots=True)
class AskCode:
    """Send a code for a lost ticket to the phone on file, if these are somebody's."""

    nik: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TellCode:
    """Which tickets does this code open?"""

    code: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeepSilent:
    """Send nothing of ourselves to the phone that writes; or again, where `silent` is False, and then `says`."""

    silent: bool
    says: tuple[Say, ...] = ()


@dataclass(frozen=True, slots=True)
class TellBooking:
    """What stands of the booking made in this talk, so that nobody takes it for changed by a word; else `otherwise`."""

    booking: str
    otherwise: Say


Wish = (
    TellBooking
    | AskCode
    | TellCode
    | FindPerson
    | FindByEnding
    | TellProof
    | FindSessions
    | TakePlace
    | KeepAnswers
    | AnswerOffer
    | KeepSilent
)
