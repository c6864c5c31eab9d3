"""The small world behind the HTTP application, and callers of each role by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.accounts import signed_in
from tests.support.world import World
from tracker.access.rules import Role
from tracker.edge.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Asks the API as one role."""

    client: TestClient
    services: Services
    world: World

    def ask(self, method: str, path: str, role: Role = Role.NATIONAL, **more: Any) -> Response:
        headers = {**signed_in(self.services, self.world, role), **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, role: Role = Role.NATIONAL, **params: Any) -> Any:
        """The JSON of a successful GET."""
        answer = self.ask("GET", path, role, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()
