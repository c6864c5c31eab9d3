"""Standard answers are found by words, in the caller's language; a note names nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracker.hotline.rules.answers import ANSWERS, answers_for
from tracker.hotline.rules.words import GOES_ON, is_left, names_somebody


def test_each_answer_has_a_key_of_its_own_and_both_languages() -> None:
    assert len({one.key for one in ANSWERS}) == len(ANSWERS)
    assert all(text.strip() for one in ANSWERS for text in (*one.question, *one.answer))


@pytest.mark.parametrize(
    ("text", "language", "key"),
    [("batuk", "id", "unwell"), ("BATUK demam", "id", "unwell"), ("my mother", "en", ""), ("fever", "en", "unwell")],
)
def test_all_words_must_begin_a_word_of_the_answer(text: str, language: str, key: str) -> None:
    found = [one.key for one in answers_for(text, language)]
    assert (key in found) if key else not found


def test_without_a_word_all_are_shown() -> None:
    assert list(answers_for("  ", "id")) == list(ANSWERS)


@pytest.mark.parametrize(
    ("note", "names"),
    [
        ("3671012801900001", True),
        ("telepon 0812-3456-7890", True),
        ("0812 3456 7890 besok", True),
        ("٠٨١٢٣٤٥٦٧٨٩٠", True),
        ("pukul 08.00 sampai 12.00", False),
        ("dosis 2 tanggal 17-08-2026", False),
        ("", False),
    ],
)
def test_a_note_with_a_number_of_somebody_is_known(note: str, names: bool) -> None:
    assert names_somebody(note) is names


def test_a_call_may_be_gone_on_with_for_some_minutes() -> None:
    then = datetime(2026, 3, 2, 16, 50, tzinfo=UTC)
    assert not is_left(then, then + GOES_ON)
    assert is_left(then, then + GOES_ON + timedelta(seconds=1))
