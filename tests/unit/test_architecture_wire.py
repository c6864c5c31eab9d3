"""A row becomes a shape of the wire in one place of each room: its `presenting.py`. And the check would notice.

Made by whatever builds it first, a shape is soon built twice, and the two answers disagree.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path.parent for path in (ROOT / "tracker").glob("*/schemas.py"))


def answers_of(room: Path) -> set[str]:
    """Names of the room's shapes that it answers with; what it is asked with ends in `In`."""
    tree = ast.parse((room / "schemas.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.endswith("In")}


def built(source: str, answers: set[str]) -> list[str]:
    """Where a source builds one of these shapes: `Shape(…)`, `schemas.Shape(…)`, `Shape.model_validate(row)`."""
    tree = ast.parse(source)
    known = {name: name for name in answers}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".schemas"):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in answers}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in ("model_validate", "model_construct"):
            called = called.value
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name in known:
            found.append(f"{node.lineno}: {known[name]}")
    return found


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_rooms_answers_are_built_in_its_presenting_only(room: Path) -> None:
    elsewhere = {
        str(file.relative_to(ROOT)): found
        for file in sorted((ROOT / "tracker").rglob("*.py"))
        if file not in (room / "presenting.py", room / "schemas.py")
        and (file.is_relative_to(room) or f"tracker.{room.name}.schemas" in file.read_text())
        and (found := built(file.read_text(), answers_of(room)))
    }
    assert elsewhere == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_that_answers_has_a_presenting(room: Path) -> None:
    assert (room / "presenting.py").exists()
    assert built((room / "presenting.py").read_text(), answers_of(room)) != []


@pytest.mark.parametrize(
    "planted",
    [
        "from tracker.quota.schemas import ClaimOut\nClaimOut(id=1)",
        "from tracker.quota.schemas import ClaimOut as Shape\nreturned = [Shape(id=1) for _ in ()]",
        "from tracker.quota import schemas\ndef claim(): return schemas.ClaimOut(id=1)",
        "from tracker.quota.schemas import ClaimOut\nClaimOut.model_validate(row)",
        "from tracker.quota.schemas import ClaimOut\nClaimOut.model_construct(id=1)",
    ],
)
def test_a_planted_shape_is_found(planted: str) -> None:
    assert len(built(planted, answers_of(ROOT / "tracker/quota"))) == 1
