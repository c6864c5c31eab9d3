"""The one router of this room; its files put their routes on it."""

from __future__ import annotations

from tracker.edge.hop import Router

router = Router(prefix="/api/v1", tags=["quota"])
