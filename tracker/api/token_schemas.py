"""Wire shapes of this room."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tracker.access.rules import Role


class TokenRequest(BaseModel):
    """Credentials of a person."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")
    password: SecretStr = Field(min_length=1, max_length=200)


class Token(BaseModel):
    """A bearer token and its life in seconds."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the word OAuth uses, no secret
    expires_in: int


class GrantOut(BaseModel):
    """A role over a subtree."""

    role: Role
    path: str


class Me(BaseModel):
    """Who the caller is."""

    id: UUID | None
    name: str
    language: str
    grants: list[GrantOut]
