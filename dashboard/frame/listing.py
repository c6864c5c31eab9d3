"""Lists that go on by key: `?sesudah=` says where the page before ended, so rows that come or go meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.edge.paging import BadCursor, Key, beyond, decode_cursor, encode_cursor

FIELD = "sesudah"
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[Row]):
    """One page of a list. `onward`: what `sesudah` is on the next page, empty on the last; `begun`: not on the first."""

    rows: Sequence[Row]
    onward: str
    begun: bool


def listed(
    db: Session,
    parts: Sequence[Select[*tuple[Any, ...]]],
    *,
    keys: Sequence[Key],
    key_of: Callable[[Any], Sequence[object]],
    most: int,
    after: str,
    descending: bool = False,
    field: str = FIELD,
    last_keys: Sequence[Key] = (),
) -> Listed[Any]:
    """The next `most` rows of these queries, one after another, each in the order of `keys` (unique together).

    Each row is in one of the parts; `key_of(row)` gives the keys' values; `field` names `after` where a page has
    two lists. `last_keys` are those of the last part, where its rows lack what the others are ordered by. Raises BadCursor for an `after` of another list.
    """
    number, key = _begin(after, len(parts), len(keys), field)
    found: list[tuple[int, Any]] = []
    for part in range(number, len(parts)):
        theirs = last_keys if last_keys and part == len(parts) - 1 else keys
        query = parts[part].order_by(*(one.desc() if descending else one.asc() for one in theirs))
        if part == number and key:
            query = query.where(_beyond(theirs, key, descending=descending, field=field))
        found += [(part, row) for row in db.execute(query.limit(most + 1 - len(found)))]
        if len(found) > most:
            break
    shown = found[:most]
    onward = ""
    if len(found) > most:
        last, row = shown[-1]
        onward = encode_cursor([last, *key_of(row)])
    return Listed(rows=[row for _, row in shown], onward=onward, begun=bool(after))


def newest(
    db: Session,
    query: Select[*tuple[Any, ...]],
    keys: Sequence[InstrumentedAttribute[Any]],
    *,
    most: int,
    after: str,
    field: str,
    present: Callable[[Any], Row] = lambda row: row[0],
) -> Listed[Row]:
    """What has happened to one thing, the newest `most` first: `keys` (unique together) are those of the query's first column.

    A card beside others of its page, so `field` is its own. Raises BadCursor.
    """
    found = listed(
        db,
        [query],
        keys=keys,
        key_of=lambda row: [_told(getattr(row[0], key.key)) for key in keys],
        most=most,
        after=after,
        descending=True,
        field=field,
    )
    return Listed(rows=[present(row) for row in found.rows], onward=found.onward, begun=found.begun)


def _told(value: Any) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _begin(after: str, parts: int, width: int, field: str) -> tuple[int, list[str]]:
    if not after:
        return 0, []
    try:
        number, *key = decode_cursor(after[:1000], width + 1)
    except BadCursor as error:
        raise BadCursor(field=field) from error
    if not (number.isascii() and number.isdigit() and len(number) < 3 and int(number) < parts):
        raise BadCursor(field=field)
    return int(number), key


def _beyond(keys: Sequence[Key], key: Sequence[str], *, descending: bool, field: str) -> Any:
    try:
        return beyond(keys, key, descending=descending)
    except BadCursor as error:
        raise BadCursor(field=field) from error
