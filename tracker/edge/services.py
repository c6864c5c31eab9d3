"""What the edges of one process share: engine, settings, clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine

from tracker.kit.clock import Clock, utc_now
from tracker.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Made once by the front door (or a test) and handed to `create_app`."""

    engine: Engine
    settings: Settings
    clock: Clock = field(default=utc_now)
