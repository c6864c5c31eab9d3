"""The kinds of events a house knows: what webhooks may ask for, what the documents list, what leaves the house."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from tracker.feed.contract import Event, Row, Undecodable, decode, with_old_names


class Kinds:
    """All event classes by their kind; `tracker.events` holds the one list."""

    def __init__(self, classes: Sequence[type[Event]]) -> None:
        self._by_kind = {cls.KIND: cls for cls in classes}
        if len(self._by_kind) < len(classes):
            raise ValueError("two event classes have one kind")

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._by_kind.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Every kind."""
        return tuple(self._by_kind)

    @property
    def wildcards(self) -> tuple[str, ...]:
        """`room.*` for every room that tells something."""
        return tuple(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in self._by_kind))

    def knows(self, wanted: str) -> bool:
        """Whether this is a kind, or `room.*` of a room that has some."""
        return wanted in self._by_kind or wanted in self.wildcards

    def nearest(self, wanted: str) -> str:
        """The known kind (or `room.*`) that is written most alike."""
        known = self.wildcards if wanted.endswith("*") else self.names
        return get_close_matches(wanted, known, n=1, cutoff=0.0)[0]

    def decode(self, row: Row) -> Event:
        """The event a row holds. Raises Undecodable, also for a kind of an earlier or later version."""
        found = self._by_kind.get(row.kind)
        if found is None:
            raise Undecodable(f"{row.kind} is not a kind of this version")
        return decode(row, found)

    def data_for_others(self, row: Row) -> dict[str, Any]:
        """What a row says to programs outside: today's names and the former ones; as stored where it does not decode.

        Values are ids, enums and instants as Python has them; `orjson` writes them.
        """
        try:
            event = self.decode(row)
        except Undecodable:
            return row.data
        shown: dict[str, Any] = with_old_names(event)
        return shown
