"""The worker's step that carries the feed to subscribers.

One subscriber's events go in feed order, in one request of up to a hundred; the position moves only after a
2xx, so an event may come twice (after a crash, or an answer that was lost) and is never left out. Claimed like
messages: no transaction waits for the network. Receivers are called side by side, each with one bound for the whole
call, and those that failed last time have a round of their own: a slow one delays nobody else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import orjson
from sqlalchemy import ColumnElement, Engine, delete, or_, select, true, update
from sqlalchemy.orm import Session

from tracker.access.audience import events_visible_to
from tracker.access.keys import principal_behind
from tracker.access.queries import principal_of
from tracker.database.engine import transaction
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.rules.addresses import is_public
from tracker.delivery.rules.backoff import wait_after
from tracker.delivery.rules.signing import HEADER, SIGNATURE, TIMESTAMP, signature, signed_at
from tracker.delivery.secrets import secret_of
from tracker.feed.kinds import Kinds
from tracker.feed.models import FeedEvent
from tracker.feed.queries import last_position, read_after
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring

CLAIM = timedelta(seconds=30)
EVENTS_PER_REQUEST = 100
# From the name's resolution to the answer's head; a receiver that drips is cut off. Well within a claim.
WHOLE_CALL_S = 10.0
DELIVERIES_KEPT = 200
"""Of each webhook: enough to see what is wrong, whatever it is sent."""

Resolve = Callable[[str, int], list[str]]
OpenClient = Callable[[], httpx2.AsyncClient]

# Resolving blocks a thread and has no time-out of ours; these are not waited for when a call's time is up.
_RESOLVERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host; raises OSError."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """What one webhook gets in one request; no events means there is nothing to say."""

    id: UUID
    webhook_id: UUID
    url: str
    secret: str = field(repr=False)
    failures: int
    events: tuple[dict[str, Any], ...]
    before: int
    after: int


def deliver_webhooks(
    engine: Engine,
    open_client: OpenClient,
    keyring: Keyring,
    *,
    kinds: Kinds,
    now: datetime,
    failing: bool | None = None,
    private_allowed: bool = False,
    resolve_host: Resolve = resolve,
    most: int = 20,
    whole_call_s: float = WHOLE_CALL_S,
) -> int:
    """Serve up to `most` webhooks that are due and have something to hear; answers how many requests succeeded.

    `kinds` says how events are worded for others. `failing`: only those that failed last time, only the others, or
    all. Call again at once while the answer is not 0. `private_allowed` lets requests into private networks (demo,
    tests, receivers of one's own).
    """
    requests = claim_requests(engine, keyring, kinds, now, failing, most)
    for request in requests:
        if not request.events:
            _record(engine, request, None, now)
    to_send = [request for request in requests if request.events]
    if not to_send:
        return 0
    errand = _Errand(private_allowed, resolve_host, whole_call_s, str(int(now.timestamp())))

    async def call(client: httpx2.AsyncClient, request: WebhookRequest) -> bool:
        error = await _post(client, request, errand)
        # Written down at once: what the slowest of this round does is nothing to this one.
        await asyncio.get_running_loop().run_in_executor(None, _record, engine, request, error, now)
        return error is None

    async def call_all() -> int:
        async with open_client() as client:
            return sum(await asyncio.gather(*(call(client, request) for request in to_send)))

    # In a thread of its own: the caller's may be running an event loop already, and then no other can run there.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks") as beside:
        return beside.submit(asyncio.run, call_all()).result()


@dataclass(frozen=True, slots=True)
class _Errand:
    """What all calls of a round have in common."""

    private_allowed: bool
    resolve_host: Resolve
    whole_call_s: float
    second: str


def claim_requests(
    engine: Engine, keyring: Keyring, kinds: Kinds, now: datetime, failing: bool | None, most: int
) -> list[WebhookRequest]:
    """Up to `most` requests that are due, each claimed for a while and worded for its receiver."""
    with transaction(engine) as db:
        newest = last_position(db)
        due = (
            select(Webhook)
            .where(
                Webhook.stopped_at.is_(None),
                Webhook.next_at <= now,
                Webhook.position < newest,
                true() if failing is None else (Webhook.failures > 0) == failing,
            )
            .order_by(Webhook.next_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        requests = [_request(db, keyring, webhook, newest, kinds, now) for webhook in db.scalars(due)]
        ids = [request.webhook_id for request in requests]
        db.execute(update(Webhook).where(Webhook.id.in_(ids)).values(next_at=now + CLAIM))
        db.add_all(_noted(request, now) for request in requests if request.events)
        return requests


def _noted(request: WebhookRequest, now: datetime) -> WebhookDelivery:
    return WebhookDelivery(
        id=request.id,
        webhook_id=request.webhook_id,
        after=request.before,
        up_to=request.after,
        events=len(request.events),
        sent_at=now,
    )


def _request(
    db: Session, keyring: Keyring, webhook: Webhook, newest: int, kinds: Kinds, now: datetime
) -> WebhookRequest:
    if webhook.key_id is None:
        principal = principal_of(db, webhook.account_id)
    else:
        principal = principal_behind(db, webhook.key_id, now=now)
    events: list[FeedEvent] = []
    # An account that was closed, or a key that was revoked, hears nothing more; its place in the feed stays where it was.
    after = webhook.position if principal is None else newest
    if principal is not None:
        where = events_visible_to(principal) & _wanted(webhook.kinds) & (FeedEvent.position <= newest)
        events = read_after(db, webhook.position, limit=EVENTS_PER_REQUEST, where=where)
        if len(events) == EVENTS_PER_REQUEST:
            after = events[-1].position
    return WebhookRequest(
        id=uuid7(),
        webhook_id=webhook.id,
        url=webhook.url,
        secret=secret_of(db, keyring, webhook),
        failures=webhook.failures,
        events=tuple(_event(event, kinds) for event in events),
        before=webhook.position,
        after=after,
    )


def _wanted(kinds: list[str]) -> ColumnElement[bool]:
    if not kinds:
        return true()
    whole = [kind[:-1] for kind in kinds if kind.endswith(".*")]
    exact = [kind for kind in kinds if not kind.endswith(".*")]
    return or_(FeedEvent.kind.in_(exact), *(FeedEvent.kind.startswith(room, autoescape=True) for room in whole))


def _event(event: FeedEvent, kinds: Kinds) -> dict[str, Any]:
    return {
        "position": event.position,
        "id": event.id,
        "kind": event.kind,
        "subject": event.subject,
        "data": kinds.data_for_others(event),
        "caused_by": event.caused_by,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
    }


def _body(request: WebhookRequest) -> bytes:
    return orjson.dumps({"delivery": request.id, "webhook": request.webhook_id, "events": request.events})


async def _post(client: httpx2.AsyncClient, request: WebhookRequest, errand: _Errand) -> str | None:
    """What went wrong, or None."""
    body = _body(request)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Rantai",
        HEADER: signature(request.secret, body),
        TIMESTAMP: errand.second,
        SIGNATURE: signed_at(request.secret, errand.second, body),
    }
    try:
        async with asyncio.timeout(errand.whole_call_s):
            url, more = await _destination(request.url, errand)
            post = client.build_request(
                "POST", url, content=body, headers={**headers, **more}, extensions=_server_name(request.url)
            )
            # The answer's body is of no interest, and might be endless.
            response = await client.send(post, stream=True, follow_redirects=False)
            await response.aclose()
    except _Forbidden:
        return "the host leads into a private network"
    except TimeoutError:
        return "no answer in time"
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return type(error).__name__
    return None if response.is_success else f"status {response.status_code}"


class _Forbidden(Exception):
    """The name resolves to an address that may not be called."""


async def _destination(url: str, errand: _Errand) -> tuple[str, dict[str, str]]:
    """The address to call and the Host header.

    The name is resolved once, here, and the checked address is called: asking again could answer otherwise.
    """
    if errand.private_allowed:
        return url, {}
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, errand.resolve_host, host, port)
    if not addresses or not all(is_public(ip_address(address)) for address in addresses):
        raise _Forbidden
    literal = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return parts._replace(netloc=f"{literal}:{port}").geturl(), {"Host": parts.netloc}


def _server_name(url: str) -> dict[str, str]:
    """TLS must still prove the name, not the address."""
    return {"sni_hostname": urlsplit(url).hostname or ""}


def _record(engine: Engine, request: WebhookRequest, error: str | None, now: datetime) -> None:
    if error is None:
        values: dict[str, object] = {"position": request.after, "failures": 0, "next_at": now, "last_error": None}
        if request.events:
            values["delivered_at"] = now
    else:
        failures = request.failures + 1
        values = {"failures": failures, "next_at": now + wait_after(failures), "last_error": error}
    with transaction(engine) as db:
        # Another worker may have taken it over after our claim ran out: then its word counts.
        db.execute(
            update(Webhook).where(Webhook.id == request.webhook_id, Webhook.position == request.before).values(**values)
        )
        if request.events:
            _note_answer(db, request, error, now)


def _note_answer(db: Session, request: WebhookRequest, error: str | None, now: datetime) -> None:
    noted = update(WebhookDelivery).where(WebhookDelivery.id == request.id)
    db.execute(noted.values(answered_at=now, error=error))
    theirs = WebhookDelivery.webhook_id == request.webhook_id
    kept = select(WebhookDelivery.id).where(theirs).order_by(WebhookDelivery.id.desc()).limit(DELIVERIES_KEPT)
    db.execute(delete(WebhookDelivery).where(theirs, WebhookDelivery.id.not_in(kept)))
