"""The tables of all rooms, from the lowest floor up: what migrations compare and tests create."""

from __future__ import annotations

from sqlalchemy import MetaData

import tracker.access.models
import tracker.adverse.models
import tracker.catalog.models
import tracker.coldchain.models
import tracker.database.backups
import tracker.database.forgotten
import tracker.database.heartbeat
import tracker.delivery.models
import tracker.edge.models
import tracker.feed.models
import tracker.handsets.models
import tracker.hotline.models
import tracker.interest.models
import tracker.network.models
import tracker.passport.models
import tracker.pcare.models
import tracker.people.models
import tracker.quota.models
import tracker.registration.models
import tracker.sealing.models
import tracker.shipments.models
import tracker.stock.count_models
import tracker.stock.models
import tracker.telemetry.models
import tracker.trace.models
from tracker.database.base import Base

MODELS = (
    tracker.database.heartbeat,
    tracker.database.forgotten,
    tracker.database.backups,
    tracker.sealing.models,
    tracker.feed.models,
    tracker.access.models,
    tracker.edge.models,
    tracker.delivery.models,
    tracker.network.models,
    tracker.catalog.models,
    tracker.stock.models,
    tracker.stock.count_models,
    tracker.shipments.models,
    tracker.telemetry.models,
    tracker.coldchain.models,
    tracker.passport.models,
    tracker.people.models,
    tracker.quota.models,
    tracker.registration.models,
    tracker.adverse.models,
    tracker.pcare.models,
    tracker.trace.models,
    tracker.handsets.models,
    tracker.hotline.models,
    tracker.interest.models,
)

METADATA: MetaData = Base.metadata
"""Every table of `MODELS`; to import this name is to know them all."""
