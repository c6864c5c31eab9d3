"""Waiting for conditions instead of sleeping for a guess."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, timeout_s: float = 20.0, every_s: float = 0.05, what: str = "") -> T:
    """The first truthy answer of `ask`; an AssertionError naming `what` when none came in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {timeout_s} s: {what or ask}; last answer {answer!r}")
        time.sleep(every_s)
