"""One look for all who react: which of them the feed holds something for, asked in one statement at each ring.

Each of them asking for itself would be a transaction each at every event of the nation, to find nothing most of the time.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import orjson
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tracker.database.engine import transaction

# The next event by kind and position, and whether it is of the kind: one entry of one index. Asked for events of a kind
# behind a position, the planner may walk through all others there, which for a kind that never happened is the whole feed.
_FOUND = text(
    """
    SELECT * FROM (
        SELECT r.name, r.position,
               EXISTS (SELECT 1 FROM unnest(r.kinds) AS k (kind) WHERE k.kind = (
                   SELECT e.kind FROM feed_event e WHERE (e.kind, e.position) > (k.kind, r.position)
                   ORDER BY e.kind, e.position LIMIT 1)) AS news,
               EXISTS (SELECT 1 FROM feed_waiting w WHERE w.reaction = r.name) AS waits
        FROM (
            SELECT asked.name, asked.kinds, coalesce(c.position, 0) AS position
            FROM json_to_recordset(CAST(:readers AS json)) AS asked (name text, cursor text, kinds text[])
            LEFT JOIN feed_cursor c ON c.name = asked.cursor
        ) AS r
    ) AS looked
    WHERE news OR waits
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the feed: its name, the name of its cursor, and the kinds it cares for."""

    name: str
    cursor: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A reader for whom something is there: up to where it has read, and whether events came since or wait to be tried again."""

    name: str
    position: int
    news: bool
    waits: bool


def look(db: Session, readers: Collection[Reader]) -> list[Found]:
    """Those of `readers` for whom something is there."""
    rows = db.execute(_FOUND, {"readers": orjson.dumps(list(readers)).decode()})
    return [Found(name=row.name, position=row.position, news=row.news, waits=row.waits) for row in rows]


class Lookout:
    """Looks for readers that work in threads of their own, and wakes those that have something to do."""

    def __init__(self, engine: Engine, readers: Iterable[Reader]) -> None:
        self._engine = engine
        self._readers = tuple(readers)
        self._woken = {reader.name: threading.Event() for reader in self._readers}

    def woken(self, name: str) -> threading.Event:
        """Set when there is something for the reader; who waits for it clears it before looking for itself."""
        return self._woken[name]

    def look_out(self) -> int:
        """One look for all; answers 0, for there is nothing more to do until it rings again."""
        with transaction(self._engine) as db:
            found = look(db, self._readers)
        for one in found:
            self._woken[one.name].set()
        return 0
