"""The tables of docs/ that repeat what the code knows: rendered here, compared by tests, written on request.

python -m tests.support.doc_tables        writes them into docs/
"""

from __future__ import annotations

import inspect
import json
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tracker.api.problems import PROBLEMS
from tracker.events import KINDS
from tracker.feed.contract import Audience, Part, names_of
from tracker.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- table: {} -->"
END = "<!-- end of table -->"


def settings_table() -> str:
    """Every environment variable of `tracker.settings`, in the order of the classes."""
    rows = ["| Variable | Values | Default | Meaning |", "| --- | --- | --- | --- |"]
    rows += _setting_rows(Settings, PREFIX)
    return "\n".join(rows)


def setting_names() -> list[str]:
    """Names only."""
    return [row.split("`")[1] for row in _setting_rows(Settings, PREFIX)]


def _setting_rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            rows += _setting_rows(field.annotation, f"{variable}__")
            continue
        meaning = field.description or ""
        if field.annotation is SecretStr:
            meaning += f" May come from a file: `{variable}_FILE`."
        rows.append(f"| `{variable}` | {_values(field)} | {_default(field)} | {meaning} |")
    return rows


def _values(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in (list, tuple):
        return "JSON list"
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    words = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text", SecretStr: "text"}
    text = words.get(kind, getattr(kind, "__name__", "text"))
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    low = getattr(bounds.get("Ge"), "ge", None)
    high = getattr(bounds.get("Le"), "le", None)
    if low is not None and high is not None:
        return f"{text}, {low:,} to {high:,}"
    return f"{text}, at least {low:,}" if low is not None else text


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "`[]`"
    if field.default is PydanticUndefined:
        return "**must be set**"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`" if text else "empty"


def errors_table() -> str:
    """Every problem code with its status and both sentences, by room."""
    rows = ["| Code | Status | English | Indonesian |", "| --- | --- | --- | --- |"]
    for code, problem in sorted(PROBLEMS.items()):
        rows.append(f"| `{code}` | {problem.status} | {problem.en} | {problem.id} |")
    return "\n".join(rows)


def events_table() -> str:
    """Every kind of event, by room: when it is told, where, and its fields with their types and former names."""
    lines = []
    room = ""
    for event in sorted(KINDS, key=lambda cls: cls.KIND):
        if event.KIND.partition(".")[0] != room:
            room = event.KIND.partition(".")[0]
            lines += [f"## {room}", ""]
        where = "For the nation." if event.AUDIENCE is Audience.NATION else f"Told under {event.TOLD_AT}."
        lines += [f"### `{event.KIND}`", "", f"{inspect.cleandoc(event.__doc__ or '')} {where}", ""]
        lines += ["| Field | Type | Formerly |", "| --- | --- | --- |", *_field_rows(event, ""), ""]
    return "\n".join(lines).rstrip()


def _field_rows(cls: Any, prefix: str) -> list[str]:
    hints = get_type_hints(cls)
    rows = []
    for name, old in names_of(cls).items():
        former = f"`{prefix}{old}`" if old else ""
        rows.append(f"| `{prefix}{name}` | {_type_words(hints[name])} | {former} |")
        for part in (hints[name], *get_args(hints[name])):
            if isinstance(part, type) and issubclass(part, Part):
                many = get_origin(hints[name]) is tuple
                rows += _field_rows(part, f"{prefix}{name}{'[]' if many else ''}.")
    return rows


def _type_words(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"list of {_type_words(get_args(hint)[0])}"
    if isinstance(hint, UnionType):
        return " or ".join(_type_words(one) for one in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(f"`{member.value}`" for member in hint)
    words: dict[Any, str] = {UUID: "id", str: "text", int: "whole number", float: "number", bool: "true or false"}
    return (words | {datetime: "instant", date: "day", type(None): "null"}).get(hint, "object")


TABLES = {
    "settings": ("docs/settings.md", settings_table),
    "errors": ("docs/errors.md", errors_table),
    "events": ("docs/events.md", events_table),
}


def written(name: str) -> str:
    """The table as it stands in its page. Raises ValueError where the page has no place for it."""
    page = (ROOT / TABLES[name][0]).read_text(encoding="utf-8")
    _, _, after = page.partition(BEGIN.format(name) + "\n")
    table, end, _ = after.partition("\n" + END)
    if not end:
        raise ValueError(f"{TABLES[name][0]} has no place marked for the table {name!r}")
    return table


def write() -> None:
    """Put the rendered tables into their pages."""
    for name, (file, render) in TABLES.items():
        old = written(name)
        path = ROOT / file
        begin = BEGIN.format(name) + "\n"
        page = path.read_text(encoding="utf-8")
        path.write_text(page.replace(begin + old, begin + render(), 1), encoding="utf-8")


if __name__ == "__main__":
    write()
