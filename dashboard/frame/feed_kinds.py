"""The kinds of feed events pages wake up for.

Events arrive named by kind and a browser hears only the names it has asked for, so all are listed here;
a test compares the list with what the rooms append.
"""

from __future__ import annotations

FEED_KINDS = (
    "stock.moved",
    "stock.short",
    "stock.available",
    "stock.open_doses_fell",
    "shipments.packed",
    "shipments.dispatched",
    "shipments.received",
    "shipments.approved",
    "shipments.cancelled",
    "shipments.created",
    "shipments.difference",
    "coldchain.advisory_raised",
    "coldchain.alarm_raised",
    "coldchain.alarm_acknowledged",
    "coldchain.alarm_closed",
    "coldchain.alarm_escalated",
    "coldchain.alarm_ended",
    "coldchain.episode_changed",
    "coldchain.silent",
    "passport.held",
    "passport.released",
    "passport.discarded",
    "quota.booked",
    "quota.changed",
    "quota.displaced",
    "quota.moved",
    "quota.offered",
    "quota.session_closed",
    "quota.session_planned",
    "quota.vaccinated",
    "trace.recalled",
)
