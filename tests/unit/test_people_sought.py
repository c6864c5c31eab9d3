"""What is typed at a desk to find somebody."""

from __future__ import annotations

from datetime import date

import pytest

from tracker.people.rules.sought import Sought, read_sought


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3671054107900001", Sought(nik="3671054107900001")),
        ("3671 0541 0790 0001", Sought(nik="3671054107900001")),
        ("0812-3456-7890", Sought(phone="+6281234567890")),
        ("+62 812 3456 7890", Sought(phone="+6281234567890")),
        ("Siti Aminah", Sought(words=("Siti", "Aminah"))),
        ("siti 1-7-1990", Sought(words=("siti",), born=date(1990, 7, 1))),
        ("1990-07-01", Sought(born=date(1990, 7, 1))),
        ("Siti 31/02/1990", Sought(words=("Siti",))),
        ("S", Sought()),
        ("  ", Sought()),
        ("12", Sought()),
    ],
)
def test_digits_words_and_dates_are_told_apart(text: str, meant: Sought) -> None:
    assert read_sought(text) == meant


def test_nothing_personal_is_shown_of_it() -> None:
    assert "Siti" not in repr(read_sought("Siti 0812"))
