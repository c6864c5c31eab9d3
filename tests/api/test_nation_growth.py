"""What a page or list reads must not grow with the nation: asked of a small nation and of one ten times as large.

Counted, not timed: statements, rows and buffers of one request each, of every page and list that the routers name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TypeVar

import pytest
from psycopg import Cursor
from sqlalchemy import Connection, Engine, event, func, select, text, update
from sqlalchemy.orm import Session

from benchmarks.nation.asking import OWN, READ, Asker, counted
from benchmarks.nation.generate import make_nation
from benchmarks.nation.sizes import Nation
from dashboard.batch.queries import holders_of
from rantai.wiring import worker_loops
from tests.conftest import SECRET
from tests.support import databases
from tests.support.books import check_books
from tests.support.services import Services as Servers
from tracker.access.models import LoginAccount
from tracker.access.principal import SYSTEM
from tracker.access.queries import principal_of
from tracker.coldchain.models import Episode
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.settings import load_settings
from tracker.stock.models import StockBalance
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import PostEvent
from tracker.stock.service.posting import post_event
from tracker.trace.recalls import StartRecall, start_recall, sweep_recalls, tell_found
from tracker.trace.withdrawing import withdraw_recall

T = TypeVar("T")

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
# Both have cities of some twenty puskesmas.
SMALL, LARGE = Nation.shrunk(NOW, 260), Nation.shrunk(NOW, 26)
# Of tables with some hundred rows the whole is read sooner than an index: units, facilities, fridges, lots.
ROOM = 6_000
# What still grows, and why; nothing else may.
_COUNTED = "facilities by their state, open alarms and sessions of two weeks are counted, a narrow row each"
_ALL_FACILITIES = "every facility is a line of the file"
_ALL_LINES = "every session of two weeks is a line of the file"
_ALL_SHIPMENTS = "every shipment is a line of the file"
_RECALLED = "every place within the recall's reach is told"
_IN_ORDER = "all open alarms are put in order, the worst first"
_SMALL = "lines of receipts are read whole while they are some thousands, sooner than by a hundred look-ups"
GROWS = {
    ("kota", "/pengiriman"): _SMALL,
    ("kota", "/pengiriman.csv"): _SMALL,
    ("pusat", "/pengiriman"): _SMALL,
    ("pusat", "/pengiriman.csv"): _ALL_SHIPMENTS,
    ("pusat", "/"): _COUNTED,
    ("pusat", "/fasilitas.csv"): _ALL_FACILITIES,
    ("pusat", "/kuota.csv"): _ALL_LINES,
    ("pusat", "/alarm"): _IN_ORDER,
    ("pusat", "/penarikan/{recall_id}"): _RECALLED,
    ("pusat", "/penarikan/{recall_id}/cabut"): _RECALLED,
}


@pytest.fixture(scope="module")
def askers(services: Servers, template: str) -> Iterator[tuple[Asker, Asker]]:
    """The application on each of the two."""
    with ExitStack() as stack:
        found = []
        for nation in (SMALL, LARGE):
            url = stack.enter_context(databases.copied_database(services.postgres.url("postgres"), template))
            engine = stack.enter_context(databases.engine_of(url))
            with _no_guard_of_requests(engine):
                make_nation(engine, nation)
            settings = load_settings(database_url=url, secret_key=SECRET)
            found.append(Asker(Services(engine=engine, settings=settings, clock=lambda: NOW + timedelta(minutes=1))))
        yield found[0], found[1]


@contextmanager
def _no_guard_of_requests(engine: Engine) -> Iterator[None]:
    """What takes minutes on a busy machine must not end by a guard time meant for requests, in none of its transactions."""
    guards: set[str] = set()

    def note(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        guards.update(cursor.fetchone() or ())
        cursor.close()

    event.listen(engine, "commit", note)
    yield
    event.remove(engine, "commit", note)
    assert guards == {"0"}


def test_the_nation_is_one_that_the_program_could_have_written(askers: tuple[Asker, Asker]) -> None:
    with transaction(askers[0].engine) as db:
        check_books(db)


@pytest.mark.parametrize("account", ["kota", "pusat"])
def test_no_page_or_list_reads_more_because_the_nation_is_larger(askers: tuple[Asker, Asker], account: str) -> None:
    small, large = ({one.address: one for one in asker.ask_all(account, times=0)} for asker in askers)
    shown = {address for address, one in large.items() if one.status == 200}
    assert len(shown) > 90
    assert not [one for one in (*small.values(), *large.values()) if one.status >= 500]
    grown = {
        f"{address}: {before.statements} → {now.statements} statements, {before.rows} → {now.rows} rows, "
        f"{before.buffers} → {now.buffers} buffers"
        for address, before in small.items()
        if address in shown and (account, before.route) not in GROWS
        for now in (large[address],)
        if now.statements > before.statements + 2
        or now.rows > 2 * before.rows + ROOM
        or now.buffers > 2 * before.buffers + ROOM
    }
    assert not grown, "\n".join(sorted(grown))


# Of one place: a fridge's lots, their histories there, what tables of some hundred rows hold.
_OF_ONE_PLACE = 3_000


def test_what_a_hold_and_a_movement_after_a_recall_read_does_not_grow_with_the_nation(
    askers: tuple[Asker, Asker],
) -> None:
    """Of the lot that lies at half the puskesmas. Calling it back reads every place, but by as many statements."""
    small, large = (_alarm_and_recall(asker.engine) for asker in askers)
    assert large.recalled > 5 * small.recalled
    assert large.recall_statements <= small.recall_statements + 2
    assert large.withdrawal_statements <= small.withdrawal_statements + 2
    assert large.hold <= small.hold + _OF_ONE_PLACE, (small, large)
    assert large.movement <= small.movement + _OF_ONE_PLACE, (small, large)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Rows read by a hold and by a movement's reactions; statements of a recall and its withdrawal."""

    hold: int
    movement: int
    recalled: int
    recall_statements: int
    withdrawal_statements: int


