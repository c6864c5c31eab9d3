"""What a value holds that swallowed what stood behind it, because the separator between them was lost. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tracker.catalog.rules.barcodes.components import check_value
from tracker.catalog.rules.barcodes.dictionary import identifier_at, identifiers
from tracker.catalog.rules.barcodes.elements import SEPARATORS, Element, parse_bracketed, parse_unbracketed
from tracker.catalog.rules.barcodes.errors import ScanError

# What may stand before the product of a label; a text that begins otherwise and says nothing of GS1 is no label.
_BEFORE_THE_PRODUCT = frozenset({"10", "11", "17", "21"})
_PRODUCT = "01"
# A label holds a few elements; what is longer is no run of them, and not worth looking through.
_LONGEST = 120


def elements_behind(rest: str, today: date, *, ai: str = "10") -> list[Element]:
    """The elements that `rest` spells when it is what stood behind the value of `ai`; empty when it is not.

    A character that may stand in a lot can be what a program made of the separator it could not show. Who types what
    the scanner left out may write it as it is printed, with brackets.
    """
    begins = next((at for at, sign in enumerate(rest) if sign.isalnum()), len(rest))
    bracketed = begins - 1 if rest[:begins].endswith("(") else len(rest)
    found = _cut(parse_bracketed, rest[bracketed:], today) or _cut(parse_unbracketed, rest[begins:], today)
    # No label has two of one: a lot that goes on with 10 is just a longer one.
    return [] if any(element.ai == ai for element in found) else found


def _cut(parse: Callable[..., list[Element]], text: str, today: date) -> list[Element]:
    try:
        return parse(text, 0, today=today)
    except ScanError:
        return []


def product_within(text: str, start: int, *, today: date) -> tuple[dict[str, str], str] | None:
    """The elements of a label whose lot or serial swallowed its GTIN, as they were read, and that GTIN; None for others.

    A value that swallowed something may be longer than its identifier allows.
    """
    read = _as_read(text, start, today)
    if not read or next(iter(read)) not in _BEFORE_THE_PRODUCT or read.keys() & {"00", _PRODUCT, "02"}:
        return None
    for ai, value in read.items():
        if not identifiers()[ai].predefined_length and len(value) <= _LONGEST:
            for cut in range(1, len(value)):
                for element in elements_behind(value[cut:], today, ai=ai):
                    if element.ai == _PRODUCT:
                        return read, element.value
    return None


def _as_read(text: str, start: int, today: date) -> dict[str, str]:
    """Application identifier → value, of whatever length; empty where the text is no element string."""
    found: dict[str, str] = {}
    at = start
    while at < len(text):
        spec = identifier_at(text[at : at + 4])
        if spec is None or spec.ai in found:
            return {}
        begins = at + len(spec.ai)
        ends = min((n for n in (text.find(each, begins) for each in SEPARATORS) if n >= 0), default=len(text))
        if spec.predefined_length:
            ends = min(ends, begins + spec.length)
            try:
                check_value(spec, text[begins:ends], tuple(range(begins, ends + 1)), today=today)
            except ScanError:
                return {}
        found[spec.ai] = text[begins:ends]
        at = ends + 1 if text[ends : ends + 1] in tuple(SEPARATORS) else ends
    return found
