"""A logger's memory: what it wrote, what the broker has confirmed, and what it will send once more.

A PUBACK says that the broker has the message, not that its disk has: a broker that is killed may lose its
last second. So what was confirmed within the last seconds before the newest confirmation is kept, and sent
again after a reconnect. The receiver drops what it knows already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from simulators.sensors.payloads import Record

OVERLAP = timedelta(seconds=3)
"""Three times the second after which the production broker writes its state to disk."""


class Memory:
    """Records in the order they were written: waiting, on their way, or confirmed a moment ago."""

    def __init__(self, waiting: Iterable[Record] = (), *, overlap: timedelta = OVERLAP) -> None:
        self._waiting: deque[Record] = deque(waiting)
        self._sent: dict[int, list[Record]] = {}
        self._confirmed: deque[tuple[datetime, list[Record]]] = deque()
        self._overlap = overlap

    def write(self, records: Iterable[Record]) -> None:
        """Add what was just measured, after everything that waits."""
        self._waiting.extend(records)

    def take(self, count: int) -> list[Record]:
        """The oldest waiting records, at most `count`; they must be given to `sent` or `put_back`."""
        return [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]

    def put_back(self, records: list[Record]) -> None:
        """They could not be sent: back to the front, in their order."""
        self._waiting.extendleft(reversed(records))

    def sent(self, message_id: int, records: list[Record]) -> None:
        """They are on their way under this message id."""
        self._sent[message_id] = records

    def confirmed(self, message_id: int, at: datetime) -> None:
        """The broker has them. An id that is not known (of an earlier connection) changes nothing."""
        records = self._sent.pop(message_id, None)
        if records is None:
            return
        self._confirmed.append((at, records))
        while self._confirmed[0][0] < at - self._overlap:
            self._confirmed.popleft()

    def reconnected(self) -> None:
        """Whatever is not safely in the past is sent again, the oldest first, before anything newer."""
        again = [record for _, records in self._confirmed for record in records]
        again += [record for records in self._sent.values() for record in records]
        self._confirmed.clear()
        self._sent.clear()
        self._waiting.extendleft(reversed(again))

    @property
    def waiting(self) -> int:
        """How many records wait to be sent."""
        return len(self._waiting)

    @property
    def on_their_way(self) -> int:
        """How many messages were sent and are not confirmed."""
        return len(self._sent)

    def unsafe(self) -> list[Record]:
        """Everything a restart must not forget, oldest first."""
        kept = [record for _, records in self._confirmed for record in records]
        kept += [record for records in self._sent.values() for record in records]
        return kept + list(self._waiting)
