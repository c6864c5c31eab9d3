"""The line before booking when more come than can be served: who comes draws a number, and numbers are let in by their order.

A number is signed and its holder keeps it, so it costs no memory and is the same at every process; how many were drawn and let in is
one row that all processes share. Who comes with a number whose turn is near stands at the front and goes in as soon as there is room.
Without a rush nobody sees any of it. See docs/adr/0036-a-line-in-a-rush.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tracker.database.turns import Turns
from tracker.edge.front import Front
from tracker.edge.numbers import Row, Unknown
from tracker.edge.places import Busy, Places
from tracker.kit.clock import Clock
from tracker.kit.errors import Refused

COOKIE, HEADER = "rantai_antre", "Rantai-Place"
STANDS = timedelta(minutes=15)
"""How long a number is kept for whoever does not ask after it, and how long a form may be filled in."""
BEAT_S = 1.0
_TICK_S = 0.05
_NEAR_S = 4.0  # whose turn comes within this stands at the front,
_PATIENCE_S = 5.0  # for so long; then they are told their place again
_FIRST_SIGHT_S = 0.5  # a browser is first told its place, so that a reload keeps it, unless its turn is as near as this
_INSIDE_S = 0.3  # how long whoever was let in may have to wait inside
_MOST_DRAWING = 20_000  # requests of one process that may draw at once: each is a connection and a future
_LATEST_S = 30


class InLine(Refused):
    """Others came before: `ahead` says how many, `wait_s` how long that takes as it goes now (None: not known yet), `again_s` when
    to ask again with `place`, which keeps the place.
    """

    code = "api.in_line"


@dataclass(slots=True)
class Line:
    """One process's part in the line. All of it runs in the event loop; the row is asked in a side place."""

    row: Row
    places: Places
    turns: Turns
    keys: tuple[bytes, ...] = field(repr=False)
    rush_from: int
    clock: Clock
    front: Front
    drawn: int = 0
    let_in: int = 0
    rate: float = 0.0
    _reached: int = 0
    _called: int = 0
    _gone_in: int = 0
    _ticks: int = 0
    _idle_ticks: int = 0
    _served: float | None = None
    _busy: float = 1.0
    _counted: int = 0
    _looked_at: float | None = None
    _seen_at: tuple[float, int] = (0.0, 0)
    _looking: asyncio.Task[None] | None = None
    _serving: asyncio.Task[None] | None = None
    _telling: asyncio.Task[None] | None = None
    _drawing: list[asyncio.Future[int]] = field(default_factory=list)
    _hand: asyncio.Task[None] | None = None

    async def enter(self, shown: str | None, *, writes: bool) -> None:
        """Let the request in, or raise InLine with the place of whoever sends it. `writes`: a form that was opened before goes in."""
        kind, number = self._read(shown)
        if kind == "form" and writes:
            return
        await self._know(number)
        if self.let_in >= self.drawn and not len(self.front) and self._room() > 0:
            return
        came_back = 0 < number <= self.drawn
        if not came_back:
            number = await self._draw()
        self._keep_serving()
        wait_s = max(0, number - self.let_in) / self._speed()
        near = _NEAR_S if came_back or writes else _FIRST_SIGHT_S
        if wait_s <= near and await self._stand(number):
            return
        raise InLine(
            ahead=max(1, number - self.let_in),
            wait_s=None if self.rate <= 0 else int(wait_s) + 1,
            again_s=again_after(wait_s),
            place=self._sign("number", number),
        )

    @property
    def is_rush(self) -> bool:
        """Whether somebody stands in the line."""
        return self.drawn > self.let_in or len(self.front) > 0

    def form_pass(self, shown: str | None) -> str:
        """For whoever was let in and opened a form: it may be sent although a rush begins meanwhile. Their number stays theirs."""
        return self._sign("form", self.number_of(shown))

    def number_of(self, shown: str | None) -> int:
        """The number of a place; 0 for whoever has none."""
        return self._read(shown)[1]

    def stop(self) -> None:
        """End what runs by itself."""
        for task in (self._looking, self._serving, self._telling, self._hand):
            if task is not None:
                task.cancel()

    async def _stand(self, number: int) -> bool:
        """Go in at once where there is room and nobody stands before; else wait at the front, but not for long."""
        if len(self.front) or self._room() <= 0:
            return await self.front.stand(number, _PATIENCE_S)
        self._gone_in += 1
        self._reached = max(self._reached, number)
        return True

    def _room(self) -> int:
        """How many more may go in: they should wait no longer inside than `_INSIDE_S`, as fast as this process served lately."""
        bearable = self.rush_from
        if self._served is not None:
            bearable = bearable_queue(self._served, self.places.most, self.rush_from)
        return bearable - self._waiting() - self._gone_in

    def _waiting(self) -> int:
        return self.places.waiting + self.turns.waiting()

    def _speed(self) -> float:
        """Numbers a second as it would go were somebody there all the time."""
        return (self.rate or self._guess()) / self._busy

    def _guess(self) -> float:
        # Whoever asks too early asks once more; were all told to come too late, there would be room and nobody there.
        return 20.0 * self.places.most

    async def _know(self, number: int) -> None:
        """Know how the line stands: as of the last second or so, or asked now where that is long ago or a number is unheard of."""
        age = None if self._looked_at is None else asyncio.get_running_loop().time() - self._looked_at
        if (age is None or age > BEAT_S) and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None and (age is None or age > 5 * BEAT_S):
            await asyncio.shield(self._looking)
        if number > self.drawn:  # drawn at another process a moment ago
            await self._look()

    async def _look(self) -> None:
        with suppress(Unknown):
            self._learn(*await self.row.look())

    async def _draw(self) -> int:
        """The next number; many who come at once draw theirs in one statement, in order of arrival."""
        if len(self._drawing) >= _MOST_DRAWING:
            raise Busy
        mine: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._drawing.append(mine)
        if self._hand is None or self._hand.done():
            self._hand = asyncio.create_task(self._hand_out())
        return await mine

    async def _hand_out(self) -> None:
        while self._drawing:
            batch, self._drawing = self._drawing, []
            try:
                drawn, let_in = await self.row.draw(len(batch))
            except Unknown:
                for one in batch:
                    if not one.done():
                        one.set_exception(Busy())
                continue
            self._learn(drawn, let_in)
            for number, one in enumerate(batch, start=drawn - len(batch) + 1):
                if not one.done():
                    one.set_result(number)

    def _is_serving(self) -> bool:
        return self._serving is not None and not self._serving.done()

    def _keep_serving(self) -> None:
        if not self._is_serving():
            self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        """While there is a line: let in from the front whenever there is room, and tell the others every second how far it is."""
        self._counted, self._called = self.places.served, 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._seen_at = began, self.let_in
        while self.is_rush:
            await asyncio.sleep(_TICK_S)
            self._gone_in = 0
            self._reached = max(self._reached, self.front.let_in(self._room()))
            self._ticks += 1
            self._idle_ticks += not len(self.front) and not self._waiting()
            passed = loop.time() - began
            if passed >= BEAT_S and (self._telling is None or self._telling.done()):
                began = loop.time()
                self._measure(passed)
                self._telling = asyncio.create_task(self._tell())
        self._served, self._gone_in = None, 0

    def _measure(self, seconds: float) -> None:
        """After a second: how fast this process serves, and whether numbers are called whose holders are not here."""
        served, self._counted = self.places.served - self._counted, self.places.served
        self._served = served / seconds
        if served and len(self.front):  # somebody always goes in, however much else there is to do
            self._reached = max(self._reached, self.front.let_in(1))
        idle = self._idle_ticks / self._ticks
        self._busy = max(0.1, 0.5 * self._busy + 0.5 * (1 - idle))
        missing = int(self._served / max(0.1, 1 - idle) * idle)
        self._called = max(missing, 2 * self._called) if idle > 0.25 else 0
        self._ticks = self._idle_ticks = 0

    async def _tell(self) -> None:
        with suppress(Unknown):
            self._learn(*await self.row.let_in(self._reached, self._called))

    def _learn(self, drawn: int, let_in: int) -> None:
        now = asyncio.get_running_loop().time()
        self.drawn, self.let_in, self._looked_at = drawn, let_in, now
        since, before = self._seen_at
        # While nobody waits, nobody is let in; and how far it was a moment ago tells no speed.
        if self._is_serving() and now - since >= BEAT_S:
            seen = (let_in - before) / (now - since)
            self.rate = 0.7 * (self.rate or self._guess()) + 0.3 * seen
            self._seen_at = now, let_in

    def _sign(self, kind: str, number: int) -> str:
        said = f"{kind}.{number}.{int(self.clock().timestamp())}"
        return f"{said}.{_mac(self.keys[0], said)}"

    def _read(self, shown: str | None) -> tuple[str, int]:
        """The kind and number of what the house signed not long ago; blank and 0 of anything else."""
        parts = (shown or "")[:200].rsplit(".", 1)
        if len(parts) != 2 or not any(_signed(key, *parts) for key in self.keys):
            return "", 0
        kind, number, at = parts[0].split(".")
        if self.clock() - datetime.fromtimestamp(int(at), self.clock().tzinfo) > STANDS:
            return "", 0
        return kind, int(number)


def bearable_queue(served: float, places: int, most: int) -> int:
    """How many may wait inside at `served` requests a second, so that none of them waits for long: as many as places at least."""
    return min(most, max(places, int(served * _INSIDE_S)))


def again_after(wait_s: float) -> int:
    """When to ask again: a second before one's turn as it goes now, to stand at the front by then.

    Who asks on the way there only takes time from those who are served; were people late, the line would never go faster than they come.
    """
    return min(max(1, int(0.8 * wait_s) - 1), _LATEST_S)


def _signed(key: bytes, said: str, mac: str) -> bool:
    # Whatever somebody shows may hold any sign.
    return hmac.compare_digest(_mac(key, said).encode(), mac.encode(errors="replace"))


def _mac(key: bytes, said: str) -> str:
    return hmac.new(key, said.encode(errors="replace"), hashlib.sha256).hexdigest()
