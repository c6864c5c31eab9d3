"""Units, accounts, role grants, API keys, page log-ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from tracker.access.rules import Role, UnitKind
from tracker.database.base import Base
from tracker.database.types import Ltree, StrEnumText


class Unit(Base):
    """One node of the health system's tree; a facility is a unit with a point (room `network`)."""

    __tablename__ = "unit"
    __table_args__ = (Index("ix_unit_path_gist", "path", postgresql_using="gist"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[UnitKind] = mapped_column(StrEnumText(UnitKind))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"), index=True)
    path: Mapped[str] = mapped_column(Ltree(), unique=True)


class LoginAccount(Base):
    """A person or a machine that can prove who it is."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("username = lower(username)", name="username_lower"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    language: Mapped[str] = mapped_column(server_default="id")
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime]
    tokens_from: Mapped[datetime | None]
    """Tokens issued before count no more."""


class RoleGrant(Base):
    """A role over a unit's subtree."""

    __tablename__ = "role_grant"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(StrEnumText(Role), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), primary_key=True)


class ApiKey(Base):
    """A machine's key, shown once; only its SHA-256 is kept (the key itself has 256 random bits)."""

    __tablename__ = "api_key"
    __table_args__ = (CheckConstraint("(role IS NULL) = (unit_id IS NULL)", name="scope_is_whole"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    label: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    role: Mapped[Role | None] = mapped_column(StrEnumText(Role))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    """Its scope: no more than this role may in this unit; none: what its account may."""
    created_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("api_key.id"), unique=True)
    last_used_at: Mapped[datetime | None]


class Login(Base):
    """A page log-in: the cookie's random value is kept as a digest, with its CSRF secret."""

    __tablename__ = "login"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
