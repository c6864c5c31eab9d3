"""Wire shapes of accounts and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tracker.access.rules import Role
from tracker.edge.values import Whole
from tracker.edge.words import Seen


class AccountIn(BaseModel):
    """An account with one role over one unit; without a password it can only be given keys."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")
    name: Annotated[str, Seen] = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    password: SecretStr | None = Field(None, min_length=1, max_length=200)
    role: Role
    unit: str = Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Code.")


class PasswordIn(BaseModel):
    """A new password."""

    model_config = ConfigDict(extra="forbid")

    password: SecretStr = Field(min_length=1, max_length=200)


class AccountOut(BaseModel):
    """An account; `active` is false while it is locked."""

    id: UUID
    username: str
    name: str
    active: bool


class ScopeIn(BaseModel):
    """What a key opens: no more than a role may in a unit and below it."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    unit: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Code.")


class KeyIn(BaseModel):
    """What a key is for, and for how long; `days` null: until it is revoked. Without a scope: what its account may."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Seen] = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    days: Whole | None = Field(365, ge=1, le=3650)
    scope: ScopeIn | None = None


class RotateIn(BaseModel):
    """How long the old key goes on beside the new one; 0: it ends at once."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Whole = Field(24, ge=0, le=168)


class ScopeOut(BaseModel):
    """What a key opens at most."""

    role: Role
    unit: str


class KeyOut(BaseModel):
    """A key, but for the key itself; `prefix` is its beginning. `made_by` and `revoked_by` null: by command.

    `replaced_by` is the key that was made for this one when it was rotated.
    """

    id: UUID
    account: str
    label: str
    prefix: str
    scope: ScopeOut | None
    created_at: datetime
    made_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    replaced_by: UUID | None
    last_used_at: datetime | None


class KeyMadeOut(KeyOut):
    """A new key; the key itself is in this answer and nowhere else."""

    key: str


class KeysOut(BaseModel):
    """The keys of one account, those not revoked first, then the newest."""

    items: list[KeyOut]
