"""API keys: made, listed, rotated, revoked. A key is told once; what is ended is ended at once."""

from __future__ import annotations

from uuid import UUID

from tracker.access import keys
from tracker.api.account_schemas import KeyIn, KeyMadeOut, KeyOut, KeysOut, RotateIn, ScopeOut
from tracker.api.accounts import Username
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router

router = Router(prefix="/api/v1", tags=["access"])


@router.get("/accounts/{username}/keys", operation_id="list_keys")
def list_keys(username: Username, db: Db, caller: Caller) -> KeysOut:
    """The account's API keys, revoked ones too; of accounts the caller manages, and one's own."""
    return KeysOut(items=[key_out(each) for each in keys.keys_of(db, caller, username)])


@router.post("/accounts/{username}/keys", status_code=201, operation_id="add_key")
def post_key(username: Username, body: KeyIn, db: Db, caller: Caller, now: Now) -> KeyMadeOut:
    """Make an API key; it is told in this answer only, and to a repeat under the same `Idempotency-Key`."""
    role, unit = (body.scope.role, body.scope.unit) if body.scope else (None, None)
    command = keys.NewKey(account=username, label=body.label, days=body.days, role=role, unit=unit)
    made = keys.make_key(db, caller, command, now=now)
    return KeyMadeOut(**key_out(keys.key_shown(db, made.key)).model_dump(), key=made.secret or "")


@router.post("/keys/{key_id}/rotate", status_code=201, operation_id="rotate_key")
def post_rotate(key_id: UUID, db: Db, caller: Caller, now: Now, body: RotateIn | None = None) -> KeyMadeOut:
    """A new key like this one, told in this answer only; the old one goes on for a while, so that nothing stands still."""
    made = keys.rotate_key(db, caller, key_id, overlap_hours=(body or RotateIn()).overlap_hours, now=now)
    return KeyMadeOut(**key_out(keys.key_shown(db, made.key)).model_dump(), key=made.secret or "")


@router.post("/keys/{key_id}/revoke", operation_id="revoke_key")
def post_revoke(key_id: UUID, db: Db, caller: Caller, now: Now) -> KeyOut:
    """The key opens nothing any more, and live streams opened with it end."""
    return key_out(keys.key_shown(db, keys.revoke_key(db, caller, key_id, now=now)))


def key_out(shown: keys.ShownKey) -> KeyOut:
    """A key as it is told."""
    key = shown.key
    scope = None if key.role is None or shown.unit is None else ScopeOut(role=key.role, unit=shown.unit)
    return KeyOut(
        id=key.id,
        account=shown.account,
        label=key.label,
        prefix=key.prefix,
        scope=scope,
        created_at=key.created_at,
        made_by=shown.made_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        revoked_by=shown.revoked_by,
        replaced_by=key.replaced_by,
        last_used_at=key.last_used_at,
    )
