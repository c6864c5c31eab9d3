"""The floors of the house are checked, and the check would notice: planted imports turn it red.

The contracts stand in pyproject.toml. Each planting is done in a copy of the tree, never in the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("tracker", "ingest", "dashboard", "simulators", "rantai")

CONTRACTS = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")

PLANTED = {
    "an import of a higher floor": ("tracker/stock/planted.py", "import tracker.quota.models"),
    "SQLAlchemy in a room's rules": ("tracker/coldchain/rules/planted.py", "import sqlalchemy"),
    "a program in the core": ("tracker/feed/planted.py", "import ingest"),
    "the front door in a program": ("dashboard/frame/planted.py", "import rantai"),
    "a program in another program": ("ingest/planted.py", "import dashboard"),
    "the core in the simulators": ("simulators/planted.py", "import tracker.kit.ids"),
    "one page's folder in another of its floor": ("dashboard/quota/planted.py", "import dashboard.shipments.queries"),
    "the database in a figure": ("dashboard/quota/figures.py", "import sqlalchemy"),
}


def lint(root: Path) -> tuple[int, str]:
    """Exit code and report of import-linter over the tree at `root`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return root


def test_the_house_stands_on_its_floors(copy: Path) -> None:
    code, report = lint(copy)
    assert code == 0, report


def test_every_planted_import_is_found(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "house"
    shutil.copytree(copy, root)
    for file, statement in PLANTED.values():
        (root / file).write_text(f"{statement}\n")
    code, report = lint(root)
    assert code == 1, report
    overlooked = []
    for what, (file, statement) in PLANTED.items():
        importer = file.removesuffix(".py").replace("/", ".")
        imported = statement.removeprefix("import ")
        if f"{importer} -> {imported}" not in report:
            overlooked.append(what)
    assert overlooked == [], report


def test_a_room_without_a_floor_is_found(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "house"
    shutil.copytree(copy, root)
    (root / "tracker" / "attic").mkdir()
    (root / "tracker" / "attic" / "__init__.py").write_text("")
    code, report = lint(root)
    assert code == 1
    assert "tracker.attic" in report


def test_every_contract_has_a_planting_that_breaks_it(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "house"
    shutil.copytree(copy, root)
    for file, statement in PLANTED.values():
        (root / file).write_text(f"{statement}\n")
    _, report = lint(root)
    assert report.count(" BROKEN") == CONTRACTS, report
    kept = [line for line in report.splitlines() if line.rstrip().endswith("KEPT")]
    assert kept == [], "a contract that nothing here breaks might be broken by nothing at all"


def test_simulators_know_the_house_by_its_wire_only() -> None:
    """Import-linter sees imports; this sees the words that import at run time."""
    for file in (ROOT / "simulators").rglob("*.py"):
        source = file.read_text()
        assert "import_module" not in source, file
        assert "__import__" not in source, file
        assert "psycopg" not in source, file


def test_source_files_stay_small_enough_to_read() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if (lines := len(file.read_text().splitlines())) > 450
    }
    assert long == {}


def test_every_module_postpones_the_evaluation_of_annotations() -> None:
    without = [
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if "def " in (source := file.read_text()) and "from __future__ import annotations" not in source
    ]
    assert without == []


def test_no_machine_path_and_no_registry_host_stands_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    words = ("/" + "work/", "--index-" + "url", "--extra-index-" + "url")
    found = []
    for name in tracked.stdout.splitlines():
        file = ROOT / name
        if file.suffix in {".png", ".geojson", ".woff2", ".ico"} or not file.is_file() or file.stat().st_size > 2**20:
            continue
        text = file.read_text(errors="replace")
        found += [f"{name}: {word}" for word in words if word in text]
    assert found == []
