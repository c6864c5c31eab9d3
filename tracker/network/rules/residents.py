"""Who is a resident of what is served. Pure.

Codes are compared by their digits, cut at whole levels. Kemendagri's codes have dots, BPS's have none, and in Jakarta
they name different cities by the same digits; so each is compared with its like, where there is one.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

_CITY_DIGITS, _VILLAGE_DIGITS = 4, 10


class Nearness(IntEnum):
    """How near somebody lives to what is served, from far to near."""

    ELSEWHERE = 0
    CITY = 1
    KELURAHAN = 2


def nearness(residence: str | None, served: Collection[str]) -> Nearness:
    """Where somebody with that code lives, seen from the areas served; who serves no known area asks nobody."""
    if not served:
        return Nearness.KELURAHAN
    if residence is None:
        return Nearness.ELSEWHERE
    home = _digits(residence)
    areas = [_digits(code) for code in _comparable(residence, served)]
    # A facility known only down to its district or city takes all who live in that as its own.
    if any(len(area) >= _CITY_DIGITS and home.startswith(area) for area in areas):
        return Nearness.KELURAHAN
    cities = {area[:_CITY_DIGITS] for area in areas}
    return Nearness.CITY if len(home) >= _CITY_DIGITS and home[:_CITY_DIGITS] in cities else Nearness.ELSEWHERE


def _comparable(home: str, served: Collection[str]) -> list[str]:
    dotted = [code for code in served if "." in code]
    plain = [code for code in served if "." not in code]
    if "." in home:
        return dotted or plain
    # Ten digits may also be a Kemendagri code written without its dots.
    same = [code for code in dotted if len(home) == _VILLAGE_DIGITS and _digits(code) == home]
    return [*plain, *same] if plain else dotted


def _digits(code: str) -> str:
    return "".join(char for char in code if char.isdigit())
