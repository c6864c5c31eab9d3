"""What an event is: a frozen dataclass that a room declares in its `events.py`.

Rows of the feed carry the fields as JSON. A field that had another name before says so with `formerly`: rows
stored under the old name still decode, and what leaves the house carries both names for one version.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, TypeVar, get_type_hints

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tracker.feed.models import FeedEvent, FeedPending


class Audience(StrEnum):
    """Who may see an event, besides needing the right to read the feed at all."""

    UNIT = "unit"
    """Whoever may read the feed of the unit it is told under, or of a unit above."""
    NATION = "nation"
    """It is told under no unit: only for those who see what concerns the whole country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A structured value inside an event."""

    # Old names and new ones are both understood; what is unknown is ignored, so that a row of a later version is read.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(validate_by_name=True, validate_by_alias=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Part):
    """Something that happened. `KIND` is "room.what" and never changes; the docstring says when it is told.

    Fields are ids (UUID), numbers with their unit in the name, enums, dates and instants, never personal data.
    """

    KIND: ClassVar[str]
    AUDIENCE: ClassVar[Audience] = Audience.UNIT
    TOLD_AT: ClassVar[str] = "the facility"
    """Whose unit an event for `Audience.UNIT` is told under, in words."""


E = TypeVar("E", bound=Event)
Row = FeedEvent | FeedPending


class Undecodable(ValueError):
    """A row of the feed does not hold what its kind declares; the text names fields, never values."""


def formerly(old: str) -> Any:
    """Declare the name a field had before; stands in the field's `Annotated`."""
    return Field(validation_alias=old)


def decode(row: Row, *classes: type[E]) -> E:
    """The event a row holds, one of `classes`. Raises Undecodable."""
    for cls in classes:
        if row.kind == cls.KIND:
            declared: Any = cls
            try:
                # As JSON and strictly: "5" is no number, but text is an id or an instant where one is declared.
                found: E = adapter_of(declared).validate_json(orjson.dumps(row.data), strict=True)
                return found
            except ValidationError as error:
                problems = ", ".join(
                    f"{'.'.join(str(step) for step in each['loc'])}: {each['type']}"
                    for each in error.errors(include_input=False, include_url=False, include_context=False)
                )
                raise Undecodable(f"{row.kind} does not hold what it declares ({problems})") from None
    raise Undecodable(f"{row.kind} is not one of {', '.join(sorted(cls.KIND for cls in classes))}")


def with_old_names(value: Any) -> Any:
    """An event as it leaves the house: its fields, and those that were renamed under their old names too."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {}
        for name, old in names_of(type(value)).items():
            shown[name] = with_old_names(getattr(value, name))
            if old is not None:
                shown[old] = shown[name]
        return shown
    return [with_old_names(item) for item in value] if isinstance(value, tuple) else value


@cache
def names_of(cls: type[Any]) -> dict[str, str | None]:
    """The fields of an event or a part of one, with the name each had before (None: it always had this one)."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: _old_name(hints[field.name]) for field in fields(cls)}


def _old_name(hint: Any) -> str | None:
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, FieldInfo) and isinstance(each.validation_alias, str):
            return each.validation_alias
    return None


@cache
def adapter_of(cls: type[Any]) -> TypeAdapter[Any]:
    """What checks rows against a class, and describes it as a JSON schema."""
    return TypeAdapter(cls)
