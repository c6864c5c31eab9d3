"""Running what is asynchronous from a test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def finished(work: Coroutine[object, object, T], timeout_s: float = 60.0) -> T:
    """Its answer, from a thread of its own: a browser test before leaves its loop running in the main one."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, asyncio.wait_for(work, timeout_s)).result()
