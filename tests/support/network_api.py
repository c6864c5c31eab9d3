"""The small world behind the HTTP application, and callers of each role by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.world import World, small_world
from tracker.access.rules import Role
from tracker.access.tokens import issue_token
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.clock import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Asks the API as one role."""

    client: TestClient
    services: Services
    world: World

    def ask(self, method: str, path: str, role: Role = Role.NATIONAL, **more: Any) -> Response:
        account = self.world.who(role).account_id
        assert account is not None
        secret = self.services.settings.secret_key.get_secret_value()
        token = issue_token(secret, account, now=utc_now(), minutes=5)
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, role: Role = Role.NATIONAL, **params: Any) -> Any:
        """The JSON of a successful GET."""
        answer = self.ask("GET", path, role, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


def open_door(client: TestClient, services: Services) -> Door:
    """Commit the small world and stand before the API."""
    with transaction(services.engine) as db:
        world = small_world(db)
    return Door(client=client, services=services, world=world)
