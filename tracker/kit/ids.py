"""UUIDv7 (RFC 9562): time-ordered, so new rows land at the end of every index.

Python 3.14 has `uuid.uuid7`; this one serves 3.11 and later with the same layout.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last_tick = 0

# The 12 bits after the version carry a sub-millisecond fraction (RFC 9562 §6.2, method 3),
# which keeps identifiers made by one process in order.
_FRACTION = 4096


def uuid7() -> UUID:
    """A fresh UUIDv7; later calls in one process always sort later."""
    global _last_tick
    tick = time.time_ns() * _FRACTION // 1_000_000
    with _lock:
        tick = max(tick, _last_tick + 1)
        _last_tick = tick
    millis, fraction = divmod(tick, _FRACTION)
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return UUID(int=(millis & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail)


def first_at(at: datetime) -> UUID:
    """Below every UUIDv7 made from that instant on: with it an old row is found by its id, without an index on times."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
