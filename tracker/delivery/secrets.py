"""The secrets that webhooks are signed with: told once, kept sealed, the same for ever whatever key of the house seals them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.delivery.models import Webhook
from tracker.sealing.errors import KeyNotHeld
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import Chunk, KeyInUse, first_secret

_NONCE = 12
_PURPOSE = "webhook secrets"


def new_secret() -> str:
    """A signing secret; 64 hexadecimal digits."""
    return secrets.token_hex(32)


def seal(key: KeyInUse, secret: str, webhook_id: UUID) -> bytes:
    """The secret, encrypted and bound to its webhook."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key.keyring.derived(_PURPOSE)[0]).encrypt(nonce, secret.encode(), webhook_id.bytes)


def secret_of(db: Session, keyring: Keyring, webhook: Webhook) -> str:
    """The signing secret of a webhook; raises KeyNotHeld."""
    if webhook.secret_cipher is None:
        return Keyring((first_secret(db, keyring),)).derived(f"webhook {webhook.id}")[0].hex()
    sealed = webhook.secret_cipher
    for key in keyring.derived(_PURPOSE):
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], webhook.id.bytes).decode()
    raise KeyNotHeld(key=webhook.secret_key)


def reseal_webhooks(db: Session, key: KeyInUse, after: UUID | None, most: int) -> Chunk:
    """The next webhooks' secrets."""
    following = select(Webhook).order_by(Webhook.id).limit(most).with_for_update()
    rows = db.scalars(following if after is None else following.where(Webhook.id > after)).all()
    changed = [row for row in rows if row.secret_cipher is None or row.secret_key != key.number]
    for row in changed:
        row.secret_cipher = seal(key, secret_of(db, key.keyring, row), row.id)
        row.secret_key = key.number
    db.flush()
    return Chunk(last=rows[-1].id if rows else None, looked_at=len(rows), changed=len(changed))
