"""HTTP of this room."""

from __future__ import annotations

from tracker.quota.routes import bookings, schedule, sessions
from tracker.quota.routes.router import router

__all__ = ["bookings", "router", "schedule", "sessions"]
