"""Whoever changes what they were shown may say what that was: nobody overwrites unknowingly what is newer.

A version is a digest of what of a thing can be changed, as it is shown: the `ETag` of its address, an `If-Match` of a
change, a hidden field of a form. It is compared while the thing is locked. See docs/adr/0040-what-was-shown.md.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Header
from fastapi.encoders import jsonable_encoder
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.kit.errors import DomainError

HEADER = "If-Match"


class Stale(DomainError):
    """It was changed since the caller read it; `now` is what stands, `version` its version."""

    code = "api.stale"


class NoVersions(DomainError):
    """The address knows no versions: what the header asks for cannot be held."""

    code = "api.no_versions"


def version_of(shown: object) -> str:
    """The digest of what is shown."""
    said = orjson.dumps(jsonable_encoder(shown), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()[:24]


def insist(match: str, shown: object) -> None:
    """That what stands, of what the caller has locked, is what was read. Raises Stale."""
    given = {one.strip().strip('"') for one in match.split(",")}
    if "*" not in given and version_of(shown) not in given:
        raise Stale(version=version_of(shown), now=jsonable_encoder(shown))


async def described_version(
    _match: Annotated[
        str | None,
        Header(
            alias=HEADER,
            min_length=1,
            max_length=400,
            description="The `ETag` that was read: 412 if it is another by now.",
        ),
    ] = None,
) -> None:
    """Puts the header into the description of a change; it is read by `Versioned.check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned:
    """Of an address: how it is read, what is locked while it changes, and which part of what it shows can be changed."""

    read: Callable[..., Any]
    lock: Callable[[Session, Principal, Mapping[str, Any]], object]
    part: Callable[[Any], object]

    def shown(self, values: Mapping[str, Any]) -> object:
        """The part as it stands; `values` are the endpoint's, by name."""
        wanted = inspect.signature(self.read).parameters
        return self.part(self.read(**{name: values[name] for name in wanted if name in values}))

    def check(self, match: str, values: Mapping[str, Any]) -> None:
        """That what stands is what was read; it stays so until the transaction ends. Raises Stale, and what reading raises."""
        self.shown(values)  # who may not read it locks nothing
        self.lock(values["db"], values["caller"], values)
        values["db"].expire_all()
        insist(match, self.shown(values))


def versioned(found: Versioned) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a change whose caller may say what they were shown."""

    def mark(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        endpoint.__dict__["versioned"] = found
        return endpoint

    return mark


def shows(part: Callable[[Any], object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a reading whose answer carries its version."""

    def mark(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        endpoint.__dict__["shows"] = part
        return endpoint

    return mark
