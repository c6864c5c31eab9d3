"""What threads share is whole before they meet it."""

from __future__ import annotations

import ast

from tests.support.running import ROOT

# Of these every column that is asked for was read once while the module was loaded, by one thread.
READ_AT_LOADING = {"tracker/catalog/lots.py", "dashboard/alarms/queries.py"}


def test_no_alias_of_a_table_is_shared_by_threads() -> None:
    """SQLAlchemy fills an alias at its first use, without a lock: a second thread would find columns of it missing."""
    shared = {
        path.relative_to(ROOT).as_posix()
        for room in ("tracker", "dashboard", "ingest", "rantai")
        for path in (ROOT / room).rglob("*.py")
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign)
        for call in ast.walk(statement.value)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "aliased"
    }
    assert shared == READ_AT_LOADING
