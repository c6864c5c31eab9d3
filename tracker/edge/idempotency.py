"""A repeat is a repeat: the answer given once is given again, whatever has changed since.

Two things name a request for good: the caller's `Idempotency-Key`, taken by every write, and the `id` in a body.
A key is looked for before anything else is. An id belongs to its room, which knows it for ever; the answer kept here
(a week) is what a repeat gets when the room can no longer read the request: a lot's name has become ambiguous, a place
was closed, a right was withdrawn. A room that knows the very words of its requests again before it looks anything up
needs no answer kept under an id (`hop.knows_its_repeats`). Answers are kept sealed: they may hold a password told once,
or a person.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.edge.models import StoredAnswer
from tracker.kit.errors import Conflict
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import keyring_in_use

HEADER = "Idempotency-Key"
_NONCE = 12
_PURPOSE = "kept answers"


class IdempotencyMismatch(Conflict):
    """The key was used for another request."""

    code = "api.idempotency_mismatch"


async def described_key(
    _key: Annotated[
        str | None,
        Header(alias=HEADER, min_length=1, max_length=200, description="The same key again: the same answer again."),
    ] = None,
) -> None:
    """Puts the header into the description of a write; it is read by `named_by`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request with a name: under it the answer is kept. `by_id`: the name is the id in the body."""

    name: str
    fingerprint: str
    by_id: bool


async def named_by(request: Request, *, by_id: bool = True) -> Named | None:
    """The request's name; None when it has none. Call it after the body was read. `by_id`: an id in the body is a name."""
    key = request.headers.get(HEADER)
    if key is None and not by_id:
        return None
    content = await _content(request)
    own_id = None if key is not None else _id_in(content)
    if key is None and own_id is None:
        return None
    asked = f"{request.method} {request.url.path}?{request.url.query}"
    fingerprint = hashlib.sha256(asked.encode() + b"\0" + content).hexdigest()
    name = key if key is not None else f"{request.method} {request.url.path} {own_id}"
    return Named(name=name, fingerprint=fingerprint, by_id=key is None)


async def _content(request: Request) -> bytes:
    """What was sent, in a form in which the same is equal: JSON with its names in order, a form field by field."""
    if request.headers.get("content-type", "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        parts = []
        for name, value in (await request.form()).multi_items():
            if isinstance(value, str):
                parts.append([name, value])
                continue
            parts.append([name, hashlib.sha256(await value.read()).hexdigest()])
            await value.seek(0)
        return orjson.dumps(parts)
    body = await request.body()
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):
        return body  # no JSON, or nested beyond what can be written again


def _id_in(content: bytes) -> UUID | None:
    if not content.startswith(b"{"):
        return None
    try:
        return UUID(orjson.loads(content)["id"])
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The answers kept for one caller."""

    db: Session
    account_id: UUID
    keyring: Keyring
    now: datetime

    def once(self, named: Named, work: Callable[[], Any], status: Callable[[], int]) -> Any:
        """Do `work` once under the request's name; a repeat gets the first answer. Raises IdempotencyMismatch.

        A twin that arrives while the first still works waits on the row and then gets its answer.
        """
        if named.by_id:
            made = work()
            self._insert(named, self._sealed(named, made, status()))
            return made
        if not self._insert(named, None):
            return self._first(named)
        made = work()
        row = update(StoredAnswer).where(*self._mine(named))
        self.db.execute(row.values(answer=self._sealed(named, made, status())))
        return made

    def found(self, named: Named) -> Response | None:
        """The answer kept for a request with an id, as to a repeat; None when there is none for this very request."""
        row = self._row(named)
        if row is None or row.fingerprint != named.fingerprint or row.answer is None:
            return None
        answer = self._opened(named, row.answer)
        if answer is not None and answer.status_code == 201:
            answer.status_code = 200
        return answer

    def _first(self, named: Named) -> Response:
        row = self._row(named)
        if row is None or row.fingerprint != named.fingerprint or row.answer is None:
            raise IdempotencyMismatch
        answer = self._opened(named, row.answer)
        if answer is None:
            raise IdempotencyMismatch
        return answer

    def _insert(self, named: Named, answer: dict[str, Any] | None) -> bool:
        row = {
            "account_id": self.account_id,
            "key": named.name,
            "fingerprint": named.fingerprint,
            "answer": answer,
            "created_at": self.now,
        }
        made = upsert(StoredAnswer).values(row).on_conflict_do_nothing().returning(StoredAnswer.key)
        return self.db.scalar(made) is not None

    def _row(self, named: Named) -> Any:
        return self.db.execute(
            select(StoredAnswer.fingerprint, StoredAnswer.answer).where(*self._mine(named))
        ).one_or_none()

    def _mine(self, named: Named) -> tuple[Any, Any]:
        return StoredAnswer.account_id == self.account_id, StoredAnswer.key == named.name

    def _sealed(self, named: Named, made: Any, status: int) -> dict[str, Any]:
        """What was answered, readable only with the house's secret and for this caller and name."""
        content = None if isinstance(made, Response) else jsonable_encoder(made)
        status = made.status_code if isinstance(made, Response) else status
        nonce = os.urandom(_NONCE)
        key = AESGCM(keyring_in_use(self.db, self.keyring).derived(_PURPOSE)[0])
        box = key.encrypt(nonce, orjson.dumps([status, content]), self._bound_to(named))
        return {"sealed": base64.b64encode(nonce + box).decode()}

    def _opened(self, named: Named, answer: dict[str, Any]) -> Response | None:
        """None for what this process cannot read: kept open by an early version, or under a key it was not given."""
        if "sealed" not in answer:
            return None
        box = base64.b64decode(answer["sealed"])
        plain = self._plain(box, self._bound_to(named))
        if plain is None:
            return None
        status, content = orjson.loads(plain)
        return Response(status_code=status) if content is None else JSONResponse(content, status_code=status)

    def _plain(self, box: bytes, bound_to: bytes) -> bytes | None:
        for key in self.keyring.derived(_PURPOSE):
            with suppress(InvalidTag):
                return AESGCM(key).decrypt(box[:_NONCE], box[_NONCE:], bound_to)
        return None

    def _bound_to(self, named: Named) -> bytes:
        return f"{self.account_id} {named.name} {named.fingerprint}".encode()


def kept_for(db: Session, principal: Principal | None, *, keyring: Keyring, now: datetime) -> Kept | None:
    """The caller's kept answers; None for who has no account, such as a device."""
    if principal is None or principal.account_id is None:
        return None
    return Kept(db=db, account_id=principal.account_id, keyring=keyring, now=now)
