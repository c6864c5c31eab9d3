"""`Idempotency-Key` for writes whose body carries no id: same key and same request → same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.edge.models import StoredAnswer
from tracker.kit.errors import Conflict

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


class IdempotencyMismatch(Conflict):
    """The key was used for another request."""

    code = "api.idempotency_mismatch"


def once(
    db: Session,
    principal: Principal,
    key: str | None,
    request: str,
    work: Callable[[], dict[str, Any]],
    *,
    now: datetime,
) -> dict[str, Any]:
    """Do `work` once per (caller, key); a repeat gets the first answer, another request a conflict.

    A twin that arrives while the first still works waits on the row and then gets its answer.
    `request` is the canonical text of the request (route and body).
    """
    if key is None or principal.account_id is None:
        return work()
    fingerprint = hashlib.sha256(request.encode()).hexdigest()
    row = {"account_id": principal.account_id, "key": key, "fingerprint": fingerprint, "created_at": now}
    fresh = db.scalar(upsert(StoredAnswer).values(row).on_conflict_do_nothing().returning(StoredAnswer.fingerprint))
    mine = (StoredAnswer.account_id == principal.account_id, StoredAnswer.key == key)
    if fresh is None:
        stored = db.execute(select(StoredAnswer.fingerprint, StoredAnswer.answer).where(*mine)).one()
        if stored.fingerprint != fingerprint:
            raise IdempotencyMismatch
        return dict(stored.answer or {})
    answer = work()
    db.execute(update(StoredAnswer).where(*mine).values(answer=answer))
    return answer


def forget_answers(db: Session, *, before: datetime) -> None:
    """Drop answers kept since before an instant: nobody repeats a request after that long."""
    db.execute(delete(StoredAnswer).where(StoredAnswer.created_at < before))
