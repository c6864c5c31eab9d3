"""Reads of this room."""

from __future__ import annotations

from tracker.coldchain.queries.alarms import alarms_visible_to, episodes_of_channel
from tracker.coldchain.queries.thermal import thermal_between

__all__ = ["alarms_visible_to", "episodes_of_channel", "thermal_between"]
