"""Is the process alive, is the house ready, what do the gauges say."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.api.behind import Behind, look_behind
from tracker.database.engine import new_session
from tracker.database.migrations import head_revision
from tracker.edge.hop import services_of
from tracker.edge.places import Places
from tracker.edge.services import Services
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import missing_keys

router = APIRouter(tags=["health"])

Answer = TypeVar("Answer")

# The programs beside this one, by the loop whose heartbeat says that they work.
PROGRAMS = {"ingest": "ingest", "worker": "evaluation"}
# A loop beats every few seconds; after a failure it waits for half a minute at most.
BEAT_WITHIN_S = 120.0

READY = Gauge(
    "rantai_ready", "1 where a part of the house is there and at work, else 0; the parts of /readyz.", ["part"]
)
LOOP_AGE = Gauge("rantai_loop_age_seconds", "Since a loop of worker or ingester last did its work.", ["loop"])
FEED_LAG = Gauge("rantai_feed_lag_seconds", "Age of the oldest event that has no place in the feed yet.")
REACTION_LAG = Gauge(
    "rantai_reaction_lag_seconds", "Age of the oldest event that a reaction has not looked at.", ["reaction"]
)
MESSAGES_LAG = Gauge("rantai_messages_overdue_seconds", "Since the message that is due longest should have been sent.")
MESSAGES = Gauge("rantai_messages_due", "Messages to people that are due; 10,000 stands for more, too.")
WEBHOOKS_LAG = Gauge(
    "rantai_webhooks_overdue_seconds", "Since the webhook that is due longest should have been called."
)
WEBHOOKS_FAILING = Gauge("rantai_webhooks_failing", "Webhooks whose last call failed.")
PCARE_LAG = Gauge("rantai_pcare_behind_seconds", "Since the oldest dose was noted that could go to P-Care and has not.")
READINGS = Gauge("rantai_readings_unjudged", "Notes of new readings not judged yet; 10,000 stands for more, too.")
MONTHS_AHEAD = Gauge(
    "rantai_partition_days_ahead", "Days until the last month that readings have a partition for ends."
)
SET_ASIDE = Gauge("rantai_feed_set_aside", "Events that a reaction could not handle and that wait to be tried again.")
WAITING = Gauge(
    "rantai_feed_waiting", "Events that wait because rows of their facility are locked; they are tried again."
)
DEAD_LETTERS = Gauge(
    "rantai_dead_letters", "Messages of devices that could not become readings and are kept, by reason.", ["reason"]
)
BACKUP_AGE = Gauge(
    "rantai_backup_age_seconds", "Since the newest backup was complete that the house was told of; +Inf: of none."
)
DISK_FREE = Gauge("rantai_disk_free_ratio", "Share of a disk that is free, of those named in the settings.", ["disk"])
PLAIN = (
    FEED_LAG, MESSAGES_LAG, MESSAGES, WEBHOOKS_LAG, WEBHOOKS_FAILING, PCARE_LAG, READINGS, MONTHS_AHEAD, SET_ASIDE,
    WAITING, BACKUP_AGE,
)  # fmt: skip


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
    behind: dict[str, float | None]
    """By how much: seconds (`_s`), days (`_days`), shares that are free (`_free`) or counts; None when nobody can say. Nothing of it makes the house not ready."""


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
    ready = _told(await _aside(request, lambda: _look(shared, shared.clock())))
    response.status_code = 200 if ready.status == "ready" else 503
    return ready


async def _aside(request: Request, work: Callable[[], Answer]) -> Answer:
    """In a place of its own: who watches the house must hear from it when it is busy, too."""
    places: Places = request.app.state.side_places
    return await places.run(work)


@dataclass(frozen=True, slots=True)
class Look:
    """Which parts are there, how long ago each loop worked, and what waits; None when nobody can say."""

    checks: dict[str, bool]
    ages: dict[str, float | None]
    behind: Behind | None
    disks: dict[str, float | None]
    """The free share of each disk that this process was told to look at."""


def _look(shared: Services, now: datetime) -> Look:
    checks = {
        "database": False,
        "migrations": False,
        "secret_key": False,
        "broker": _broker(shared.settings.mqtt_url.get_secret_value()),
    }
    checks |= dict.fromkeys(PROGRAMS, False)
    ages: dict[str, float | None] = {}
    behind: Behind | None = None
    try:
        with new_session(shared.engine) as db:
            checks["database"] = db.scalar(text("SELECT 1")) == 1
            checks["migrations"] = _revision(db) == head_revision()
            if checks["migrations"]:
                checks["secret_key"] = _keys(db, shared)
                behind = look_behind(db, now)
    except SQLAlchemyError:
        # The answer itself says that the database is away.
        pass
    if behind is not None:
        ages = {**dict.fromkeys(PROGRAMS.values()), **behind.loop_ages_s, "feed_lag": behind.feed_s}
        checks |= {name: _beats(ages[loop]) for name, loop in PROGRAMS.items()}
    return Look(checks=checks, ages=ages, behind=behind, disks=_free(shared.settings.api.disks))


def _told(look: Look) -> Ready:
    ready, behind = all(look.checks.values()), look.behind
    by_how_much: dict[str, float | None] = {}
    if behind is not None:
        by_how_much = {
            "feed_s": behind.feed_s,
            "reactions_s": max(behind.reactions_s.values()),
            "messages_s": behind.messages_s,
            "messages": behind.messages,
            "webhooks_s": behind.webhooks_s,
            "webhooks_failing": behind.webhooks_failing,
            "pcare_s": behind.pcare_s,
            "readings": behind.readings,
            "waiting": behind.waiting,
            "months_ahead_days": behind.months_ahead_days,
            "backup_s": behind.backup_s,
        }
    by_how_much |= {f"disk_{name}_free": share for name, share in look.disks.items()}
    return Ready(
        status="ready" if ready else "not ready",
        checks=look.checks,
        ages_s=look.ages,
        set_aside=None if behind is None else behind.set_aside,
        behind=by_how_much,
    )


@router.get("/metrics", operation_id="read_metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Prometheus text."""
    return await _aside(request, lambda: _gauges(services_of(request)))


