"""Rules that are easily written again where they are needed stand once; and the check would notice."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# `now.date()` is the day in UTC, and a zone's day made by hand is the rule of tracker/kit/days.py written again.
DAY = re.compile(
    r"\bnow\.date\(\)|\butc_now\(\)\.date\(\)|date\.today\(\)|astimezone\([^\n]*\)\.date\(\)|func\.timezone\("
)
HOMES = {"tracker/kit/days.py", "tracker/network/queries.py"}
# Partitions are cut at midnight UTC, wherever a reading comes from.
PARTITIONS = {"tracker/telemetry/service/misplaced.py"}


def test_the_day_is_reckoned_in_one_place() -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for program in ("tracker", "ingest", "dashboard")
        for kind in ("*.py", "*.html")
        for file in (ROOT / program).rglob(kind)
        if (lines := DAY.findall(file.read_text()))
    }
    assert set(found) == HOMES | PARTITIONS, found


@pytest.mark.parametrize(
    "planted",
    [
        "today = now.date()",
        "today = utc_now().date()",
        "today = date.today()",
        "today = now.astimezone(ZoneInfo(facility.timezone)).date()",
        "today = cast(func.timezone(Facility.timezone, now), Date)",
    ],
)
def test_a_planted_day_is_found(planted: str) -> None:
    assert DAY.search(planted)


# What ingest may know of the database: that there is a transaction, and that it may fail.
ALLOWED = {"Engine", "Session", "DBAPIError"}


def database_words(source: str) -> set[str]:
    """Names imported from SQLAlchemy."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            words |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            words |= {alias.name for alias in node.names if alias.name.startswith("sqlalchemy")}
    return words


def test_ingest_asks_the_rooms_and_never_the_database() -> None:
    found = {
        str(file.relative_to(ROOT)): more
        for file in (ROOT / "ingest").rglob("*.py")
        if (more := database_words(file.read_text()) - ALLOWED)
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted", ["from sqlalchemy import select\n", "from sqlalchemy import Engine, text\n", "import sqlalchemy as sa\n"]
)
def test_a_planted_statement_in_ingest_is_found(planted: str) -> None:
    assert database_words(planted) - ALLOWED


def commands_beside_use_cases(source: str) -> set[str]:
    """Types of a parameter `command` that are made in the file of the use case."""
    tree = ast.parse(source)
    made = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    asked = {
        ast.unparse(argument.annotation)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for argument in [*node.args.args, *node.args.kwonlyargs]
        if argument.arg == "command" and argument.annotation is not None
    }
    return made & asked


def test_a_room_with_many_use_cases_keeps_its_commands_in_one_file() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / "tracker").glob("*/service/*.py")
        if file.name != "commands.py"
        for name in commands_beside_use_cases(file.read_text())
    }
    assert not found


def test_a_planted_command_beside_its_use_case_is_found() -> None:
    planted = "class Open:\n    pass\n\ndef open_it(db: Session, command: Open, *, now: datetime) -> None:\n    pass\n"
    assert commands_beside_use_cases(planted) == {"Open"}
