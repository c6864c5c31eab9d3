"""One conversation, many mouths: what was said before and what is said now give the replies. Pure.

The machine knows no database: where it needs one it ends its turn with a *wish*, and whoever talks for it
comes back with what was found. Bad input gets a helpful sentence and keeps the state. The identity number
and the phone pass through a wish and are never kept in the state.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tracker.registration.rules.phases import Phase
from tracker.registration.rules.state import QUESTIONS, SHOWN_AT_ONCE, ConversationState, ConversationStep, Turn
from tracker.registration.rules.understanding import (
    digits_in,
    digits_of,
    identified,
    is_again,
    is_heard_again,
    is_help,
    is_more,
    is_silence,
    is_start,
    is_stop,
    is_ticket_lost,
    name_in,
    number_chosen,
    place_words,
    yes_or_no,
)
from tracker.registration.rules.wishes import (
    AnswerOffer,
    AskCode,
    Choice,
    FindByEnding,
    FindPerson,
    FindSessions,
    KeepAnswers,
    KeepSilent,
    Option,
    Say,
    TakePlace,
    TellBooking,
    TellCode,
    TellProof,
)

_CODE_DIGITS = _ENDING_DIGITS = 6
MOST_MISSED = 10
"""A year of birth and few numbers make most endings: after so many tries from one phone only all sixteen digits tell."""

# Where nobody was asked, a yes or no can only be the answer to a message of ours.
_UNASKED = frozenset({ConversationStep.START, ConversationStep.BOOKED, ConversationStep.NIK, ConversationStep.PLACE})


def hear(
    state: ConversationState,
    text: str,
    *,
    phone_known: bool = False,
    near: tuple[float, float] | None = None,
    phase: Phase | None = None,
) -> Turn:
    """One message from the citizen. `phone_known`: the mouth says which phone writes, so that a number's ending tells whose it is.

    `near`: a point (latitude, longitude) that was sent; where a place is asked for, the nearest are meant. `phase`: whose turn alone it is.
    """
    if (
        near is not None
        and state.person is not None
        and state.step in (ConversationStep.PLACE, ConversationStep.CHOICE)
    ):
        asking = replace(state, step=ConversationStep.PLACE, options=(), shown=0)
        return Turn(asking, wish=FindSessions("", state.person, near))
    everywhere = _hear_everywhere(state, text, phone_known=phone_known, phase=phase)
    if everywhere is not None:
        return everywhere
    answer = yes_or_no(text)
    if answer is not None and state.step in _UNASKED:
        return Turn(state, wish=AnswerOffer(answer, state.person))
    if state.step is ConversationStep.GROUP:
        return _hear_group(state, answer, phase, phone_known=phone_known)
    hearer = _hear_ending if phone_known and state.step is ConversationStep.NIK else _HEARERS[state.step]
    return hearer(state, " ".join(text.split())[:200])


def _hear_everywhere(state: ConversationState, text: str, *, phone_known: bool, phase: Phase | None) -> Turn | None:
    """The words that hold wherever one is: an end, help, the beginning, a lost ticket. None for other words."""
    if phone_known and (is_silence(text) or is_heard_again(text)):
        return _hear_of_silence(state, phase, silent=is_silence(text))
    if is_stop(text):
        return _stop(state)
    if is_help(text):
        return _waited_for(state, Say("help"), phone_known=phone_known)
    if is_start(text) or is_again(text):
        return _begin(phone_known=phone_known) if phase is None else _ask_group(phase)
    if is_ticket_lost(text):
        return Turn(ConversationState(step=ConversationStep.LOST), (Say("lost_welcome"),))
    return None


def _stop(state: ConversationState) -> Turn:
    if state.booking is not None:
        return Turn(state, wish=TellBooking(state.booking, Say("stopped")))
    return Turn(ConversationState(), (Say("stopped"),))


def _hear_of_silence(state: ConversationState, phase: Phase | None, *, silent: bool) -> Turn:
    if silent:
        return Turn(ConversationState() if state.booking is None else state, wish=KeepSilent(True))
    begun = _begin(phone_known=True) if phase is None else _ask_group(phase)
    return Turn(begun.state, wish=KeepSilent(False, begun.says))


def _begin(*, phone_known: bool) -> Turn:
    return Turn(ConversationState(step=ConversationStep.NIK), (Say("welcome_ending" if phone_known else "welcome"),))


def _ask_group(phase: Phase) -> Turn:
    return Turn(ConversationState(step=ConversationStep.GROUP, group=phase.only.value), (_group_question(phase.only),))


def _group_question(group: str) -> Say:
    return Say(f"ask_group_{group}")


def _hear_group(state: ConversationState, answer: bool | None, phase: Phase | None, *, phone_known: bool) -> Turn:
    """Whoever says yes is looked for on the list once their number is known; the phase may be over meanwhile."""
    if answer is None:
        return Turn(state, (Say("yes_or_no"),))
    return _begin(phone_known=phone_known) if answer or phase is None else no_turn(phase)


def _waited_for(state: ConversationState, *before: Say, phone_known: bool = False) -> Turn:
    """The question that stands; where none does, how to begin, and behind a booking what stands of it."""
    if state.step is ConversationStep.GROUP and state.group is not None:
        say = _group_question(state.group)
    elif state.step is ConversationStep.HEALTH:
        say = Say(f"ask_{QUESTIONS[state.asked]}")
    elif state.step is ConversationStep.SURE:
        say = Say("ask_sure", _told(state.chosen))
    elif state.step is ConversationStep.CHOICE:
        say = _choose_number(state)
    elif state.step is ConversationStep.NIK:
        say = Say("welcome_ending" if phone_known else "ask_phone")
    else:
        say = Say(_STANDING.get(state.step, "say_vaksin"))
    if state.booking is not None and is_over(state):
        return Turn(state, before, wish=TellBooking(state.booking, say))
    return Turn(state, (*before, say))


_STANDING = {
    ConversationStep.PROOF: "proof_shape",
    ConversationStep.LOST: "lost_welcome",
    ConversationStep.CODE: "code_shape",
    ConversationStep.PLACE: "ask_place",
}


def choices_of(state: ConversationState) -> tuple[Choice, ...]:
    """What may be answered to the question that stands; nothing where words are asked for."""
    if state.step in (ConversationStep.GROUP, ConversationStep.HEALTH, ConversationStep.SURE):
        return (Choice("YA", Say("label_yes")), Choice("TIDAK", Say("label_no")))
    if state.step is not ConversationStep.CHOICE:
        return ()
    shown = tuple(
        Choice(told["number"], Say("label_option", told), Say("detail_option", told)) for told in _listed(state)
    )
    return (*shown, Choice("LAINNYA", Say("label_more"))) if _has_more(state) else shown


def is_over(state: ConversationState) -> bool:
    """Whether nothing is asked any more."""
    return state.step in (ConversationStep.START, ConversationStep.BOOKED)


def _hear_nothing_known(state: ConversationState, text: str) -> Turn:
    del text
    return _waited_for(state)


def _hear_nik(state: ConversationState, text: str) -> Turn:
    found = identified(text)
    if found is None:
        return Turn(state, (Say("nik_shape", {"digits": str(digits_in(text))}),))
    return Turn(state, wish=FindPerson(found.nik, found.phone, name_in(text)))


def _hear_ending(state: ConversationState, text: str) -> Turn:
    digits = digits_of(text)
    if len(digits) == _ENDING_DIGITS:
        if state.missed >= MOST_MISSED:
            return Turn(state, (Say("nik_missed"),))
        return Turn(state, wish=FindByEnding(digits))
    if identified(text) is None:
        return Turn(state, (Say("ending_shape", {"digits": str(len(digits))}),))
    return _hear_nik(state, text)


def _hear_proof(state: ConversationState, text: str) -> Turn:
    if state.code is None or digits_in(text) != _CODE_DIGITS:
        return Turn(state, (Say("proof_shape"),))
    return Turn(state, wish=TellProof(state.code, text))


def _hear_lost(state: ConversationState, text: str) -> Turn:
    found = identified(text)
    if found is None:
        return Turn(state, (Say("nik_shape", {"digits": str(digits_in(text))}),))
    return Turn(state, wish=AskCode(found.nik, found.phone))


def _hear_code(state: ConversationState, text: str) -> Turn:
    if state.code is None or digits_in(text) != _CODE_DIGITS:
        return Turn(state, (Say("code_shape"),))
    return Turn(state, wish=TellCode(state.code, text))


def _names_a_place(text: str) -> bool:
    return sum(char.isalpha() for word in place_words(text) for char in word) >= 3


def _hear_place(state: ConversationState, text: str) -> Turn:
    if state.person is None or not _names_a_place(text):
        return Turn(state, (Say("place_short"),))
    return Turn(state, wish=FindSessions(text, state.person))


def _hear_choice(state: ConversationState, text: str) -> Turn:
    number = number_chosen(text)
    if number is not None and 1 <= number <= state.shown + SHOWN_AT_ONCE and number <= len(state.options):
        return _ask_next(replace(state, chosen=state.options[number - 1]))
    if is_more(text):
        return _show(replace(state, shown=state.shown + SHOWN_AT_ONCE)) if _has_more(state) else _waited_for(state)
    if number is None and yes_or_no(text) is None and _names_a_place(text):
        return _hear_place(replace(state, step=ConversationStep.PLACE, options=(), shown=0), text)
    return _waited_for(state)


def _ask_next(state: ConversationState) -> Turn:
    """The first question of one's health that was not answered in this talk, else whether all is right."""
    open_questions = [number for number, question in enumerate(QUESTIONS) if question not in state.answers]
    if open_questions:
        asking = replace(state, step=ConversationStep.HEALTH, asked=open_questions[0])
        return _waited_for(asking)
    return _waited_for(replace(state, step=ConversationStep.SURE))


