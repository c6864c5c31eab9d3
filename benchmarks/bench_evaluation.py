"""Evaluation: a stored nation's day, the lag with readings arriving beside, the next reading of a long episode."""

from __future__ import annotations

import argparse
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from benchmarks.common import Row, migrated_engine, percentile, print_table, private_services, stopwatch
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.coldchain.models import ChannelEvaluation
from tracker.coldchain.rules.instants import to_micros
from tracker.coldchain.service.evaluation import evaluate_channels, evaluate_marked, evaluate_waiting
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months, month_of
from tracker.kit.clock import utc_now
from tracker.network.service import NewFacility, add_facility
from tracker.telemetry.queries import take_marks
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Quantity, Role, TimeSource
from tracker.telemetry.service.writer import Arrival, store_readings

CHANNELS = 12_000
READINGS_A_DAY = 144
INTERVAL_S = 600
ARRIVING_PER_S = 500


def measure(*, quick: bool = False) -> list[Row]:
    """All figures; `quick` takes a tenth of the channels and of the time."""
    channels = CHANNELS // 10 if quick else CHANNELS
    with private_services() as services, migrated_engine(services) as engine:
        start = utc_now() - timedelta(days=1)
        _make_channels(engine, channels + 1)
        _store_day(engine, channels, start)
        return [
            _bare_read(engine, *_nations_day(engine, channels)),
            _lag(engine, channels, seconds=5 if quick else 30),
            _next_reading(engine, channels + 1),
        ]


_MAKE = [
    """INSERT INTO equipment (id, facility_id, code, name, kind, place_kind)
       SELECT gen_random_uuid(), :facility, 'k' || n, 'k' || n, 'fridge', 'fridge' FROM generate_series(1, :n) n""",
    """INSERT INTO device (id, code, kind, unit_id, created_at)
       SELECT gen_random_uuid(), 'd' || n, 'native', :facility, now() FROM generate_series(1, :n) n""",
    """INSERT INTO channel (device_id, name, quantity, role, created_at)
       SELECT d.id, 't1', 'temperature', 'storage', now()
       FROM generate_series(1, :n) n JOIN device d ON d.code = 'd' || n WHERE d.unit_id = :facility ORDER BY n""",
    """INSERT INTO channel_interval (channel_id, from_at, interval_s) SELECT id, '2015-01-01Z', 600 FROM channel""",
    """INSERT INTO assignment (id, channel_id, equipment_id, from_at)
       SELECT gen_random_uuid(), c.id, e.id, '2015-01-01Z' FROM channel c JOIN device d ON d.id = c.device_id
       JOIN equipment e ON e.code = 'k' || substr(d.code, 2)""",
]


