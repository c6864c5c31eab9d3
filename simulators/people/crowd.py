"""All simulated people: each does one thing, then rests; nobody hurries, nobody stops the others."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from simulators.manifest import World
from simulators.people.cast import cast_of
from simulators.people.http import Away, Stopped
from simulators.people.work import Actor

REST_WHEN_AWAY_S = 15.0
FIRST_ACTS_APART_S = 12.0
"""Everybody's first act is a log-in, and a service allows few of them a minute from one address: whoever
watches the demo must find room to log in as well."""


class Crowd:
    """Plays the actors of a world in one thread."""

    def __init__(
        self,
        world: World,
        api_url: str,
        *,
        seed: str,
        clock: Callable[[], datetime],
        told: Callable[[str, str], None],
        actors: Sequence[Actor] | None = None,
        apart_s: float = FIRST_ACTS_APART_S,
    ) -> None:
        self._stopped = threading.Event()
        self._clock = clock
        self._told = told
        self._apart_s = apart_s
        self._actors = list(cast_of(world, api_url, seed, self._stopped) if actors is None else actors)

    def stop(self) -> None:
        """Ask everybody to end; safe in a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Let everybody act in turn until stopped."""
        start = self._clock().timestamp()
        due = [(start + index * self._apart_s, index) for index in range(len(self._actors))]
        try:
            while due and not self._stopped.is_set():
                at, index = heapq.heappop(due)
                wait = at - self._clock().timestamp()
                if wait > 0 and self._stopped.wait(wait):
                    return
                rest = self._act(self._actors[index])
                heapq.heappush(due, (self._clock().timestamp() + rest, index))
        except Stopped:
            return
        finally:
            for actor in self._actors:
                actor.close()

    def _act(self, actor: Actor) -> float:
        try:
            sentence = actor.act(self._clock())
        except Away as error:
            self._told(actor.name, f"cannot reach the service ({error}), will try again")
            return REST_WHEN_AWAY_S
        if sentence:
            self._told(actor.name, sentence)
        return actor.rest_s()
