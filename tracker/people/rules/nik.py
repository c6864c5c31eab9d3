"""The national identity number (NIK). Pure.

Sixteen digits: PPKKCC, the area of first registration; DDMMYY, the date of birth with 40 added to the day
for women; SSSS, a serial from 0001. There is no check digit, and area codes change (new provinces, splits),
so an unknown area is a reason to look twice and never to refuse.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tracker.kit.seen import parts_digits
from tracker.people.errors import BadNik

# Kemendagri province codes in use since 2022 (38 provinces), Kepmendagri 300.2.2-2430/2025.
_PROVINCES = "11 12 13 14 15 16 17 18 19 21 31 32 33 34 35 36 51 52 53 61 62 63 64 65 71 72 73 74 75 76 81 82 91 92"
PROVINCES = frozenset(_PROVINCES.split()) | {"93", "94", "95", "96"}
_WOMAN = 40
_LENGTH = 16


class Sex(StrEnum):
    """As the number tells it."""

    FEMALE = "female"
    MALE = "male"


class Warning_(StrEnum):  # noqa: N801 - `Warning` is a builtin
    """What deserves a second look."""

    UNKNOWN_AREA = "unknown_area"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nik:
    """A number that can be a NIK. `repr` shows none of it."""

    digits: str
    birth_date: date
    sex: Sex
    warnings: tuple[Warning_, ...] = ()

    def __repr__(self) -> str:
        return "Nik(…)"

    @property
    def area(self) -> str:
        """Province, city and district of first registration, six digits."""
        return self.digits[:6]


def read_nik(text: str, today: date) -> Nik:
    """The number in `text` (blanks, dots, dashes and signs nobody sees are overlooked, full-width digits are digits).

    Raises BadNik with `reason` one of length, digits, area, birth_date, serial; never with the number itself.
    """
    plain = unicodedata.normalize("NFKC", text)
    digits = "".join(char for char in plain if char != "." and not parts_digits(char))
    if not (digits.isascii() and digits.isdigit()):
        raise BadNik(field="nik", reason="digits")
    if len(digits) != _LENGTH:
        raise BadNik(field="nik", reason="length")
    if "00" in (digits[0:2], digits[2:4], digits[4:6]):
        raise BadNik(field="nik", reason="area")
    if digits[12:] == "0000":
        raise BadNik(field="nik", reason="serial")
    day = int(digits[6:8])
    sex = Sex.FEMALE if day > _WOMAN else Sex.MALE
    born = _birth_date(day - _WOMAN if sex is Sex.FEMALE else day, int(digits[8:10]), int(digits[10:12]), today)
    if born is None:
        raise BadNik(field="nik", reason="birth_date")
    warnings = () if digits[:2] in PROVINCES else (Warning_.UNKNOWN_AREA,)
    return Nik(digits=digits, birth_date=born, sex=sex, warnings=warnings)


def _birth_date(day: int, month: int, year: int, today: date) -> date | None:
    """The latest such date that is not in the future: two digits of the year leave the century open."""
    for century in (2000, 1900):
        try:
            born = date(century + year, month, day)
        except ValueError:  # 29 February exists in one century and not in the other
            continue
        if born <= today:
            return born
    return None
