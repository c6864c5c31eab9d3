"""What lies in a subtree is one answer, whether it is asked as a range of paths, by `<@` or in Python."""

from __future__ import annotations

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from tracker.access.queries import at_or_below
from tracker.access.rules import path_label, within
from tracker.database.types import Ltree

# The signs a label may have that lie at the edges of their order, and few of them, so that one path begins as another does.
LABELS = st.text("0aA_z", min_size=1, max_size=3)
PATHS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(PATHS, min_size=1, max_size=30), PATHS)
@example(["a", "a.b", "a.b.c", "a.b0", "a.b0.c", "a.b_", "a.bA", "a.bz.c", "a.B", "b", "0", "a.b.0"], "a.b")
def test_a_subtree_is_a_range_of_paths(db: Session, paths: list[str], root: str) -> None:
    rows = select(func.unnest(cast(literal(paths, ARRAY(String)), ARRAY(String))).label("path")).subquery()
    path = cast(rows.c.path, Ltree())
    found = db.execute(
        select(rows.c.path, at_or_below(path, [root]), path.op("<@")(cast(literal(root), Ltree())))
    ).all()
    assert [(one, by_range) for one, by_range, _ in found] == [(one, within(one, root)) for one, _, _ in found]
    assert all(by_range == below for _, by_range, below in found)


def test_no_label_has_a_sign_that_comes_before_the_first() -> None:
    assert set(path_label(string.printable)) <= set(string.ascii_letters + string.digits + "_")
