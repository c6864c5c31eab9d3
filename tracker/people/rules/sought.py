"""What somebody at a desk types to find a person. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from tracker.kit.seen import seen
from tracker.people.errors import BadPhone
from tracker.people.rules.contact import clean_phone

_DAY = re.compile(r"(?<!\d)(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}))(?!\d)")
_DIGITS = re.compile(r"[\d\s.\-+()/]+")
MOST_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One of: an identity number, a phone, or words of a name; `born` beside any words. `repr` shows none of it."""

    nik: str | None = None
    phone: str | None = None
    words: tuple[str, ...] = ()
    born: date | None = None

    def __repr__(self) -> str:
        return "Sought(…)"

    @property
    def empty(self) -> bool:
        """Whether nothing was said by which anybody could be found."""
        return self.nik is None and self.phone is None and not self.words and self.born is None


def read_sought(text: str) -> Sought:
    """What is meant: sixteen digits are an identity number, fewer a phone; else words, and a date is a birth date.

    A word of one letter finds half a town and is left out.
    """
    plain = " ".join(seen(text).split())
    if plain and _DIGITS.fullmatch(plain):
        digits = re.sub(r"\D", "", plain)
        if len(digits) == 16 and digits.isascii():
            return Sought(nik=digits)
        with suppress(BadPhone):
            return Sought(phone=clean_phone(plain))
    found = _DAY.search(plain)
    born = None
    if found is not None:
        year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
        with suppress(ValueError):
            born = date(int(year), int(month), int(day))
        plain = plain[: found.start()] + " " + plain[found.end() :]
    words = [word for word in plain.split() if len(word) > 1 and not word.isdigit()]
    return Sought(words=tuple(words[:MOST_WORDS]), born=born)
