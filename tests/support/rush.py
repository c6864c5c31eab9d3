"""A rush in no time: houses with places that serve so many a second, their line, and who comes; by a clock that jumps."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tracker.database.turns import Turns
from tracker.edge.front import Front
from tracker.edge.line import InLine, Line
from tracker.edge.numbers import Stand
from tracker.edge.places import Places
from tracker.kit.clock import utc_now

PLACES, RUSH_FROM, QUEUE = 10, 50, 200
_ROUND_TRIP_S = 0.01


@dataclass(slots=True)
class RowInMemory:
    """As the row in the database, for processes of one loop."""

    drawn: int = 0
    upto: int = 0

    async def look(self) -> Stand:
        await asyncio.sleep(_ROUND_TRIP_S)
        return self.drawn, self.upto

    async def draw(self, many: int) -> Stand:
        self.drawn += many
        return await self.look()

    async def let_in(self, reached: int, called: int) -> Stand:
        self.upto = min(self.drawn, max(self.upto, reached) + called)
        return await self.look()


class Serving(Places):
    """Places in which the work takes its time and nothing else."""

    def __init__(self, most: int, a_second: float, chance: Random) -> None:
        super().__init__(most, queue=QUEUE, patience_s=60)
        self._each_s = most / a_second
        self._chance = chance

    async def serve(self) -> None:
        self.waiting += 1
        await self._free.acquire()
        self.waiting -= 1
        try:
            await asyncio.sleep(self._each_s * self._chance.uniform(0.5, 1.5))
        finally:
            self._free.release()
            self.served += 1


@dataclass(slots=True)
class Rush:
    """Processes that serve `a_second` together, and what was seen of whoever came: how often they asked, who was served and when."""

    a_second: float
    processes: int = 1
    chance: Random = field(default_factory=lambda: Random(1))
    row: RowInMemory = field(default_factory=RowInMemory)
    houses: list[tuple[Line, Serving]] = field(init=False)
    answered: Counter[str] = field(default_factory=Counter)
    served: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.houses = [self._house() for _ in range(self.processes)]

    def _house(self) -> tuple[Line, Serving]:
        places = Serving(PLACES, self.a_second / self.processes, self.chance)
        line = Line(
            row=self.row,
            places=places,
            turns=Turns(1, queue=1),
            keys=(b"a key",),
            rush_from=RUSH_FROM,
            clock=utc_now,
            front=Front(QUEUE),
        )
        return line, places

    async def ask(self, place: str | None, *, writes: bool) -> tuple[str | None, float]:
        """Once, at any of the processes: their place and after how many seconds to ask again; (None, 0) when served."""
        line, places = self.chance.choice(self.houses)
        try:
            await line.enter(place, writes=writes)
        except InLine as told:
            self.answered["in line"] += 1
            return str(told.params["place"]), float(str(told.params["again_s"]))
        await places.serve()
        self.answered["served"] += 1
        self.served.append((asyncio.get_running_loop().time(), line.number_of(place)))
        return None, 0.0

    async def until_served(self, *, after_s: float, writes: bool = False) -> None:
        """One who comes once, and again when told to."""
        await asyncio.sleep(after_s)
        place, again_s = await self.ask(None, writes=writes)
        while place is not None:
            await asyncio.sleep(again_s)
            place, again_s = await self.ask(place, writes=writes)

    async def over_and_over(self, until_s: float, *, keeps_place: bool = True, writes: bool = True) -> None:
        """One who asks for something new as soon as they were served."""
        place: str | None = None
        while asyncio.get_running_loop().time() < until_s:
            place, again_s = await self.ask(place if keeps_place else None, writes=writes)
            await asyncio.sleep(again_s or _ROUND_TRIP_S)

    async def draws_and_goes(self, until_s: float, every_s: float) -> None:
        """People who draw a number and are gone."""
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(every_s)
            await self.ask(None, writes=False)

    def stop(self) -> None:
        for line, _ in self.houses:
            line.stop()
