"""A request is one hop: a thread opens the transaction, finds out who asks, works, commits and lets go.

The body has been read before, and the answer is sent afterwards, both without a connection: a slow phone
keeps nobody waiting. See docs/adr/0014-one-hop-a-request.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.edge.asking import refuse_unknown
from tracker.edge.places import Places
from tracker.edge.services import Services

Endpoint = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What a hop has: the request, its transaction, and the time at which it began."""

    request: Request
    db: Session
    now: datetime


@dataclass(frozen=True, slots=True)
class Inside:
    """Marks a route's parameter that is made within the hop: `Annotated[Session, Inside(…)]`.

    `described_by` is what the description of the API must know of it, such as how callers prove who they are.
    """

    provide: Callable[[Hop], Any]
    described_by: Depends | None = None


def services_of(request: Request) -> Services:
    """The process's shared services."""
    services: Services = request.app.state.services
    return services


async def in_hop(request: Request, work: Callable[[Hop], Any]) -> Any:
    """Do `work` in one transaction, in one thread, when a place is free; committed before this returns. Raises Busy."""
    services = services_of(request)
    places: Places = request.app.state.places

    def hop() -> Any:
        with transaction(services.engine) as db:
            return work(Hop(request=request, db=db, now=services.clock()))

    return await places.run(hop)


class Route(APIRoute):
    """A route whose marked parameters and endpoint run in one hop, and that refuses names it does not know."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        signature = inspect.signature(endpoint, eval_str=True)
        self.inside = {name: found for name, one in signature.parameters.items() if (found := _marker(one)) is not None}
        described = [marker.described_by for marker in self.inside.values() if marker.described_by is not None]
        options["dependencies"] = [*(options.get("dependencies") or ()), *described]
        super().__init__(path, _hopping(endpoint, signature, self.inside) if self.inside else endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Unknown names are refused; who may not ask at all hears that before what is wrong with the question."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            try:
                if self.include_in_schema:
                    refuse_unknown(request, self.dependant)
                return await handle(request)
            except RequestValidationError:
                if self.inside:
                    await in_hop(request, lambda hop: [marker.provide(hop) for marker in self.inside.values()])
                raise

        return checked


class Router(APIRouter):
    """A router of such routes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)


def _marker(parameter: inspect.Parameter) -> Inside | None:
    return next((found for found in get_args(parameter.annotation) if isinstance(found, Inside)), None)


def _hopping(endpoint: Endpoint, signature: inspect.Signature, inside: dict[str, Inside]) -> Endpoint:
    """The endpoint as the framework calls it: marked parameters are gone from its signature, a request is in it."""
    if inspect.iscoroutinefunction(endpoint) or inspect.isasyncgenfunction(endpoint):
        raise TypeError(f"{endpoint.__qualname__} must be a plain function: its transaction runs in a thread")
    asked = [one for name, one in signature.parameters.items() if name not in inside]
    own = next((one.name for one in asked if one.annotation is Request), None)
    name = own or "request"

    async def hopping(**values: Any) -> Any:
        request = values[name] if own else values.pop(name)

        def work(hop: Hop) -> Any:
            made = {name: marker.provide(hop) for name, marker in inside.items()}
            return endpoint(**values, **made)

        return await in_hop(request, work)

    if own is None:
        asked.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in asked]
    return _named_like(endpoint, hopping, signature.replace(parameters=by_name))


def _named_like(endpoint: Endpoint, hopping: Callable[..., Awaitable[Any]], signature: inspect.Signature) -> Endpoint:
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(hopping, attribute, getattr(endpoint, attribute))
    hopping.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect.signature` looks at first
    return hopping
