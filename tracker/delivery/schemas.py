"""Wire shapes of this room."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.delivery.rules.addresses import MAX_URL
from tracker.edge.values import Whole


class WebhookIn(BaseModel):
    """A subscription; `kinds` like `stock.moved` or `quota.*`, none for all; `since` a feed position, default now."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=MAX_URL)]
    kinds: Annotated[list[Annotated[str, Field(max_length=101)]], Field(max_length=50)] = []
    since: Annotated[Whole, Field(ge=0, lt=2**63)] | None = None


class WebhookOut(BaseModel):
    """A subscription and how it fares; `failures` in a row, `next_at` when it is tried again."""

    id: UUID
    url: str
    kinds: list[str]
    position: int
    failures: int
    next_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    last_error: str | None
    stopped_at: datetime | None


class WebhookMade(WebhookOut):
    """The subscription with its secret, told once."""

    secret: str


class DeliveryOut(BaseModel):
    """One request: the events behind `after`, up to and with `up_to`; `answered_at` null while nobody knows, `error` null where it was taken."""

    id: UUID
    after: int
    up_to: int
    events: int
    sent_at: datetime
    answered_at: datetime | None
    error: str | None


class ReplayIn(BaseModel):
    """From where on all is sent again: behind this position of the feed; 0 for all that is kept."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[Whole, Field(ge=0, lt=2**63)]
