"""What a dialect makes of a payload. Pure: bytes in, canonical entries or a reason out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from tracker.kit.members import given_twice
from tracker.telemetry.rules.words import Role

# A WHO EMS body may have 1 MB as it is sent; no dialect needs more.
MOST_BYTES = 1_048_576

# (channel name, `Quantity` value, instant or None where the payload has none, value). The quantity is
# plain text here: members of an enum hash slowly, and each entry is looked up by name and quantity.
Entry = tuple[str, str, datetime | None, float]


_LEAP = re.compile(r"(.*[Tt].*)60((?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d))", re.ASCII)


class Reject(Exception):
    """The payload is of no use at all. `reason` is a stable word, `detail` a sentence, `where` a place in it."""

    def __init__(self, reason: str, detail: str, where: str = "") -> None:
        self.reason = reason
        self.detail = detail
        self.where = where
        super().__init__(reason, detail, where)


@dataclass(frozen=True, slots=True)
class Twice:
    """Stands for an object that has this member's name twice."""

    name: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One part of a payload that is of no use; `where` is its JSON pointer."""

    where: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDefaults:
    """How channels nobody has declared are made: role by (name, quantity), nominal seconds between readings."""

    roles: Mapping[tuple[str, str], Role]
    interval_s: int


@dataclass(slots=True, kw_only=True)
class Group:
    """Entries of one device: the sender, or the one behind it that has one of `serials`."""

    entries: list[Entry]
    serials: tuple[str, ...] = ()
    where: str = ""
    alarms: list[tuple[str, datetime]] = field(default_factory=list)
    """Codes the device itself gave as its alarms, and when."""


@dataclass(slots=True, kw_only=True)
class Decoded:
    """All that one payload says; good parts stand beside problems."""

    groups: list[Group]
    problems: list[Problem] = field(default_factory=list)
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write readings down."""

    name: str
    decode: Callable[[bytes], Decoded]
    defaults: ChannelDefaults


def parse_json(payload: bytes) -> object:
    """The JSON value; raises Reject. Refuses NaN, Infinity, overflow, lone surrogates, depth over 1024.

    An object that has a name twice is a `Twice`.
    """
    if not payload:
        raise Reject("empty", "the message has no body")
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Reject("malformed", str(error)) from None
    return value if _all_kept(payload, value) else _read_again(payload)


def _all_kept(payload: bytes, value: object) -> bool:
    """Whether no name surely stands twice. Of two the quick reader keeps the last: then fewer quotes are kept than came.

    Escapes may hide quotes; such a payload, and one too deep to be written, is read again.
    """
    try:
        return b"\\" not in payload and payload.count(b'"') == orjson.dumps(value).count(b'"')
    except orjson.JSONEncodeError:
        return False


def _read_again(payload: bytes) -> object:
    try:
        return json.loads(payload, object_pairs_hook=_object)
    except RecursionError:
        raise Reject("malformed", "the JSON is nested too deeply") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | Twice:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(given_twice(pairs)[0])


def no_object(value: object, reason: str, detail: str) -> tuple[str, str]:
    """Reason and sentence for what is no object; one that has a name twice says so."""
    if type(value) is Twice:
        return "given_twice", f"`{value.name}` stands twice: which is meant?"
    return reason, detail


def instant(text: object) -> datetime | None:
    """An ISO 8601 instant with zone, `t` and `z` in either case, a leap second as the one after; None for all else."""
    if type(text) is not str:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        leap = _LEAP.fullmatch(text)
        try:
            # 60 is a second of RFC 3339; no clock of ours has it, so it is the first of the next minute.
            at = datetime.fromisoformat((f"{leap[1]}59{leap[2]}" if leap else text).upper())
        except ValueError:
            return None
        at = at + timedelta(seconds=1) if leap and at.tzinfo is not None else at
    return at if at.tzinfo is not None else None


def number(value: object) -> float | None:
    """A JSON number as float. What loggers write for "no reading" is NaN, None anything else.

    Booleans are numbers to Python and not to us.
    """
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if value is None or value == "--.-":
        return math.nan
    return None
