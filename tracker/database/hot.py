"""Statements of the hottest paths, spelled as the driver takes them: parameters as `%(name)s`, answers as one JSON text.

At every execution of a `text()` SQLAlchemy binds its parameters anew and describes the columns of the answer, and the driver makes an
object for each column; together that costs the program more than sending the statement and reading the answer. Spelled so, a statement
still goes through SQLAlchemy's connection: same errors, same events, no parameters in messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection


def run(connection: Connection, sql: str, values: Mapping[str, object]) -> None:
    """Execute a statement that answers nothing."""
    connection.exec_driver_sql(sql, dict(values))


def ask(connection: Connection, sql: str, values: Mapping[str, object]) -> Any:
    """What the one JSON text says with which the statement answers; None when it answers with NULL or no row."""
    row = connection.exec_driver_sql(sql, dict(values)).first()
    return None if row is None or row[0] is None else orjson.loads(row[0])


def packed(rows: object) -> str:
    """Rows as a JSON parameter: a Python list per column costs the driver more than the whole row costs the database."""
    return orjson.dumps(rows).decode()
