"""One scanned text in, its meaning out. Pure; `today` is needed for two-digit years.

Two profiles of element strings. *GS1*: the General Specifications to the letter. *BPOM*: the authentication
code of Indonesian packs, `(90)NIE(10)lot(17)expiry(21)serial`, which is legal in Indonesia and breaks GS1's
own rule that lot, expiry and serial need a GTIN; there (and only there) they need none.

Nothing is guessed: a text that has the form of a code and breaks its rules is an error, never a plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from tracker.catalog.rules.barcodes.associations import check_associations
from tracker.catalog.rules.barcodes.dates import date_of
from tracker.catalog.rules.barcodes.digital_link import parse_digital_link
from tracker.catalog.rules.barcodes.digits import check_digit, is_nie
from tracker.catalog.rules.barcodes.elements import SEPARATORS, Element, parse_bracketed, parse_unbracketed
from tracker.catalog.rules.barcodes.errors import ScanError
from tracker.catalog.rules.barcodes.spelling import Spelled, with_separators, without_eci
from tracker.catalog.rules.barcodes.swallowed import product_within
from tracker.catalog.rules.barcodes.symbols import Retail, symbol_at

MAX_CHARACTERS = 2_000  # a QR code of the largest size holds 4,296; ours never need half

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Without a prefix or a separator, only these openings are taken for element strings.
_OPENING = re.compile(r"01\d{14}|00\d{18}|02\d{14}|90(?=[A-Z]{2,3}\d)")
_BRACKET = re.compile(r"\(\d{2,4}\)")
_RETAIL_LENGTHS = (12, 13, 14)
_SSCC_LENGTH = 18
_BPOM_FREE = frozenset({"10", "11", "17", "21", "7003", "8008", "30"})


class Profile(StrEnum):
    """By which rules the text was read."""

    GS1 = "gs1"
    BPOM = "bpom"
    DIGITAL_LINK = "digital-link"
    SSCC = "sscc"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a text says; None where it says nothing of it.

    `elements` by application identifier, empty for plain text. `content_gtin` is what a logistic unit
    contains (AI 02). `count` is AI 37 or 30. `expiry` is the last usable day. `swallowed`: the product was found within
    another value, whose separator was lost.
    """

    text: str
    profile: Profile
    elements: dict[str, str] = field(default_factory=dict)
    gtin: str | None = None
    content_gtin: str | None = None
    nie: str | None = None
    lot: str | None = None
    expiry: date | None = None
    serial: str | None = None
    sscc: str | None = None
    count: int | None = None
    swallowed: bool = False


def parse_scan(text: str, today: date) -> Scan:
    """Read a scanned text; raises ScanError with code, position in `text` and a sentence."""
    if not text.strip():
        raise ScanError("scan.empty", 0)
    if len(text) > MAX_CHARACTERS:
        raise ScanError("scan.too_long", MAX_CHARACTERS, most=MAX_CHARACTERS)
    # Scanners that end with Enter, and people who paste: the end is trimmed, positions stay.
    trimmed = text.rstrip(" \t\r\n")
    symbol, at = symbol_at(trimmed, len(trimmed) - len(trimmed.lstrip(" \t\r\n")))
    spelled = Spelled.given(trimmed)
    if symbol.eci:
        spelled = without_eci(spelled)
    try:
        if symbol.retail is not None:
            return _retail(text, trimmed[at:], at, symbol.retail)
        if not _URI.match(spelled.text, at):
            spelled = with_separators(spelled)
        if symbol.gs1:
            return _element_string(text, spelled.text, _behind_mark(spelled.text, at), today)
        return _without_fnc1_mark(text, spelled.text, at, today, plain_symbol=symbol.plain)
    except ScanError as error:
        raise error.moved_to(spelled.places[error.position]) from None


def _without_fnc1_mark(text: str, trimmed: str, at: int, today: date, *, plain_symbol: bool) -> Scan:
    """No prefix said GS1: the text itself must. A prefix that says plain data rules element strings out."""
    body = trimmed[at:]
    if not body:
        raise ScanError("scan.empty", at)
    if _URI.match(body):
        elements = parse_digital_link(trimmed, at, today=today)
        check_associations(elements)
        return _scan(text, Profile.DIGITAL_LINK, elements, today)
    if body[0] in SEPARATORS and not plain_symbol and not _BRACKET.match(body, 1):
        return _element_string(text, trimmed, at + 1, today)
    mark = 1 if body[0] in SEPARATORS else 0
    if _BRACKET.match(body, mark):
        return _meaning(text, parse_bracketed(trimmed, at + mark, today=today), today)
    if body.isascii() and body.isdigit() and len(body) in (*_RETAIL_LENGTHS, _SSCC_LENGTH):
        return _bare_number(text, body, at, lengths=(*_RETAIL_LENGTHS, _SSCC_LENGTH))
    if not plain_symbol and (_OPENING.match(body) or "\x1d" in body):
        return _element_string(text, trimmed, at, today)
    for index, char in enumerate(body):
        if not char.isprintable():
            raise ScanError("scan.bad_character", at + index, ai="-", char=repr(char))
    plain = Scan(text=text, profile=Profile.PLAIN)
    return plain if plain_symbol else _swallowed(text, trimmed, at, today) or plain