def _gauges(shared: Services) -> Response:
    look = _look(shared, shared.clock())
    for part, there in look.checks.items():
        READY.labels(part).set(there)
    for labelled in (LOOP_AGE, REACTION_LAG, DEAD_LETTERS, DISK_FREE):
        labelled.clear()
    for name, share in look.disks.items():
        DISK_FREE.labels(name).set(float("nan") if share is None else share)
    if look.behind is None:
        # Not zero: while the database is away nobody knows.
        for gauge in PLAIN:
            gauge.set(float("nan"))
    else:
        _set_gauges(look.behind)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _set_gauges(behind: Behind) -> None:
    FEED_LAG.set(behind.feed_s)
    MESSAGES_LAG.set(behind.messages_s)
    MESSAGES.set(behind.messages)
    WEBHOOKS_LAG.set(behind.webhooks_s)
    WEBHOOKS_FAILING.set(behind.webhooks_failing)
    PCARE_LAG.set(behind.pcare_s)
    READINGS.set(behind.readings)
    MONTHS_AHEAD.set(float("nan") if behind.months_ahead_days is None else behind.months_ahead_days)
    SET_ASIDE.set(behind.set_aside)
    BACKUP_AGE.set(float("inf") if behind.backup_s is None else behind.backup_s)
    WAITING.set(behind.waiting)
    for gauge, values in (
        (LOOP_AGE, behind.loop_ages_s),
        (REACTION_LAG, behind.reactions_s),
        (DEAD_LETTERS, behind.dead_letters),
    ):
        for label, value in values.items():
            gauge.labels(label).set(value)


def _keys(db: Session, shared: Services) -> bool:
    return not missing_keys(db, Keyring.of(shared.settings))


def _free(disks: str) -> dict[str, float | None]:
    """The free share of the disk under each folder; None for one that this process cannot look at."""
    found: dict[str, float | None] = {}
    for name, _, folder in (one.partition(":") for one in disks.split(",") if one):
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            found[name] = None
        else:
            # Of what its owner may use: what is kept back for root is no room for a database.
            found[name] = usage.free / (usage.used + usage.free) if usage.used + usage.free else None
    return found


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


def _beats(age_s: float | None) -> bool:
    return age_s is not None and age_s <= BEAT_WITHIN_S
