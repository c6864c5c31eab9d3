"""Messages that could not become readings: kept with the reason, for people to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.kit.ids import uuid7
from tracker.telemetry.models import DeadLetter

KEPT_BYTES = 65_536
# What is kept of one device, and of all senders nobody knows together; beyond it letters are only counted.
MOST_BYTES = 2_000_000
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
    """Keep the messages; the same again (topic, reason, payload) only raises its count. Returns how many.

    Beyond `MOST_BYTES` of one device only one letter for each reason is kept and counted.
    """
    count = 0
    messages = list(messages)
    kept = _kept_bytes(db, messages)
    # By digest: two programs that bury the same messages lock rows in one order.
    for digest, message in sorted(
        ((_digest(m, flood=kept.get(m.device_id, 0) > MOST_BYTES), m) for m in messages), key=lambda pair: pair[0]
    ):
        kept[message.device_id] = kept.get(message.device_id, 0) + len(message.payload[:KEPT_BYTES])
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


def _kept_bytes(db: Session, messages: Iterable[Undeliverable]) -> dict[UUID | None, int]:
    """Bytes kept already, by the devices these came from; None: senders nobody knows, together."""
    if not messages:
        return {}
    known = {message.device_id for message in messages if message.device_id is not None}
    size = func.coalesce(func.sum(func.octet_length(DeadLetter.payload)), 0)
    found: dict[UUID | None, int] = {
        row.device_id: row.size
        for row in db.execute(
            select(DeadLetter.device_id, size.label("size"))
            .where(DeadLetter.device_id.in_(known))
            .group_by(DeadLetter.device_id)
        )
    }
    if any(message.device_id is None for message in messages):
        found[None] = db.scalar(select(size).where(DeadLetter.device_id.is_(None))) or 0
    return found


def _digest(message: Undeliverable, *, flood: bool) -> bytes:
    hashed = hashlib.sha256()
    # Of a device that floods, one letter a reason goes on counting.
    content = str(message.device_id).encode() if flood else message.payload
    topic = "" if flood else message.topic
    for part in (topic.encode("utf-8", "replace"), message.reason.encode(), content):
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()


def _clean(text: str) -> str:
    """What PostgreSQL's text can hold: no NUL, no lone surrogate."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
