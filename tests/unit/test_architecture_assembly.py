"""The house is put together by lists that name everything; what is not in them would be missing without a word."""

from __future__ import annotations

import re
from pathlib import Path

from tracker import registry
from tracker.api import problems
from tracker.api.app import ROOM_ROUTERS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path.parent.name for path in (ROOT / "tracker").glob("*/__init__.py"))


def rooms_with(furniture: str) -> set[str]:
    """Rooms that have it, as one file or, once that has grown too long, as a package of the same name."""
    at = ROOT / "tracker"
    return {room for room in ROOMS if (at / room / f"{furniture}.py").exists() or (at / room / furniture).is_dir()}


def test_every_rooms_tables_are_known_to_migrations() -> None:
    listed = {module.__name__ for module in registry.MODELS}
    assert {f"tracker.{room}.models" for room in rooms_with("models")} <= listed


def test_every_rooms_routes_are_served() -> None:
    """Each router is told apart by one of its functions' modules."""
    served = {".".join(route.endpoint.__module__.split(".")[:3]) for router in ROOM_ROUTERS for route in router.routes}  # type: ignore[attr-defined]  # all are APIRoutes
    assert {f"tracker.{room}.routes" for room in rooms_with("routes")} == served


def test_every_table_of_refusals_is_in_the_one_table() -> None:
    files = {path.stem for path in (ROOT / "tracker/api/problems").glob("*.py")} - {
        "__init__",
        "problem",
        "saying",
        "words",
    }
    assert len(problems.TABLES) == len(files)
    for name in files:
        assert getattr(problems, name).PROBLEMS in problems.TABLES, name


def test_nothing_is_assembled_by_names_made_up_at_run_time() -> None:
    """Import-linter, mypy and a search for usages see only what is imported by name."""
    for program in ("tracker", "ingest", "dashboard", "simulators", "rantai", "benchmarks", "alembic"):
        for file in (ROOT / program).rglob("*.py"):
            found = re.findall(r"\b(import_module|find_spec|iter_modules|walk_packages|__import__)\b", file.read_text())
            assert found == [], file.relative_to(ROOT)
