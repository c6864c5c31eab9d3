"""Stopping vials in a nation: a heat wave's alarms worked off one after another, and a lot at half the puskesmas called back.

Beside the recall others go on: they record supplies at places that have the lot, so they want the very pools it locks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from multiprocessing import Queue, get_context
from multiprocessing.synchronize import Barrier, Event
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
# How long each of one bystander's records took, and how many were refused.
_Beside = tuple[list[float], int]
ALARMS, BYSTANDERS, MOVEMENTS = 305, 8, 200
# Together sixteen events a second: what 10,400 puskesmas with some thirty a day each record in six hours of work.
PAUSE_S = 0.5

_RINGING = text(
    "SELECT id FROM episode WHERE ended_at IS NULL AND equipment_id IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM hold WHERE hold.episode_id = episode.id) ORDER BY id LIMIT :most"
)
_WIDEST = text(
    "SELECT batch_id FROM stock_balance b "
    "WHERE NOT EXISTS (SELECT FROM recall WHERE recall.batch_id = b.batch_id AND withdrawn_at IS NULL) "
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


def _record(
    url: str, lot: UUID, places: Sequence[tuple[UUID, UUID]], ready: Barrier, over: Event, told: Queue[_Beside]
) -> None:
    """Supplies of the lot at these places in turn, until it is over. A process of its own, as another server's would be."""
    engine = make_engine(url, name="rantai-bench")
    times, refused = [], 0
    ready.wait()
    for facility_id, place_id in cycle(places):
        if over.is_set():
            break
        line = Line(batch_id=lot, vials=1, place_id=place_id)
        at = NOW + timedelta(minutes=2)
        supply = PostEvent(id=uuid7(), kind=Kind.SUPPLY, facility_id=facility_id, occurred_at=at, lines=(line,))
        began = time.perf_counter()
        try:
            with transaction(engine) as db:
                post_event(db, SYSTEM, supply, now=at)
        except DBAPIError:
            refused += 1
        times.append(time.perf_counter() - began)
        time.sleep(PAUSE_S)
    told.put((times, refused))
    engine.dispose()


@contextmanager
def _others(url: str, lot: UUID, places: Sequence[tuple[UUID, UUID]]) -> Iterator[list[_Beside]]:
    """Those who record supplies meanwhile, and at the end how long each took and how many were refused."""
    away = get_context("spawn")
    ready, over, told = away.Barrier(BYSTANDERS + 1), away.Event(), away.Queue()
    others = [
        away.Process(target=_record, args=(url, lot, places[first::BYSTANDERS], ready, over, told))
        for first in range(BYSTANDERS)
    ]
    for other in others:
        other.start()
    ready.wait()
    found: list[_Beside] = []
    try:
        yield found
    finally:
        over.set()
        found += [told.get() for _ in others]
        for other in others:
            other.join()


def _recall(engine: Engine, shipped: Engine) -> list[Row]:
    with transaction(engine) as db:
        lot = db.scalars(_WIDEST).one()
        places = [(row.facility_id, row.place_id) for row in db.execute(_PLACES, {"lot": lot, "status": "usable"})]
    recall_id, at = uuid7(), NOW + timedelta(minutes=3)
    command = StartRecall(id=recall_id, batch=lot, reason="uji")
    with _others(shipped.url.render_as_string(hide_password=False), lot, places) as others:
        worked = time.process_time()
        recalled = _parts(shipped, lambda db: start_recall(db, SYSTEM, command, now=at), lot, at)
        worked = time.process_time() - worked
    times = [one for spent, _ in others for one in spent]
    with transaction(engine) as db:
        sweep_recalls(db, lot, now=at)
        stopped = [(row.facility_id, row.place_id) for row in db.execute(_PLACES, {"lot": lot, "status": "recalled"})]
    moves = [_timed(shipped, _movement(lot, *place, at)) for place in stopped[:MOVEMENTS]]
    later = at + timedelta(minutes=1)
    withdrawn = _parts(shipped, lambda db: withdraw_recall(db, SYSTEM, recall_id, reason="uji", now=later), lot, later)
    waited = f"{len(times)} beside, the slowest {max(times, default=0):.1f} s"
    return [
        _row(
            f"nation, a lot called back at {len(stopped)} places",
            waited,
            f"{_said(recalled)}, {worked:.1f} s the program's own",
            sum(recalled),
            5,
        ),
        _row("nation, those beside who were refused", waited, "", sum(refused for _, refused in others), 0, unit=""),
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
