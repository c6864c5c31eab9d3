"""Wire shapes of accounts and keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tracker.access.rules import Role


class AccountIn(BaseModel):
    """An account with one role over one unit; without a password it can only be given keys."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
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


class KeyIn(BaseModel):
    """What a key is for, and for how long; `days` null: until it is revoked."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    days: int | None = Field(365, ge=1, le=3650)


class KeyOut(BaseModel):
    """A key, but for the key itself; `prefix` is its beginning."""

    id: UUID
    label: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeyMade(BaseModel):
    """A new key; the key itself is in this answer and nowhere else."""

    id: UUID
    key: str


class KeysOut(BaseModel):
    """The keys of one account, the newest first."""

    items: list[KeyOut]
