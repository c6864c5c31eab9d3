"""The chain of a handset's steps: that none is missing, and none was changed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tracker.handsets.errors import ChainBroken, StepsMissing

NOTHING = "0" * 64
"""The hash before the first step."""
MOST_DEEP = 20
"""Levels of a step's body: the deepest call has five, and what is much deeper could not be shown."""


class StepState(StrEnum):
    """What became of a step: done; a person must decide; it builds upon one that is not done; a person dropped it."""

    DONE = "done"
    CONFLICT = "conflict"
    WAITING = "waiting"
    DROPPED = "dropped"


OPEN = frozenset({StepState.CONFLICT, StepState.WAITING})


class Way(StrEnum):
    """How a person settles a conflict: the same once more, with other words, or not at all."""

    AGAIN = "again"
    CORRECT = "correct"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A step as it came: its place in the book, the very text that the phone wrote down, and its hash."""

    number: int
    text: str
    hash: str


def depth_of(value: Any) -> int:
    """How many levels of lists and objects lie within one another."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, inner), default=0)


def hash_of(before: str, text: str) -> str:
    """What the step's hash must be: hex SHA-256 of the hash before and the text."""
    return hashlib.sha256((before + text).encode()).hexdigest()


def check_chain(said: Sequence[Said], *, number: int, before: str) -> None:
    """That these steps follow one another, and the step `number` whose hash is `before`. Raises StepsMissing, ChainBroken."""
    for step in said:
        number += 1
        if step.number != number:
            raise StepsMissing(wanted=number)
        if step.hash != hash_of(before, step.text):
            raise ChainBroken(number=step.number)
        before = step.hash
