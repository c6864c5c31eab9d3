"""Is the process alive, is the house ready, what do the gauges say."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.database.engine import new_session
from tracker.database.migrations import head_revision
from tracker.edge.hop import services_of
from tracker.edge.places import Places
from tracker.edge.services import Services
from tracker.feed.aside import count_aside
from tracker.feed.waiting import count_waiting
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import missing_keys
from tracker.telemetry.queries.deadletters import dead_letters_by_reason

router = APIRouter(tags=["health"])

Answer = TypeVar("Answer")

# The programs beside this one, by the loop whose heartbeat says that they work.
PROGRAMS = {"ingest": "ingest", "worker": "evaluation"}
# A loop beats every few seconds; after a failure it waits for half a minute at most.
BEAT_WITHIN_S = 120.0

SET_ASIDE = Gauge("rantai_feed_set_aside", "Events that a reaction could not handle and that wait to be tried again.")

DEAD_LETTERS = Gauge(
    "rantai_dead_letters", "Messages of devices that could not become readings and are kept, by reason.", ["reason"]
)

WAITING = Gauge(
    "rantai_feed_waiting", "Events that wait because rows of their facility are locked; they are tried again."
)


class Live(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Each part the house needs, and how old the newest news of each stream is, in seconds."""

    status: str
    checks: dict[str, bool]
    ages_s: dict[str, float | None]
    set_aside: int | None
    """Events that a reaction could not handle; None when nobody can say."""


@router.get("/livez", operation_id="read_livez")
async def livez() -> Live:
    """The process is up; asks nobody else."""
    return Live()


@router.get("/readyz", operation_id="read_readyz", responses={503: {"model": Ready, "description": "Not ready."}})
async def readyz(request: Request, response: Response) -> Ready:
    """Database, migrations at head, broker, ingester and worker at work; ages of each loop's last work, lag of the feed.

    Not ready is the house: this process may answer all the same, and `/livez` says so.
    """
    shared = services_of(request)
    ready = await _aside(request, lambda: _look(shared, shared.clock()))
    response.status_code = 200 if ready.status == "ready" else 503
    return ready


async def _aside(request: Request, work: Callable[[], Answer]) -> Answer:
    """In a place of its own: who watches the house must hear from it when it is busy, too."""
    places: Places = request.app.state.side_places
    return await places.run(work)


def _look(shared: Services, now: datetime) -> Ready:
    checks = {
        "database": False,
        "migrations": False,
        "secret_key": False,
        "broker": _broker(shared.settings.mqtt_url.get_secret_value()),
    }
    checks |= dict.fromkeys(PROGRAMS, False)
    ages: dict[str, float | None] = {}
    aside: int | None = None
    try:
        with new_session(shared.engine) as db:
            checks["database"] = db.scalar(text("SELECT 1")) == 1
            checks["migrations"] = _revision(db) == head_revision()
            if checks["migrations"]:
                checks["secret_key"] = _keys(db, shared)
                ages = _ages(db, now)
                checks |= {name: _beats(ages[loop]) for name, loop in PROGRAMS.items()}
                aside = count_aside(db)
    except SQLAlchemyError:
        # The answer itself says that the database is away.
        pass
    ready = all(checks.values())
    return Ready(status="ready" if ready else "not ready", checks=checks, ages_s=ages, set_aside=aside)


@router.get("/metrics", operation_id="read_metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Prometheus text."""
    return await _aside(request, lambda: _gauges(services_of(request)))


def _gauges(shared: Services) -> Response:
    try:
        with new_session(shared.engine) as db:
            SET_ASIDE.set(count_aside(db))
            WAITING.set(count_waiting(db))
            letters = dead_letters_by_reason(db)
        DEAD_LETTERS.clear()
        for reason, count in letters.items():
            DEAD_LETTERS.labels(reason).set(count)
    except SQLAlchemyError:
        # Not zero: while the database is away nobody knows.
        DEAD_LETTERS.clear()
        SET_ASIDE.set(float("nan"))
        WAITING.set(float("nan"))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _keys(db: Session, shared: Services) -> bool:
    return not missing_keys(db, Keyring.of(shared.settings))


def _broker(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 1883), timeout=1.0):
            return True
    except OSError:
        return False


def _revision(db: Session) -> str | None:
    exists = db.scalar(text("SELECT to_regclass('alembic_version')"))
    return db.scalar(text("SELECT version_num FROM alembic_version")) if exists else None


def _ages(db: Session, now: datetime) -> dict[str, float | None]:
    newest: Any = db.execute(
        text(
            "SELECT (SELECT min(recorded_at) FROM feed_pending) AS feed_lag, name, beat_at FROM (VALUES (1)) one(x) LEFT JOIN heartbeat ON true"
        )
    ).all()
    ages = {f"{row.name}": (now - row.beat_at).total_seconds() for row in newest if row.name is not None}
    lag = newest[0].feed_lag
    ages["feed_lag"] = (now - lag).total_seconds() if lag is not None else 0.0
    for stream in PROGRAMS.values():
        ages.setdefault(stream, None)
    return ages


def _beats(age_s: float | None) -> bool:
    return age_s is not None and age_s <= BEAT_WITHIN_S
