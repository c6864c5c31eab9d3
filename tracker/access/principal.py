"""Who is asking, and what that opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from tracker.access.rules import ROLE_PERMISSIONS, Permission, Role, within
from tracker.kit.errors import Forbidden, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role over the unit at `path` and all below."""

    role: Role
    path: str
    also: Role | None = None
    """Only what this role, too, may: a key's scope opens no more than its account does."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it allows."""
        own = ROLE_PERMISSIONS[self.role]
        return own if self.also is None else own & ROLE_PERMISSIONS[self.also]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one on whose behalf a use case runs."""

    account_id: UUID | None
    name: str
    grants: tuple[Grant, ...] = ()
    is_system: bool = False
    language: str = "id"
    is_narrowed: bool = False
    """Came with a key that has a scope of its own."""
    key_id: UUID | None = None
    """The API key it came with: what it leaves behind to act for it (a webhook) lasts and reaches as far as the key."""

    def may(self, permission: Permission, path: str | None = None) -> bool:
        """Whether the act is allowed at `path`, or anywhere at all when no path is given."""
        if self.is_system:
            return True
        return any(
            permission in grant.permissions and (path is None or within(path, grant.path)) for grant in self.grants
        )

    def sees(self, path: str) -> bool:
        """Whether `path` lies in the caller's subtree at all."""
        return self.is_system or any(within(path, grant.path) for grant in self.grants)

    def require(self, permission: Permission, path: str | None = None) -> None:
        """Raise `NotFound` for what the caller cannot see, `Forbidden` for what it may only see."""
        if path is not None and not self.sees(path):
            raise NotFound
        if not self.may(permission, path):
            raise Forbidden(permission=permission.value)

    def roots(self, permission: Permission) -> tuple[str, ...]:
        """The paths under which the act is allowed."""
        return tuple(g.path for g in self.grants if permission in g.permissions)


def narrowed(principal: Principal, scope: Grant) -> Principal:
    """The principal with no more than both it and `scope` may: each grant where one of the two lies in the other."""
    both = []
    for grant in principal.grants:
        if within(scope.path, grant.path) or within(grant.path, scope.path):
            deeper = max(scope.path, grant.path, key=len)
            both.append(Grant(role=scope.role, path=deeper, also=grant.role))
    return replace(principal, grants=tuple(both), is_narrowed=True)


SYSTEM = Principal(account_id=None, name="system", is_system=True)
