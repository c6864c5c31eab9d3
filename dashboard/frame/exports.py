"""Lists as CSV files, for people who work on in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from fastapi import Response

from tracker.kit.days import WESTERN, local_day

# A cell that begins so is a formula to a spreadsheet; a name somebody typed must not become one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(name: str, now: datetime, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file `rantai-NAME-DAY.csv`, the day being the western one, in UTF-8; with a mark of that encoding, without which Excel guesses another."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    disposition = f'attachment; filename="rantai-{name}-{local_day(now, WESTERN).isoformat()}.csv"'
    return Response(
        text.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition, "Cache-Control": "private, no-store"},
    )


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
