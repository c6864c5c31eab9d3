"""What happened to accounts and keys: ids only. `by_account_id` is who did it (None: a command on the machine)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tracker.feed.contract import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAccount(Event):
    """The subject of the event is the account's id."""

    TOLD_AT: ClassVar[str] = "the unit of the account's role, or of the key's scope"

    account_id: UUID
    by_account_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLocked(_OfAccount):
    """Nobody gets in as this account any more."""

    KIND: ClassVar[str] = "access.account_locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUnlocked(_OfAccount):
    """The account may log in again."""

    KIND: ClassVar[str] = "access.account_unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginsEnded(_OfAccount):
    """Every log-in and token of the account was ended."""

    KIND: ClassVar[str] = "access.logins_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(_OfAccount):
    """The account has a new password; what the old one opened was ended."""

    KIND: ClassVar[str] = "access.password_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMade(_OfAccount):
    """An API key was made."""

    KIND: ClassVar[str] = "access.key_made"

    key_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotated(_OfAccount):
    """A new API key stands for an old one, which ends now or within days."""

    KIND: ClassVar[str] = "access.key_rotated"

    key_id: UUID
    new_key_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(_OfAccount):
    """An API key opens nothing any more."""

    KIND: ClassVar[str] = "access.key_revoked"

    key_id: UUID
