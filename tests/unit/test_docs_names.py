"""Routes, kinds, tables and functions that the documentation names exist, each where it is said to stand."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from dashboard.app import ROUTERS as PAGE_ROUTERS
from rantai.wiring import more_routers
from tests.unit.test_docs_truth import OF_TODAY, ROOT
from tracker.api import accounts, health, keys, live, tokens
from tracker.api.app import ROOM_ROUTERS
from tracker.api.problems import PROBLEMS
from tracker.events import KINDS as EVENTS

PAGE_IDS = [page.relative_to(ROOT).as_posix() for page in OF_TODAY]
pages = pytest.mark.parametrize("page", OF_TODAY, ids=PAGE_IDS)

KINDS = {event.KIND for event in EVENTS}

# Made by FastAPI itself.
_DESCRIPTION = "/openapi.json"


@cache
def routes() -> tuple[APIRoute, ...]:
    """Every route of the API and of the pages."""
    routers = (
        health.router,
        tokens.router,
        accounts.router,
        keys.router,
        live.router,
        *ROOM_ROUTERS,
        *more_routers(),
        *PAGE_ROUTERS,
    )
    return tuple(route for router in routers for route in router.routes if isinstance(route, APIRoute))


def file_serving(path: str, method: str = "GET") -> str | None:
    """The file of the function that a request for it would reach. `{ref}` and `…` stand for any word."""
    path = re.sub(r"\{\w+\}|…", "word", path.split("?", maxsplit=1)[0])
    scope = {"type": "http", "path": path, "method": method, "root_path": "", "headers": []}
    found = next((route for route in routes() if route.matches(scope)[0] == Match.FULL), None)
    if found is None:
        return None
    return Path(inspect.getfile(sys.modules[found.endpoint.__module__])).relative_to(ROOT).as_posix()


def is_served(path: str, method: str = "GET") -> bool:
    """Whether a request for it would reach a function."""
    return path == _DESCRIPTION or file_serving(path, method) is not None


def routes_named(text: str) -> set[tuple[str, str]]:
    """Method and path of what a text gives as `GET /…` or as a path of its own; a path alone may be of any method."""
    return set(re.findall(r"`(?:(GET|POST|PUT|PATCH|DELETE) )?(/[^`\s*]*)`", text))


def kinds_named(text: str) -> set[str]:
    """What is written like a kind or a code: `word.word_word`, the first a room that has kinds."""
    rooms = "|".join(sorted({kind.split(".")[0] for kind in KINDS}))
    return set(re.findall(rf"[`\"]((?:{rooms})\.[a-z][a-z_]+)[`\"]", text))


def names_in(file: Path) -> set[str]:
    """Functions and classes at the top of a file."""
    defined = ast.parse(file.read_text(encoding="utf-8")).body
    return {one.name for one in defined if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}


def is_there(name: str, folder: Path) -> bool:
    """Whether `file::name` or `file` stands in `folder`."""
    file, _, inner = name.partition("::")
    return (folder / file).exists() and (not inner or inner in names_in(folder / file))


@pages
def test_every_route_named_is_served(page: Path) -> None:
    for method, path in routes_named(page.read_text(encoding="utf-8")):
        methods = [method] if method else ["GET", "POST", "PUT", "PATCH", "DELETE"]
        assert any(is_served(path, one) for one in methods), f"{method} {path}".strip()


@pages
def test_every_kind_or_code_named_exists(page: Path) -> None:
    assert kinds_named(page.read_text(encoding="utf-8")) <= {*KINDS, *PROBLEMS}


def test_a_wrong_route_or_kind_in_a_text_would_be_noticed() -> None:
    text = "`GET /api/v1/quota`, `POST /api/v1/quota`, `/kuotta`, `/batch/…`, `stock.short`, `stock.shrt`"
    wrong = {(method, path) for method, path in routes_named(text) if not is_served(path, method or "GET")}
    assert wrong == {("POST", "/api/v1/quota"), ("", "/kuotta")}
    assert kinds_named(text) - {*KINDS} == {"stock.shrt"}


def rows_of_nouns() -> list[list[str]]:
    """The lines of the table under "The nouns", cell by cell."""
    section = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("### The nouns\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


ROWS = rows_of_nouns()
nouns = pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])


def test_the_table_of_nouns_has_every_room_with_a_wire() -> None:
    wired = {f"`{path.parent.relative_to(ROOT).as_posix()}/`" for path in ROOT.glob("tracker/*/routes.py")}
    assert wired <= {row[1] for row in ROWS}


@nouns
def test_each_noun_stands_where_the_table_says(row: list[str]) -> None:
    _, room, rules, tables, use_cases, asked, told, page, tests = row
    folder = ROOT / room.strip("`")
    for name in in_ticks(rules + use_cases):
        assert is_there(name, ROOT if name.startswith("tracker/") else folder), name
    models = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*models.py"))
    for name in in_ticks(tables):
        assert f'__tablename__ = "{name}"' in models, name
    assert routes_named(asked) or asked == "–", asked
    assert routes_named(page) or page.startswith("none yet"), page
    assert kinds_named(told) or told == "–", told
    for name in in_ticks(tests):
        assert is_there(name, ROOT), name


@nouns
def test_each_route_is_in_the_room_of_its_noun_or_in_the_file_named_beside_it(row: list[str]) -> None:
    room, asked = row[1].strip("`"), row[5]
    for method, path in routes_named(asked):
        file = file_serving(path, method)
        assert file, path
        assert file.startswith(room) or f"`{file}`" in asked, f"{method} {path}: {file}"


@nouns
def test_each_page_is_served_by_a_file_named_beside_it(row: list[str]) -> None:
    page = row[7]
    files = {name for name in in_ticks(page) if name.endswith(".py")}
    assert all((ROOT / "dashboard" / name).exists() for name in files), files
    serving = {file_serving(path) or path for _, path in routes_named(page)}
    assert serving <= {f"dashboard/{name}" for name in files}


def test_a_kind_begins_with_the_room_whose_events_hold_it() -> None:
    rooms = {event.KIND: event.__module__ for event in EVENTS}
    # Its name is older than the rule, and kinds stay.
    assert rooms.pop("reactions.gave_up") == "tracker.feed.events"
    assert {kind: f"tracker.{kind.split('.')[0]}.events" for kind in rooms} == rooms


def in_ticks(cell: str) -> list[str]:
    """What a cell names."""
    return re.findall(r"`([^`]+)`", cell)
