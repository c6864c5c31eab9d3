"""Check digits of GS1 keys (GS1 General Specifications 7.9) and forms of other numbers. Pure."""

from __future__ import annotations

import re

_NIE = re.compile(r"[A-Z]{2,3}[0-9]{9,12}[A-Z]?[0-9]?")


def check_digit(body: str) -> str:
    """The mod-10 check digit of a number without it; weights 3, 1, 3, … from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_checked(number: str) -> bool:
    """Whether an all-digit number ends with its own check digit."""
    return number.isascii() and number.isdigit() and len(number) > 1 and check_digit(number[:-1]) == number[-1]


def gtin14(text: str) -> str | None:
    """A GTIN-8, -12, -13 or -14 as fourteen digits; None when it is none or its check digit is wrong."""
    if len(text) not in (8, 12, 13, 14) or not is_checked(text):
        return None
    return text.rjust(14, "0")


def is_nie(text: str) -> bool:
    """Whether text has the form of a BPOM marketing number.

    Printed examples are `NA18240104109` (cosmetics) and `DKL9822206510A1` (drugs); biologicals have
    `DKL`, `DKI`, `GKL`… followed by digits, one letter and one digit for form and strength.
    """
    return _NIE.fullmatch(text) is not None
