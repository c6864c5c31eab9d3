"""Messages that could not become readings: kept with the reason, for people to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.kit.ids import uuid7
from tracker.telemetry.models import DeadLetter

KEPT_BYTES = 65_536
_DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """A message, where it came in, and why it went nowhere (`reason` is a stable word)."""

    topic: str
    payload: bytes
    reason: str
    detail: str
    received_at: datetime
    device_id: UUID | None = None


def bury(db: Session, messages: Iterable[Undeliverable]) -> int:
    """Keep the messages; the same again (topic, reason, payload) only raises its count. Returns how many."""
    count = 0
    # By digest: two programs that bury the same messages lock rows in one order.
    for digest, message in sorted(((_digest(m), m) for m in messages), key=lambda pair: pair[0]):
        statement = upsert(DeadLetter).values(
            id=uuid7(),
            digest=digest,
            topic=_clean(message.topic),
            device_id=message.device_id,
            reason=message.reason,
            detail=_clean(message.detail)[:_DETAIL_CHARS],
            payload=message.payload[:KEPT_BYTES],
            size=len(message.payload),
            first_received_at=message.received_at,
            last_received_at=message.received_at,
        )
        db.execute(
            statement.on_conflict_do_update(
                index_elements=[DeadLetter.digest],
                set_={
                    "times": DeadLetter.times + 1,
                    "last_received_at": func.greatest(DeadLetter.last_received_at, statement.excluded.last_received_at),
                },
            )
        )
        count += 1
    return count


def forget_dead_letters(db: Session, *, before: datetime) -> int:
    """Drop letters not repeated since `before`; returns how many."""
    gone = db.scalars(delete(DeadLetter).where(DeadLetter.last_received_at < before).returning(DeadLetter.id))
    return len(gone.all())


def _digest(message: Undeliverable) -> bytes:
    hashed = hashlib.sha256()
    for part in (message.topic.encode("utf-8", "replace"), message.reason.encode(), message.payload):
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()


def _clean(text: str) -> str:
    """What PostgreSQL's text can hold: no NUL, no lone surrogate."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
