"""Recalls that are started, closed and met by arrivals at one instant, on connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.stock import Ledger
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Grant, Principal
from tracker.access.rules import Role
from tracker.database.engine import transaction
from tracker.feed.numbering import number_pending
from tracker.kit.ids import uuid7
from tracker.reactions import runners
from tracker.shipments.service.commands import CreateShipment, Received, ReceiveShipment, Wanted
from tracker.shipments.service.ordering import create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.queries.tracing import where_now
from tracker.stock.rules.words import Account, Kind, Status
from tracker.trace.errors import AlreadyRecalled, RecallIsWithdrawn, RecallUnfinished
from tracker.trace.models import Recall
from tracker.trace.progress import progress_of
from tracker.trace.recalls import StartRecall, close_recall, start_recall, sweep_recalls
from tracker.trace.withdrawing import withdraw_recall

BATCH = "az-10/AZ003"


def supply(db: Session, world: World, code: str, vials: int) -> None:
    ledger, place = Ledger(db, world), world.equipment[code]
    facility = next(each for each in world.facilities.values() if each.id == place.facility_id)
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, vials, place=place), facility=facility)


def dispatched(db: Session, world: World, receiver: str, vials: int) -> UUID:
    order = CreateShipment(
        id=uuid7(), from_facility="kota-tangerang", to_facility=receiver, lines=(Wanted(product="az-10", vials=vials),)
    )
    shipment = create_shipment(db, SYSTEM, order, now=world.now).shipment
    pack_shipment(db, SYSTEM, shipment.id, (), now=world.now)
    dispatch_shipment(db, SYSTEM, shipment.id, occurred_at=world.now, now=world.now)
    return shipment.id


def receive(db: Session, world: World, shipment: UUID, receiver: str, vials: int) -> None:
    line = Received(batch=BATCH, place=f"{receiver}-k1", accepted=vials)
    receipt = ReceiveShipment(id=uuid7(), occurred_at=world.now, lines=(line,))
    receive_shipment(db, SYSTEM, shipment, receipt, now=world.now)


def start(engine: Engine, world: World, by: Principal) -> UUID:
    with transaction(engine) as db:
        command = StartRecall(id=uuid7(), batch=BATCH, reason="potensi turun")
        return start_recall(db, by, command, now=world.now)[0].id


def close(engine: Engine, world: World, by: Principal, recall_id: UUID) -> None:
    with transaction(engine) as db:
        close_recall(db, by, recall_id, reason="dimusnahkan", now=world.now)


def withdraw(engine: Engine, world: World, by: Principal, recall_id: UUID) -> None:
    with transaction(engine) as db:
        withdraw_recall(db, by, recall_id, reason="lot keliru", now=world.now)


def sweep(engine: Engine, world: World) -> None:
    with transaction(engine) as db:
        sweep_recalls(db, world.batches[BATCH].id, now=world.now)


def committed(engine: Engine, world: World, work: Any, *args: Any) -> None:
    with transaction(engine) as db:
        work(db, world, *args)


def statuses(db: Session, world: World) -> set[tuple[Account, Status]]:
    return {(each.account, status) for each in where_now(db, [world.batches[BATCH].id]) for status in each.vials}


def over(db: Session, world: World, *codes: str) -> Principal:
    paths = db.scalars(select(Unit.path).where(Unit.id.in_([world.facilities[code].id for code in codes])))
    grants = tuple(Grant(role=Role.CITY, path=str(path)) for path in paths)
    return replace(world.who(Role.CITY), grants=grants)


def test_what_arrives_while_a_recall_waits_for_it_is_found_where_it_arrived(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    with transaction(engine) as db:
        supply(db, world, "kota-tangerang-r1", 20)
        shipment = dispatched(db, world, "pkm-cipondoh", 20)
    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as db:
            receive(db, world, shipment, "pkm-cipondoh", 20)
            starting = pool.submit(start, engine, world, world.who(Role.CITY))
            eventually(lambda: _waits(engine), what="a recall that waits for the receipt's locks")
        recall_id = starting.result(20)
    with transaction(engine) as db:
        assert statuses(db, world) == {(Account.PLACE, Status.RECALLED)}, "at once, not when the worker sweeps"
        (part,) = progress_of(db, world.who(Role.CITY), db.get_one(Recall, recall_id))
        assert (part.facility, part.found, part.left) == ("pkm-cipondoh", 20, 20)
        check_books(db)


def _waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(connection.execute(text(query)).scalar_one())


def test_one_of_many_recalls_of_a_batch_at_once_is_made(engine: Engine, committed_world: World) -> None:
    world = committed_world
    committed(engine, world, supply, "pkm-cipondoh-k1", 10)
    results = together([partial(start, engine, world, world.who(Role.CITY))] * 5)
    assert sum(isinstance(each, UUID) for each in results) == 1
    assert sum(isinstance(each, AlreadyRecalled) for each in results) == 4


def test_two_recalls_side_by_side_and_arrivals_in_both_at_once_leave_nothing_usable(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    receivers = ("pkm-cipondoh", "pkm-neglasari", "pkm-tanah-tinggi")
    with transaction(engine) as db:
        supply(db, world, "kota-tangerang-r1", 90)
        roads = [(dispatched(db, world, receiver, 10), receiver) for receiver in receivers for _ in range(2)]
        left = over(db, world, "pkm-cipondoh", "pkm-neglasari")
        right = over(db, world, "pkm-neglasari", "pkm-tanah-tinggi")
    work: list[Any] = [partial(start, engine, world, who) for who in (left, right)]
    work += [partial(committed, engine, world, receive, shipment, receiver, 10) for shipment, receiver in roads]
    work += [partial(committed, engine, world, supply, f"{receiver}-k1", 5) for receiver in receivers]
    results = together(work)
    assert [each for each in results if isinstance(each, Exception)] == []
    with transaction(engine) as db:
        sweep_recalls(db, world.batches[BATCH].id, now=world.now)
    with transaction(engine) as db:
        at_city = {each.holder_id for each in where_now(db, [world.batches[BATCH].id]) if Status.USABLE in each.vials}
        assert at_city == {world.equipment["kota-tangerang-r1"].id}, "where neither of them reaches"
        for who, recall_id in zip((left, right), results[:2], strict=True):
            assert isinstance(recall_id, UUID)
            parts = progress_of(db, who, db.get_one(Recall, recall_id))
            assert [(part.left, part.unfrozen, part.unaccounted) for part in parts] == [(25, 0, 0), (25, 0, 0)]
        check_books(db)


def test_a_closing_and_an_arrival_at_once_both_stand_and_what_came_is_recalled(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    city = world.who(Role.CITY)
    recall_id = start(engine, world, city)
    work: list[Any] = [partial(close, engine, world, city, recall_id)] * 2
    work += [partial(committed, engine, world, supply, "pkm-cipondoh-k1", 4)] * 3
    results = together(work)
    refused = [each for each in results if isinstance(each, Exception)]
    with transaction(engine) as db:
        assert statuses(db, world) == {(Account.PLACE, Status.RECALLED)}
        recall = db.get_one(Recall, recall_id)
        # Whoever comes first is right: what arrived before the closing refuses it, what arrived after it is recalled, too.
        assert (recall.closed_at is None) == (len(refused) == 2)
        check_books(db)


def test_vials_that_come_while_a_recall_that_found_none_is_started_are_stopped_once_it_is(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    batch_id = world.batches[BATCH].id
    mine = [one for one in runners(engine, lambda: world.now) if one.reaction.name.startswith("recall")]

    def react() -> None:
        while number_pending(engine) + sum(one.run_once() for one in mine):
            pass

    react()
    with transaction(engine) as starting:
        start_recall(starting, SYSTEM, StartRecall(id=uuid7(), batch=BATCH, reason="uji"), now=world.now)
        with transaction(engine) as db:
            supply(db, world, "pkm-cipondoh-k1", 5)
        react()  # the recall is not there yet for anybody else
    react()
    with transaction(engine) as db:
        check_books(db)
        assert [one.vials for one in where_now(db, [batch_id])] == [{Status.RECALLED: 5}]


def test_a_withdrawal_while_vials_come_and_are_swept_up_leaves_none_recalled(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    city = world.who(Role.CITY)
    mine = [one for one in runners(engine, lambda: world.now) if one.reaction.name.startswith("recall")]
    with transaction(engine) as db:
        supply(db, world, "kota-tangerang-r1", 30)
        roads = [dispatched(db, world, "pkm-cipondoh", 10) for _ in range(2)]
    recall_id = start(engine, world, city)
    work: list[Any] = [partial(withdraw, engine, world, city, recall_id)] * 2
    work += [partial(sweep, engine, world)] * 2
    work += [partial(committed, engine, world, supply, "pkm-cipondoh-k1", 4)] * 3
    work += [partial(committed, engine, world, receive, shipment, "pkm-cipondoh", 10) for shipment in roads]
    results = together(work)
    assert [each for each in results if isinstance(each, Exception)] == []
    while number_pending(engine) + sum(one.run_once() for one in mine):
        pass
    with transaction(engine) as db:
        assert statuses(db, world) == {(Account.PLACE, Status.USABLE)}
        check_books(db)


def test_a_withdrawal_a_closing_and_another_start_at_once_leave_one_state(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    city = world.who(Role.CITY)
    committed(engine, world, supply, "pkm-cipondoh-k1", 10)
    recall_id = start(engine, world, city)
    work: list[Any] = [partial(withdraw, engine, world, city, recall_id), partial(start, engine, world, city)]
    work += [partial(close, engine, world, city, recall_id), partial(sweep, engine, world)]
    _, again, closing, _ = together(work)
    assert isinstance(closing, RecallUnfinished | RecallIsWithdrawn)
    with transaction(engine) as db:
        # Started again before the withdrawal it was recalled already; after it, it is recalled anew.
        anew = isinstance(again, UUID)
        assert anew or isinstance(again, AlreadyRecalled)
        assert statuses(db, world) == {(Account.PLACE, Status.RECALLED if anew else Status.USABLE)}
        check_books(db)


def test_vials_that_come_while_a_recall_is_withdrawn_are_given_back_once_it_is(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    mine = [one for one in runners(engine, lambda: world.now) if one.reaction.name.startswith("recall")]

    def react() -> None:
        while number_pending(engine) + sum(one.run_once() for one in mine):
            pass

    recall_id = start(engine, world, SYSTEM)
    with transaction(engine) as withdrawing:
        withdraw_recall(withdrawing, SYSTEM, recall_id, reason="lot keliru", now=world.now)
        with transaction(engine) as db:
            supply(db, world, "pkm-cipondoh-k1", 5)
        react()
        with transaction(engine) as db:
            assert statuses(db, world) == {(Account.PLACE, Status.RECALLED)}, "nobody else knows of it yet"
    react()
    with transaction(engine) as db:
        check_books(db)
        assert statuses(db, world) == {(Account.PLACE, Status.USABLE)}


def test_a_recall_keeps_nobody_waiting_at_places_that_it_has_not_come_to(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    mine = [one for one in runners(engine, lambda: world.now) if one.reaction.name.startswith("recall")]
    first, last = sorted(("pkm-cipondoh", "pkm-neglasari"), key=lambda code: world.facilities[code].id)
    for code in (first, last):
        committed(engine, world, supply, f"{code}-k1", 5)
    with transaction(engine) as starting:
        start_recall(starting, SYSTEM, StartRecall(id=uuid7(), batch=BATCH, reason="uji"), now=world.now, most=1)
        with transaction(engine) as db:
            db.execute(text("SET LOCAL lock_timeout = '50ms'"))
            supply(db, world, f"{last}-k1", 5)
            with pytest.raises(OperationalError, match="lock timeout"), db.begin_nested():
                supply(db, world, f"{first}-k1", 5)
    while number_pending(engine) + sum(one.run_once() for one in mine):
        pass
    with transaction(engine) as db:
        assert sorted(one.vials[Status.RECALLED] for one in where_now(db, [world.batches[BATCH].id])) == [5, 10]
        assert statuses(db, world) == {(Account.PLACE, Status.RECALLED)}
        check_books(db)
