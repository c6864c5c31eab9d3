"""The one router of this room; its files put their routes on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from tracker.edge.hop import Router

router = Router(prefix="/api/v1", tags=["stock"])

Ref = Annotated[str, Query(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Id or code.")]