def _has_more(state: ConversationState) -> bool:
    return len(state.options) > state.shown + SHOWN_AT_ONCE


def _listed(state: ConversationState) -> list[dict[str, str]]:
    """What fills the lines of the options that are shown now, numbered through."""
    shown = state.options[state.shown : state.shown + SHOWN_AT_ONCE]
    return [
        {"number": str(number), "room": str(option.room), **_told(option)}
        for number, option in enumerate(shown, start=state.shown + 1)
    ]


def _show(state: ConversationState) -> Turn:
    lines = tuple(Say("option", told) for told in _listed(state))
    return Turn(state, (*lines, Say("ask_choice_or_more" if _has_more(state) else "ask_choice")))


def _choose_number(state: ConversationState) -> Say:
    most = min(len(state.options), state.shown + SHOWN_AT_ONCE)
    return Say("choose_number_or_more" if _has_more(state) else "choose_number", {"most": str(most)})


def _hear_health(state: ConversationState, text: str) -> Turn:
    answer = yes_or_no(text)
    if answer is None:
        return Turn(state, (Say("yes_or_no"),))
    question = QUESTIONS[state.asked]
    answers = {**state.answers, question: answer}
    if answer:
        keep = None if state.person is None else KeepAnswers(state.person, answers)
        return Turn(ConversationState(), (Say(f"wait_{question}"),), keep)
    return _ask_next(replace(state, answers=answers))


