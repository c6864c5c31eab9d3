"""Two weeks of the world before it was made, lived day by day by the house itself.

Each day has its night's readings, evaluated in the morning; then what people did, each act at its own instant and by whoever
would have done it; and after each of the two the house reacts, as its worker does. Nothing is inserted that a use case would not
have written, and nothing is learnt later than it would have been. A day is told whole or not at all, so a start that was
interrupted goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import UUID

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm import Session

from rantai.world.calendar import DAYS, Act, Calendar, Staff, calendar_of
from rantai.world.fevers import FEVERS, answers_on, with_fevers
from rantai.world.givings import sessions_on
from rantai.world.history import ENDS_BEFORE, LENGTH, Instants, past_of
from rantai.world.posyandu import count_of, counting, stock_acts_on
from rantai.world.serving import service_areas_on
from rantai.world.shipments import deliveries_on
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.database.engine import transaction
from tracker.feed.models import FeedPending
from tracker.feed.numbering import number_pending
from tracker.network.models import Equipment
from tracker.people.vault import NikVault
from tracker.quota.service.rounds import tidy_pools
from tracker.reactions import runners
from tracker.stock.models import StockEvent
from tracker.telemetry.models import Assignment, Channel, Device, Reading
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Quantity, TimeSource
from tracker.telemetry.service.writer import Arrival, store_readings

_MORNING, _EVENING = time(6, 50), time(19, 0)


@dataclass(slots=True, kw_only=True)
class _Logger:
    """One fridge that had a fever: its channel and all it measured, in seconds since the epoch and °C."""

    channel: ChannelRef
    at: Instants
    values: Instants
    told_until: float


def measure_before(engine: Engine, *, now: datetime) -> None:
    """Store what the fridges that were to have a fever measured before the first day; it waits to be evaluated."""
    with transaction(engine) as db:
        calendar = calendar_of(db, now)
        _store(db, _loggers(db, calendar), calendar.at(DAYS - 1, _MORNING), now=now)


def tell_past(
    engine: Engine, secret_key: str | None, *, now: datetime, tell: Callable[[str], None] = lambda _line: None
) -> int:
    """Tell what was not told yet of the days before the world was made; answers how many days that were.

    Without `secret_key` nobody is registered, so nobody is vaccinated. `tell` hears each week how far it is.
    """
    with transaction(engine) as db:
        calendar = calendar_of(db, now)
        told = set(db.scalars(select(StockEvent.id).where(StockEvent.id.in_(_counts(calendar)))))
        days = [back for back in range(DAYS - 1, 0, -1) if count_of(calendar, back) not in told]
        loggers = _loggers(db, calendar) if days else []
        staff = Staff(db)
    vault = None if secret_key is None else NikVault.from_secret(secret_key)
    for back in days:
        morning, evening = calendar.at(back, _MORNING), calendar.at(back, _EVENING)
        _measure(engine, loggers, morning)
        _react(engine, morning)
        acts = [*_acts_on(calendar, back, vault), counting(calendar, back)]
        with transaction(engine) as db:
            for act in sorted(acts, key=lambda each: each.at):
                act.do(db, staff, act.at)
        _react(engine, evening)
        tidy_pools(engine, now=evening)
        if back > 1 and back % 5 == 1:
            tell(f"  … {back - 1} days to go")
    if days:
        _measure(engine, loggers, now - ENDS_BEFORE, now=now)
        _react(engine, now)
    return len(days)


def _counts(calendar: Calendar) -> list[UUID]:
    return [count_of(calendar, back) for back in range(1, DAYS)]


def _acts_on(calendar: Calendar, back: int, vault: NikVault | None) -> Sequence[Act]:
    acts = [
        *service_areas_on(calendar, back),
        *deliveries_on(calendar, back),
        *stock_acts_on(calendar, back),
        *answers_on(calendar, back),
    ]
    return acts if vault is None else [*acts, *sessions_on(calendar, back, vault)]


def _loggers(db: Session, calendar: Calendar) -> list[_Logger]:
    """What the loggers of the feverish fridges measured, as far as it is not there."""
    newest = func.extract(
        "epoch", select(func.max(Reading.measured_at)).where(Reading.channel_id == Channel.id).scalar_subquery()
    )
    rows = db.execute(
        select(Device.code, Equipment.code, Channel, func.coalesce(newest, 0.0))
        .distinct()
        .join(Channel, Channel.device_id == Device.id)
        .join(Assignment, Assignment.channel_id == Channel.id)
        .join(Equipment, Equipment.id == Assignment.equipment_id)
        .where(Equipment.code.in_({fever.equipment for fever in FEVERS}), Channel.quantity == Quantity.TEMPERATURE)
    ).all()
    # To the coming midnight, so that the same curve comes out at whatever hour it is asked for.
    last = calendar.at(-1, time(0, 0))
    found = []
    for device, equipment, channel, told_until in rows:
        at, values = past_of(device, channel.role, last - LENGTH, last)
        found.append(
            _Logger(
                channel=ChannelRef(channel.id, channel.quantity, channel.role),
                at=at,
                values=with_fevers(equipment, calendar, at, values),
                told_until=float(told_until),
            )
        )
    return found


def _measure(engine: Engine, loggers: Sequence[_Logger], until: datetime, *, now: datetime | None = None) -> None:
    """Store what was measured up to an instant and not told yet, and evaluate it as of then, or of `now`."""
    with transaction(engine) as db:
        _store(db, loggers, until, now=now or until)
        # In one transaction with the readings: whoever else evaluates would do it as of another day.
        while evaluate_waiting(db, now=now or until):
            pass


def _store(db: Session, loggers: Sequence[_Logger], until: datetime, *, now: datetime) -> None:
    for logger in loggers:
        fresh = (logger.at > logger.told_until) & (logger.at <= until.timestamp())
        measured = [
            (logger.channel, datetime.fromtimestamp(second, UTC), value)
            for second, value in zip(logger.at[fresh].tolist(), logger.values[fresh].tolist(), strict=True)
        ]
        store_readings(db, [Arrival(received_at=now, time_source=TimeSource.DEVICE, measured=measured)])
        logger.told_until = max(logger.told_until, until.timestamp())


def _react(engine: Engine, now: datetime) -> None:
    """Number and react until nothing more follows from anything."""
    everyone = list(runners(engine, lambda: now))
    while True:
        done = number_pending(engine) + sum(runner.run_once() for runner in everyone)
        with transaction(engine) as db:
            waiting = db.scalar(select(exists().where(FeedPending.id.is_not(None))))
        if not done and not waiting:
            return
