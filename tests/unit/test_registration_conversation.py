"""The conversation keeps its state through any nonsense, and never keeps an identity number."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.registration.rules.conversation import (
    QUESTIONS,
    ConversationState,
    ConversationStep,
    FindPerson,
    FindSessions,
    Option,
    Say,
    TakePlace,
    Turn,
    hear,
    person_found,
    place_refused,
    place_taken,
    sessions_found,
)
from tracker.registration.rules.texts import TEXTS, spoken

NIK = "3671011203900001"
PERSON = uuid4()
OPTIONS = tuple(
    Option(session=str(uuid4()), facility=f"Puskesmas {n}", day="2026-03-05", dose=1, room=5) for n in range(3)
)


def keys(turn: Turn) -> list[str]:
    return [say.key for say in turn.says]


def at_place() -> ConversationState:
    return person_found(hear(ConversationState(), "Vaksin").state, PERSON).state


def at_choice() -> ConversationState:
    return sessions_found(at_place(), OPTIONS, "Cipondoh").state


def at_sure() -> ConversationState:
    state = hear(at_choice(), "2").state
    for _ in QUESTIONS:
        state = hear(state, "tidak").state
    return state


def test_the_whole_road_from_the_keyword_to_the_booking() -> None:
    turn = hear(ConversationState(), "vaksin")
    assert keys(turn) == ["welcome"]
    turn = hear(turn.state, NIK)
    assert turn.wish == FindPerson(NIK)
    turn = person_found(turn.state, PERSON)
    turn = hear(turn.state, "Cipondoh")
    assert turn.wish == FindSessions("Cipondoh", str(PERSON))
    turn = sessions_found(turn.state, OPTIONS, "Cipondoh")
    assert keys(turn) == ["option", "option", "option", "ask_choice"]
    turn = hear(turn.state, " 2 ")
    for question in QUESTIONS:
        assert keys(turn) == [f"ask_{question}"]
        turn = hear(turn.state, "tidak")
    assert keys(turn) == ["ask_sure"]
    turn = hear(turn.state, "YA")
    assert turn.wish == TakePlace(OPTIONS[1], str(PERSON))
    done = place_taken(turn.state, PERSON, "https://rantai.example/daftar/tiket/x")
    assert (keys(done), done.state.step) == (["booked"], ConversationStep.BOOKED)


@pytest.mark.parametrize("question", range(len(QUESTIONS)))
def test_a_yes_to_a_health_question_sends_home_with_advice(question: int) -> None:
    state = hear(at_choice(), "1").state
    for _ in range(question):
        state = hear(state, "no").state
    turn = hear(state, "ya")
    assert keys(turn) == [f"wait_{QUESTIONS[question]}"]
    assert turn.state == ConversationState()


@pytest.mark.parametrize(
    ("state", "text", "reply"),
    [
        (ConversationState(step=ConversationStep.NIK), "123", "nik_shape"),
        (at_place(), "x", "place_short"),
        (at_choice(), "9", "choose_number"),
        (at_choice(), "0", "choose_number"),
        (hear(at_choice(), "1").state, "mungkin", "yes_or_no"),
        (at_sure(), "hm", "yes_or_no"),
        (ConversationState(), "halo", "say_vaksin"),
    ],
)
def test_bad_input_gets_a_helpful_sentence_and_keeps_the_state(state: ConversationState, text: str, reply: str) -> None:
    turn = hear(state, text)
    assert (keys(turn), turn.state, turn.wish) == ([reply], state, None)


def test_another_place_may_be_named_instead_of_a_number() -> None:
    assert hear(at_choice(), "Neglasari").wish == FindSessions("Neglasari", str(PERSON))


def test_a_place_that_filled_up_leads_back_to_the_choice_of_places() -> None:
    turn = place_refused(at_sure(), "penuh.")
    assert (keys(turn), turn.state.step, turn.state.person) == (
        ["refused", "ask_place"],
        ConversationStep.PLACE,
        str(PERSON),
    )


def test_no_means_another_place_and_stop_means_stop_anywhere() -> None:
    assert hear(at_sure(), "tidak").state.step is ConversationStep.PLACE
    for state in (at_place(), at_choice(), at_sure()):
        assert hear(state, "Batal").state == ConversationState()


def test_a_number_that_nobody_is_registered_under_keeps_asking() -> None:
    state = hear(ConversationState(), "vaksin").state
    assert person_found(state, None).state == state


@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(["vaksin", NIK, "1", "ya", "tidak", "Cipondoh"]))))
def test_whatever_is_said_the_state_survives_its_storage_and_holds_no_identity_number(said: list[str]) -> None:
    state = ConversationState()
    for text in said:
        turn = hear(state, text)
        if isinstance(turn.wish, FindPerson):
            turn = person_found(turn.state, PERSON)
        elif isinstance(turn.wish, FindSessions):
            turn = sessions_found(turn.state, OPTIONS, turn.wish.place)
        elif isinstance(turn.wish, TakePlace):
            turn = place_taken(turn.state, PERSON, "https://rantai.example/daftar/tiket/x")
        assert turn.says, "every message gets an answer"
        assert all(spoken(say, language) for say in turn.says for language in ("id", "en"))
        kept = json.dumps(turn.state.to_json())
        assert NIK not in kept
        assert ConversationState.from_json(json.loads(kept)) == turn.state
        state = turn.state


def test_every_text_is_in_both_languages_and_differs() -> None:
    for key, (indonesian, english) in TEXTS.items():
        assert indonesian != english, key


def test_a_placeholder_in_what_a_citizen_wrote_is_only_text() -> None:
    assert "{0.__class__}" in spoken(Say("no_room", {"place": "{0.__class__}"}), "id")
