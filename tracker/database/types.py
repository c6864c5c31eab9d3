"""Column types PostgreSQL has and SQLAlchemy has not, and enums stored by value."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Dialect, Text, Uuid, any_, bindparam, literal
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import TypeDecorator, UserDefinedType


class Ltree(UserDefinedType[str]):
    """A label path such as `id.banten.tangerang`; compare with `.op('<@')(path)`."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "LTREE"


# So that reflection (alembic check) knows the type it finds.
ischema_names["ltree"] = Ltree

E = TypeVar("E", bound=StrEnum)


class StrEnumText(TypeDecorator[E], Generic[E]):
    """A `StrEnum` stored as its value in a text column."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        self.enum = enum
        super().__init__()

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the interface asks for it
        """Accepts a member or its value; anything else is a ValueError."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:  # noqa: ARG002 - same
        """The member."""
        return None if value is None else self.enum(value)


def said(column: Any, one: UUID) -> ColumnElement[bool]:
    """True where the column is this id, which stands in the statement itself: so the planner knows how many rows have it.

    For what one row in a thousand has and another every second, such as the lot of a balance.
    """
    found: ColumnElement[bool] = column == bindparam(None, one, Uuid(), literal_execute=True)
    return found


def any_of(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:
    """True where the column is one of these ids, said as one array.

    For `in_` a statement gets a parameter an id and is written anew for each number of them: of a thousand that costs more
    than the database's answer.
    """
    found: ColumnElement[bool] = column == any_(literal(list(ids), ARRAY(Uuid())))
    return found
