"""Element strings, with separators or with brackets, cut into elements. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tracker.catalog.rules.barcodes.components import check_value
from tracker.catalog.rules.barcodes.dictionary import identifier_at, identifiers
from tracker.catalog.rules.barcodes.errors import ScanError

SEPARATORS = "\x1d^"  # GS as scanners send it, and the caret people write for FNC1
MAX_ELEMENTS = 64  # as GS1's own engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One application identifier with its value; `position` is where it stands in the text given."""

    ai: str
    value: str
    position: int


def parse_unbracketed(text: str, start: int, *, today: date) -> list[Element]:
    """Cut `text[start:]`, which begins at an identifier; raises ScanError with positions of `text`."""
    found: list[Element] = []
    at = start
    while at < len(text):
        if len(found) == MAX_ELEMENTS:
            raise ScanError("scan.too_many", at, most=MAX_ELEMENTS)
        spec = identifier_at(text[at : at + 4])
        if spec is None:
            raise ScanError("scan.unknown_ai", at, text=repr(text[at : at + 4]))
        value_at = at + len(spec.ai)
        stop = _next_separator(text, value_at)
        end = min(stop, value_at + spec.length) if spec.predefined_length else stop
        value = text[value_at:end]
        check_value(spec, value, tuple(range(value_at, end + 1)), today=today)
        found.append(Element(ai=spec.ai, value=value, position=at))
        # A separator behind a value of predefined length is superfluous, and tolerated.
        at = end + 1 if end == stop else end
    if not found:
        raise ScanError("scan.empty", start)
    return found


def parse_bracketed(text: str, start: int, *, today: date) -> list[Element]:
    r"""Cut `(01)…(10)…`; a literal bracket in a value is written `\(`. Raises ScanError."""
    found: list[Element] = []
    at = start
    while at < len(text):
        if len(found) == MAX_ELEMENTS:
            raise ScanError("scan.too_many", at, most=MAX_ELEMENTS)
        if text[at] != "(":
            raise ScanError("scan.bracket_expected", at)
        close = text.find(")", at)
        if close < 0:
            raise ScanError("scan.bracket_open", at)
        spec = identifiers().get(text[at + 1 : close])
        if spec is None:
            raise ScanError("scan.unknown_ai", at + 1, text=repr(text[at + 1 : close][:8]))
        value, positions, end = _bracketed_value(text, close + 1)
        # Separators are not needed between brackets, and tolerated.
        value = value.rstrip(SEPARATORS)
        check_value(spec, value, positions[: len(value) + 1], today=today)
        found.append(Element(ai=spec.ai, value=value, position=at))
        at = end
    if not found:
        raise ScanError("scan.empty", start)
    return found


def _bracketed_value(text: str, start: int) -> tuple[str, tuple[int, ...], int]:
    chars: list[str] = []
    positions: list[int] = []
    at = start
    while at < len(text) and text[at] != "(":
        if text[at] == "\\" and text[at + 1 : at + 2] == "(":
            at += 1
        chars.append(text[at])
        positions.append(at)
        at += 1
    return "".join(chars), (*positions, at), at


def _next_separator(text: str, start: int) -> int:
    places = [place for place in (text.find(separator, start) for separator in SEPARATORS) if place >= 0]
    return min(places, default=len(text))