def _element_string(text: str, trimmed: str, at: int, today: date) -> Scan:
    try:
        return _meaning(text, parse_unbracketed(trimmed, at, today=today), today)
    except ScanError:
        swallowed = _swallowed(text, trimmed, at, today)
        if swallowed is None:
            raise
        return swallowed


def _swallowed(text: str, trimmed: str, at: int, today: date) -> Scan | None:
    """A label that names its lot before its product, and lost the separator between them."""
    found = product_within(trimmed, at, today=today)
    if found is None:
        return None
    elements, gtin = found
    return Scan(text=text, profile=Profile.GS1, elements=elements, gtin=gtin, lot=elements.get("10"), swallowed=True)


def _behind_mark(text: str, at: int) -> int:
    # Some scanners pass the leading FNC1 on although the prefix says it already.
    return at + 1 if text[at : at + 1] in tuple(SEPARATORS) else at


def _retail(text: str, digits: str, at: int, symbol: Retail) -> Scan:
    _check_digits(digits, at, symbol.lengths)
    return _bare_number(text, symbol.gtin(digits), at, lengths=(8, *_RETAIL_LENGTHS))


def _check_digits(digits: str, at: int, lengths: tuple[int, ...]) -> None:
    for index, char in enumerate(digits):
        if char not in "0123456789":
            raise ScanError("scan.bad_character", at + index, ai="01", char=repr(char))
    if len(digits) not in lengths:
        if len(digits) < max(lengths):
            raise ScanError("scan.value_short", at + len(digits), ai="01", length=len(digits))
        raise ScanError("scan.value_long", at + max(lengths), ai="01", most=max(lengths))


def _bare_number(text: str, digits: str, at: int, *, lengths: tuple[int, ...]) -> Scan:
    """A retail code (EAN, UPC, ITF-14) or a serial shipping container code without identifiers."""
    _check_digits(digits, at, lengths)
    is_sscc = len(digits) == _SSCC_LENGTH
    right = check_digit(digits[:-1])
    if digits[-1] != right:
        position = at + len(digits) - 1
        raise ScanError("scan.check_digit", position, ai="00" if is_sscc else "01", given=digits[-1], right=right)
    if is_sscc:
        return Scan(text=text, profile=Profile.SSCC, elements={"00": digits}, sscc=digits)
    gtin = digits.rjust(14, "0")
    return Scan(text=text, profile=Profile.PLAIN, elements={"01": gtin}, gtin=gtin)


def _meaning(text: str, elements: list[Element], today: date) -> Scan:
    names = {element.ai for element in elements}
    if "90" in names and not names & {"00", "01", "02", "03", "8006", "8026"}:
        licence = next(element for element in elements if element.ai == "90")
        if is_nie(licence.value):
            check_associations(elements, free=_BPOM_FREE)
            return _scan(text, Profile.BPOM, elements, today)
        if names & _BPOM_FREE:
            # Only a BPOM code may carry lot, expiry or serial without a GTIN, and this is none.
            raise ScanError("scan.bad_nie", licence.position, value=licence.value[:20])
    check_associations(elements)
    return _scan(text, Profile.SSCC if "00" in names else Profile.GS1, elements, today)


def _scan(text: str, profile: Profile, elements: Sequence[Element], today: date) -> Scan:
    values = {element.ai: element.value for element in elements}
    expiry = values.get("17") or values.get("7003", "")[:6]
    count = values.get("37") or values.get("30")
    licence = values.get("90")
    return Scan(
        text=text,
        profile=profile,
        elements=values,
        gtin=values.get("01"),
        content_gtin=values.get("02"),
        nie=licence if licence is not None and is_nie(licence) else None,
        lot=values.get("10"),
        expiry=date_of(expiry, today) if expiry else None,
        serial=values.get("21"),
        sscc=values.get("00"),
        count=int(count) if count else None,
    )
