"""The same facts and acts, recorded by many connections at once, leave the end of the order of time.

Red where a hold looks for harmed vials without locking their pools (`passport/service/finding.py::locked_spots`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.db.test_facts_in_any_order import stopped, totals
from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.facts import CLOSING, FROST, RECALL, Act, Books, Fact, Morning, Step, Untold, in_order_of_time
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import new_session, transaction
from tracker.feed.aside import count_aside
from tracker.feed.numbering import number_pending
from tracker.feed.reacting import Runner
from tracker.feed.waiting import count_waiting
from tracker.passport.service.holding import hold_for_episode
from tracker.reactions import runners
from tracker.stock.errors import HistoryNegative
from tracker.stock.rules.words import Kind

HANDS = 4
KINDS = (Kind.SUPPLY, Kind.SUPPLY, Kind.TRANSFER, Kind.TRANSFER, Kind.OPENING, Kind.WASTE)


def drawn(dice: random.Random) -> list[Fact]:
    """Facts of before the house acts, at different instants: ten of before the end of the frost, and what must be found out.

    Vials of either batch go where no hold has looked, and a dose is given of each opening, or all that the vial has.
    """
    facts = [
        Fact(hour / 10, dice.choice(KINDS), dice.randint(0, 1), dice.randint(0, 1), dice.randint(1, 3))
        for hour in dice.sample(range(61, 86), 10)
    ]
    facts += [Fact(7.15, Kind.SUPPLY, 1, 0, 2), Fact(8.55, Kind.TRANSFER, 0, 0, 1), Fact(8.65, Kind.OPENING, 0, 0, 1)]
    doses = [
        Fact(
            fact.hour + 0.07, Kind.USE, fact.batch, fact.place, dice.choice([1, (5, 10)[fact.batch]]), opened=fact.hour
        )
        for fact in facts
        if fact.kind is Kind.OPENING
    ]
    return facts + doses


def in_order(engine: Engine, world: World, steps: list[Step]) -> tuple[list[Fact], Books, dict[UUID, int]]:
    """What the order of time refuses, and the end it leaves; nothing is kept."""
    with new_session(engine) as db:
        morning = Morning(db, world)
        morning.begin()
        refused = morning.play(in_order_of_time(steps))
        books, doses = morning.books(), morning.doses()
        db.rollback()
        return refused, books, doses


class Hands:
    """Facts and acts in a random order, taken by whoever is free; each in a transaction of its own."""

    def __init__(self, engine: Engine, world: World, steps: list[Step]) -> None:
        self.engine, self.world, self.steps = engine, world, steps
        self.left = len(steps)
        self.lock = threading.Lock()
        with transaction(engine) as db:
            morning = Morning(db, world)
            morning.begin()
        self.channels = morning.channels
        self.clock = lambda: morning.at(15)
        self.until = time.monotonic() + 50

    def going_on(self) -> bool:
        """Whether something is left to be told; what can never be told is a fault, and ends as one."""
        if time.monotonic() > self.until:
            raise AssertionError(f"never told: {self.steps}")
        return self.left > 0

    def work(self) -> None:
        while self.going_on():
            with self.lock:
                step = self.steps.pop(0) if self.steps else None
            if step is None:
                threading.Event().wait(0.01)
                continue
            done = self.tell(step) if isinstance(step, Fact) else self.act(step)
            with self.lock:
                self.left -= done
                if not done:
                    self.steps.append(step)  # what it builds on has not been told yet

    def tell(self, fact: Fact) -> bool:
        try:
            with transaction(self.engine) as db:
                morning = Morning(db, self.world, self.channels)
                morning.post(fact, morning.at(9))
        except (HistoryNegative, Untold):
            return False
        return True

    def act(self, act: Act) -> bool:
        if act.place is None or act.closing:
            try:
                with transaction(self.engine) as db:
                    Morning(db, self.world, self.channels).carry_out(act)
            except Untold:
                return False
            return True
        with transaction(self.engine) as db:
            morning = Morning(db, self.world, self.channels)
            episode = morning.episode(act.place)
        with transaction(self.engine) as db:
            hold_for_episode(db, SYSTEM, episode, now=morning.at(act.hour))
        return True

    def react(self) -> None:
        """What a worker does, until nothing is left to be told."""
        mine = [one for one in runners(self.engine, self.clock) if one.reaction.name in ("hold_entering", "recall")]
        while self.going_on():
            self.react_once(mine)
            threading.Event().wait(0.02)
        while self.react_once(mine):
            pass

    def react_once(self, mine: list[Runner]) -> int:
        return number_pending(self.engine) + sum(one.run_once() for one in mine)


ACTS: list[list[Step]] = [[FROST], [RECALL], [FROST, RECALL], [FROST], [FROST, CLOSING]]


@pytest.mark.parametrize("seed", range(len(ACTS)))
def test_many_hands_at_once_leave_the_end_of_the_order_of_time(
    engine: Engine, committed_world: World, seed: int
) -> None:
    world, dice = committed_world, random.Random(seed)
    acts = ACTS[seed]
    facts: list[Step] = list(drawn(dice))
    # What nobody could have done is no fact: the order of time says which.
    impossible, _, _ = in_order(engine, world, [*facts, *acts])
    facts = [fact for fact in facts if fact not in impossible]
    refused, told_in_order, given_in_order = in_order(engine, world, [*facts, *acts])
    assert refused == []
    dice.shuffle(facts)
    # The acts fall early, so that much is told after them.
    steps = facts.copy()
    for act in acts:
        steps.insert(dice.randrange(len(facts) // 2), act)
    hands = Hands(engine, world, steps)
    work: list[Callable[[], object]] = [hands.work] * HANDS
    together([*work, hands.react, hands.react])
    with transaction(engine) as db:
        check_books(db)
        assert (count_aside(db), count_waiting(db)) == (0, 0)
        told_at_once, given_at_once = Morning(db, world).books(), Morning(db, world).doses()
        assert Morning(db, world).unheld() == []
    assert given_at_once == given_in_order
    assert totals(told_at_once) == totals(told_in_order)
    if CLOSING in acts:
        # What came to light after the closing nobody has judged: it is held, where the order of time discards it.
        assert stopped(told_at_once) == stopped(told_in_order)
    else:
        assert told_at_once == told_in_order
