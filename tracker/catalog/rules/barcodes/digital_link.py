"""GS1 Digital Link: web addresses that hold a key, its qualifiers and attributes. Pure.

Any domain may serve them; the rightmost key of the path counts, what stands before it is a stem.
"""

from __future__ import annotations

import re
from datetime import date

from tracker.catalog.rules.barcodes.components import check_value
from tracker.catalog.rules.barcodes.dictionary import Identifier, identifiers
from tracker.catalog.rules.barcodes.elements import Element
from tracker.catalog.rules.barcodes.errors import ScanError

_SCHEME = re.compile(r"(?:https?|HTTPS?)://")
_URI_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%")
_HOST = re.compile(r"[0-9A-Za-z.\-:\[\]]+")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")


def parse_digital_link(text: str, start: int, *, today: date) -> list[Element]:
    """Read the address `text[start:]`; raises ScanError with positions of `text`.

    Elements come as the address has them: key, qualifiers, then attributes.
    """
    for at in range(start, len(text)):
        if text[at] not in _URI_CHARACTERS:
            raise ScanError("scan.link_character", at, char=repr(text[at]))
    scheme = _SCHEME.match(text, start)
    if scheme is None:
        raise ScanError("scan.link_scheme", start)
    end = _find(text, "#", scheme.end(), len(text))
    query_at = _find(text, "?", scheme.end(), end)
    path_at = _find(text, "/", scheme.end(), query_at)
    if not _HOST.fullmatch(text, scheme.end(), path_at):
        raise ScanError("scan.link_host", scheme.end())
    key, qualifiers = _path(text, path_at, query_at)
    elements = [_element(text, *key, plus_is_space=False, today=today)]
    elements += [_element(text, *part, plus_is_space=False, today=today) for part in qualifiers]
    attributes = _query(text, query_at + 1, end, [element.ai for element in elements])
    for spec, spec_at, value_at, value_end in attributes:
        elements.append(_element(text, spec, spec_at, value_at, value_end, plus_is_space=True, today=today))
    return elements


# An identifier, where it stands, and where its value begins and ends.
_Part = tuple[Identifier, int, int, int]


def _path(text: str, start: int, end: int) -> tuple[_Part, list[_Part]]:
    segments = _segments(text, start, end)
    known = identifiers()
    for index in range(len(segments) - 2, -1, -2):
        begin, stop = segments[index]
        spec = known.get(text[begin:stop])
        if spec is None or spec.keys is None:
            continue
        qualifiers: list[_Part] = []
        for place in range(index + 2, len(segments), 2):
            at, name_end = segments[place]
            qualifier = known.get(text[at:name_end])
            if qualifier is None:
                raise ScanError("scan.unknown_ai", at, text=repr(text[at : at + 4]))
            qualifiers.append((qualifier, at, *segments[place + 1]))
        _check_order(spec, qualifiers)
        return (spec, begin, *segments[index + 1]), qualifiers
    raise ScanError("scan.link_no_key", start)


def _segments(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Begin and end of what stands between slashes."""
    found = []
    at = start
    while at < end:
        stop = _find(text, "/", at + 1, end)
        found.append((at + 1, stop))
        at = stop
    return found


def _check_order(key: Identifier, qualifiers: list[_Part]) -> None:
    """The qualifiers must be a subsequence of one of the key's orders."""
    names = [spec.ai for spec, *_ in qualifiers]
    # Name the first that does not fit any order together with those before it.
    for count in range(1, len(names) + 1):
        if not any(_fits(names[:count], order) for order in key.keys or ()):
            raise ScanError("scan.link_order", qualifiers[count - 1][1], ai=names[count - 1])


def _fits(names: list[str], order: tuple[str, ...]) -> bool:
    """Whether `names` come in `order`; asking an iterator consumes it up to the name found."""
    rest = iter(order)
    return all(name in rest for name in names)


def _query(text: str, start: int, end: int, path: list[str]) -> list[_Part]:
    found: list[_Part] = []
    known = identifiers()
    # Qualifiers stand in the path: those of the orders that the path follows, not of the key's other ones.
    orders = [order for order in known[path[0]].keys or () if _fits(path[1:], order)]
    forbidden = {ai for order in orders for ai in order}
    used = set(path)
    at = start
    while at < end:
        stop = _find(text, "&", at, end)
        equals = text.find("=", at, stop)
        name = text[at:equals] if equals >= 0 else ""
        # Words are for the resolver (linkType, …); only digits can be identifiers.
        if name.isascii() and name.isdigit():
            spec = known.get(name)
            if spec is None:
                raise ScanError("scan.unknown_ai", at, text=repr(name[:8]))
            if name in used:
                raise ScanError("scan.link_order", at, ai=name)
            if not spec.query_attribute or name in forbidden:
                raise ScanError("scan.link_attribute", at, ai=name)
            used.add(name)
            found.append((spec, at, equals + 1, stop))
        at = stop + 1
    return found


def _element(
    text: str, spec: Identifier, spec_at: int, start: int, end: int, *, plus_is_space: bool, today: date
) -> Element:
    chars: list[str] = []
    positions: list[int] = []
    at = start
    while at < end:
        positions.append(at)
        if text[at] == "%" and _HEX.fullmatch(text, at + 1, min(at + 3, end)):
            char = chr(int(text[at + 1 : at + 3], 16))
            if char == "\0":
                raise ScanError("scan.link_nul", at)
            chars.append(char)
            at += 3
        else:
            chars.append(" " if plus_is_space and text[at] == "+" else text[at])
            at += 1
    value = "".join(chars)
    check_value(spec, value, (*positions, end), today=today)
    return Element(ai=spec.ai, value=value, position=spec_at)


def _find(text: str, what: str, start: int, end: int) -> int:
    """Where `what` stands in `text[start:end]`; `end` when it does not."""
    place = text.find(what, start, end)
    return end if place < 0 else place
