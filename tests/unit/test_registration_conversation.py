"""The conversation keeps its state through any nonsense, and never keeps an identity number."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.mouths.rules import ussd
from tracker.people.rules.groups import PersonGroup
from tracker.registration.rules.conversation import (
    booking_told,
    choices_of,
    code_asked,
    code_not_asked,
    code_told,
    hear,
    heard_again,
    name_wanted,
    no_offer,
    no_turn,
    number_wanted,
    person_found,
    phone_wanted,
    place_refused,
    place_taken,
    proof_asked,
    proof_told,
    sessions_found,
    silenced,
)
from tracker.registration.rules.phases import Phase
from tracker.registration.rules.state import QUESTIONS, ConversationState, ConversationStep, Turn
from tracker.registration.rules.texts import TEXTS, spoken
from tracker.registration.rules.understanding import name_in, words_of
from tracker.registration.rules.wishes import (
    AnswerOffer,
    AskCode,
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

NIK = "3671011203900001"
PERSON = uuid4()
OPTIONS = tuple(
    Option(session=str(uuid4()), facility=f"Puskesmas {n}", day="2026-03-05", dose=1, room=5) for n in range(3)
)

TOLD = {
    "vaccine": "AstraZeneca", "dose": "1", "facility": "Puskesmas 1", "day": "2026-03-05", "hours": "08.00–12.00 WIB",
    "link": "https://rantai.example/daftar/tiket/x",
}  # fmt: skip


# Digits that are none to `int`, marks, signs, scripts, control characters.
HARD = [
    "²",
    "①",
    "⑴",
    "1️⃣",
    "½",
    "٣",
    "➊",
    "Ⅻ",
    "一",
    "໑",
    "👍🏽",
    "🙏",
    "\x00",
    "\u200f\u202e",
    "�",
    "﷽",
    "1́",
    "-1",
    "+1",
    "1e3",
    "0x1",
    "１６",
    "ʼ",
    "%s",
    "{0}",
    "\\",
    "%",
]


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
    turn = hear(turn.state, f"{NIK} 0812-3456-789")
    assert turn.wish == FindPerson(NIK, "+628123456789")
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
    assert turn.wish == TakePlace(OPTIONS[1], str(PERSON), dict.fromkeys(QUESTIONS, False))
    done = place_taken(turn.state, PERSON, TOLD)
    assert (keys(done), done.state.step) == (["booked", "how_to"], ConversationStep.BOOKED)


@pytest.mark.parametrize("question", range(len(QUESTIONS)))
def test_a_yes_to_a_health_question_sends_home_with_advice(question: int) -> None:
    state = hear(at_choice(), "1").state
    for _ in range(question):
        state = hear(state, "no").state
    turn = hear(state, "ya")
    assert keys(turn) == [f"wait_{QUESTIONS[question]}"]
    said = dict.fromkeys(QUESTIONS[:question], False) | {QUESTIONS[question]: True}
    assert turn.wish == KeepAnswers(str(PERSON), said)
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


def test_who_wants_another_place_or_finds_it_full_is_not_asked_again_how_they_are() -> None:
    for again in (hear(at_sure(), "tidak").state, place_refused(at_sure(), "penuh.").state):
        found = sessions_found(hear(again, "Neglasari").state, OPTIONS, "Neglasari")
        turn = hear(found.state, "1")
        assert (keys(turn), turn.state.answers) == (["ask_sure"], dict.fromkeys(QUESTIONS, False))


SEVEN = tuple(
    Option(session=str(uuid4()), facility=f"Puskesmas {n}", day="2026-03-05", dose=1, room=5) for n in range(7)
)


def test_of_more_than_three_places_three_are_shown_and_the_others_on_a_word() -> None:
    turn = sessions_found(at_place(), SEVEN, "Cipondoh")
    assert keys(turn) == ["option"] * 3 + ["ask_choice_or_more"]
    assert [choice.answer for choice in choices_of(turn.state)] == ["1", "2", "3", "LAINNYA"]
    assert keys(hear(turn.state, "5")) == ["choose_number_or_more"], "nobody has seen that one yet"
    for word, numbers in (("lainnya", "456"), ("Yang lain kak", "7")):
        turn = hear(turn.state, word)
        assert [say.params["number"] for say in turn.says[:-1]] == list(numbers)
    assert keys(turn)[-1] == "ask_choice"
    assert keys(hear(turn.state, "lainnya")) == ["choose_number"]
    assert hear(turn.state, "2").state.chosen == SEVEN[1], "shown before"
    assert ConversationState.from_json(turn.state.to_json()) == turn.state
    before = {name: value for name, value in turn.state.to_json().items() if name != "shown"}
    assert hear(ConversationState.from_json(before), "7").state.chosen == SEVEN[6], "a talk of an earlier version"


def test_a_number_that_nobody_is_registered_under_keeps_asking() -> None:
    state = hear(ConversationState(), "vaksin").state
    assert person_found(state, None).state == state


_SAID = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "vaksin",
            "tiket hilang",
            "batal",
            "ulang",
            "bantuan",
            "stop",
            "mulai",
            "lainnya",
            NIK,
            f"{NIK} Budi",
            NIK[-6:],
        ]
    ),
    st.sampled_from(["1", "ya", "tidak", "Cipondoh", f"{NIK} 0812-3456-789", "123456", *HARD]),
)


def outcome(turn: Turn, luck: int) -> Turn:
    """What the database may answer to a wish, by chance."""
    state, wish = turn.state, turn.wish
    if isinstance(wish, FindPerson | FindByEnding):
        return (
            person_found(state, PERSON),
            person_found(state, None),
            name_wanted(state),
            number_wanted(state),
            phone_wanted(state),
            proof_asked(PERSON, "https://rantai.example"),
            no_turn(Phase(only=PersonGroup.NAKES), listed=False),
        )[luck % 7]
    if isinstance(wish, FindSessions):
        return sessions_found(state, (OPTIONS, SEVEN, ())[luck % 3], wish.place)
    if isinstance(wish, TakePlace):
        return place_taken(state, PERSON, TOLD) if luck % 2 else place_refused(state, "penuh.")
    if isinstance(wish, AskCode):
        return code_asked(PERSON) if luck % 2 else code_not_asked(state, "code_too_often")
    if isinstance(wish, TellCode | TellProof):
        tell = proof_told(state, PERSON if luck % 2 else None)
        return tell if isinstance(wish, TellProof) else code_told(state, (TOLD,) if luck % 2 else None)
    if isinstance(wish, KeepSilent):
        return silenced(state) if wish.silent else heard_again(state, wish.says, was_silent=bool(luck % 2))
    if isinstance(wish, AnswerOffer):
        return no_offer(state, phone_known=bool(luck % 2))
    if isinstance(wish, TellBooking):
        return booking_told(state, TOLD if luck % 2 else None, wish.otherwise)
    assert isinstance(wish, KeepAnswers)
    return Turn(state)


@given(st.lists(st.tuples(_SAID, st.integers(0, 41), st.booleans(), st.booleans()), max_size=12), st.booleans())
def test_whatever_is_said_is_answered_on_a_small_screen_and_no_state_is_lost(
    said: list[tuple[str, int, bool, bool]], first_phase: bool
) -> None:
    state, phase = ConversationState(), Phase(only=PersonGroup.NAKES) if first_phase else None
    for text, luck, known, shared in said:
        turn = hear(state, text, phone_known=known, near=(-6.2, 106.7) if shared else None, phase=phase)
        says = [*turn.says]
        while turn.wish is not None:
            turn = outcome(turn, luck)
            says += turn.says
        assert says, "every message gets an answer"
        for language in ("id", "en"):
            shown = ussd.screens([spoken(say, language) for say in says], language, "CON ")
            assert all(0 < len("CON " + screen) <= ussd.MOST for screen in shown)
            assert all(spoken(choice.label, language) for choice in choices_of(turn.state))
        kept = json.dumps(turn.state.to_json())
        assert NIK not in kept
        assert ConversationState.from_json(json.loads(kept)) == turn.state
        state = turn.state


_SIGNS = st.text(st.characters(categories=["So", "Sm", "Mn", "Cf", "Cc", "Zs", "Po"]), max_size=40)


@settings(max_examples=30)
@given(_SIGNS.filter(lambda text: not words_of(text)))  # a thumb is a word, and so is a digit in a circle
def test_signs_that_say_nothing_change_nothing(text: str) -> None:
    known = (*_STATES, at_choice(), at_sure(), ConversationState(step=ConversationStep.GROUP, group="nakes"))
    for state in known:
        turn = hear(state, text)
        assert (turn.state, turn.wish) == (state, None)
        assert turn.says


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "①",
        "⑴",
        "1️⃣",
        "1.",
        "1)",
        "#1",
        "no 1",
        "no. 1 ya pak",
        "No1",
        "satu",
        "pilih 1",
        "yang ke-1",
        "１",
        "١",
        "➊",
        "pertama",
        "oke 1",
        "boleh 1 bu",
        "1 (satu)",
        "Assalamu'alaikum, pilih 1",
    ],
)
def test_a_one_is_a_one_however_it_is_written(text: str) -> None:
    turn = hear(at_choice(), text)
    assert (turn.state.step, turn.state.chosen) == (ConversationStep.HEALTH, OPTIONS[0])


@pytest.mark.parametrize("text", ["²", "dua", "2️⃣", "nomor dua", "kedua"])
def test_a_two_is_a_two(text: str) -> None:
    assert hear(at_choice(), text).state.chosen == OPTIONS[1]


@pytest.mark.parametrize("text", ["0", "4", "½", "1 2", "①②", "-", "😀", "", "ya", "99999999999999999999"])
def test_what_is_no_choice_keeps_the_choice(text: str) -> None:
    turn = hear(at_choice(), text)
    assert (keys(turn), turn.state) == (["choose_number"], at_choice())


@pytest.mark.parametrize("step", [ConversationStep.HEALTH, ConversationStep.SURE])
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *((text, True) for text in ("ya pak", "betul", "Betul!", "iya", "yaaa", "👍", "👍🏽", "ok", "✅", "ya, saya setuju", "Y", "nggih", "inggih bu", "muhun", "🙆", "✓", "iyo", "enggeh")),
        *((text, False) for text in ("nggak", "gak", "ga", "enggak kak", "tidak pernah", "belum", "👎", "TIDAK.", "tdk bu", "gaaak", "mboten", "henteu", "kagak", "enga", "✗", "✘", "belom", "nggk", "bkn", "🙅‍♀️")),
        *((text, None) for text in ("mungkin", "ya tidak", "tidak apa-apa", "?", "", "٣", "kapan ya")),
    ],
)  # fmt: skip
def test_yes_and_no_as_people_say_them(step: ConversationStep, text: str, meant: bool | None) -> None:
    state = replace(at_sure(), step=step)
    turn = hear(state, text)
    if meant is None:
        assert (keys(turn), turn.state) == (["yes_or_no"], state)
    elif step is ConversationStep.SURE:
        assert isinstance(turn.wish, TakePlace) is meant
    else:
        assert isinstance(turn.wish, KeepAnswers) is meant


@pytest.mark.parametrize(
    "text",
    [
        "Vaksin!",
        "*vaksin*",
        "daftar vaksin",
        "_VAKSIN_",
        "saya mau vaksin pak",
        "ｖａｋｓｉｎ",
        "Halo, daftar",
        "Assalamu'alaikum, mau vaksin",
        "Assalamu alaikum wr. wb. mau daftar",
        "Ma’af, mau vaksin",
        "permisi bu, vaksin",
        "Mohon izin daftar vaksin",
        "VAKSN",
        "paksin kak",
        "vaksim",
        "vacine",
    ],
)
def test_a_beginning_is_heard_whatever_stands_round_it(text: str) -> None:
    for state in (ConversationState(), at_choice(), at_sure()):
        assert keys(hear(state, text)) == ["welcome"]


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        (f"{NIK} 0812-3456-789", "+628123456789"),
        (f"0812 3456 789\n{NIK}", "+628123456789"),
        (f"NIK: {NIK}, HP: +62 0812 3456 789", "+628123456789"),
        ("3671 0112 0390 0001 0812 3456 789", "+628123456789"),
        ("nik saya 3671.0112.0390.0001", None),
        ("３６７１０１１２０３９００００１", None),
        (f"9999999999999999 {NIK}", None),
    ],
)
def test_the_sixteen_digits_that_are_a_number_are_found_beside_a_phone(text: str, phone: str | None) -> None:
    assert hear(ConversationState(step=ConversationStep.NIK), text).wish == FindPerson(NIK, phone)


def test_a_yes_nobody_asked_for_answers_what_was_offered() -> None:
    for state in (ConversationState(), ConversationState(step=ConversationStep.NIK), at_place()):
        assert hear(state, "ya").wish == AnswerOffer(True, state.person)
        assert hear(state, "tidak").wish == AnswerOffer(False, state.person)


def test_an_option_says_vaccine_day_hours_place_and_how_far() -> None:
    option = replace(OPTIONS[0], vaccine="Pentabio", hours="08.00–12.00 WIB", distance_km=2.04)
    lines = [spoken(say, "id") for say in sessions_found(at_place(), (option, OPTIONS[1]), "x").says]
    assert lines[0] == "1. Pentabio, dosis 1: Kamis 05-03-2026, 08.00–12.00 WIB, Puskesmas 0, 2.0 km (sisa 5)"
    assert lines[0] != lines[1]


def test_every_text_is_in_both_languages_and_differs() -> None:
    for key, (indonesian, english) in TEXTS.items():
        assert indonesian != english, key


def test_a_placeholder_in_what_a_citizen_wrote_is_only_text() -> None:
    assert "{0.__class__}" in spoken(Say("no_room", {"place": "{0.__class__}"}), "id")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("3671015506920051 Siti Aminah", "Siti Aminah"),
        ("NIK: 3671015506920051, nama: H. Abdul-Aziz", "H. Abdul-Aziz"),
        ("nama saya O'Neil 3671015506920051 hp 0812-3456-7851", "O'Neil"),
        ("3671015506920051", None),
        ("NIK saya 3671 0155 0692 0051 ya pak", None),
        ("3671015506920051 Li", None),
        ("3671015506920051 李小龍子", "李小龍子"),
    ],
)
def test_a_name_beside_a_number_is_taken_as_it_is_written(text: str, name: str | None) -> None:
    assert name_in(text) == name


_STATES = (
    ConversationState(),
    ConversationState(step=ConversationStep.NIK),
    ConversationState(step=ConversationStep.PLACE, person="p"),
    ConversationState(step=ConversationStep.HEALTH, person="p", asked=1),
    ConversationState(step=ConversationStep.LOST),
    ConversationState(step=ConversationStep.CODE, code="c"),
    ConversationState(step=ConversationStep.PROOF, code="c"),
)


@pytest.mark.parametrize("text", ["bantuan", "Help!", "minta info kak", "BANTU"])
@pytest.mark.parametrize("state", _STATES, ids=lambda state: state.step.value)
def test_help_is_given_anywhere_and_the_question_stands(state: ConversationState, text: str) -> None:
    turn = hear(state, text)
    assert (turn.says[0].key, turn.state, turn.wish) == ("help", state, None)
    assert len(turn.says) == 2


@pytest.mark.parametrize("text", ["ulang", "Ulangi dari awal", "mulai ulang", "restart"])
@pytest.mark.parametrize("state", _STATES, ids=lambda state: state.step.value)
def test_from_the_beginning_is_possible_anywhere(state: ConversationState, text: str) -> None:
    assert keys(hear(state, text)) == ["welcome"]


@pytest.mark.parametrize("text", ["kirim ulang tiket", "tiket hilang, kirim ulang"])
def test_a_ticket_sent_again_is_no_beginning(text: str) -> None:
    assert keys(hear(ConversationState(), text)) == ["lost_welcome"]


@pytest.mark.parametrize("language", [0, 1])
def test_every_text_without_gaps_fits_a_screen_of_ussd(language: int) -> None:
    """So that a question is one screen; what has gaps may need a second."""
    long = {key for key, both in TEXTS.items() if "{" not in both[0] and len(both[language]) > ussd.MOST - len("CON ")}
    assert long <= {"lost_welcome", "code_sent"}, "people reach these by a choice of their own, and can go on with 0"


def test_help_asks_for_the_ending_where_the_phone_is_known() -> None:
    turn = hear(ConversationState(step=ConversationStep.NIK), "bantuan", phone_known=True)
    assert keys(turn) == ["help", "welcome_ending"]
