"""One person's phone: logs in, keeps the token fresh, tries again when the service is away.

Every write carries an id made here before the first attempt, so a repeat after a lost answer is the same act and
the service answers it as such.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

ATTEMPTS = 6
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
TIMEOUT_S = 10.0
RETRIED = {429, 502, 503, 504}


class Away(Exception):
    """The service did not answer, several times; try again later."""


class Stopped(Exception):
    """The simulation ends; whoever waits for an answer gets this instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of an answer; `code` is that of a problem body, empty otherwise. `text` and `leads_to`: of a page."""

    status: int
    body: Any
    text: str = ""
    leads_to: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Problem code, or empty."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    def items(self) -> list[dict[str, Any]]:
        """Items of a listing; empty for anything else."""
        items = self.body.get("items") if self.ok and isinstance(self.body, dict) else None
        return items if isinstance(items, list) else []


class Phone:
    """An HTTP client with one person's credentials. Not for use from several threads."""

    def __init__(
        self,
        api_url: str,
        username: str,
        password: str,
        *,
        stopped: threading.Event,
        transport: httpx2.BaseTransport | None = None,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self.username = username
        self._password = password
        self._stopped = stopped
        self._proof: dict[str, str] = {}  # headers that say who asks
        self._first_pause_s = first_pause_s
        self._client = httpx2.Client(base_url=api_url, timeout=TIMEOUT_S, transport=transport)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def get(self, path: str, **params: object) -> Answer:
        """GET with a query. Raises `Away`, `Stopped`."""
        query = {name: str(value) for name, value in params.items() if value is not None}
        return self._request("GET", path, params=query or None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Answer:
        """POST JSON. Raises `Away`, `Stopped`."""
        return self._request("POST", path, json=dict(body or {}))

    def _request(self, method: str, path: str, **arguments: Any) -> Answer:
        if not self._proof:
            self._log_in()
        answer = self._insist(method, path, **arguments)
        if self._stranger(answer):
            # A log-in ends; one fresh one, then the answer is what it is.
            self._log_in()
            answer = self._insist(method, path, **arguments)
        return answer

    def _stranger(self, answer: Answer) -> bool:
        return answer.status == 401

    def _log_in(self) -> None:
        self._proof = {}
        credentials = {"username": self.username, "password": self._password}
        answer = self._insist("POST", "/api/v1/tokens", json=credentials)
        if not answer.ok:
            raise Away(f"log-in refused: {answer.status} {answer.code}")
        self._proof = {"Authorization": f"Bearer {answer.body['access_token']}"}

    def _insist(self, method: str, path: str, **arguments: Any) -> Answer:
        pause = self._first_pause_s
        trouble = ""
        for _ in range(ATTEMPTS):
            if self._stopped.is_set():
                raise Stopped
            try:
                response = self._client.request(method, path, headers=self._proof, **arguments)
            except httpx2.TransportError as error:
                trouble = type(error).__name__
            else:
                if response.status_code not in RETRIED:
                    leads_to = response.headers.get("location", "")
                    return Answer(response.status_code, _json(response), response.text, leads_to)
                trouble = str(response.status_code)
            if self._stopped.wait(pause):
                raise Stopped
            pause = min(LONGEST_PAUSE_S, pause * 2)
        raise Away(f"{method} {path}: {trouble}")


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