def _alarm_and_recall(engine: Engine) -> _Cost:
    """An alarm at a puskesmas that has the widest lot, its recall, a vial that moves, and the withdrawal; undone."""
    now = NOW + timedelta(minutes=1)
    with Session(engine) as db, counted(engine) as counts:
        widest = select(StockBalance.batch_id).group_by(StockBalance.batch_id).order_by(func.count().desc()).limit(1)
        lot = db.scalars(widest).one()
        here = StockBalance.batch_id == lot, StockBalance.account == Account.PLACE, StockBalance.vials > 1
        ringing = (
            select(Episode.id)
            .join(StockBalance, StockBalance.holder_id == Episode.equipment_id)
            .where(Episode.ended_at.is_(None), StockBalance.status == Status.USABLE, *here)
        )
        episode = db.scalars(ringing.order_by(Episode.id).limit(1)).one()
        hold, held = _rows_of(db, lambda: hold_for_episode(db, SYSTEM, episode, now=now))
        assert lot in held.batches
        # What rings elsewhere has its own hold to look for.
        db.execute(update(Episode).values(void_at=now))
        recall_id, before = uuid7(), counts.statements
        start_recall(db, SYSTEM, StartRecall(id=recall_id, batch=lot, reason="uji"), now=now)
        recalled = db.scalar(select(func.count()).where(StockBalance.status == Status.RECALLED, *here)) or 0
        recall_statements, before = counts.statements - before, counts.statements
        place = db.scalars(
            select(StockBalance).where(StockBalance.status == Status.RECALLED, *here).order_by(StockBalance.holder_id)
        ).first()
        assert place is not None
        assert place.facility_id is not None
        line = Line(batch_id=lot, vials=1, place_id=place.holder_id, status=Status.RECALLED)
        gone = PostEvent(
            id=uuid7(), kind=Kind.DESTRUCTION, facility_id=place.facility_id, occurred_at=now, lines=(line,)
        )
        post_event(db, SYSTEM, gone, now=now)

        def react() -> None:
            hold_entering(db, SYSTEM, gone.id, now=now)
            tell_found(db, gone.id, now=now)
            sweep_recalls(db, lot, now=now, moved_by=gone.id)

        movement, _ = _rows_of(db, react)
        before = counts.statements
        withdraw_recall(db, SYSTEM, recall_id, reason="keliru", now=now + timedelta(minutes=1))
        withdrawal_statements = counts.statements - before
        db.rollback()
    return _Cost(
        hold=hold,
        movement=movement,
        recalled=recalled,
        recall_statements=recall_statements,
        withdrawal_statements=withdrawal_statements,
    )


def test_a_part_of_a_recall_brings_its_own_places_not_those_that_wait_behind_it(askers: tuple[Asker, Asker]) -> None:
    """Else each of a nation's parts would read all that are left, in the program too."""
    now = NOW + timedelta(minutes=1)
    with Session(askers[1].engine) as db:
        widest = select(StockBalance.batch_id).group_by(StockBalance.batch_id).order_by(func.count().desc()).limit(1)
        lot = db.scalars(widest).one()
        recall_id = uuid7()
        started = _brought(
            db, lambda: start_recall(db, SYSTEM, StartRecall(id=recall_id, batch=lot, reason="uji"), now=now, most=5)
        )
        went_on = _brought(db, lambda: sweep_recalls(db, lot, now=now, most=5))
        by_status = dict(
            db.execute(
                select(StockBalance.status, func.count())
                .where(StockBalance.batch_id == lot, StockBalance.vials > 0)
                .group_by(StockBalance.status)
            ).all()
        )
        given_back = _brought(
            db, lambda: withdraw_recall(db, SYSTEM, recall_id, reason="keliru", now=now + timedelta(minutes=1), most=5)
        )
        db.rollback()
    waiting, stopped = by_status[Status.USABLE], by_status[Status.RECALLED]
    assert waiting > 20 * stopped > 0
    assert max(started, went_on, given_back) < waiting, (started, went_on, given_back, waiting)


