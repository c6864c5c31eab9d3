"""The running story of the demo: what the feed says, as lines for people."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from tracker.database.engine import transaction
from tracker.feed.queries import last_position, read_after


class Story:
    """Reads the feed from now on."""

    def __init__(self, engine: Engine, tell: Callable[[str], None]) -> None:
        self._engine = engine
        self._tell = tell
        with transaction(engine) as db:
            self._position = last_position(db)

    def tell_news(self) -> None:
        """A line for each new event worth one."""
        with transaction(self._engine) as db:
            events = read_after(db, self._position)
        for event in events:
            self._position = event.position
