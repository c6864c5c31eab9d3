"""HTTP of this room."""

from __future__ import annotations

from tracker.edge.hop import Router
from tracker.quota.routes import bookings, sessions

router = Router(prefix="/api/v1", tags=["quota"])
router.include_router(sessions.router)
router.include_router(bookings.router)
