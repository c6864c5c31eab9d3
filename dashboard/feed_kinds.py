"""The kinds of feed events pages wake up for.

Events arrive named by kind and a browser hears only the names it has asked for, so all are listed here;
a test compares the list with what the rooms append.
"""

from __future__ import annotations

FEED_KINDS = (
    "stock.moved",
    "stock.short",
    "stock.available",
    "coldchain.alarm_raised",
    "coldchain.alarm_ended",
    "coldchain.episode_changed",
    "coldchain.silent",
)
