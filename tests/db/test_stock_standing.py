"""The kept state of a facility is what its books say, whatever was told in whatever order, and whenever one looks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from dashboard.stock.areas import next_facilities, sight_of
from tests.support.books import check_books
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.correcting import BatchChange
from tracker.catalog.history import Correction
from tracker.database.engine import transaction
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.stock.models import StockEvent, StockMark, StockStanding
from tracker.stock.queries.products import USE_WINDOW, products_at
from tracker.stock.queries.standing import TRUTH, contradictions, reckoned, standings
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import ReverseEvent
from tracker.stock.service.places import correct_batch, set_in_service
from tracker.stock.service.reversing import reverse_event
from tracker.stock.service.standing import reckon_standings

DAY = timedelta(days=1)


def seen(db: Session, now: datetime) -> dict[str, str]:
    """What a page sees of each facility."""
    states = standings(db, Unit.id.is_not(None), now).states.subquery()
    return {str(row[0]): row[1] for row in db.execute(select(states))}


def told(db: Session, now: datetime) -> dict[str, str]:
    """What the books say of each, with nothing kept."""
    everywhere = list(db.scalars(select(Unit.id)))
    return {str(one.facility_id): one.state for one in reckoned(db, everywhere, now)}


KINDS = (Kind.SUPPLY, Kind.WASTE, Kind.COUNT, Kind.OPENING)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "reversal", "service", "expiry", "reckon"]),
        st.sampled_from(["az-10/AZ001", "az-10/AZ002", "mr-10/MR001"]),
        st.integers(1, 6),
        st.floats(0, 40),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(steps=STEPS, later=st.lists(st.floats(0, 60), min_size=1, max_size=3))
def test_what_a_page_sees_is_what_the_books_say(
    committed_world: World, engine: Engine, steps: list[tuple[Kind | str, str, int, float]], later: list[float]
) -> None:
    with engine.connect() as connection, connection.begin() as outer:
        db = Session(connection, join_transaction_mode="create_savepoint")
        ledger = Ledger(db, committed_world)
        for what, batch, vials, days_ago in steps:
            if batch not in committed_world.batches:
                continue
            try:
                with db.begin_nested():
                    _do(ledger, what, batch, vials, ledger.now - days_ago * DAY)
            except DomainError:
                pass
            assert seen(db, ledger.now) == told(db, ledger.now)
        for days in later:
            then = ledger.now + days * DAY
            assert seen(db, then) == told(db, then)
            reckon_standings(db, now=then)
            assert not contradictions(db, then)
            assert seen(db, then) == told(db, then)
        outer.rollback()


def _do(ledger: Ledger, what: Kind | str, batch: str, vials: int, at: datetime) -> None:
    db = ledger.db
    if what == "reckon":
        reckon_standings(db, now=ledger.now)
    elif what == "service":
        set_in_service(db, SYSTEM, ledger.world.fridge.id, vials > 3, now=ledger.now)
    elif what == "expiry":
        expiry = ledger.today + timedelta(days=vials)
        correction = BatchChange(expiry=expiry, why=Correction(reason="salah cetak"))
        correct_batch(db, SYSTEM, ledger.world.batches[batch].id, correction, now=ledger.now)
    elif what == "reversal":
        told_first = select(StockEvent.id).where(StockEvent.kind.in_(KINDS)).order_by(StockEvent.number)
        told = db.scalars(told_first).all()
        if told:
            reverse_event(db, SYSTEM, ReverseEvent(id=uuid7(), event_id=told[vials % len(told)]), now=ledger.now)
    else:
        ledger.post(Kind(what), ledger.line(batch, vials), at=at)


def test_a_state_is_believed_only_while_nothing_changed_and_its_time_lasts(db: Session, world: World) -> None:
    ledger = Ledger(db, world)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ001", 3))
    while reckon_standings(db, now=ledger.now):
        pass
    assert db.scalar(select(func.count()).select_from(StockMark)) == 0
    db.execute(update(StockStanding).values(state="over"))
    assert seen(db, ledger.now)[str(world.puskesmas.id)] == "over", "kept and believed"
    assert seen(db, ledger.now + 1 * DAY)[str(world.puskesmas.id)] == "ok", "another day"
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ001", 1))
    assert seen(db, ledger.now)[str(world.puskesmas.id)] == "ok", "marked"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stock_balance SET packed = vials WHERE account = 'place'",
        "UPDATE availability SET short = short + 1",
        "UPDATE equipment SET in_service = NOT in_service",
        "UPDATE batch SET expiry = expiry + 1",
        "UPDATE facility SET timezone = 'Asia/Jayapura'",
    ],
)
def test_whatever_a_state_depends_on_marks_its_facility(db: Session, world: World, change: str) -> None:
    ledger = Ledger(db, world)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ001", 3))
    while reckon_standings(db, now=ledger.now):
        pass
    db.execute(text(change))
    assert world.puskesmas.id in set(db.scalars(select(StockMark.facility_id)))


def test_the_round_ends_and_leaves_nothing_to_do(committed_world: World, engine: Engine) -> None:
    with transaction(engine) as db:
        assert reckon_standings(db, now=committed_world.now) > 0
    with transaction(engine) as db:
        assert reckon_standings(db, now=committed_world.now) == 0
        check_books(db, committed_world.now)
        db.execute(update(StockStanding).values(state="stale"))
        assert TRUTH in "; ".join(map(str, contradictions(db, committed_world.now)))


def test_a_file_of_facilities_comes_part_by_part_to_its_end(db: Session, world: World) -> None:
    national = sight_of(db, world.principals[Role.NATIONAL], world.now)
    city = sight_of(db, world.principals[Role.CITY], world.now)
    whole = next_facilities(db, national, after=None, limit=100)
    parts, after = [], None
    while part := next_facilities(db, national, after=after, limit=1):
        parts += part
        after = part[-1]
    assert parts == whole == sorted(whole)
    theirs = next_facilities(db, city, after=None, limit=100)
    assert set(theirs) < set(whole)
    assert world.puskesmas.id in {facility_id for _, facility_id in theirs}


def test_days_long_past_are_not_read_to_say_how_long_the_stock_lasts(db: Session, world: World) -> None:
    ledger = Ledger(db, world)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 40), at=world.now)
    years = {"facility": world.puskesmas.id, "presentation": world.presentations["az-10"].id, "day": world.now.date()}
    db.execute(
        text(
            "INSERT INTO stock_day (facility_id, presentation_id, day, used, moves)"
            " SELECT :facility, :presentation, CAST(:day AS date) - n, 1, 1 FROM generate_series(1, 3000) AS n"
        ),
        years,
    )
    db.execute(text("ANALYZE stock_day"))
    # As a list of some hundred facilities is joined: all of their days, and then each with its place.
    for way in ("seqscan", "nestloop"):
        db.execute(text(f"SET LOCAL enable_{way} = off"))
    read = text("SELECT pg_stat_get_xact_tuples_returned('pk_stock_day'::regclass)")
    before = db.scalars(read).one()
    (found,) = products_at(db, [world.puskesmas.id, world.warehouse.id], world.now)
    assert found.days is not None
    assert db.scalars(read).one() - before <= 2 * USE_WINDOW.days
