"""What a mouth has heard: one message, whoever carried it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tracker.delivery.rules.receipts import Receipt

MOST_TEXT = 2000  # characters; the longest message that anything is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`id` is the medium's own and comes again with a repeat; `phone` is in international form. `near`: a point that was sent.

    `repr` shows neither phone nor text nor point.
    """

    id: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    sent_at: datetime | None = None
    near: tuple[float, float] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a gateway brought at once; `unread` counts what was not understood."""

    heard: list[Heard] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    unread: int = 0
