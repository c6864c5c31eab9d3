"""The checks the dictionary names on parts of a value. Pure.

Not checked, because they are of no use for vaccines: country and currency lists (ISO 3166, 4217), bank
accounts, coupons, package types. Their values pass once characters and lengths are right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from tracker.catalog.rules.barcodes.dates import date_of
from tracker.catalog.rules.barcodes.dictionary import Component, Identifier
from tracker.catalog.rules.barcodes.digits import check_digit
from tracker.catalog.rules.barcodes.errors import ScanError

_CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_SETS = {
    "N": frozenset("0123456789"),
    "X": frozenset(_CSET82),
    "Y": frozenset("#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "Z": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
}
_CSET32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)

# What a check says of a part it refuses: the error's code and the offset within the part.
Verdict = tuple[str, int] | None


def check_value(spec: Identifier, value: str, positions: tuple[int, ...], *, today: date) -> None:
    """Raise ScanError unless `value` is one of this identifier; `positions[i]` is where its i-th character stands.

    `positions` has one entry more than the value has characters: where it ends.
    """
    if not value:
        raise ScanError("scan.value_empty", positions[0], ai=spec.ai)
    start = 0
    for component in spec.components:
        part = value[start : start + component.most]
        if not part and component.optional:
            break
        _check_characters(spec, component, part, positions[start:])
        if len(part) < component.least:
            raise ScanError("scan.value_short", positions[start], ai=spec.ai, length=len(value))
        for name in component.checks:
            _run(name, spec, part, positions[start:], today)
        start += len(part)
    if start < len(value):
        raise ScanError("scan.value_long", positions[start], ai=spec.ai, most=spec.length)


def _check_characters(spec: Identifier, component: Component, part: str, positions: tuple[int, ...]) -> None:
    allowed = _SETS[component.kind]
    bare = len(part.rstrip("=")) if component.kind == "Z" else len(part)
    for index, char in enumerate(part[:bare]):
        if char not in allowed:
            raise ScanError("scan.bad_character", positions[index], ai=spec.ai, char=repr(char))
    # As GS1's own linter has it: at most two, and a whole number of threes with them.
    if bare < len(part) and (len(part) - bare > 2 or len(part) % 3):
        raise ScanError("scan.bad_padding", positions[bare], ai=spec.ai)


def _run(name: str, spec: Identifier, part: str, positions: tuple[int, ...], today: date) -> None:
    if name == "csum":
        right = check_digit(part[:-1])
        if part[-1] != right:
            raise ScanError("scan.check_digit", positions[len(part) - 1], ai=spec.ai, given=part[-1], right=right)
    elif name == "csumalpha":
        alpha = _alpha_pair(part[:-2]) if len(part) > 2 else None
        if alpha != part[-2:]:
            raise ScanError(
                "scan.check_digit", positions[max(len(part) - 2, 0)], ai=spec.ai, given=part[-2:], right=alpha
            )
    elif name in ("yymmd0", "yymmdd"):
        if date_of(part, today, day_zero=name == "yymmd0") is None:
            raise ScanError("scan.bad_date", positions[0], ai=spec.ai, value=part)
    else:
        verdict = _CHECKS[name](part) if name in _CHECKS else None
        if verdict is not None:
            code, offset = verdict
            raise ScanError(code, positions[offset], ai=spec.ai, value=part)


def _alpha_pair(body: str) -> str | None:
    """The check character pair of a Global Model Number (General Specifications 7.9.5)."""
    if len(body) > len(_PRIMES):
        return None
    total = sum(_CSET82.index(char) * weight for char, weight in zip(reversed(body), _PRIMES, strict=False))
    total %= 1021
    return _CSET32[total >> 5] + _CSET32[total & 31]


def _form(pattern: str, code: str = "scan.bad_value") -> Callable[[str], Verdict]:
    compiled = re.compile(pattern)
    return lambda part: None if compiled.fullmatch(part) else (code, 0)


def _whole_date(part: str) -> Verdict:
    try:
        date(int(part[:4]), int(part[4:6]), int(part[6:]))
    except ValueError:
        return ("scan.bad_date", 0)
    return None


def _piece_of_total(part: str) -> Verdict:
    piece, total = part[:2], part[2:]
    return None if "00" < piece <= total else ("scan.bad_value", 0)


def _sequence(part: str) -> Verdict:
    # Position in birth sequence: n/m with n <= m, neither zero.
    if re.fullmatch(r"[1-9]/[1-9]", part) and part[0] <= part[2]:
        return None
    return ("scan.bad_value", 0)


def _degrees(most: int) -> Callable[[str], Verdict]:
    # Latitude and longitude stand as (degrees + 90 or 180) × 10^7.
    return lambda part: None if int(part) <= most * 10_000_000 else ("scan.bad_value", 0)


def _percent(part: str) -> Verdict:
    broken = re.search(r"%(?![0-9A-Fa-f]{2})", part)
    return ("scan.bad_value", broken.start()) if broken else None


def _company_prefix(offset: int) -> Callable[[str], Verdict]:
    # A GS1 key begins with a company prefix, at least four digits of it.
    def check(part: str) -> Verdict:
        head = part[offset - 1 : offset + 3]
        return None if len(head) == 4 and head.isdigit() else ("scan.bad_value", 0)

    return check


_CHECKS: dict[str, Callable[[str], Verdict]] = {
    "yyyymmdd": _whole_date,
    "hhmi": _form(r"([01]\d|2[0-3])[0-5]\d", "scan.bad_time"),
    "hh": _form(r"[01]\d|2[0-3]", "scan.bad_time"),
    "mi": _form(r"[0-5]\d", "scan.bad_time"),
    "ss": _form(r"[0-5]\d", "scan.bad_time"),
    "zero": _form(r"0"),
    "nonzero": _form(r"\d*[1-9]\d*"),
    "nozeroprefix": _form(r"0|[1-9]\d*"),
    "yesno": _form(r"[01]"),
    "winding": _form(r"[019]"),
    "hyphen": _form(r"-"),
    "iso5218": _form(r"[0129]"),
    "importeridx": _form(r"[-0-9A-Z_a-z]"),
    "mediatype": _form(r"0[1-9]|10|[89]\d"),
    "hasnondigit": _form(r".*[^0-9].*"),
    "pieceoftotal": _piece_of_total,
    "posinseqslash": _sequence,
    "latitude": _degrees(180),
    "longitude": _degrees(360),
    "pcenc": _percent,
    "gcppos1": _company_prefix(1),
    "gcppos2": _company_prefix(2),
}
