"""docs/glossary.md gives the words that people are really told."""

from __future__ import annotations

import re

import pytest

from dashboard.frame.locale_tools import extracted
from tests.unit.test_docs_truth import text
from tracker.api.problems import PROBLEMS
from tracker.api.problems.words import WORDS
from tracker.delivery.rules.templates import TEMPLATES
from tracker.registration.rules.texts import TEXTS


def rows() -> list[list[str]]:
    """The lines of the tables that give an Indonesian word: English, Indonesian, meaning."""
    lines = [line for line in text("docs/glossary.md").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [row for row in cells if len(row) == 3 and row[1] not in ("Indonesian (pages)", "---")]


def spoken() -> str:
    """All that pages, refusals, messages and the conversation say in Indonesian, in small letters."""
    of_pages = [one for message in extracted() for one in ([message.id] if isinstance(message.id, str) else message.id)]
    of_words = [word for words in WORDS.values() for word, _ in words.table.values()]
    told = [indonesian for table in (TEMPLATES, TEXTS) for indonesian, _ in table.values()]
    return "\n".join((*of_pages, *(problem.id for problem in PROBLEMS.values()), *of_words, *told)).lower()


SPOKEN = spoken()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_an_indonesian_word_is_one_that_people_are_told(row: list[str]) -> None:
    words = [word.strip("*… ") for word in re.split(r", |/", row[1])]
    assert [word for word in words if word and word != "–" and word.lower() not in SPOKEN] == []


def test_a_word_stands_once() -> None:
    names = [name for row in rows() for name in row[0].split(", ")]
    assert sorted(names) == sorted(set(names))
