"""AIM symbology identifiers (ISO/IEC 15424): what a scanner says of the symbol it read. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracker.catalog.rules.barcodes.digits import check_digit
from tracker.catalog.rules.barcodes.errors import ScanError


def _named(letters: dict[str, str]) -> frozenset[str]:
    """Identifiers from `{letter: its modifiers}`."""
    return frozenset(letter + modifier for letter, modifiers in letters.items() for modifier in modifiers)


# FNC1 in first place: the data are GS1 element strings.
_GS1 = _named({"C": "1", "d": "25", "Q": "34", "J": "14", "L": "3", "z": "14", "e": "0123"})
# Data of any kind; of GS1's only what shows by its own form: a link, bracketed text, a bare key.
_PLAIN = _named(
    {"A": "0123457", "C": "024", "J": "0235", "L": "01245", "Q": "01256", "X": "0", "Z": "0", "d": "01346", "z": "0235"}
)
# With the ECI protocol a backslash is sent twice, and one before six digits names a character set.
_ECI = _named({"J": "345", "L": "1", "Q": "246", "d": "456", "e": "3", "z": "345"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retail:
    """A symbol that holds a GTIN and nothing else: its lengths, and which digits of what was sent are the GTIN."""

    lengths: tuple[int, ...]
    gtin: Callable[[str], str] = str


def _without_add_on(digits: str) -> str:
    # An issue number or price of two or five digits stands behind the EAN-13 (or UPC-A without its zero).
    return digits[:12] if len(digits) in (14, 17) else digits[:13]


RETAIL: dict[str, Retail] = {
    "E0": Retail(lengths=(12, 13)),  # EAN-13 and UPC-A; many readers leave out the leading zero of UPC-A
    "E3": Retail(lengths=(14, 15, 17, 18), gtin=_without_add_on),
    "E4": Retail(lengths=(8,)),
    "I0": Retail(lengths=(14,)),
    "I1": Retail(lengths=(14,)),
    "I3": Retail(lengths=(13,), gtin=lambda digits: digits + check_digit(digits)),  # checked by the reader, not sent
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What a prefix says; without a prefix all is open."""

    gs1: bool = False
    plain: bool = False
    eci: bool = False
    retail: Retail | None = None


def symbol_at(text: str, start: int) -> tuple[Symbol, int]:
    """The symbol named at `start` and where its data begin; raises ScanError for one that carries no GS1 data."""
    if text[start : start + 1] != "]":
        return Symbol(), start
    name = text[start + 1 : start + 3]
    if name not in _GS1 | _PLAIN | RETAIL.keys():
        raise ScanError("scan.bad_symbology", start, prefix="]" + name)
    if len(text) == start + 3:
        raise ScanError("scan.empty", start + 3)
    found = Symbol(gs1=name in _GS1, plain=name in _PLAIN, eci=name in _ECI, retail=RETAIL.get(name))
    return found, start + 3
