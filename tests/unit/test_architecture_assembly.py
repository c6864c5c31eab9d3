"""The house is put together by lists that name everything; what is not in them would be missing without a word."""

from __future__ import annotations

import re
from pathlib import Path

from tracker import registry
from tracker.api import problems
from tracker.api.app import ROOM_ROUTERS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path.parent.name for path in (ROOT / "tracker").glob("*/__init__.py"))


def rooms_with(file: str) -> set[str]:
    return {room for room in ROOMS if (ROOT / "tracker" / room / file).exists()}


def test_every_rooms_tables_are_known_to_migrations() -> None:
    listed = {module.__name__ for module in registry.MODELS}
    assert {f"tracker.{room}.models" for room in rooms_with("models.py")} <= listed


def test_every_rooms_routes_are_served() -> None:
    """Each router is told apart by one of its functions' modules."""
    served = {route.endpoint.__module__ for router in ROOM_ROUTERS for route in router.routes}  # type: ignore[attr-defined]  # all are APIRoutes
    assert {f"tracker.{room}.routes" for room in rooms_with("routes.py")} == served


def test_every_table_of_refusals_is_in_the_one_table() -> None:
    files = {path.stem for path in (ROOT / "tracker/api/problems").glob("*.py")} - {"__init__", "problem"}
    assert len(problems.TABLES) == len(files)
    for name in files:
        assert getattr(problems, name).PROBLEMS in problems.TABLES, name


def test_nothing_is_assembled_by_names_made_up_at_run_time() -> None:
    """Import-linter, mypy and a search for usages see only what is imported by name."""
    for program in ("tracker", "ingest", "dashboard", "simulators", "rantai", "benchmarks", "alembic"):
        for file in (ROOT / program).rglob("*.py"):
            found = re.findall(r"\b(import_module|find_spec|iter_modules|walk_packages|__import__)\b", file.read_text())
            assert found == [], file.relative_to(ROOT)
