"""A spreadsheet of who serves which kelurahan, read whole before anything is written."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.kit.errors import DomainError
from tracker.network.queries import facility_by_code_or_id
from tracker.network.serving import ServeAreas, read_codes, serve_areas

MOST_FAULTS = 20
_FACILITY, _AREA = ("facility", "fasilitas"), ("area", "kelurahan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFault:
    """What is wrong with a line (the first is 1): a refusal, or plain words where the line itself cannot be read."""

    line: int
    error: DomainError | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDone:
    """How many facilities were named, and how many kelurahan in all."""

    facilities: int
    areas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    number: int
    facility: str
    area: str


def read_served(db: Session, content: bytes, *, now: datetime) -> tuple[ServedDone, list[ServedFault]]:
    """Take a CSV with columns facility and area (fasilitas, kelurahan), or say what is wrong with up to twenty lines.

    With faults nothing is to be kept. Comma and semicolon both part the columns, as spreadsheets write them.
    """
    lines, faults = _read(content)
    faults += _strange(db, lines)
    lists: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        lists[line.facility].append(line)
    if not faults:
        for facility, mine in sorted(lists.items()):
            try:
                serve_areas(db, SYSTEM, ServeAreas(facility=facility, areas=[line.area for line in mine]), now=now)
            except DomainError as error:
                faults.append(ServedFault(line=mine[0].number, error=error))
    if faults:
        return ServedDone(facilities=0, areas=0), sorted(faults, key=lambda one: one.line)[:MOST_FAULTS]
    areas = sum(len({line.area for line in mine}) for mine in lists.values())
    return ServedDone(facilities=len(lists), areas=areas), []


def _read(content: bytes) -> tuple[list[_Line], list[ServedFault]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [], [ServedFault(line=line, words="this is no UTF-8 text")]
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        return [], [ServedFault(line=reader.line_num, words=str(error))]
    columns = _columns(rows[0][1]) if rows else None
    if columns is None:
        return [], [ServedFault(line=1, words="the first line names the columns facility and area")]
    lines, faults = [], []
    for number, cells in rows[1:]:
        facility, area = (cells[column] if column < len(cells) else "" for column in columns)
        if facility and area:
            lines.append(_Line(number=number, facility=facility, area=area))
        else:
            faults.append(ServedFault(line=number, words="facility or area is missing"))
    return lines, faults


def _columns(cells: list[str]) -> tuple[int, int] | None:
    names = [cell.lower() for cell in cells]
    facility = next((names.index(name) for name in _FACILITY if name in names), None)
    area = next((names.index(name) for name in _AREA if name in names), None)
    return None if facility is None or area is None else (facility, area)


def _strange(db: Session, lines: list[_Line]) -> list[ServedFault]:
    """Lines whose facility or kelurahan is not known."""
    _, faults = read_codes(db, [line.area for line in lines])
    found = [ServedFault(line=lines[at].number, error=error) for at, error in faults.items()]
    first: dict[str, _Line] = {}
    for line in lines:
        first.setdefault(line.facility, line)
    for facility, line in first.items():
        try:
            facility_by_code_or_id(db, SYSTEM, facility)
        except DomainError as error:
            found.append(ServedFault(line=line.number, error=error))
    return found
