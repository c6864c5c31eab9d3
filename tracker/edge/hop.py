"""A request is one hop: a thread opens the transaction, finds out who asks, works, commits and lets go.

The body has been read before, and the answer is sent afterwards, both without a connection: a slow phone
keeps nobody waiting. See docs/adr/0014-one-hop-a-request.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import anyio
from fastapi import APIRouter, Request, Response, params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.routing import Match
from starlette.routing import Route as PathRoute
from starlette.types import Scope

from tracker.access.principal import Principal
from tracker.database.engine import transaction
from tracker.database.turns import Contended, Held, LineFull, Thing, held
from tracker.edge.asking import (
    MOST_FIELDS,
    FormNames,
    GivenTwice,
    UnknownField,
    form_once,
    refuse_twice,
    refuse_unknown,
)
from tracker.edge.idempotency import Kept, Named, described_key, kept_for, named_by
from tracker.edge.line import COOKIE, HEADER, Line
from tracker.edge.places import Busy, Places
from tracker.edge.services import Services
from tracker.edge.versions import HEADER as MATCH
from tracker.edge.versions import NoVersions, Versioned, described_version, version_of
from tracker.kit.errors import DomainError
from tracker.sealing.keyring import Keyring

# Far longer than the work whose length would tell; nobody who waits for a message minds it.
BEAT_S = 0.25
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Endpoint = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What a hop has: the request, its transaction, and the time at which it began."""

    request: Request
    db: Session
    now: datetime


def first_wants(thing: Callable[[dict[str, Any]], Thing]) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint whose request says what many want to lock: `thing` makes it of the endpoint's values."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["first_wants"] = thing
        return endpoint

    return mark


def enters_in_line(when: Callable[[dict[str, Any]], bool]) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint that citizens crowd at: in a rush they enter in the order in which they came, before they take a place.

    `when`: whether a request of these values is a citizen's.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["enters_in_line"] = when
        return endpoint

    return mark


