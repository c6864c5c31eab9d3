"""What a test replaces it hands over through a public seam; nothing inside a module is swapped behind its back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
# What the interpreter owns has no other seam.
OF_THE_INTERPRETER = ("sys.", "os.", "socket.")


def replaced(source: str) -> list[str]:
    """Targets of `monkeypatch.setattr`/`delattr`/`setitem` and of `mock.patch`, but those of the interpreter itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        called = ast.unparse(node.func)
        if called.startswith("monkeypatch.") and node.func.attr in {"setattr", "delattr", "setitem", "delitem"}:
            target = ast.unparse(node.args[0]).strip("'\"") if node.args else "?"
            if not target.startswith(OF_THE_INTERPRETER):
                found.append(f"{node.lineno}: {target}")
        elif called.startswith(("mock.patch", "mocker.patch", "patch.object")):
            found.append(f"{node.lineno}: {called}")
    return found


def test_no_test_replaces_what_lies_inside_a_module() -> None:
    found = {str(file.relative_to(TESTS)): more for file in TESTS.rglob("*.py") if (more := replaced(file.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        'monkeypatch.setattr("tracker.api.sse.RECHECK_S", 0.05)',
        "monkeypatch.setattr(rounds, 'displace', fails)",
        "mock.patch('tracker.kit.clock.utc_now')",
    ],
)
def test_a_planted_replacement_is_found(planted: str) -> None:
    assert len(replaced(planted)) == 1
