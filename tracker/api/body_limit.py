"""No request body larger than the setting is read, whether it announces its length or not; of strangers far less.

Who has shown no proof of who they are may send what a form needs. Who has is believed for as much; before more is read, the proof is
looked at (`known`), and what cannot be looked at here, as a device's password, is read only for a few at once. So is a page's
long form whose sender must log in (again): their browser has forgotten the log-in that ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.api.errors import problem_response
from tracker.edge.places import Busy

STRANGERS = 65_536  # bytes: a long form with its words
LONGEST_FORM = 500_000  # bytes: a receipt of 200 lines, kept whole in the form of the log-in
_UNSEEN_AT_ONCE = 16  # large bodies whose sender is known only once they are read


class Proof(StrEnum):
    """What is known of a sender before the body is read."""

    KNOWN = "known"
    NONE = "none"
    FALSE = "false"
    UNSEEN = "unseen"
    """Looked at by the route itself."""
    TYPED = "typed"
    """A page's form of somebody whose log-in has ended: what was typed waits until they log in again."""


_FEW_AT_ONCE = frozenset({Proof.UNSEEN, Proof.TYPED})


class _Stop(Exception):
    """No more of this body is read; the answer is the problem named."""

    def __init__(self, code: str, params: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code, self.params, self.headers = code, params, headers


class BodyLimit:
    """ASGI middleware; answers 413, 401 or 503 and stops reading. `larger`: paths that take more, such as photographs."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int,
        larger: Mapping[str, int] | None = None,
        known: Callable[[Request], Awaitable[Proof]],
    ) -> None:
        self.app = app
        self.limit = limit
        self.larger = dict(larger or {})
        self.known = known
        self.unseen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on while the body stays small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(self, scope)
        try:
            announced = Headers(scope=scope).get("content-length", "0")
            if announced.isascii() and announced.isdigit():
                await body.grows_to(int(announced))
            await self._counted(body, scope, receive, send)
        except _Stop as stop:
            await _answer(stop, scope, receive, send)
        finally:
            body.ends()

    async def _counted(self, body: _Body, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0
        stopped: _Stop | None = None
        started = False

        async def limited() -> Message:
            nonlocal read, stopped
            message = await receive()
            read += len(message.get("body", b""))
            try:
                await body.grows_to(read)
            except _Stop as stop:
                stopped = None if started else stop
                raise
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            # The framework turns any trouble with the body into its own answer; ours says what it was.
            if stopped is None:
                started = started or message["type"] == "http.response.start"
                await send(message)

        try:
            await self.app(scope, limited, noted)
        except _Stop:
            if started:
                raise
        if stopped is not None:
            await _answer(stopped, scope, receive, send)


class _Body:
    """One body, as it grows."""

    def __init__(self, guard: BodyLimit, scope: Scope) -> None:
        self.guard = guard
        self.scope = scope
        self.proof: Proof | None = None

    async def grows_to(self, size: int) -> None:
        """Raises _Stop when that is more than its sender may send."""
        limit = max(self.guard.limit, self.guard.larger.get(self.scope["path"], 0))
        if size > limit:
            raise _Stop("api.too_large", {"limit": limit})
        if size <= STRANGERS:
            return
        if self.proof is None:
            await self._look()
        if self.proof is Proof.TYPED and size > LONGEST_FORM:
            raise _Stop("api.too_large", {"limit": LONGEST_FORM})

    async def _look(self) -> None:
        try:
            proof = await self.guard.known(Request(self.scope))
        except (Busy, SQLAlchemyError):
            raise _Stop("api.busy", {}, {"Retry-After": "1"}) from None
        if proof is Proof.NONE:
            raise _Stop("api.too_large", {"limit": STRANGERS})
        if proof is Proof.FALSE:
            raise _Stop("access.unauthenticated", {}, {"WWW-Authenticate": "Bearer"})
        if proof in _FEW_AT_ONCE:
            if self.guard.unseen >= _UNSEEN_AT_ONCE:
                raise _Stop("api.busy", {}, {"Retry-After": "1"})
            self.guard.unseen += 1
        self.proof = proof

    def ends(self) -> None:
        """It has been read, or will not be."""
        if self.proof in _FEW_AT_ONCE:
            self.guard.unseen -= 1


async def _answer(stop: _Stop, scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(Request(scope), stop.code, stop.params, headers=stop.headers)(scope, receive, send)
