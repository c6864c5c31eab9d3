"""Which recomputed episode is which stored one.

Matching is by overlap, so an episode somebody has acknowledged is extended, merged or split when late
readings arrive, and never doubled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from tracker.coldchain.rules.instants import Micros
from tracker.coldchain.rules.tracking import Episode

Instant = TypeVar("Instant", Micros, datetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpisode:
    """A stored episode of the same channel, limit and place."""

    id: UUID
    started_at: Micros
    ended_at: Micros | None
    alarmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A recomputed episode and the stored one that lives on in it."""

    episode: Episode
    keeps: UUID | None
    """None: it is new."""
    absorbs: tuple[UUID, ...] = ()
    """Stored episodes that merged into it."""
    split_from: UUID | None = None
    """The stored episode it was part of, which lives on in another one."""


def match(new: Sequence[Episode], old: Sequence[StoredEpisode]) -> tuple[list[Matched], list[UUID]]:
    """Pair `new` with `old`; also the stored ones of which nothing is left (limits or placements changed).

    A stored episode lives on in the first recomputed one it overlaps. Where several would live on in
    one, an alarmed one goes before one that never alarmed, then the earlier before the later.
    """
    heirs: dict[UUID, list[int]] = {
        known.id: [
            index
            for index, episode in enumerate(new)
            if overlap(episode.started_at, episode.ended_at, known.started_at, known.ended_at)
        ]
        for known in old
    }
    claims: dict[int, list[StoredEpisode]] = {}
    for known in old:
        if heirs[known.id]:
            claims.setdefault(heirs[known.id][0], []).append(known)
    matched = []
    for index, episode in enumerate(new):
        claimants = sorted(claims.get(index, []), key=lambda known: (not known.alarmed, known.started_at))
        if claimants:
            absorbed = tuple(known.id for known in claimants[1:])
            matched.append(Matched(episode=episode, keeps=claimants[0].id, absorbs=absorbed))
        else:
            parents = [known.id for known in old if index in heirs[known.id]]
            matched.append(Matched(episode=episode, keeps=None, split_from=parents[0] if parents else None))
    return matched, [known.id for known in old if not heirs[known.id]]


def overlap(started: Instant, ended: Instant | None, other_started: Instant, other_ended: Instant | None) -> bool:
    """Whether two spans share an instant, their ends included; one that has not ended (None) goes on for ever."""
    return (other_ended is None or started <= other_ended) and (ended is None or other_started <= ended)
