"""The one place that knows which use case runs where: loops of the worker, doors of the API, the ingester."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import APIRouter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ingest.http import router as readings_router
from rantai.errors import AnswerIsNo
from rantai.logs import configure_logs
from rantai.outgoing import outgoing_loops
from rantai.reporting import pcare_loops
from rantai.supervisor import Loop
from tracker.coldchain.service.evaluation import check_silence, evaluate_marked
from tracker.coldchain.service.handling import escalate_alarms
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months
from tracker.feed import bell
from tracker.feed.looking import Lookout
from tracker.feed.numbering import number_pending
from tracker.hotline.service import end_left_calls
from tracker.kit.clock import Clock, utc_now
from tracker.quota.service.rounds import PoolsRound
from tracker.reactions import runners
from tracker.retention import let_go_next, night_before, rules_of
from tracker.settings import Settings
from tracker.stock.service.standing import reckon_standings

# A reaction is woken by the lookout, which looks each second whatever it hears; this is for the day when that one fails.
_UNWOKEN_S = 5.0


def more_routers() -> list[APIRouter]:
    """HTTP doors of programs beside the core: readings over HTTP."""
    return [readings_router]


def worker_loops(engine: Engine, current: Settings, *, clock: Clock = utc_now) -> list[Loop]:
    """Everything the worker does, each in a thread of its own."""

    def in_transaction(step: Callable[[Session], int]) -> Callable[[], int]:
        def run() -> int:
            with transaction(engine) as db:
                return step(db)

        return run

    reacting = list(runners(engine, clock))
    pools = PoolsRound(engine)
    lookout = Lookout(engine, [runner.reaction.reader for runner in reacting])
    reactions = [
        Loop(
            name=f"reaction {runner.reaction.name}",
            step=runner.run_once,
            woken=lookout.woken(runner.reaction.name),
            every_s=_UNWOKEN_S,
        )
        for runner in reacting
    ]
    return [
        *reactions,
        Loop(name="lookout", step=lookout.look_out, channels=(bell.NUMBERED,)),
        *outgoing_loops(engine, current, clock),
        *pcare_loops(engine, current, clock),
        Loop(name="numbering", step=lambda: number_pending(engine), channels=(bell.PENDING,)),
        Loop(name="evaluation", step=lambda: evaluate_marked(engine, now=clock()), channels=(bell.READINGS,)),
        Loop(name="standings", step=in_transaction(lambda db: reckon_standings(db, now=clock()))),
        Loop(name="silence", step=in_transaction(lambda db: check_silence(db, now=clock())), every_s=15.0),
        Loop(name="escalation", step=in_transaction(lambda db: escalate_alarms(db, now=clock())), every_s=30.0),
        Loop(name="pools", step=lambda: _and_wait(pools(clock())), every_s=30.0),
        Loop(name="housekeeping", step=lambda: keep_house(engine, current, clock()), every_s=3600.0),
    ]


def _and_wait(_done: int) -> int:
    """A timer's answer: whatever was done, the next look is at its time."""
    return 0


def keep_house(engine: Engine, current: Settings, now: datetime) -> int:
    """Partitions ahead of time, calls that nobody ended; then a piece of each rule whose run is due this night. 0: wait for the next hour.

    A rule that fails holds up no other; what it met is raised when they have had their turn.
    """
    with transaction(engine) as db:
        ensure_months(db, "reading", (now.date(), (now + timedelta(days=31)).date()))
        end_left_calls(db, now=now)
    done, failed = 0, None
    for rule in rules_of(current.retention) if current.retention.by_worker else ():
        try:
            with transaction(engine) as db:
                done += let_go_next(db, rule, due_since=night_before(now), now=now)
        except SQLAlchemyError as error:
            failed = error
    if failed is not None and not done:
        raise failed
    return done


def run_ingest(current: Settings) -> None:
    """Take readings from the broker until SIGINT or SIGTERM."""
    from ingest.identity import AlreadyRunning  # noqa: PLC0415 - the worker and the API need no MQTT client
    from ingest.program import run  # noqa: PLC0415 - same

    configure_logs(current.log)
    try:
        run(current)
    except AlreadyRunning as taken:
        raise AnswerIsNo(str(taken)) from taken
