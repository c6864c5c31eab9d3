"""Stopping vials in a nation: a heat wave's alarms worked off one after another, and a lot at half the puskesmas called back.

Beside the recall others go on: they record supplies at places that have the lot, so they want the very pools it locks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from benchmarks.common import Row, migrated_engine, percentile, print_table, private_services
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from tracker.access.principal import SYSTEM
from tracker.database.engine import make_engine, transaction
from tracker.kit.ids import uuid7
from tracker.passport.service.holding import hold_for_episode
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.trace.recalls import StartRecall, start_recall, sweep_recalls
from tracker.trace.withdrawing import withdraw_recall

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ALARMS, BYSTANDERS, MOVEMENTS = 305, 8, 200

_RINGING = text(
    "SELECT id FROM episode WHERE ended_at IS NULL AND equipment_id IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM hold WHERE hold.episode_id = episode.id) ORDER BY id LIMIT :most"
)
_WIDEST = text(
    "SELECT batch_id FROM stock_balance b WHERE NOT EXISTS (SELECT FROM recall WHERE recall.batch_id = b.batch_id) "
    "GROUP BY batch_id ORDER BY count(*) DESC LIMIT 1"
)
_GOES_ON = text("SELECT count(*) FROM feed_pending WHERE kind = 'trace.recall_goes_on'")
_PLACES = text(
    "SELECT facility_id, place_id FROM stock_balance WHERE batch_id = :lot AND account = 'place' AND status = :status "
    "AND vials > 0 ORDER BY place_id"
)


def measure(*, quick: bool) -> list[Row]:
    """A nation of its own, or a hundredth of one."""
    nation = Nation.shrunk(NOW, 100) if quick else Nation(now=NOW)
    with private_services() as services, migrated_engine(services) as engine:
        make_nation(engine, nation, aloud=True)
        shipped = make_engine(services.database_url, name="rantai-bench")
        try:
            return [_heat_wave(shipped), *_recall(engine, shipped)]
        finally:
            shipped.dispose()


def _heat_wave(engine: Engine) -> Row:
    with transaction(engine) as db:
        ringing = list(db.scalars(_RINGING, {"most": ALARMS}))
    vials, began = 0, time.perf_counter()
    for episode_id in ringing:
        with transaction(engine) as db:
            vials += hold_for_episode(db, SYSTEM, episode_id, now=NOW + timedelta(minutes=1)).vials
    spent = time.perf_counter() - began
    return Row(
        name=f"nation, {len(ringing)} alarms of a heat wave",
        ours=f"{vials} vials held",
        bare=f"{spent / max(1, len(ringing)) * 1000:.0f} ms an alarm",
        figure=spent,
        bound=180,
        unit="s",
        at_least=False,
    )


@dataclass(slots=True)
class _Bystanders:
    """Those who record supplies all the while."""

    engine: Engine
    places: list[tuple[UUID, UUID]]
    lot: UUID
    over: threading.Event = field(default_factory=threading.Event)
    times: list[float] = field(default_factory=list)
    refused: int = 0

    def record(self, first: int) -> None:
        for facility_id, place_id in cycle(self.places[first::BYSTANDERS]):
            if self.over.is_set():
                return
            began = time.perf_counter()
            try:
                with transaction(self.engine) as db:
                    line = Line(batch_id=self.lot, vials=1, place_id=place_id)
                    at = NOW + timedelta(minutes=2)
                    supply = PostEvent(
                        id=uuid7(), kind=Kind.SUPPLY, facility_id=facility_id, occurred_at=at, lines=(line,)
                    )
                    post_event(db, SYSTEM, supply, now=at)
            except DBAPIError:
                self.refused += 1
            self.times.append(time.perf_counter() - began)


def _recall(engine: Engine, shipped: Engine) -> list[Row]:
    with transaction(engine) as db:
        lot = db.scalars(_WIDEST).one()
        places = [(row.facility_id, row.place_id) for row in db.execute(_PLACES, {"lot": lot, "status": "usable"})]
    beside = _Bystanders(shipped, places, lot)
    threads = [threading.Thread(target=beside.record, args=(first,)) for first in range(BYSTANDERS)]
    for thread in threads:
        thread.start()
    recall_id, at = uuid7(), NOW + timedelta(minutes=3)
    command = StartRecall(id=recall_id, batch=lot, reason="uji")
    try:
        recalled = _parts(shipped, lambda db: start_recall(db, SYSTEM, command, now=at), lot, at)
    finally:
        beside.over.set()
        for thread in threads:
            thread.join()
    with transaction(engine) as db:
        sweep_recalls(db, lot, now=at)
        stopped = [(row.facility_id, row.place_id) for row in db.execute(_PLACES, {"lot": lot, "status": "recalled"})]
    moves = [_timed(shipped, _movement(lot, *place, at)) for place in stopped[:MOVEMENTS]]
    later = at + timedelta(minutes=1)
    withdrawn = _parts(shipped, lambda db: withdraw_recall(db, SYSTEM, recall_id, reason="uji", now=later), lot, later)
    waited = f"{len(beside.times)} beside, the slowest {max(beside.times, default=0):.1f} s"
    return [
        _row(f"nation, a lot called back at {len(stopped)} places", waited, _said(recalled), sum(recalled), 5),
        _row("nation, those beside who were refused", waited, "", beside.refused, 0, unit=""),
        _row(
            "nation, a movement of that lot, with its sweep",
            f"{len(moves)} of them",
            "p95",
            percentile(moves, 0.95),
            0.1,
        ),
        _row("nation, that recall withdrawn", f"{len(stopped)} places", _said(withdrawn), sum(withdrawn), 8),
    ]


def _movement(lot: UUID, facility_id: UUID, place_id: UUID, at: datetime) -> Callable[[Session], object]:
    def move(db: Session) -> None:
        line = Line(batch_id=lot, vials=1, place_id=place_id)
        supply = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=facility_id, occurred_at=at, lines=(line,))
        posted = post_event(db, SYSTEM, supply, now=at)
        sweep_recalls(db, lot, now=at, moved_by=posted.event_id)

    return move


def _parts(engine: Engine, act: Callable[[Session], object], lot: UUID, at: datetime) -> list[float]:
    """The seconds of a request, and of each part that the worker does after it."""
    spent = [_timed(engine, act)]
    asked, before = 1, 0
    while asked > before:
        before = asked
        spent.append(_timed(engine, lambda db: sweep_recalls(db, lot, now=at)))
        with transaction(engine) as db:
            asked = db.scalars(_GOES_ON).one() + 1
    return spent


def _said(parts: Sequence[float]) -> str:
    return f"{len(parts)} parts, the longest {max(parts):.1f} s"


def _timed(engine: Engine, act: Callable[[Session], object]) -> float:
    began = time.perf_counter()
    with transaction(engine) as db:
        act(db)
    return time.perf_counter() - began


def _row(name: str, ours: str, bare: str, figure: float, bound: float, *, unit: str = "s") -> Row:
    return Row(name=name, ours=ours, bare=bare, figure=figure, bound=bound, unit=unit, at_least=False)


if __name__ == "__main__":
    # Against a nation that stands already, and is changed by it: its address in the environment.
    standing = make_engine(os.environ["RANTAI_DATABASE_URL"], name="rantai-bench")
    print_table([_heat_wave(standing), *_recall(standing, standing)])