def _brought(db: Session, act: Callable[[], object]) -> int:
    """Rows that came to the program for an act."""
    found = 0

    def note(_connection: Connection, cursor: Cursor[tuple[object, ...]], *_: object) -> None:
        nonlocal found
        found += cursor.rowcount if cursor.description else 0

    connection = db.connection()
    event.listen(connection, "after_cursor_execute", note)
    act()
    event.remove(connection, "after_cursor_execute", note)
    return found


def _rows_of(db: Session, act: Callable[[], T]) -> tuple[int, T]:
    """The rows that the database read for an act, and what it answered."""
    before = db.execute(text(READ)).one()[0]
    answer = act()
    return db.execute(text(READ)).one()[0] - before, answer


# Opened elsewhere, a hundred times at each place that has the lot. Not as the program writes it, and undone.
_ELSEWHERE = """
    INSERT INTO stock_balance SELECT (jsonb_populate_record(b, jsonb_build_object(
        'holder_id', gen_random_uuid(), 'account', 'open', 'place_id', null, 'packed', 0, 'packed_at', null))).*
    FROM stock_balance b CROSS JOIN generate_series(1, 100)
    WHERE b.batch_id = :lot AND b.account = 'place' AND b.facility_id <> :site
"""


def test_who_has_a_lot_is_read_within_the_reach_alone(askers: tuple[Asker, Asker]) -> None:
    with Session(askers[1].engine) as db:
        account = db.scalars(select(LoginAccount.id).where(LoginAccount.username == "kepala")).one()
        who = principal_of(db, account)
        assert who is not None
        site = db.scalars(select(Facility.id).where(Facility.code == OWN["kepala"])).one()
        lots = select(StockBalance.batch_id).where(StockBalance.facility_id == site, StockBalance.vials > 0)
        widest = select(StockBalance.batch_id).where(StockBalance.batch_id.in_(lots)).group_by(StockBalance.batch_id)
        lot = db.scalars(widest.order_by(func.count().desc()).limit(1)).one()
        before = _read_by(db, lambda: holders_of(db, who, lot, most=20))
        db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text(_ELSEWHERE), {"site": site, "lot": lot})
        db.execute(text("ANALYZE stock_balance"))
        after = _read_by(db, lambda: holders_of(db, who, lot, most=20))
        db.rollback()
    assert after <= before + 200, (before, after)


def _read_by(db: Session, act: Callable[[], object]) -> int:
    """Rows and buffers that the database read for an act."""
    before = db.execute(text(READ)).one()
    act()
    return sum(db.execute(text(READ)).one()) - sum(before)


def _later(times: Iterator[int]) -> datetime:
    """Half a minute later each time."""
    return NOW + timedelta(seconds=30 * next(times))


def test_a_worker_with_nothing_to_do_reads_no_more_because_the_nation_is_larger(askers: tuple[Asker, Asker]) -> None:
    """Its rounds go by index to what time or somebody has changed; what there is to do was done in the round before."""
    read: list[dict[str, tuple[int, int, int]]] = []
    for asker in askers:
        with transaction(asker.engine) as db:
            # Who waits for a place is looked for again each round: there is always something to do for them.
            db.execute(text("UPDATE displacement SET state = 'rebooked'"))
        settings = load_settings(database_url=asker.engine.url.render_as_string(False), secret_key=SECRET)
        times = count(1)
        rounds = {
            loop.name: loop.step
            for loop in worker_loops(asker.engine, settings, clock=partial(_later, times))
            if loop.name in {"lookout", "numbering", "evaluation", "silence", "escalation", "pools", "reminders"}
        }
        for step in rounds.values():
            while step():
                pass
        read.append({})
        for name, step in rounds.items():
            with counted(asker.engine) as counts:
                assert step() == 0
            read[-1][name] = (counts.statements, counts.rows, counts.buffers)
    small, large = read
    assert len(large) == 7
    for name, (statements, rows, buffers) in large.items():
        assert statements == small[name][0] <= 6, name
        # A table of some hundred rows is read whole sooner than by its index.
        assert rows <= small[name][1] + 400, f"{name}: {small[name]} → {large[name]}"
        assert buffers <= small[name][2] + 100, f"{name}: {small[name]} → {large[name]}"
