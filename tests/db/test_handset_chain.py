"""In whatever pieces a book is sent, again, too early or overlapping, the house ends as if it had come once and whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services
from tracker.handsets.commands import Enrol
from tracker.handsets.errors import StepsMissing
from tracker.handsets.models import HandsetStep
from tracker.handsets.rules import NOTHING, hash_of
from tracker.handsets.taking import enrol, take_steps
from tracker.kit.ids import uuid7
from tracker.settings import load_settings
from tracker.stock.models import StockBalance

# No step here asks for keys, or for a connection of its own.
SHARED = Services(
    engine=create_engine("postgresql+psycopg://"),
    settings=load_settings(database_url="postgresql://x", mqtt_url="mqtt://x", secret_key="x" * 32),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A step: vials in (positive) or thrown away, and how many steps back lies the one it builds upon (0: none)."""

    vials: int
    back: int = 0


WISHES = st.lists(st.builds(Wish, st.integers(-9, 9).filter(bool), st.integers(0, 2)), min_size=1, max_size=7)
PIECES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 7)), max_size=8)


def book_of(world: World, wishes: list[Wish]) -> list[tuple[str, str]]:
    ids = [uuid7() for _ in wishes]
    before, lines = NOTHING, []
    for index, wish in enumerate(wishes):
        needs = [str(ids[index - wish.back])] if 0 < wish.back <= index else []
        line: dict[str, Any] = {"batch": "penta-5/PB001", "place": world.fridge.code, "vials": abs(wish.vials)}
        kind = "supply" if wish.vials > 0 else "waste"
        body = {
            "id": str(ids[index]),
            "kind": kind,
            "facility": world.puskesmas.code,
            "occurred_at": world.now.isoformat(),
            "lines": [line if wish.vials > 0 else {**line, "reason": "broken"}],
        }
        step = {"number": index + 1, "id": str(ids[index]), "at": world.now.isoformat(), "needs": needs}
        text = json.dumps({**step, "kind": "stock.event", "body": body})
        before = hash_of(before, text)
        lines.append((text, before))
    return lines


def ended(db: Session, world: World, lines: list[tuple[str, str]], pieces: list[tuple[int, int]]) -> Any:
    """What became of each step, and what lies there, after sending the pieces (from, how many) and at last the whole."""
    outer = db.begin_nested()
    try:
        who = world.who(Role.MANAGER)
        handset, _ = enrol(db, who, Enrol(id=uuid7(), facility=world.puskesmas.code, name="ponsel"), now=world.now)
        known = 0
        for start, count in pieces:
            piece = lines[start : start + count]
            if not piece:
                continue
            try:
                take_steps(db, who, handset.id, piece, shared=SHARED, now=world.now)
            except StepsMissing:
                refused = True
            else:
                refused = False
                known = max(known, start + len(piece))
            assert refused == (start > known)
        take_steps(db, who, handset.id, lines, shared=SHARED, now=world.now)
        steps = db.scalars(
            select(HandsetStep).where(HandsetStep.handset_id == handset.id).order_by(HandsetStep.number)
        ).all()
        lying = db.execute(
            select(StockBalance.status, StockBalance.vials).where(StockBalance.holder_id == world.fridge.id)
        ).all()
        return [(step.state, step.code) for step in steps], sorted(tuple(row) for row in lying)
    finally:
        outer.rollback()
        db.expire_all()


@settings(max_examples=20, deadline=None)
@given(WISHES, PIECES)
@example([Wish(3), Wish(-5), Wish(2, 1), Wish(-1)], [(1, 2), (0, 2), (0, 3), (1, 3)])
def test_a_book_sent_in_any_pieces_is_the_book(
    db: Session, world: World, wishes: list[Wish], pieces: list[tuple[int, int]]
) -> None:
    lines = book_of(world, wishes)
    at_once = ended(db, world, lines, [])
    assert ended(db, world, lines, pieces) == at_once
    # What the model says: a step is done where the ones it builds upon are, and there is enough.
    there, done = 0, list[bool]()
    for index, wish in enumerate(wishes):
        ready = not 0 < wish.back <= index or done[index - wish.back]
        done.append(ready and there + wish.vials >= 0)
        there += wish.vials if done[-1] else 0
    assert [state == "done" for state, _ in at_once[0]] == done
    assert sum(vials for _, vials in at_once[1]) == there
