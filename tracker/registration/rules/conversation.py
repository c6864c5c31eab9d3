"""One conversation, many mouths: what was said before and what is said now give the replies. Pure.

The machine knows no database: where it needs one it ends its turn with a *wish*, and whoever talks for it
comes back with what was found. Bad input gets a helpful sentence and keeps the state. The identity number
passes through a wish and is never kept in the state.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID


class ConversationStep(StrEnum):
    """What the conversation waits for."""

    START = "start"
    NIK = "nik"
    PLACE = "place"
    CHOICE = "choice"
    HEALTH = "health"
    SURE = "sure"
    BOOKED = "booked"


# The questions of the national screening form that make a person come another day.
QUESTIONS = ("fever", "severe_allergy", "recent_covid")

_START = frozenset({"vaksin", "vaccine", "daftar", "mulai", "start"})
_STOP = frozenset({"batal", "berhenti", "stop", "cancel"})
_YES = frozenset({"ya", "y", "yes", "iya", "1"})
_NO = frozenset({"tidak", "t", "no", "n", "tdk", "2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A session offered for choosing."""

    session: str
    facility: str
    day: str
    dose: int
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationState:
    """What the conversation remembers between two messages; JSON values only."""

    step: ConversationStep = ConversationStep.START
    person: str | None = None
    options: tuple[Option, ...] = ()
    chosen: Option | None = None
    asked: int = 0
    booking: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ConversationState:
        """As it was kept."""
        options = tuple(Option(**one) for one in value.get("options", ()))
        chosen = Option(**value["chosen"]) if value.get("chosen") else None
        return cls(
            step=ConversationStep(value["step"]),
            person=value.get("person"),
            options=options,
            chosen=chosen,
            asked=int(value.get("asked", 0)),
            booking=value.get("booking"),
        )


@dataclass(frozen=True, slots=True)
class Say:
    """One reply: a text's key and what fills it."""

    key: str
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FindPerson:
    """Who is registered under this number?"""

    nik: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindSessions:
    """Which sessions with room are at places of this name, for this person?"""

    place: str
    person: str


@dataclass(frozen=True, slots=True)
class TakePlace:
    """Book and confirm this session for this person."""

    option: Option
    person: str


Wish = FindPerson | FindSessions | TakePlace


@dataclass(frozen=True, slots=True)
class Turn:
    """The new state, what to say, and what must be looked up or done before more can be said."""

    state: ConversationState
    says: tuple[Say, ...] = ()
    wish: Wish | None = None


def hear(state: ConversationState, text: str) -> Turn:
    """One message from the citizen."""
    word = " ".join(text.split())[:200]
    lowered = word.lower()
    if lowered in _STOP:
        return Turn(ConversationState(), (Say("stopped"),))
    if lowered in _START or state.step in (ConversationStep.START, ConversationStep.BOOKED):
        begins = lowered in _START
        return (
            Turn(ConversationState(step=ConversationStep.NIK), (Say("welcome"),))
            if begins
            else Turn(state, (Say("say_vaksin"),))
        )
    return _HEARERS[state.step](state, word)


def _hear_nik(state: ConversationState, word: str) -> Turn:
    digits = "".join(char for char in word if char.isdigit())
    if len(digits) != 16:
        return Turn(state, (Say("nik_shape", {"digits": str(len(digits))}),))
    return Turn(state, wish=FindPerson(digits))


def _hear_place(state: ConversationState, word: str) -> Turn:
    if len(word) < 3 or state.person is None:
        return Turn(state, (Say("place_short"),))
    return Turn(state, wish=FindSessions(word, state.person))


def _hear_choice(state: ConversationState, word: str) -> Turn:
    if word.isdigit() and 1 <= int(word) <= len(state.options):
        chosen = state.options[int(word) - 1]
        return Turn(replace(state, step=ConversationStep.HEALTH, chosen=chosen, asked=0), (Say(f"ask_{QUESTIONS[0]}"),))
    if not word.isdigit() and len(word) >= 3:
        return _hear_place(replace(state, step=ConversationStep.PLACE, options=()), word)
    return Turn(state, (Say("choose_number", {"most": str(len(state.options))}),))


def _hear_health(state: ConversationState, word: str) -> Turn:
    answer = _yes_or_no(word)
    if answer is None:
        return Turn(state, (Say("yes_or_no"),))
    if answer:
        return Turn(ConversationState(), (Say(f"wait_{QUESTIONS[state.asked]}"),))
    following = state.asked + 1
    if following < len(QUESTIONS):
        return Turn(replace(state, asked=following), (Say(f"ask_{QUESTIONS[following]}"),))
    return Turn(replace(state, step=ConversationStep.SURE), (Say("ask_sure", _told(state.chosen)),))


def _hear_sure(state: ConversationState, word: str) -> Turn:
    answer = _yes_or_no(word)
    if answer is None:
        return Turn(state, (Say("yes_or_no"),))
    if not answer or state.chosen is None or state.person is None:
        return Turn(replace(state, step=ConversationStep.PLACE, options=(), chosen=None), (Say("another_place"),))
    return Turn(state, wish=TakePlace(state.chosen, state.person))


_HEARERS = {
    ConversationStep.NIK: _hear_nik,
    ConversationStep.PLACE: _hear_place,
    ConversationStep.CHOICE: _hear_choice,
    ConversationStep.HEALTH: _hear_health,
    ConversationStep.SURE: _hear_sure,
}


def _yes_or_no(word: str) -> bool | None:
    lowered = word.lower().rstrip(".!")
    return True if lowered in _YES else False if lowered in _NO else None


def _told(option: Option | None) -> dict[str, str]:
    return {} if option is None else {"facility": option.facility, "day": option.day, "dose": str(option.dose)}


def person_found(state: ConversationState, person: UUID | None) -> Turn:
    """The answer to FindPerson. Whether a number is registered is told only to whoever knows all its digits."""
    if person is None:
        return Turn(state, (Say("nik_unknown"),))
    return Turn(replace(state, step=ConversationStep.PLACE, person=str(person)), (Say("ask_place"),))


def sessions_found(state: ConversationState, options: tuple[Option, ...], place: str) -> Turn:
    """The answer to FindSessions."""
    if not options:
        return Turn(replace(state, step=ConversationStep.PLACE, options=()), (Say("no_room", {"place": place}),))
    lines = tuple(
        Say("option", {"number": str(number), "room": str(option.room), **_told(option)})
        for number, option in enumerate(options, start=1)
    )
    return Turn(replace(state, step=ConversationStep.CHOICE, options=options), (*lines, Say("ask_choice")))


def place_taken(state: ConversationState, booking: UUID, link: str) -> Turn:
    """The answer to TakePlace when it worked; `link` is the ticket's address."""
    done = ConversationState(step=ConversationStep.BOOKED, person=state.person, booking=str(booking))
    return Turn(done, (Say("booked", {**_told(state.chosen), "link": link}),))


def place_refused(state: ConversationState, reason: str) -> Turn:
    """The answer to TakePlace when it did not; `reason` is the refusal's own sentence."""
    again = replace(state, step=ConversationStep.PLACE, options=(), chosen=None)
    return Turn(again, (Say("refused", {"reason": reason}), Say("ask_place")))
