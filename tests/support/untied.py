"""Selects within selects that name a table of an outer one and are not tied to its row.

SQLAlchemy ties a nested select to the one right around it only. Two levels deep, a table of the outermost stands in the
nested FROM once more, for any of its rows: whoever serves one person then served everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Select, Table, event
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, Join
from sqlalchemy.sql.visitors import ExternallyTraversible

NONE: frozenset[str] = frozenset()


def untied(statement: ExternallyTraversible) -> list[str]:
    """The tables that a nested select lists beside others, though a select further out than the next has them."""
    return list(dict.fromkeys(_found(statement, NONE, NONE)))


def _found(node: ExternallyTraversible, around: frozenset[str], beyond: frozenset[str]) -> Iterator[str]:
    """`around`: tables of the next select outwards; `beyond`: of those around that."""
    if isinstance(node, AliasedReturnsRows):
        # What stands in a FROM sees nothing of the selects around.
        around = beyond = NONE
    if isinstance(node, Select):
        froms = node.get_final_froms()
        # Of the next select outwards it has the row: what is left alone is the nested select's own.
        own = [each for each in froms if not (isinstance(each, Table) and each.fullname in around)]
        listed = {each.fullname for each in own if isinstance(each, Table)}
        said_by_hand = node._correlate or node._correlate_except is not None
        if len(own) > 1 and not said_by_hand:
            yield from sorted(listed & beyond)
        around, beyond = frozenset(name for each in froms for name in _tables(each)) - around, beyond | around
    for child in node.get_children():
        yield from _found(child, around, beyond)


def _tables(source: object) -> Iterator[str]:
    if isinstance(source, Join):
        yield from _tables(source.left)
        yield from _tables(source.right)
    elif isinstance(source, Table):
        yield source.fullname


@contextmanager
def none_untied(engine: Engine) -> Iterator[None]:
    """Whatever is asked of the database meanwhile is tied."""
    wrong: list[str] = []

    def look(connection: Connection, statement: object, *_rest: object) -> None:
        del connection
        if isinstance(statement, ClauseElement) and (tables := untied(statement)):
            wrong.append(f"{tables} in {statement}")

    event.listen(engine, "before_execute", look)
    try:
        yield
    finally:
        event.remove(engine, "before_execute", look)
    assert not wrong, wrong
