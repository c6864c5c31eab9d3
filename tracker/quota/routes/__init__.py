"""HTTP of this room."""

from __future__ import annotations

from tracker.quota.routes import bookings, lots, open_places, public, schedule, sessions, standby, templates
from tracker.quota.routes.router import router

__all__ = ["bookings", "lots", "open_places", "public", "router", "schedule", "sessions", "standby", "templates"]
