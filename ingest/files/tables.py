"""The `Data` table, which both kinds of export share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ingest.files.logger_file import LoggerFileError
from ingest.files.outline import Node, degrees, instant

# Beyond this no vaccine logger measures; such a figure is a sensor fault, not a temperature (domain.md §5).
_LOWEST_C, _HIGHEST_C = -100.0, 100.0


@dataclass(frozen=True, slots=True)
class Table:
    """Readings in the file's order, and how many rows had none."""

    readings: tuple[tuple[datetime, float], ...]
    missing: int


def read_table(data: Node | None, *, fahrenheit: bool) -> Table:
    """Reads `Data`; a device that keeps statistics only has no such table."""
    if data is None:
        return Table((), 0)
    if not data.rows or data.rows[0].cells[1:2] != ("T",):
        raise LoggerFileError("the table “Data” has no heading “yyyy-MM-dd hh:mm, T”", line=data.line)
    readings: list[tuple[datetime, float]] = []
    missing = 0
    for row in data.rows[1:]:
        if len(row.cells) < 2:
            raise LoggerFileError("the row has no temperature: the file is cut off or damaged", line=row.line)
        at = instant(row.cells[0], row.line)
        value = degrees(row.cells[1], row.line, fahrenheit=fahrenheit)
        if value is None or not _LOWEST_C <= value <= _HIGHEST_C:
            missing += 1
        else:
            readings.append((at, value))
    return Table(tuple(readings), missing)


def is_signed(root: Node) -> bool:
    """Whether the file ends as the device ends it."""
    return bool(root.children) and root.children[-1].key == "Sig" and bool(root.children[-1].value)
