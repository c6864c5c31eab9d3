"""Lists as CSV files, for people who work on in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import anyio
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from tracker.edge.hop import Hop, in_hop
from tracker.edge.places import Busy
from tracker.kit.days import WESTERN, local_day

# A cell that begins so is a formula to a spreadsheet, to some in full width, too; a name somebody typed must not become one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


Key = TypeVar("Key")
Rows = Iterable[Sequence[object]]
# A part that finds the house busy is asked for again; whoever downloads waits for the rest anyway.
_TRIES = 20
_PAUSE_S = 1.0


def csv_answer(name: str, now: datetime, head: Sequence[str], rows: Rows) -> Response:
    """A CSV file `rantai-NAME-DAY.csv`, the day being the western one, in UTF-8; with a mark of that encoding, without which Excel guesses another."""
    return Response(_lines([head, *_safe(rows)], first=True), media_type=_TYPE, headers=_headers(name, now))


class Parts(Generic[Key]):
    """A list that is read some rows at a time: `read(db, after)` answers them and the key behind which the next ones stand."""

    def __init__(self, request: Request, read: Callable[[Session, Key | None], tuple[Rows, Key | None]]) -> None:
        self._request = request
        self._read = read

    def answer(self, db: Session, name: str, now: datetime, head: Sequence[str]) -> Response:
        """The whole list as a CSV file, however long: the first part is read now, each further one in a hop of its own.

        So a long file keeps no place and no memory from others. A part that fails breaks the download off.
        """
        rows, after = self._read(db, None)
        first = _lines([head, *_safe(rows)], first=True)
        return StreamingResponse(self._all(first, after), media_type=_TYPE, headers=_headers(name, now))

    async def _all(self, part: bytes, after: Key | None) -> AsyncIterator[bytes]:
        yield part
        while after is not None:
            rows, after = await self._next(after)
            yield _lines(_safe(rows), first=False)

    async def _next(self, after: Key) -> tuple[Rows, Key | None]:
        def work(hop: Hop) -> tuple[Rows, Key | None]:
            return self._read(hop.db, after)

        for _ in range(_TRIES):
            try:
                found: tuple[Rows, Key | None] = await in_hop(self._request, work)
            except Busy:
                await anyio.sleep(_PAUSE_S)
            else:
                return found
        raise Busy


_TYPE = "text/csv; charset=utf-8"


def _headers(name: str, now: datetime) -> dict[str, str]:
    disposition = f'attachment; filename="rantai-{name}-{local_day(now, WESTERN).isoformat()}.csv"'
    return {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}


def _lines(rows: Rows, *, first: bool) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig" if first else "utf-8")


def _safe(rows: Rows) -> Iterable[list[object]]:
    return ([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
