"""Turns at what many want to lock: few at once, in order of arrival, none lost and none doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest

from tests.support.loops import finished
from tracker.database.turns import Contended, Held, LineFull, Turns, Wanted, held, take_turns

SESSION = (Wanted.SESSION, (UUID(int=2),))
POOL = (Wanted.POOL, (UUID(int=1), UUID(int=1)))


def run(story: Coroutine[Any, Any, None]) -> None:
    finished(story)


def test_turns_pass_on_in_order_of_arrival() -> None:
    async def story() -> None:
        turns, order = Turns(1, queue=5), []

        async def one(name: int) -> None:
            mine = Held(turns)
            await mine.wait(SESSION)
            order.append(name)
            await asyncio.sleep(0)
            mine.give_back()

        await asyncio.gather(*(one(name) for name in range(5)))
        assert order == [0, 1, 2, 3, 4]
        assert turns.waiting() == 0
        assert turns.take(SESSION)

    run(story())


def test_nobody_overtakes_the_line_and_a_full_line_is_said_at_once() -> None:
    async def story() -> None:
        turns = Turns(1, queue=1)
        first = Held(turns)
        first.take(SESSION)
        second = asyncio.create_task(Held(turns).wait(SESSION))
        await asyncio.sleep(0)
        with pytest.raises(Contended):
            Held(turns).take(SESSION)
        with pytest.raises(LineFull):
            await turns.wait(SESSION)
        first.give_back()
        # Handed over already: whoever comes now is behind.
        with pytest.raises(Contended):
            Held(turns).take(SESSION)
        await second

    run(story())


def test_who_gives_up_at_the_moment_of_the_hand_over_passes_it_on() -> None:
    async def story() -> None:
        turns = Turns(1, queue=5)
        first = Held(turns)
        first.take(SESSION)
        second = asyncio.create_task(Held(turns).wait(SESSION))
        third = asyncio.create_task(Held(turns).wait(SESSION))
        await asyncio.sleep(0)
        first.give_back()
        second.cancel()
        await third
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not turns.take(SESSION)

    run(story())


def test_who_waits_for_an_earlier_thing_holds_no_later_one() -> None:
    """Two who want the same two things in both orders never wait for each other."""

    async def story() -> None:
        turns = Turns(1, queue=5)
        one, other = Held(turns), Held(turns)
        one.take(SESSION)
        other.take(POOL)
        waiting = asyncio.create_task(other.wait(SESSION))
        await asyncio.sleep(0)
        one.take(POOL)
        one.give_back()
        await waiting
        assert other.things == {SESSION}

    run(story())


def test_the_worker_takes_no_turns() -> None:
    assert held.get() is None
    take_turns(Wanted.POOL, [POOL[1]])
