"""Names and phone numbers as they are kept. Pure."""

from __future__ import annotations

import re
import unicodedata

from tracker.people.errors import BadName, BadPhone

_MOST_NAME = 200
_E164 = re.compile(r"\+[1-9]\d{7,14}")


def clean_name(text: str) -> str:
    """The name without control characters and doubled blanks; raises BadName."""
    plain = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text)
    name = " ".join(plain.split())
    if not 1 <= len(name) <= _MOST_NAME:
        raise BadName(field="name")
    return name


def clean_phone(text: str) -> str:
    """The number in international form; a leading 0 or 62 is Indonesia's. Raises BadPhone."""
    digits = re.sub(r"[\s().-]", "", text)
    if digits.startswith("0"):
        digits = "+62" + digits[1:]
    elif digits.startswith("62"):
        digits = "+" + digits
    if _E164.fullmatch(digits) is None or not digits.isascii():
        raise BadPhone(field="phone")
    return digits


def masked_phone(phone: str | None) -> str | None:
    """The number with all but its first four and last three characters hidden."""
    return None if phone is None else f"{phone[:4]}{'•' * (len(phone) - 7)}{phone[-3:]}"
