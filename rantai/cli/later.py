"""Groups of commands whose module is imported when one of their commands is asked for: `--help` and small commands start at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperGroup

HOUSE: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "add_completion": False}
"""How the house's command line looks: plain text is what scripts and screen readers take."""


def add_later(app: typer.Typer, name: str, load: Callable[[], typer.Typer], help: str) -> None:  # noqa: A002 - as Typer calls it
    """Add the Typer that `load` imports as a group, without importing it."""

    class Later(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**{**given, "commands": _Commands(lambda: _group(load, name))})

    app.add_typer(typer.Typer(cls=Later), name=name, help=help)


def _group(load: Callable[[], typer.Typer], name: str) -> TyperGroup:
    holder = typer.Typer(**HOUSE)
    holder.add_typer(load(), name=name)
    found = typer.main.get_group(holder).commands[name]
    assert isinstance(found, TyperGroup)  # noqa: S101 - what was added as a Typer
    return found


class _Commands(MutableMapping[str, Any]):
    """The commands of a group; whoever asks for any has them imported."""

    def __init__(self, group: Callable[[], TyperGroup]) -> None:
        self._group = group

    @cached_property
    def _loaded(self) -> MutableMapping[str, Any]:
        return self._group().commands

    def __getitem__(self, name: str) -> Any:
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]
