"""The text form Berlinger and Q-tag loggers share: an outline of `Key: value` lines, and tab-separated tables.

One space of indentation a level; a value may hold comma-separated pairs (`Min T: +4.0, TS Min T: 00:42`);
a table's rows start with a tab. CRLF or LF, a byte order mark or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

from ingest.files.logger_file import LoggerFileError

MAX_BYTES = 16_000_000
"""A year of one-minute readings is 14 MB."""
_MAX_LINE = 2_000
_MAX_DEPTH = 8

# These devices count from 2000; a year beyond this century is a damaged file, not a clock.
_INSTANT = re.compile(r"(20\d{2})-(\d{2})-(\d{2}) (\d{2}):(\d{2})")
_DAY = re.compile(r"20\d{2}-\d{2}-\d{2}")
_DEGREES = re.compile(r"[+-]?\d{1,3}\.\d{1,2}")
_NONE = re.compile(r"-+(\.-+)?|")
_WHOLE = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, without the leading tab."""

    line: int
    cells: tuple[str, ...]


@dataclass(slots=True)
class Node:
    """One line of the outline and what is indented below it."""

    line: int
    key: str
    value: str
    pairs: dict[str, str]
    children: list[Node] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def child(self, key: str) -> Node | None:
        """The first child of that name."""
        return next((node for node in self.children if node.key == key), None)

    def need(self, key: str) -> Node:
        """The child of that name; `LoggerFileError` when the file has none."""
        found = self.child(key)
        if found is None:
            raise LoggerFileError(f"“{self.key or 'the file'}” has no “{key}”", line=self.line)
        return found

    def pair(self, key: str) -> str | None:
        """A value on this line or on one of the lines below it: several pairs share a line."""
        if key in self.pairs:
            return self.pairs[key]
        return next((node.pairs[key] for node in self.children if key in node.pairs), None)


def read_outline(content: bytes) -> Node:
    """The whole file as one root node; `LoggerFileError` for anything that is not such a text."""
    if len(content) > MAX_BYTES:
        raise LoggerFileError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", line=1)
    root = Node(line=1, key="", value="", pairs={})
    path = [root]
    for number, text in _lines(content):
        if text.startswith("\t"):
            path[-1].rows.append(Row(number, tuple(cell.strip() for cell in text[1:].split("\t"))))
            continue
        body = text.lstrip(" ")
        depth = len(text) - len(body)
        if depth > min(len(path) - 1, _MAX_DEPTH):
            raise LoggerFileError("the line is indented deeper than the one it belongs to", line=number)
        node = _node(number, body)
        del path[depth + 1 :]
        path[-1].children.append(node)
        path.append(node)
    return root


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if len(raw) > _MAX_LINE:
            raise LoggerFileError("the line is too long for a logger's export", line=number)
        try:
            text = raw.decode("utf-8").rstrip()
        except UnicodeDecodeError:
            raise LoggerFileError("the line is not text", line=number) from None
        if any(ord(sign) < 32 and sign != "\t" for sign in text):
            raise LoggerFileError("the line holds control characters: this is not a text file", line=number)
        if text.strip():
            yield number, text


def _node(number: int, body: str) -> Node:
    key, colon, value = body.partition(":")
    if not colon or not key.strip():
        raise LoggerFileError("the line is not of the form “Key: value”", line=number)
    pairs: dict[str, str] = {}
    last = ""
    for part in body.split(", "):
        name, sign, text = part.partition(":")
        if sign:
            last = name.strip()
            pairs[last] = text.strip(" ,")
        else:
            pairs[last] = f"{pairs.get(last, '')}, {part}"  # free text with a comma in it
    return Node(line=number, key=key.strip(), value=value.strip(), pairs=pairs)


def instant(text: str, line: int) -> datetime:
    """`2022-05-02 04:44`, naive."""
    found = _INSTANT.fullmatch(text)
    if found:
        try:
            year, month, date_of_month, hour, minute = (int(part) for part in found.groups())
            return datetime(year, month, date_of_month, hour, minute)  # noqa: DTZ001 - local, as the file has it
        except ValueError:
            pass  # falls through: a date no calendar has
    raise LoggerFileError(f"“{text[:40]}” is not a time of the form 2022-05-02 04:44", line=line)


def day(text: str, line: int) -> date:
    """`2022-05-02`."""
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # falls through: a date no calendar has
    raise LoggerFileError(f"“{text[:40]}” is not a date of the form 2022-05-02", line=line)


def clock(text: str, line: int) -> time:
    """`09:52`."""
    try:
        return time.fromisoformat(text) if len(text) == 5 else time.fromisoformat("-")
    except ValueError:
        raise LoggerFileError(f"“{text[:40]}” is not a time of day of the form 09:52", line=line) from None


def degrees(text: str, line: int, *, fahrenheit: bool = False) -> float | None:
    """`+4.0`, in °C whatever the device shows; None for `--.-`."""
    if _NONE.fullmatch(text):
        return None
    if not _DEGREES.fullmatch(text):
        raise LoggerFileError(f"“{text[:40]}” is not a temperature", line=line)
    value = float(text)
    return round((value - 32) / 1.8, 2) if fahrenheit else value


def whole(text: str | None, line: int, what: str) -> int:
    """A count or a number of minutes."""
    if text is None or not _WHOLE.fullmatch(text):
        raise LoggerFileError(f"{what} is {text!r}, not a whole number", line=line)
    return int(text)