def knows_its_repeats(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint whose room knows a request by its id and words before it looks anything up.

    What it answered need not be kept under the id in the body: however things stand by then, the room answers the repeat.
    """
    endpoint.__dict__["knows_its_repeats"] = True
    return endpoint


def takes_fields(*names: str, lists: Sequence[str] = (), most: int = MOST_FIELDS) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint that reads its form as it was sent: these fields it has (see `FormNames`), many of `lists`, no others."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["takes_fields"] = FormNames(names=(*names, *lists), lists=frozenset(lists), most=most)
        return endpoint

    return mark


def answers_evenly(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint whose answer must not tell by its time what was found: it leaves at the next beat after it was asked.

    Waited for without a thread and without a connection.
    """
    endpoint.__dict__["answers_evenly"] = True
    return endpoint


def once_undone(refusal: type[DomainError], then: Callable[..., Any]) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint whose refusal wants more looked up than others should wait for.

    `then` has the refusal and the endpoint's values, in a transaction of its own: what the endpoint locked is free by then,
    and its turns are others'. It answers instead, or raises a fuller refusal.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["once_undone"] = (refusal, then)
        return endpoint

    return mark


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


async def in_hop(request: Request, work: Callable[[Hop], Any], *, first: Thing | None = None) -> Any:
    """Do `work` in one transaction, in one thread, when a place is free; committed before this returns. Raises Busy.

    Work that would wait for what many want to lock is undone and done anew when its turn has come; `first` names such a
    thing where the request itself says it, so that the turn is waited for before anything is done.
    """
    services = services_of(request)
    places: Places = request.app.state.places
    mine = Held(request.app.state.turns)

    def hop() -> Any:
        held.set(mine)  # of this thread's own context: each piece of work has one
        with transaction(services.engine) as db:
            return work(Hop(request=request, db=db, now=services.clock()))

    patient_until = anyio.current_time() + services.settings.api.queue_seconds
    wanted = first
    try:
        while True:
            if wanted is not None:
                with anyio.fail_after(patient_until - anyio.current_time()):
                    await mine.wait(wanted)
            try:
                return await places.run(hop)
            except Contended as told:
                wanted = told.thing
    except (LineFull, TimeoutError):
        raise Busy from None
    finally:
        mine.give_back()


class Route(APIRoute):
    """A route whose marked parameters and endpoint run in one hop; that refuses names it does not know and knows a repeat."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        signature = inspect.signature(endpoint, eval_str=True)
        self.inside = {name: found for name, one in signature.parameters.items() if (found := _marker(one)) is not None}
        self.writes = bool(set(options.get("methods") or ()) - SAFE)
        described = [marker.described_by for marker in self.inside.values() if marker.described_by is not None]
        # Whoever proves who they are may repeat a write under its name.
        self.repeats = self.writes and bool(described) and options.get("include_in_schema", True)
        self.named_by_id = "knows_its_repeats" not in endpoint.__dict__
        if self.repeats:
            described.append(Depends(described_key))
        self.versioned: Versioned | None = endpoint.__dict__.get("versioned")
        self.shows: Callable[[Any], object] | None = endpoint.__dict__.get("shows")
        if self.versioned is not None:
            described.append(Depends(described_version))
        options["dependencies"] = [*(options.get("dependencies") or ()), *described]
        super().__init__(path, self._hopping(endpoint, signature) if self.inside else endpoint, **options)
        declared: FormNames | None = endpoint.__dict__.get("takes_fields")
        is_form = self.body_field is not None and isinstance(self.body_field.field_info, params.Form)
        self.form = declared or (FormNames.read_by(self.dependant) if is_form else None)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Unknown names are refused; who may not ask at all hears that before what is wrong with the question."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            try:
                if self.include_in_schema:
                    refuse_unknown(request, self.dependant)
                if self.form is not None:
                    await form_once(request, self.form)
                elif self.body_field is not None:
                    await refuse_twice(request)
                answer = await handle(request)
            except (RequestValidationError, GivenTwice, UnknownField):
                if self.inside:
                    await in_hop(request, self._made)
                raise
            if (version := getattr(request.state, "version", None)) is not None:
                answer.headers["ETag"] = f'"{version}"'
            if (stood_ms := getattr(request.state, "stood_ms", None)) is not None:
                answer.headers["Server-Timing"] = f"line;dur={stood_ms:.0f}"
            return answer

        return checked

    def _hopping(self, endpoint: Endpoint, signature: inspect.Signature) -> Endpoint:
        """The endpoint as the framework calls it: marked parameters are gone from its signature, a request is in it."""
        if inspect.iscoroutinefunction(endpoint) or inspect.isasyncgenfunction(endpoint):
            raise TypeError(f"{endpoint.__qualname__} must be a plain function: its transaction runs in a thread")
        asked = [one for name, one in signature.parameters.items() if name not in self.inside]
        own = next((one.name for one in asked if one.annotation is Request), None)
        name = own or "request"
        wants: Callable[[dict[str, Any]], Thing] | None = endpoint.__dict__.get("first_wants")
        evenly = "answers_evenly" in endpoint.__dict__
        in_line: Callable[[dict[str, Any]], bool] | None = endpoint.__dict__.get("enters_in_line")

        async def hopping(**values: Any) -> Any:
            request = values[name] if own else values.pop(name)
            if in_line is not None and in_line(values):
                line: Line = request.app.state.line
                shown = request.headers.get(HEADER) or request.cookies.get(COOKIE)
                came = anyio.current_time()
                await line.enter(shown, writes=self.writes)
                request.state.stood_ms = 1_000 * (anyio.current_time() - came)
            first = wants(values) if wants is not None else None
            began = anyio.current_time()
            try:
                return await self._answer(request, endpoint, values, first)
            finally:
                if evenly:
                    await anyio.sleep(BEAT_S - (anyio.current_time() - began) % BEAT_S)

        if own is None:
            asked.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
        by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in asked]
        return _named_like(endpoint, hopping, signature.replace(parameters=by_name))

    async def _answer(self, request: Request, endpoint: Endpoint, values: dict[str, Any], first: Thing | None) -> Any:
        named = await named_by(request, by_id=self.named_by_id) if self.repeats else None
        match = request.headers.get(MATCH) if self.writes and self.include_in_schema else None
        if match is not None and self.versioned is None:
            raise NoVersions

        def work(hop: Hop) -> Any:
            made = self._made(hop)
            kept = _kept(hop, made) if named else None

            def act() -> Any:
                if match is not None and self.versioned is not None:
                    self.versioned.check(match, {**values, **made})
                found = endpoint(**values, **made)
                if self.shows is not None:
                    request.state.version = version_of(self.shows(found))
                return found

            if named is None or kept is None:
                return act()
            return kept.once(named, act, lambda: self._status(values))

        try:
            return await in_hop(request, work, first=first)
        except Busy:
            raise
        except DomainError as refused:
            told = refused
        return await self._refused(request, endpoint, values, named, told)

    async def _refused(
        self, request: Request, endpoint: Endpoint, values: dict[str, Any], named: Named | None, told: DomainError
    ) -> Any:
        """What the same request was answered when it could still be read, else the refusal, fuller where the endpoint says so."""
        refusal, then = endpoint.__dict__.get("once_undone", (None, None))
        fuller = refusal is not None and isinstance(told, refusal)
        by_id = named if named is not None and named.by_id else None
        if by_id is None and not fuller:
            raise told

        def look(hop: Hop) -> Any:
            made = self._made(hop)
            kept = _kept(hop, made) if by_id else None
            answered = kept.found(by_id) if kept is not None and by_id is not None else None
            if answered is None and fuller:
                return then(told, **{"request": request, **values, **made})
            return answered

        try:
            found = await in_hop(request, look)
        except Busy:
            raise told if by_id is None else Busy from None
        if found is None:
            raise told
        return found

    def _made(self, hop: Hop) -> dict[str, Any]:
        return {name: marker.provide(hop) for name, marker in self.inside.items()}

    def _status(self, values: dict[str, Any]) -> int:
        """What the endpoint chose to answer with, else what the route declares."""
        chosen = (value.status_code for value in values.values() if isinstance(value, Response))
        return next((status for status in chosen if status), None) or self.status_code or 200


class Router(APIRouter):
    """A router of such routes. It is included as it is: its paths are whole."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=Route, **options)
        self._beginnings: tuple[int, tuple[str, ...]] = (0, ())

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Routers are asked in turn, and each would try all its routes: one that has no path beginning so says no at once."""
        if scope["type"] == "http" and not scope.get("root_path") and not scope["path"].startswith(self._begin_with()):
            return Match.NONE, {}
        return super().matches(scope)

    def _begin_with(self) -> tuple[str, ...]:
        """What its paths begin with, up to their first parameter."""
        count, beginnings = self._beginnings
        if count != len(self.routes):
            paths = [route.path if isinstance(route, PathRoute) else "" for route in self.routes]
            beginnings = tuple(sorted({path.partition("{")[0] for path in paths}))
            self._beginnings = (len(self.routes), beginnings)
        return beginnings


def _marker(parameter: inspect.Parameter) -> Inside | None:
    return next((found for found in get_args(parameter.annotation) if isinstance(found, Inside)), None)


def _kept(hop: Hop, made: dict[str, Any]) -> Kept | None:
    caller = next((one for one in made.values() if isinstance(one, Principal)), None)
    keyring = Keyring.of(services_of(hop.request).settings)
    return kept_for(hop.db, caller, keyring=keyring, now=hop.now)


def _named_like(endpoint: Endpoint, hopping: Callable[..., Awaitable[Any]], signature: inspect.Signature) -> Endpoint:
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(hopping, attribute, getattr(endpoint, attribute))
    hopping.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect.signature` looks at first
    return hopping
