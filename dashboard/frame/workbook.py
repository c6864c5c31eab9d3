"""Lists as XLSX workbooks: times are times and numbers numbers, and what somebody typed is never a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from fastapi import Response

from tracker.kit.days import WESTERN, local_day

_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDE = 18


def xlsx_answer(
    name: str, now: datetime, title: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    """A workbook `rantai-NAME-DAY.xlsx` of one sheet; the day is the western one. Times stand as clocks at their place showed them."""
    file = io.BytesIO()
    # Text is written as text: a name that begins with "=" or looks like an address stays what it is.
    with xlsxwriter.Workbook(file, {"in_memory": True, "constant_memory": False}) as book:
        sheet = book.add_worksheet(_tab(title))
        bold = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, word in enumerate(head):
            sheet.write_string(0, column, word, bold)
        for line, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(line, column, value.replace(tzinfo=None), moment)
                elif isinstance(value, int):
                    sheet.write_number(line, column, value)
                elif value is not None and value != "":
                    sheet.write_string(line, column, str(value))
        sheet.set_column(0, len(head) - 1, _WIDE)
        sheet.freeze_panes(1, 0)
    disposition = f'attachment; filename="rantai-{name}-{local_day(now, WESTERN).isoformat()}.xlsx"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return Response(file.getvalue(), media_type=_TYPE, headers=headers)


def _tab(title: str) -> str:
    """A name that a spreadsheet takes for a sheet: 31 letters at most, none of its signs."""
    return "".join(letter for letter in title if letter not in r"[]:*?/\'")[:31] or "Rantai"
