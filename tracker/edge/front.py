"""Who stands at the front of the line: open requests whose turn is near, let in by their numbers as soon as there is room.

Only who is here stands here, so a number that nobody holds any more costs nobody anything. Whoever waits holds no place and no
connection of the database. All of it runs in the event loop.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from itertools import count


class Front:
    """At most so many of one process; who has the highest number leaves for whoever comes with a lower one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._standing: list[tuple[int, int, asyncio.Future[bool]]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._standing)

    async def stand(self, number: int, patience_s: float) -> bool:
        """Wait for one's turn: False when others came with lower numbers and filled the front, or after `patience_s`."""
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        standing = (number, next(self._order), mine)
        insort(self._standing, standing)
        if len(self._standing) > self._most:
            _tell(self._standing.pop()[2], goes_in=False)
        try:
            async with asyncio.timeout(patience_s):
                return await mine
        except TimeoutError:
            return False
        finally:
            if standing in self._standing:
                self._standing.remove(standing)

    def let_in(self, many: int) -> int:
        """Let in so many, lowest numbers first; the highest number of them, 0 when nobody was."""
        going, self._standing = self._standing[: max(0, many)], self._standing[max(0, many) :]
        for _, _, future in going:
            _tell(future, goes_in=True)
        return going[-1][0] if going else 0


def _tell(standing: asyncio.Future[bool], *, goes_in: bool) -> None:
    if not standing.done():  # whoever has just lost patience is told nothing more
        standing.set_result(goes_in)