def _hear_sure(state: ConversationState, text: str) -> Turn:
    answer = yes_or_no(text)
    if answer is None:
        return Turn(state, (Say("yes_or_no"),))
    if not answer or state.chosen is None or state.person is None:
        return Turn(_another_place(state), (Say("another_place"),))
    return Turn(state, wish=TakePlace(state.chosen, state.person, state.answers))


def _another_place(state: ConversationState) -> ConversationState:
    """What was said of one's health stays."""
    return replace(state, step=ConversationStep.PLACE, options=(), shown=0, chosen=None)


_HEARERS = {
    ConversationStep.START: _hear_nothing_known,
    ConversationStep.BOOKED: _hear_nothing_known,
    ConversationStep.NIK: _hear_nik,
    ConversationStep.PROOF: _hear_proof,
    ConversationStep.PLACE: _hear_place,
    ConversationStep.CHOICE: _hear_choice,
    ConversationStep.HEALTH: _hear_health,
    ConversationStep.SURE: _hear_sure,
    ConversationStep.LOST: _hear_lost,
    ConversationStep.CODE: _hear_code,
}


def _told(option: Option | None) -> dict[str, str]:
    if option is None:
        return {}
    return {
        "facility": option.facility,
        "day": option.day,
        "dose": str(option.dose),
        "vaccine": option.vaccine,
        "hours": option.hours,
        "distance": "" if option.distance_km is None else f"{option.distance_km:.1f}",
    }


def person_found(state: ConversationState, person: UUID | None, address: str = "") -> Turn:
    """The answer to FindPerson. Nobody learns from a number alone whether it is registered: the phone must be its own."""
    if person is None:
        return Turn(state, (Say("nik_unknown", {"address": address}),))
    return Turn(replace(state, step=ConversationStep.PLACE, person=str(person)), (Say("ask_place"),))


def no_turn(phase: Phase, *, listed: bool = True) -> Turn:
    """What whoever is not of the phase's group is told; `listed` is False for who said so and stands on no list."""
    says = () if listed else (Say(f"no_{phase.only.value}"),)
    day = {} if phase.until is None else {"day": phase.until.isoformat()}
    return Turn(ConversationState(), (*says, Say("turn_later_from" if day else "turn_later", day)))


