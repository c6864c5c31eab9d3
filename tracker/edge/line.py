"""The line before booking when more come than can be served: who comes draws a number, and numbers are let in by their order.

A number is signed and its holder keeps it, so it costs no memory and is the same at every process; how many were drawn and let in is
one row that all processes share. Without a rush nobody sees any of it. See docs/adr/0036-a-line-in-a-rush.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from tracker.database.engine import transaction
from tracker.database.turns import Turns
from tracker.edge.places import Busy, Places
from tracker.kit.clock import Clock
from tracker.kit.errors import Refused

COOKIE, HEADER = "rantai_antre", "Rantai-Place"
STANDS = timedelta(minutes=15)
"""How long a number is kept for whoever does not ask after it, and how long a form may be filled in."""
BEAT_S = 1.0
_MOST_DRAWING = 20_000  # requests of one process that may draw at once: each is a connection and a future
_SOONEST_S, _LATEST_S = 3, 30

_LOOK = text("SELECT drawn, let_in FROM waiting_line")
_DRAW = text("UPDATE waiting_line SET drawn = drawn + :many RETURNING drawn, let_in")
_LET_IN = text("UPDATE waiting_line SET let_in = least(drawn, let_in + :many) RETURNING drawn, let_in")


class InLine(Refused):
    """Others came before: `ahead` says how many, `wait_s` how long that takes as it goes now (None: not known yet), `again_s` when
    to ask again with `place`, which keeps the place.
    """

    code = "api.in_line"


@dataclass(slots=True)
class Line:
    """One process's part in the line. All of it runs in the event loop; the row is asked in a side place."""

    engine: Engine
    side: Places
    places: Places
    turns: Turns
    keys: tuple[bytes, ...] = field(repr=False)
    rush_from: int
    clock: Clock
    drawn: int = 0
    let_in: int = 0
    rate: float = 0.0
    _pace: float = 0.0
    _came: set[int] = field(default_factory=set)
    _counted: int = 0
    _looked_at: float | None = None
    _looking: asyncio.Task[None] | None = None
    _beating: asyncio.Task[None] | None = None
    _drawing: list[asyncio.Future[int]] = field(default_factory=list)
    _hand: asyncio.Task[None] | None = None

    async def enter(self, shown: str | None, *, writes: bool) -> None:
        """Let the request in, or raise InLine with the place of whoever sends it. `writes`: a form that was opened before goes in."""
        kind, number = self._read(shown)
        if kind == "form" and writes:
            return
        await self._know(number)
        if not 0 < number <= self.drawn:
            if self.let_in >= self.drawn and not self._rushed():
                return
            number = await self._draw()
        if number <= self.let_in:
            self._came.add(number)
            return
        self._keep_beating()
        ahead = number - self.let_in
        wait_s = None if self.rate <= 0 else int(ahead / self.rate) + 1
        raise InLine(ahead=ahead, wait_s=wait_s, again_s=again_after(wait_s), place=self._sign("number", number))

    def form_pass(self, shown: str | None) -> str:
        """For whoever was let in and opened a form: it may be sent although a rush begins meanwhile. Their number stays theirs."""
        return self._sign("form", self.number_of(shown))

    def number_of(self, shown: str | None) -> int:
        """The number of a place; 0 for whoever has none."""
        return self._read(shown)[1]

    def newly_come(self) -> int:
        """How many of those let in came here since this was asked last, each once however often they reload."""
        before, self._counted = self._counted, len(self._came)
        return self._counted - before

    def stop(self) -> None:
        """End what runs by itself."""
        for task in (self._looking, self._beating, self._hand):
            if task is not None:
                task.cancel()

    def _waiting(self) -> int:
        return self.places.waiting + self.turns.waiting()

    def _rushed(self) -> bool:
        return self._waiting() >= self.rush_from

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
        with suppress(Busy, SQLAlchemyError):
            self._learn(*await self._ask(_LOOK, {}))

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
                drawn, let_in = await self._ask(_DRAW, {"many": len(batch)})
            except (Busy, SQLAlchemyError):
                for one in batch:
                    if not one.done():
                        one.set_exception(Busy())
                continue
            self._learn(drawn, let_in)
            for number, one in enumerate(batch, start=drawn - len(batch) + 1):
                if not one.done():
                    one.set_result(number)

    def _keep_beating(self) -> None:
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        """While there is a line: every second as many as this process has shown it can serve, and none while too many wait."""
        self._pace = float(self.places.most)
        self._came.clear()
        self._counted = 0
        while self.drawn > self.let_in:
            await asyncio.sleep(BEAT_S)
            waiting = self._waiting()
            self._pace = next_pace(self._pace, self.newly_come(), waiting=waiting, rush_from=self.rush_from)
            full = waiting >= self.rush_from
            statement, asked = (_LOOK, {}) if full else (_LET_IN, {"many": int(self._pace)})
            with suppress(Busy, SQLAlchemyError):
                self._learn(*await self._ask(statement, asked))

    async def _ask(self, statement: object, asked: dict[str, int]) -> tuple[int, int]:
        def work() -> tuple[int, int]:
            with transaction(self.engine) as db:
                row = db.execute(statement, asked).one()  # type: ignore[call-overload]  # one of the three above
                return row[0], row[1]

        return await self.side.run(work)

    def _learn(self, drawn: int, let_in: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._looked_at is not None and now > self._looked_at and let_in > self.let_in:
            seen = (let_in - self.let_in) / (now - self._looked_at)
            self.rate = seen if self.rate <= 0 else 0.7 * self.rate + 0.3 * seen
        self.drawn, self.let_in, self._looked_at = drawn, let_in, now

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


def next_pace(pace: float, came: int, *, waiting: int, rush_from: int) -> float:
    """How many to let in this second, after one in which `came` of those let in before came and `waiting` had to wait.

    That nobody waits shows room only for those who came: of the others it is not known yet, and they come all at once.
    """
    if waiting >= rush_from:
        return max(1.0, pace / 2)
    return pace if waiting else pace + 1 + min(pace, came) / 4


def again_after(wait_s: int | None) -> int:
    """When to ask again: once it is one's turn as it goes now. Who asks on the way there only takes time from those who are served."""
    return min(max(_SOONEST_S, wait_s or 0), _LATEST_S)


def _signed(key: bytes, said: str, mac: str) -> bool:
    # Whatever somebody shows may hold any sign.
    return hmac.compare_digest(_mac(key, said).encode(), mac.encode(errors="replace"))


def _mac(key: bytes, said: str) -> str:
    return hmac.new(key, said.encode(errors="replace"), hashlib.sha256).hexdigest()
