"""What the promise counts is what the picker gives, whatever has happened: ledger, FEFO, opening, packing, desk and pages
against one shelf kept in the head.
"""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.boxes import BATCHES, BOX, PLACES
from tests.support.house import DAYS, House
from tests.support.world import World

batches, places = st.sampled_from(BATCHES), st.sampled_from(PLACES)
stopped = st.sampled_from(["held", "recalled"])
statuses = st.sampled_from(["usable", "usable", "held", "recalled", "unusable"])
some, products = st.integers(1, 5), st.sampled_from(["az-10", "mr-10"])
steps = st.one_of(
    st.tuples(st.just("supply"), places, batches, some, st.sampled_from([None, None, 1, 2, 3, 4])),
    st.tuples(st.just("transfer"), places, batches, some, st.sampled_from([None, None, 2, 3]), statuses),
    st.tuples(st.just("waste"), places, batches, some, statuses),
    st.tuples(st.just("stop"), places, batches, stopped, st.booleans(), st.sampled_from([None, None, 1, 2])),
    st.tuples(st.just("count"), places, batches, st.integers(0, 6)),
    st.tuples(st.just("open"), places, batches, st.integers(1, 3)),
    st.tuples(st.just("service"), places, st.booleans()),
    st.tuples(st.just("pack"), products, some),
    st.tuples(st.just("pack_back"), places, batches, st.sampled_from(["recalled", "unusable"]), some),
    st.tuples(st.just("repack"), st.integers(0, 5)),
    st.tuples(st.just("unpack"), st.integers(0, 5)),
    st.tuples(st.just("dispatch"), st.integers(0, 5)),
    st.tuples(st.just("promise"), products, st.sampled_from(DAYS), some, st.booleans()),
    st.tuples(st.just("come"), st.booleans()),
    st.tuples(st.just("take_along"), st.booleans()),
)


# Without shrinking: a house takes a second, and what came of each step is in the assertion.
@settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(steps, min_size=4, max_size=16))
@example([("supply", PLACES[0], "mr-10/MR001", 1, 3), ("open", PLACES[0], "mr-10/MR001", 2)])
@example(
    [
        ("pack", "az-10", 4),
        ("come", False),
        ("service", PLACES[1], False),
        ("come", False),
        ("unpack", 0),
        ("come", False),
    ]
)
@example([("pack", "az-10", 4), ("transfer", PLACES[1], "az-10/AZ003", 3, None), ("come", False), ("dispatch", 0)])
@example([("supply", BOX, "az-10/AZ001", 1, None), ("take_along", True), ("come", True), *[("come", False)] * 3])
@example([("take_along", True), ("transfer", PLACES[1], "az-10/AZ003", 2, None), ("come", True), ("take_along", False)])
@example(
    [
        ("service", PLACES[0], False),
        ("stop", PLACES[1], "az-10/AZ001", "recalled", False),
        ("promise", "mr-10", 9, 5, True),
        ("take_along", False),
        ("pack", "mr-10", 3),
        ("take_along", False),
        ("promise", "az-10", 0, 3, False),
        ("promise", "mr-10", 9, 5, True),
        ("come", False),
    ]
)
@example([("promise", "az-10", 30, 3, False), ("promise", "az-10", 8, 2, False), ("come", False)])
@example(
    [
        ("supply", BOX, "az-10/AZ003", 2, None),
        ("take_along", True),
        ("promise", "az-10", 9, 2, True),
        ("come", True),
        ("take_along", False),
        ("come", False),
    ]
)
@example(
    [
        ("pack", "az-10", 4),
        ("stop", PLACES[1], "az-10/AZ003", "held", False),
        ("transfer", PLACES[1], "az-10/AZ003", 2, None, "held"),
        ("stop", BOX, "az-10/AZ003", "held", True),
        ("repack", 0),
        ("dispatch", 0),
    ]
)
@example(
    [
        ("stop", PLACES[1], "az-10/AZ003", "recalled", False),
        ("pack_back", PLACES[1], "az-10/AZ003", "recalled", 2),
        ("stop", PLACES[1], "az-10/AZ003", "recalled", True, 2),
        ("unpack", 0),
    ]
)
@example([("pack", "az-10", 4), ("service", PLACES[1], False), ("repack", 0), ("unpack", 0)])
@example([("come", False), ("stop", PLACES[0], "az-10/AZ001", "held", False), ("come", False)])
@example(
    [
        ("stop", PLACES[0], "az-10/AZ001", "recalled", False),
        ("supply", PLACES[0], "az-10/AZ001", 2, None),
        *[("come", False)] * 2,
    ]
)
def test_what_is_promised_is_what_is_picked_whatever_happens(
    db: Session, world: World, drawn: list[tuple[Any, ...]]
) -> None:
    outer = db.begin_nested()
    try:
        house = House(db, world)
        house.supply(PLACES[0], "az-10/AZ001", 2, None)
        house.supply(PLACES[1], "az-10/AZ003", 3, None)
        house.supply(PLACES[0], "mr-10/MR001", 4, None)
        for step in drawn:
            getattr(house, step[0])(*step[1:])
            house.check()
        check_books(db)
    finally:
        outer.rollback()
        db.expire_all()