def name_wanted(state: ConversationState) -> Turn:
    """The answer to FindPerson and FindByEnding for who writes from a phone of their own under which that number is not registered."""
    return Turn(state, (Say("nik_new"),))


def number_wanted(state: ConversationState) -> Turn:
    """The answer to FindByEnding where several numbers of that phone end so."""
    return Turn(state, (Say("nik_whole"),))


def proof_asked(code: UUID, address: str) -> Turn:
    """The answer to FindPerson for who writes from elsewhere, or nobody knows from where: the same for every number and phone."""
    asked = ConversationState(step=ConversationStep.PROOF, code=str(code))
    return Turn(asked, (Say("proof_sent", {"address": address}),))


def proof_told(state: ConversationState, person: UUID | None) -> Turn:
    """The answer to TellProof; None for a code that shows nothing."""
    return Turn(state, (Say("proof_wrong"),)) if person is None else person_found(ConversationState(), person)


def phone_wanted(state: ConversationState) -> Turn:
    """The answer to FindPerson where nobody can tell whose number it is: the same for every number."""
    return Turn(state, (Say("ask_phone"),))


def offer_answered(state: ConversationState, key: str, params: dict[str, str], booking: UUID | None = None) -> Turn:
    """The answer to AnswerOffer where there was one: `key` is offer_taken, offer_stands, offer_declined or offer_over.

    A `booking` that was taken is this talk's from then on, and its ticket goes with the answer.
    """
    if booking is not None:
        state = replace(state, booking=str(booking), step=ConversationStep.BOOKED if is_over(state) else state.step)
    return Turn(state, (Say(key, params),))


def silenced(state: ConversationState) -> Turn:
    """The answer to KeepSilent: a booking is none the less kept."""
    return Turn(state, (Say("silenced"),))


def heard_again(state: ConversationState, says: tuple[Say, ...], *, was_silent: bool) -> Turn:
    """The answer to KeepSilent where messages are wanted: a beginning like any other."""
    return Turn(state, (Say("heard_again"), *says) if was_silent else says)


def no_offer(state: ConversationState, *, phone_known: bool = False) -> Turn:
    """The answer to AnswerOffer where nothing was offered."""
    return _waited_for(state, phone_known=phone_known)


def sessions_found(state: ConversationState, options: tuple[Option, ...], place: str) -> Turn:
    """The answer to FindSessions."""
    if not options:
        nothing = Say("no_room", {"place": place}) if place else Say("no_room_near")
        return Turn(_another_place(state), (nothing,))
    return _show(replace(state, step=ConversationStep.CHOICE, options=options, shown=0))


def place_taken(state: ConversationState, booking: UUID, told: dict[str, str]) -> Turn:
    """The answer to TakePlace when it worked; `told` is the booking as it stands, with the ticket's address."""
    done = ConversationState(step=ConversationStep.BOOKED, person=state.person, booking=str(booking))
    return Turn(done, (Say("booked", told), Say("how_to")))


def booking_told(state: ConversationState, told: dict[str, str] | None, otherwise: Say) -> Turn:
    """The answer to TellBooking; `told` is None where that booking is over: then the talk has none any more."""
    if told is not None:
        return Turn(state, (Say("booking_stands", told),))
    return Turn(ConversationState(person=state.person), (otherwise,))


def place_refused(state: ConversationState, reason: str) -> Turn:
    """The answer to TakePlace when it did not; `reason` is the refusal's own sentence."""
    return Turn(_another_place(state), (Say("refused", {"reason": reason}), Say("ask_place")))


def code_asked(code: UUID) -> Turn:
    """The answer to AskCode: the same, whether or not these are somebody's."""
    return Turn(ConversationState(step=ConversationStep.CODE, code=str(code)), (Say("code_sent"),))


def code_not_asked(state: ConversationState, key: str) -> Turn:
    """The answer to AskCode where none can be sent to anybody: asked too often, or no phone was named."""
    return Turn(state, (Say(key),))


def code_told(state: ConversationState, tickets: tuple[dict[str, str], ...] | None) -> Turn:
    """The answer to TellCode: what fills `ticket_line`, a line a ticket; None for a code that opens nothing."""
    if tickets is None:
        return Turn(state, (Say("code_wrong"),))
    return Turn(ConversationState(), tuple(Say("ticket_line", one) for one in tickets) or (Say("no_tickets"),))
