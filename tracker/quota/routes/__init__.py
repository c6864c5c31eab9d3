"""HTTP of this room."""

from __future__ import annotations

from tracker.quota.routes import bookings, sessions
from tracker.quota.routes.router import router

__all__ = ["bookings", "router", "sessions"]
