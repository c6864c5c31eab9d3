"""Whom to call when doses are left, in an order that anybody can reckon again. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from uuid import UUID

from tracker.people.rules.groups import PersonGroup, groups_meant

ELDERLY_FROM = 60
"""Years: from that age on somebody counts as elderly (UU 13/1998)."""


class Group(IntEnum):
    """Who is called first; within a group chance decides."""

    NAKES = 1
    ELDERLY = 2
    OTHERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Somebody who asked to be called."""

    id: UUID
    group: Group


def group_of(groups: Collection[str], born: date, today: date) -> Group:
    """The group somebody belongs to on a day."""
    said = groups_meant(groups)
    if PersonGroup.NAKES in said:
        return Group.NAKES
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return Group.ELDERLY if age >= ELDERLY_FROM or PersonGroup.LANSIA in said else Group.OTHERS


def drawn(seed: str, waiting: Iterable[Waiting]) -> list[Waiting]:
    """In the order in which they are called: by group, then by SHA-256 of `seed:id`.

    The seed is drawn after everybody has asked and is written down: nobody can choose a lucky id, and nobody draw twice.
    """

    def place(one: Waiting) -> tuple[int, str]:
        return one.group, hashlib.sha256(f"{seed}:{one.id}".encode()).hexdigest()

    return sorted(waiting, key=place)
