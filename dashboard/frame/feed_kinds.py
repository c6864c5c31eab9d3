"""The kinds of feed events pages wake up for: all there are.

Events arrive named by kind and a browser hears only the names it has asked for; a page refreshes only those of its
parts that listen to the event's room, so a kind nobody shows costs nothing.
"""

from __future__ import annotations

from tracker.events import KINDS

FEED_KINDS = KINDS.names
