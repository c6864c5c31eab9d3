"""Keyset pages: `?limit&cursor` in, `{items, next_cursor}` out. No listing is unbounded."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.database.types import StrEnumText
from tracker.kit.errors import Refused

MOST = 500
Row = TypeVar("Row")
Out = TypeVar("Out")

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items per page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
Key = ColumnElement[Any] | InstrumentedAttribute[Any]


class BadCursor(Refused):
    """The cursor was not made by this listing."""

    code = "api.bad_cursor"


class Page(BaseModel, Generic[Out]):
    """One page of a listing; `next_cursor` is null on the last."""

    items: list[Out]
    next_cursor: str | None = None


def encode_cursor(values: Sequence[object]) -> str:
    """The last row's sort key as opaque text."""
    return base64.urlsafe_b64encode(json.dumps([str(v) for v in values]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, width: int) -> list[str]:
    """The sort key a cursor holds; raises BadCursor."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(values, ensure_ascii=False).encode()  # half of a pair of surrogates is no text a database can hold
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadCursor(field="cursor") from error
    if not isinstance(values, list) or len(values) != width or not all(isinstance(v, str) for v in values):
        raise BadCursor(field="cursor")
    return values


def page_of(
    db: Session,
    query: Select[*tuple[Any, ...]],
    *,
    keys: Sequence[Key],
    limit: int,
    cursor: str | None,
    key_of: Callable[[Any], Sequence[object]],
    present: Callable[[Any], Out],
    descending: bool = False,
) -> Page[Out]:
    """Run `query` ordered by `keys` (unique together) and cut one page.

    `key_of(row)` gives the keys' values of a row, `present(row)` its wire shape. Rows are what
    `db.execute(query)` yields. A cursor's text is cast by each key's own column type.
    """
    if cursor is not None:
        query = query.where(beyond(keys, decode_cursor(cursor, len(keys)), descending=descending))
    query = query.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)
    rows = db.execute(query).all()
    more = len(rows) > limit
    rows = rows[:limit]
    following = encode_cursor(key_of(rows[-1])) if more and rows else None
    return Page(items=[present(row) for row in rows], next_cursor=following)


def beyond(keys: Sequence[Key], key: Sequence[str], *, descending: bool = False) -> ColumnElement[bool]:
    """What comes after the row with this key, its texts cast by each key's own type; raises BadCursor."""
    given = [_typed(one, text) for one, text in zip(keys, key, strict=True)]
    edge = tuple_(*keys)
    return edge < tuple_(*given) if descending else edge > tuple_(*given)


def _typed(key: Key, text: str) -> Any:
    # An enum stored by value: its own class says which texts it knows.
    kind = key.type.enum if isinstance(key.type, StrEnumText) else key.type.python_type
    try:
        if hasattr(kind, "fromisoformat"):
            return kind.fromisoformat(text)
        return kind(text)
    except (ValueError, TypeError) as error:
        raise BadCursor(field="cursor") from error
