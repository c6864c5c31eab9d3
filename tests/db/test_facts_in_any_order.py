"""Whatever order facts are recorded in, holds and recalls stop at least what they stop in the order of time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.facts import FROST, HEAT, RECALL, Books, Fact, Morning, Step, in_order_of_telling, in_order_of_time
from tests.support.world import World
from tracker.stock.rules.words import Kind, Status

KINDS = (Kind.SUPPLY, Kind.TRANSFER, Kind.TRANSFER, Kind.OPENING, Kind.WASTE)


@st.composite
def mornings(draw: st.DrawFn) -> list[Step]:
    """Up to eight facts at different instants, each told up to ten hours late, and the house's acts."""
    hours = draw(st.lists(st.integers(12, 32), unique=True, min_size=2, max_size=8))
    facts: list[Step] = [
        Fact(
            hour=hour / 2,
            kind=draw(st.sampled_from(KINDS)),
            batch=draw(st.integers(0, 1)),
            place=draw(st.integers(0, 1)),
            vials=draw(st.integers(1, 4)),
            late=draw(st.sampled_from([0, 0.3, 2.3, 4.3, 6.3, 10.3])),
        )
        for hour in hours
    ]
    return facts + draw(st.sampled_from([[FROST], [FROST, HEAT], [FROST, RECALL], [FROST, HEAT, RECALL], [RECALL]]))


def end_of(db: Session, world: World, steps: list[Step]) -> tuple[list[Fact], Books]:
    outer = db.begin_nested()
    try:
        morning = Morning(db, world)
        morning.begin()
        refused = morning.play(steps)
        check_books(db)
        return refused, morning.books()
    finally:
        outer.rollback()
        db.expire_all()


def at_once(steps: list[Step]) -> list[Step]:
    return in_order_of_time([replace(step, late=0) if isinstance(step, Fact) else step for step in steps])


@settings(max_examples=40, deadline=None)
@given(mornings())
def test_no_order_of_recording_leaves_usable_what_the_order_of_time_stops(
    db: Session, world: World, drawn: list[Step]
) -> None:
    # What nobody could have done is no fact: the order of time says which.
    impossible, _ = end_of(db, world, at_once(drawn))
    steps = [step for step in drawn if not isinstance(step, Fact) or replace(step, late=0) not in impossible]
    refused, told_at_once = end_of(db, world, at_once(steps))
    assert refused == []
    refused, told_late = end_of(db, world, in_order_of_telling(steps))
    assert refused == []
    assert told_late.keys() == told_at_once.keys()
    for key, there in told_at_once.items():
        late = told_late[key]
        assert sum(late.values()) == sum(there.values())
        assert late.get(Status.RECALLED, 0) == there.get(Status.RECALLED, 0)
        # A hold that is looked at again may stop more than it need: what came to a held batch since (domain.md §6).
        assert late.get(Status.USABLE, 0) <= there.get(Status.USABLE, 0)
