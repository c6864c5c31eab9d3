"""What is asked of the database meanwhile, statement by statement: the counts that tests hold the house to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine, event

_ours: ContextVar[list[str] | None] = ContextVar("_ours", default=None)
_OF_A_SAVEPOINT = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@contextmanager
def counted(of: Engine | Connection) -> Iterator[list[str]]:
    """The statements asked from here, requests of a `TestClient` with them; those of savepoints are left out.

    What a program asks besides by a clock of its own (the streams look for news every second) is not counted: it began
    elsewhere and does not know this list.
    """
    seen: list[str] = []

    def note(*arguments: object) -> None:
        statement = str(arguments[2]).strip()
        if _ours.get() is seen and not statement.upper().startswith(_OF_A_SAVEPOINT):
            seen.append(statement)

    event.listen(of, "before_cursor_execute", note)
    began = _ours.set(seen)
    try:
        yield seen
    finally:
        _ours.reset(began)
        event.remove(of, "before_cursor_execute", note)
