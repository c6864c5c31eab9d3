"""`GET /api/v1/feed`: the feed as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Engine

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.api.sse import FeedHub
from tracker.database.engine import transaction
from tracker.edge.deps import bearer_scheme, identify
from tracker.edge.hop import Router, services_of
from tracker.feed.forgetting import gone_up_to
from tracker.kit.errors import DomainError, Refused, Unauthenticated

router = Router(prefix="/api/v1", tags=["feed"])


class BadEventId(Refused):
    """`Last-Event-ID` is not a position of the feed."""

    code = "api.bad_event_id"


class PositionGone(DomainError):
    """Events behind this position were let go when their time was over: a reader who goes on from there would miss some."""

    code = "api.position_gone"


def hub_of(request: Request) -> FeedHub:
    """The hub of this process."""
    hub: FeedHub = request.app.state.hub
    return hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Who follows, and from where on."""

    principal: Principal
    after: int | None
    still: Callable[[], Principal | None]


async def _follower(
    request: Request,
    _described: Annotated[Any, Depends(bearer_scheme)],
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="Start behind this position.")] = None,
) -> AsyncIterator[Follower]:
    """Refuses before the stream begins, and keeps its room until it ends; its own short transaction ends before the wait does."""
    services = services_of(request)

    def caller() -> Principal | None:
        with transaction(services.engine) as db:
            return identify(request, db, services.clock())

    def still() -> Principal | None:
        found = caller()
        return found if found is not None and found.may(Permission.FEED_READ) else None

    principal = await hub_of(request).places.run(caller)
    if principal is None:
        raise Unauthenticated
    principal.require(Permission.FEED_READ)
    position = _position(last_event_id, after)
    if position:
        await hub_of(request).places.run(lambda: _insist_on_kept(services.engine, position))
    with hub_of(request).room(principal):
        yield Follower(principal=principal, after=position, still=still)


def _insist_on_kept(engine: Engine, position: int) -> None:
    """0 asks for all that is kept; whoever has read further goes on from there or is told that it cannot be."""
    with transaction(engine) as db:
        gone = gone_up_to(db)
    if position < gone:
        raise PositionGone(position=position, kept_after=gone)


def _position(last_event_id: str | None, after: int | None) -> int | None:
    if last_event_id is None or last_event_id == "":
        return after
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
        raise BadEventId(field="Last-Event-ID")
    return int(last_event_id)


@router.get("/feed", operation_id="follow_feed", response_class=EventSourceResponse)
async def follow_feed(
    request: Request,
    follower: Annotated[Follower, Depends(_follower)],
    most: Annotated[int | None, Query(ge=1, le=500, description="End after so many events.")] = None,
    wait: Annotated[bool, Query(description="False: end when there is nothing more to tell.")] = True,
) -> AsyncIterator[ServerSentEvent]:
    """Events of the caller's subtree, in order, from now on or from `Last-Event-ID`."""
    sent = 0
    stream = hub_of(request).follow(follower.principal, follower.after, still=follower.still, wait=wait)
    async for item in stream:
        yield ServerSentEvent(raw_data=orjson.dumps(item).decode(), event=item.kind, id=str(item.position))
        sent += 1
        if most is not None and sent >= most:
            return
