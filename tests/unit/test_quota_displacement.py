"""Who gives way when vials are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from uuid import UUID

from hypothesis import event, given
from hypothesis import strategies as st

from tracker.quota.rules.displacement import Group, Promise, Rank, cuts, displaced, grouped
from tracker.quota.rules.need import Load, SessionLoad, vials_for

DAY = date(2026, 3, 2)
T0 = datetime(2026, 3, 1, tzinfo=UTC)
_ids = count(1)


def promise(minute: int, rank: Rank = Rank.FIRST_DOSE) -> Promise:
    return Promise(id=UUID(int=next(_ids)), rank=rank, made_at=T0 + timedelta(minutes=minute))


def group(ahead: int, *movable: Promise, arrived: int = 0, open_doses: int = 0) -> Group:
    return Group(
        day=DAY + timedelta(days=ahead), persons=len(movable) + arrived, open_doses=open_doses, movable=movable
    )


def test_nothing_is_withdrawn_while_the_vials_suffice() -> None:
    assert displaced([(date.min, 1)], [group(0, *(promise(i) for i in range(10)))], 10) == []


def test_the_newest_first_dose_gives_way_first_and_only_as_many_as_free_a_vial() -> None:
    booked = [promise(i) for i in range(12)]
    gone = displaced([(date.min, 1)], [group(0, *booked)], 10)
    assert gone == [booked[11], booked[10]]


def test_second_doses_give_way_last_and_claims_before_them() -> None:
    second, claim, first = promise(9, Rank.LATER_DOSE), promise(8, Rank.CLAIM), promise(0)
    groups = [group(0, first), group(0, second), group(0, claim)]
    assert displaced([(date.min, 2)], groups, 1) == [first]
    assert displaced([(date.min, 1)], groups, 1) == [first, claim]
    assert displaced([(date.min, 0)], groups, 1) == [first, claim, second]


def test_who_has_arrived_stays_even_when_there_is_nothing_left() -> None:
    assert displaced([(date.min, 0)], [group(0, arrived=3)], 10) == []


def test_people_whose_vial_an_arrived_person_needs_anyway_are_left_alone() -> None:
    assert displaced([(date.min, 0)], [group(0, promise(1), promise(2), arrived=1)], 10) == []


def test_a_shortage_of_late_days_touches_late_days_only() -> None:
    early, late = promise(9), promise(1)
    step = DAY + timedelta(days=5)
    gone = displaced([(date.min, 2), (step, 0)], [group(0, early), group(6, late)], 1)
    assert gone == [late]


def test_a_shortage_of_today_may_be_met_by_a_later_day() -> None:
    """Vials promised for later serve today: the newest booking gives way, wherever on the short days it is."""
    early, late = promise(1), promise(9)
    assert displaced([(date.min, 1)], [group(0, early), group(6, late)], 1) == [late]


def test_doses_left_in_open_vials_are_not_taken_from_those_they_serve() -> None:
    booked = [promise(i) for i in range(5)]
    assert displaced([(date.min, 0)], [group(0, *booked, open_doses=5)], 10) == []


ranks = st.sampled_from(list(Rank))
promises = st.builds(promise, st.integers(0, 500), ranks)
groups_ = st.lists(
    st.builds(
        lambda ahead, movable, arrived, left: group(ahead, *movable, arrived=arrived, open_doses=left),
        st.integers(0, 20),
        st.lists(promises, max_size=12),
        st.integers(0, 3),
        st.integers(0, 9),
    ),
    max_size=6,
)


@st.composite
def supplies(draw: st.DrawFn) -> list[tuple[date, int]]:
    """Vials by step, falling as batches expire inside the horizon."""
    vials = draw(st.integers(0, 12))
    rows = [(date.min, vials)]
    for ahead in sorted(draw(st.sets(st.integers(0, 22), max_size=4))):
        vials = draw(st.integers(0, vials))
        rows.append((DAY + timedelta(days=ahead), vials))
    return rows


def needed(groups: Sequence[Group], gone: set[UUID], step: date, size: int) -> int:
    return sum(
        vials_for(g.persons - sum(p.id in gone for p in g.movable), g.open_doses, size) for g in groups if g.day >= step
    )


@given(supplies(), groups_, st.integers(1, 10))
def test_what_remains_is_covered_or_only_people_who_have_arrived_are_not(
    supply: list[tuple[date, int]], groups: list[Group], size: int
) -> None:
    gone = displaced(supply, groups, size)
    ids = {promise.id for promise in gone}
    assert len(ids) == len(gone)
    event(f"{'some' if gone else 'none'} withdrawn")
    for step, vials in supply:
        still = needed(groups, ids, step, size)
        if still > vials:
            late = [g for g in groups if g.day >= step]
            stuck = sum(vials_for(g.persons - len(g.movable), g.open_doses, size) for g in late)
            assert still == stuck, "somebody could still have given way"


@given(supplies(), groups_, st.integers(1, 10))
def test_nobody_gives_way_who_need_not_have_in_the_last_step(
    supply: list[tuple[date, int]], groups: list[Group], size: int
) -> None:
    """Putting the last vial's people back would break a row: the withdrawal stops as soon as it may."""
    gone = displaced(supply, groups, size)
    if not gone:
        return
    owner = {p.id: index for index, g in enumerate(groups) for p in g.movable}
    last = owner[gone[-1].id]
    spared = {p.id for p in gone}
    for promise_ in reversed(gone):
        if owner[promise_.id] != last:
            break
        spared.discard(promise_.id)
    assert any(needed(groups, spared, step, size) > vials for step, vials in supply)


def test_promises_share_vials_by_session_or_where_opened_vials_keep_by_day() -> None:
    morning, evening = UUID(int=1), UUID(int=2)
    loads = [
        SessionLoad(session_id=one, pool=(one, one), day=DAY, load=Load(persons, open_doses))
        for one, persons, open_doses in ((morning, 3, 1), (evening, 2, 0))
    ]
    first, claim = promise(1), promise(2, Rank.CLAIM)
    apart = grouped(loads, {morning: [first]}, {DAY: [claim]}, {}, whole_day=False)
    assert [(g.persons, g.open_doses, g.movable) for g in apart] == [(3, 1, (first,)), (2, 0, ()), (1, 0, (claim,))]
    together = grouped(loads, {morning: [first]}, {DAY: [claim]}, {}, whole_day=True)
    assert [(g.day, g.persons, g.open_doses, g.movable) for g in together] == [(DAY, 6, 1, (first, claim))]


@given(supplies(), groups_, st.integers(1, 10), st.integers(1, 5))
def test_cut_in_pieces_the_same_give_way_in_the_same_order(
    supply: list[tuple[date, int]], groups: list[Group], size: int, at_once: int
) -> None:
    """Each piece asks anew of what the one before has left, as the worker's next step does."""
    gone: list[Promise] = []
    left, more = groups, True
    while more:
        pieces = cuts(supply, left, size)
        piece = [promise for cut in islice(pieces, at_once) for promise in cut]
        more = next(pieces, None) is not None
        gone += piece
        ids = {promise.id for promise in piece}
        left = [
            replace(
                g,
                persons=g.persons - sum(p.id in ids for p in g.movable),
                movable=tuple(p for p in g.movable if p.id not in ids),
            )
            for g in left
        ]
    event(f"{'several pieces' if len(gone) > at_once * size else 'few'}")
    assert gone == displaced(supply, groups, size)
