"""A place in the line is what the house signed; whatever else a browser or an app shows is none."""

from __future__ import annotations

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from tests.support.loops import finished
from tracker.database.turns import Turns
from tracker.edge.line import Line, again_after, next_pace
from tracker.edge.places import Places
from tracker.kit.clock import utc_now

PLACES = Places(1, queue=1, patience_s=1)
LINE = Line(
    engine=create_engine("postgresql+psycopg://nowhere"),
    side=PLACES,
    places=PLACES,
    turns=Turns(1, queue=1),
    keys=(b"a key",),
    rush_from=1,
    clock=utc_now,
)


@given(st.text(max_size=300))
@example("number.1.1.é")
@example("form.0.0.")
def test_no_text_is_a_place_but_one_that_was_signed(shown: str) -> None:
    assert LINE.number_of(shown) == 0


def test_a_place_is_read_as_it_was_signed_and_a_form_keeps_its_number() -> None:
    place = LINE._sign("number", 7)
    assert (LINE.number_of(place), LINE.number_of(LINE.form_pass(place))) == (7, 7)
    assert LINE.number_of(place.replace(".7.", ".6.")) == 0


def test_who_waits_is_asked_back_when_it_is_their_turn_and_not_on_the_way_there() -> None:
    assert [again_after(wait_s) for wait_s in (None, 1, 20, 29, 600)] == [3, 3, 20, 29, 30]


def test_who_was_let_in_and_came_is_counted_once() -> None:
    async def come() -> list[int]:
        LINE.drawn, LINE.let_in, LINE._looked_at = 9, 5, asyncio.get_running_loop().time()
        counts = []
        for numbers in ((3, 4, 3), (4, 5), ()):
            for number in numbers:
                await LINE.enter(LINE._sign("number", number), writes=False)
            counts.append(LINE.newly_come())
        return counts

    assert finished(come()) == [2, 1, 0]


def after(seconds: int, *, came: float, waiting: int = 0) -> float:
    """The pace that began with ten a second, when that part of those let in comes."""
    pace = 10.0
    for _ in range(seconds):
        pace = next_pace(pace, int(came * pace), waiting=waiting, rush_from=5)
    return pace


def test_the_line_goes_faster_by_who_came_and_not_while_nobody_has_come_yet() -> None:
    # In the half minute until those called ask again, no more are called than come a few seconds later.
    assert after(30, came=0) == 40
    assert after(30, came=1) > 1_000
    assert after(30, came=0) < after(30, came=0.5) < after(30, came=1)
    assert after(3, came=1, waiting=1) == 10
    assert after(3, came=1, waiting=5) == 1.25