def _make_channels(engine: Engine, channels: int) -> None:
    with transaction(engine) as db:
        command = NewFacility(code="id", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
        facility = add_facility(db, SYSTEM, command, now=utc_now())
        for statement in _MAKE:
            db.execute(text(statement), {"n": channels, "facility": facility.id} if ":n" in statement else {})


_STORE = """
    INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags)
    SELECT c, instant, value, instant, 0, 0 FROM (
        SELECT c, cast(:start AS timestamptz) + make_interval(secs => 600 * n + c % 600) AS instant,
               -- a compressor's cycle round 5 °C; in one fridge of fifty it fails for half the day
               5 + 1.5 * sin(n / 4.0 + c) + CASE WHEN c % 50 = 0 AND n % 144 > 72 THEN 6 ELSE 0 END AS value
        FROM generate_series(0, :last) n, generate_series(cast(:first AS bigint), :channels) c
        ORDER BY n
    ) readings
"""


def _store_day(engine: Engine, channels: int, start: datetime) -> None:
    """In order of arrival, so that a channel's readings lie scattered over the table, as in life."""
    with transaction(engine) as db:
        ensure_months(db, "reading", {month_of((start + timedelta(days=n)).date()) for n in range(3)})
        db.execute(text(_STORE), {"start": start, "first": 1, "channels": channels, "last": READINGS_A_DAY - 1})
        db.execute(
            text("INSERT INTO reading_mark (channel_id, earliest_at) SELECT c, :start FROM generate_series(1, :n) c"),
            {"start": start, "n": channels},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _nations_day(engine: Engine, channels: int) -> tuple[int, float]:
    with stopwatch() as spent:
        while evaluate_marked(engine, now=utc_now()):
            pass
    return channels * READINGS_A_DAY, spent[0]


def _bare_read(engine: Engine, readings: int, seconds: float) -> Row:
    """Beside it, what it costs only to copy those rows out of the table as text."""
    with stopwatch() as bare, engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with (
            driver.cursor() as cursor,
            cursor.copy("COPY (SELECT channel_id, measured_at, value FROM reading) TO STDOUT") as copy,
        ):
            for _ in copy:
                pass
    return Row(
        name=f"evaluation of a stored day, {readings:,} readings",
        ours=f"{seconds:.1f} s",
        bare=f"COPY out alone {readings / bare[0]:,.0f}/s",
        figure=readings / seconds,
        bound=50_000,
        unit="readings/s",
    )


def _lag(engine: Engine, channels: int, *, seconds: int) -> Row:
    """One thread stores 500 readings a second, this one evaluates; lag from commit to commit."""
    pending: dict[tuple[int, datetime], float] = {}
    lags: list[float] = []
    guard, over = threading.Lock(), threading.Event()

    def arrive() -> None:
        began, sent = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            due = int(passed * ARRIVING_PER_S) - sent
            if due <= 0:
                time.sleep(0.01)
                continue
            now = utc_now()
            numbers = [(sent + step) % channels + 1 for step in range(due)]
            # One fridge in fifty is too warm, as in the stored day.
            measured = [
                (ChannelRef(n, Quantity.TEMPERATURE, Role.STORAGE), now, 11.0 if n % 50 == 0 else 5.0) for n in numbers
            ]
            with transaction(engine) as db:
                store_readings(
                    db, [Arrival(received_at=now, time_source=TimeSource.DEVICE, measured=measured, message_id=None)]
                )
                with guard:  # before the commit: the evaluator may be that quick
                    pending.update(dict.fromkeys(((n, now) for n in numbers), time.perf_counter()))
            sent += due
        over.set()

    writer = threading.Thread(target=arrive)
    writer.start()
    began = time.perf_counter()
    while (not over.is_set() or pending) and time.perf_counter() - began < 3 * seconds:
        with transaction(engine) as db:
            taken = take_marks(db, most=1000)
            evaluate_channels(db, {number: to_micros(at) for number, at in taken.items()}, heard=True, now=utc_now())
            rows = db.execute(
                select(ChannelEvaluation.channel_id, ChannelEvaluation.newest_at).where(
                    ChannelEvaluation.channel_id.in_(taken)
                )
            )
            newest = {number: at for number, at in rows if at is not None}
        done = time.perf_counter()
        with guard:
            ready = [key for key in pending if key[0] in newest and key[1] <= newest[key[0]]]
            lags.extend(done - pending.pop(key) for key in ready)
        if not taken:
            time.sleep(0.005)
    writer.join()
    # What was not evaluated when time was up counts with the time it has waited.
    lags.extend(time.perf_counter() - since for since in pending.values())
    return Row(
        name=f"evaluation lag p99, {ARRIVING_PER_S} readings/s arriving",
        ours=f"p50 {percentile(lags, 0.5) * 1000:.0f} ms, max {max(lags) * 1000:.0f} ms",
        bare=f"{len(lags):,} readings",
        figure=percentile(lags, 0.99),
        bound=1.0,
        unit="s",
        at_least=False,
    )


def _next_reading(engine: Engine, channel: int) -> Row:
    """A channel above 8 °C for half a year: what its next reading costs."""
    start = datetime.now(tz=UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=183)
    count = 183 * READINGS_A_DAY
    with transaction(engine) as db:
        ensure_months(db, "reading", {month_of((start + timedelta(days=n)).date()) for n in range(185)})
        db.execute(
            text(
                "INSERT INTO reading (channel_id, measured_at, value, received_at, time_source, flags) "
                "SELECT :c, cast(:start AS timestamptz) + make_interval(secs => 600 * n), 12, now(), 0, 0 "
                "FROM generate_series(0, :last) n"
            ),
            {"c": channel, "start": start, "last": count - 1},
        )
        db.execute(
            text("INSERT INTO reading_mark (channel_id, earliest_at) VALUES (:c, :s)"), {"c": channel, "s": start}
        )
    newest = start + timedelta(seconds=INTERVAL_S * (count - 1))
    evaluate_marked(engine, now=newest)
    with transaction(engine) as db:
        at = newest + timedelta(seconds=INTERVAL_S)
        measured = [(ChannelRef(channel, Quantity.TEMPERATURE, Role.STORAGE), at, 12.0)]
        store_readings(db, [Arrival(received_at=at, time_source=TimeSource.DEVICE, measured=measured, message_id=None)])
    with transaction(engine) as db, stopwatch() as spent:
        before = _rows_read(db)
        evaluate_waiting(db, now=at)
        rows = _rows_read(db) - before
    return Row(
        name="rows read (all tables) for the next reading of a channel hot for six months",
        ours=f"{spent[0] * 1000:.0f} ms",
        bare=f"{count:,} readings in the episode",
        figure=rows,
        bound=100,
        unit="rows",
        at_least=False,
    )


def _rows_read(db: Session) -> int:
    """Rows this connection has fetched from any table and not yet reported."""
    total = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    return int(db.scalar(text(total)) or 0)


def main() -> None:
    """`python -m benchmarks.bench_evaluation [--quick]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print_table(measure(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
