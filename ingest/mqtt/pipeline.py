"""Take a batch, store it in one transaction, commit, and only then acknowledge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ingest.dialects.shapes import Reject
from ingest.intake import Intake, Letter, Report, read_report, read_status
from ingest.mqtt.link import Incoming, Link
from ingest.mqtt.topics import Routes
from tracker.database.engine import transaction
from tracker.database.heartbeat import beat
from tracker.kit.clock import Clock, utc_now
from tracker.settings import IngestSettings
from tracker.telemetry.rules.words import DeviceStatus
from tracker.telemetry.service.deadletters import Undeliverable, bury

log = structlog.get_logger(__name__)

HEARTBEAT = "ingest"
# A hundred EMS messages of a day each: some 70 000 readings, half a second of the database's time.
BATCH_BYTES = 2_000_000
_BEAT_EVERY = timedelta(seconds=1)
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 5.0
# Classes of SQLSTATE a message's content can cause: data exception, integrity violation, limit exceeded.
# All else (no connection, no space, no such table, read-only, deadlock …) is ours to wait out or to mend.
_CONTENT_CLASSES = ("22", "23", "54")


@dataclass(slots=True)
class Counts:
    """What this process has done since its start."""

    messages: int = 0
    readings: int = 0
    repeats: int = 0
    faults: int = 0
    buried: int = 0
    retained: int = 0
    batches: int = 0
    retries: int = 0
    acknowledged: int = 0


@dataclass(slots=True)
class Pipeline:
    """The worker's loop between the link and the database."""

    engine: Engine
    link: Link
    routes: Routes
    settings: IngestSettings
    clock: Clock = utc_now
    counts: Counts = field(default_factory=Counts)
    _intake: Intake = field(default_factory=Intake)
    _beat_at: datetime | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `stop`; nothing a message or the database does ends it earlier."""
        while not self._stop.is_set():
            messages = self.link.take(
                self.settings.batch_messages, BATCH_BYTES, wait_s=1.0, gather_s=self.settings.batch_ms / 1000
            )
            if messages:
                self._settle(messages)
            else:
                self._idle()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop.set()
        self.link.wake()

    def _settle(self, messages: Sequence[Incoming]) -> None:
        """Store and acknowledge; a batch that cannot be stored now is kept and tried again, unacknowledged."""
        letters = self._letters(messages)
        if self._until_done(lambda: self._store(letters)):
            self._acknowledge(messages)

    def _acknowledge(self, messages: Sequence[Incoming]) -> None:
        self.counts.messages += len(messages)
        self.counts.acknowledged += self.link.acknowledge(messages)

    def _letters(self, messages: Sequence[Incoming]) -> list[Letter]:
        letters = []
        for message in messages:
            route = self.routes.find(message.topic)
            if route is None:
                continue
            received_at = datetime.fromtimestamp(message.received_s, UTC)
            content: Report | DeviceStatus | Reject
            if route.dialect is None:
                # An empty retained message only wipes the status kept by the broker.
                if not message.payload:
                    continue
                content = read_status(message.payload)
            elif message.retain:
                # A retained message is an old value shown to new subscribers, never a measurement.
                self.counts.retained += 1
                continue
            else:
                content = read_report(message.payload, route.dialect)
            letters.append(
                Letter(
                    topic=message.topic,
                    payload=message.payload,
                    received_at=received_at,
                    sender=route.sender,
                    content=content,
                )
            )
        return letters

    def _store(self, letters: Sequence[Letter]) -> None:
        """Commit the letters; those the database refuses are found by halving and buried alone."""
        if not letters:
            return
        try:
            self._commit(letters)
        except Exception as error:
            # A failed transaction takes back channels it made: what was learnt from it may be wrong.
            self._intake.memory.clear()
            if not caused_by_content(error):
                raise
            if len(letters) == 1:
                self._bury(letters[0], error)
                return
            middle = len(letters) // 2
            self._store(letters[:middle])
            self._store(letters[middle:])

    def _commit(self, letters: Sequence[Letter]) -> None:
        now = self.clock()
        beats = self._beat_at is None or now - self._beat_at >= _BEAT_EVERY
        with transaction(self.engine) as db:
            taken = self._intake.store(db, letters, now=now)
            if beats:
                beat(db, HEARTBEAT, now)
        if beats:
            self._beat_at = now
        self.counts.batches += 1
        self.counts.readings += taken.stored.new
        self.counts.repeats += taken.stored.repeated
        self.counts.faults += taken.stored.faults
        self.counts.buried += taken.buried

    def _bury(self, letter: Letter, error: Exception) -> None:
        log.error("ingest.refused", topic=letter.topic, error=type(error).__name__)
        with transaction(self.engine) as db:
            bury(
                db,
                [
                    Undeliverable(
                        topic=letter.topic,
                        payload=letter.payload,
                        reason="refused",
                        detail=f"{type(error).__name__}: {error}",
                        received_at=letter.received_at,
                    )
                ],
            )
        self.counts.buried += 1

    def _until_done(self, work: Callable[[], None]) -> bool:
        """Try until it works; False when we were told to stop before it did."""
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the batch is kept and the loop lives
                self.counts.retries += 1
                log.warning("ingest.database_unavailable", error=type(error).__name__, pause_s=pause_s)
            else:
                return True
            if self._stop.wait(pause_s):
                return False
            self.link.keep_running()
            pause_s = min(2 * pause_s, _RETRY_MOST_S)

    def _idle(self) -> None:
        """Nothing came: still say that we live, if broker and database can be reached."""
        self.link.keep_running()
        now = self.clock()
        if not self.link.listening.is_set() or (self._beat_at is not None and now - self._beat_at < _BEAT_EVERY):
            return
        try:
            with transaction(self.engine) as db:
                beat(db, HEARTBEAT, now)
        except DBAPIError as error:
            log.warning("ingest.database_unavailable", error=type(error).__name__)
        else:
            self._beat_at = now


def caused_by_content(error: BaseException) -> bool:
    """Whether some message in the batch is to blame, rather than the state of the database or of us."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, psycopg.Error):
        state = original.sqlstate
        # Without a state psycopg itself refused the value (DataError), or the connection is gone.
        return state[:2] in _CONTENT_CLASSES if state else isinstance(original, psycopg.DataError)
    return isinstance(original, (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError))
