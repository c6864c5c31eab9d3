"""A place in the line is what the house signed; whatever else a browser or an app shows is none."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.loops import in_no_time
from tests.support.rush import Rush
from tracker.edge.front import Front
from tracker.edge.line import again_after, bearable_queue

LINE = Rush(a_second=100).houses[0][0]


@given(st.text(max_size=300))
@example("number.1.1.é")
@example("form.0.0.")
def test_no_text_is_a_place_but_one_that_was_signed(shown: str) -> None:
    assert LINE.number_of(shown) == 0


def test_a_place_is_read_as_it_was_signed_and_a_form_keeps_its_number() -> None:
    place = LINE._sign("number", 7)
    assert (LINE.number_of(place), LINE.number_of(LINE.form_pass(place))) == (7, 7)
    assert LINE.number_of(place.replace(".7.", ".6.")) == 0


def test_who_waits_is_asked_back_a_little_before_it_is_their_turn() -> None:
    assert [again_after(wait_s) for wait_s in (0.0, 2.4, 10.0, 600.0)] == [1, 1, 7, 30]


def test_what_may_wait_inside_is_served_within_a_third_of_a_second() -> None:
    assert [bearable_queue(served, 10, 50) for served in (0, 20, 100, 1_000)] == [10, 10, 30, 50]


def test_at_the_front_the_lowest_numbers_go_first_and_make_room_for_lower_ones() -> None:
    async def stand() -> tuple[list[bool], list[int]]:
        front = Front(3)
        those = [asyncio.create_task(front.stand(number, 1.0)) for number in (7, 9, 8, 5)]
        await asyncio.sleep(0.1)
        highest = [front.let_in(many) for many in (-1, 2, 0)]
        gone = asyncio.create_task(front.stand(6, 1.0))
        await asyncio.sleep(0.1)
        gone.cancel()
        await asyncio.sleep(0.1)
        assert len(front) == 1
        answers = await asyncio.gather(*those)
        return answers, [*highest, front.let_in(1)]

    # 9 left for 5; 5 and 7 went in; 8 lost patience; 6 hung up.
    assert in_no_time(stand()) == ([True, False, False, True], [0, 7, 0, 0])


async def crowd(rush: Rush, *coming: Coroutine[object, object, None]) -> Rush:
    """Them all, until each has what they came for."""
    await asyncio.gather(*coming)
    rush.stop()
    return rush


@pytest.mark.parametrize(("a_second", "keeps_place"), [(40, True), (98, True), (98, False), (400, True)])
def test_many_who_ask_at_once_are_served_as_fast_as_can_be_whether_they_keep_their_place_or_not(
    a_second: float, keeps_place: bool
) -> None:
    rush = Rush(a_second)

    async def comes_after_a_calm_minute() -> None:
        await asyncio.sleep(60)
        await rush.over_and_over(80, keeps_place=keeps_place)

    calm = (rush.until_served(after_s=n) for n in range(60))
    crowded = in_no_time(crowd(rush, *calm, *(comes_after_a_calm_minute() for _ in range(200))))
    served = crowded.answered["served"] - 60
    # Of what twenty get, who never stand in a line.
    assert served >= a_second * 20 * 0.9


def test_numbers_whose_holders_are_gone_cost_nobody_anything() -> None:
    rush = Rush(98)
    ours = (rush.over_and_over(30) for _ in range(200))
    served = in_no_time(crowd(rush, *ours, rush.draws_and_goes(30, every_s=0.005))).answered["served"]
    assert served >= 98 * 30 * 0.9


def test_people_are_let_in_by_order_at_all_servers_and_need_not_ask_often() -> None:
    people = 3_000
    rush = Rush(200, processes=2)
    in_no_time(crowd(rush, *(rush.until_served(after_s=n * 2 / people) for n in range(people))))
    assert (rush.answered["served"], rush.row.upto) == (people, rush.row.drawn)
    assert rush.served[-1][0] <= people / 200 * 1.15
    assert rush.answered["in line"] <= 4 * people
    numbers = [number for _, number in rush.served]
    displaced = sorted(abs(place - other) for place, other in zip(numbers, sorted(numbers), strict=True))
    # Half a second's work of both for most, few seconds' for all but a hundredth.
    assert (displaced[people // 2] <= 100, displaced[people * 99 // 100] <= 600) == (True, True)


def test_most_who_came_went_home_and_the_others_are_soon_served() -> None:
    rush = Rush(200, processes=2)
    stay = (rush.until_served(after_s=n / 300) for n in range(600))
    in_no_time(crowd(rush, *stay, rush.draws_and_goes(2, every_s=0.0005)))
    assert rush.answered["served"] >= 600
    assert rush.served[-1][0] < 30
