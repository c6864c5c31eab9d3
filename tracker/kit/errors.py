"""What the domain says when it must say no.

A domain error carries a stable code and safe parameters, never HTTP and never personal data.
`tracker.api.problems` turns the code into a status and a sentence in two languages.
"""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """The request cannot be carried out.

    `code` is stable ("room.reason"); `params` are JSON values shown to the caller. By custom `line`
    is the index (from 0) of the offending line of a request and `field` the name of a field.
    """

    code: ClassVar[str] = "domain.error"
    passes: ClassVar[bool] = False
    """Whether the same again may well succeed in a moment: others were quicker."""

    def __init__(self, **params: object) -> None:
        self.params = params
        super().__init__(self.code, params)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code}({details})"


class Unauthenticated(DomainError):
    """Nobody has said who is asking, or the proof is not valid."""

    code = "access.unauthenticated"


class Forbidden(DomainError):
    """The caller may see the thing, but not do this to it."""

    code = "access.forbidden"


class NotFound(DomainError):
    """There is no such thing within the caller's reach."""

    code = "access.not_found"


class Conflict(DomainError):
    """The request is well formed but contradicts what is recorded."""

    code = "domain.conflict"


class Refused(DomainError):
    """The request is understood and not acceptable as it stands."""

    code = "domain.refused"
