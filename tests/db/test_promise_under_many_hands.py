"""What the promise counts is what the picker gives, under many hands at once.

Red where a fridge is put out of service without its pools locked (`stock/service/places.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.db.test_stock_concurrency import together
from tests.support.books import check_books
from tests.support.boxes import BATCHES, BOX, PLACES
from tests.support.house import MANY
from tests.support.quota import Desk
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.quota.models import VaccinationSession
from tracker.quota.rules.words import SessionState
from tracker.quota.service.ending import close_session
from tracker.shipments.models import PackedLine, Shipment
from tracker.shipments.rules.words import ShipmentState
from tracker.shipments.service.commands import CreateShipment, Wanted
from tracker.shipments.service.ordering import cancel_shipment, create_shipment
from tracker.shipments.service.packing import dispatch_shipment, pack_shipment
from tracker.stock.models import StockBalance
from tracker.stock.queries.availability import read_steps
from tracker.stock.queries.stock import parcels_at
from tracker.stock.rules.availability import binding
from tracker.stock.rules.fefo import pick
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.availability import release, reserve
from tracker.stock.service.places import set_in_service


def one_hand(engine: Engine, world: World, seed: int) -> None:
    """Draws steps and does each in a transaction of its own; a refusal is an answer."""
    dice = random.Random(seed)
    mine: list[UUID] = []
    for _ in range(14):
        with transaction(engine) as db:
            ledger = Ledger(db, world)
            attempt = db.begin_nested()
            try:
                _one_step(db, world, ledger, dice, mine)
                attempt.commit()
            except DomainError:
                attempt.rollback()


def _one_step(db: Session, world: World, ledger: Ledger, dice: random.Random, mine: list[UUID]) -> None:
    batch, code = dice.choice(BATCHES), dice.choice(PLACES)
    place, other = world.equipment[code], world.equipment[PLACES[(PLACES.index(code) + 1) % len(PLACES)]]
    pool = (world.puskesmas.id, world.batches[batch].presentation_id)
    stage = dice.choice([None, 2, 3]) if batch.startswith("mr") else None
    acts: list[Callable[[], object]] = [
        lambda: ledger.post(Kind.SUPPLY, ledger.line(batch, dice.randint(1, 5), place=place, vvm_stage=stage)),
        lambda: ledger.post(Kind.TRANSFER, ledger.line(batch, 1, place=place, to_place=other)),
        lambda: ledger.post(Kind.WASTE, ledger.line(batch, 1, place=place, reason="broken")),
        lambda: ledger.post(Kind.STATUS, ledger.line(batch, 2, place=place, to_status=Status.HELD)),
        lambda: ledger.post(Kind.TRANSFER, ledger.line(batch, 1, place=place, to_place=other, status=Status.HELD)),
        lambda: ledger.post(
            Kind.STATUS, ledger.line(batch, 1, place=place, status=Status.HELD, to_status=Status.USABLE)
        ),
        lambda: ledger.post(Kind.OPENING, ledger.line(batch, 1, place=place)),
        lambda: set_in_service(db, SYSTEM, place.id, dice.random() < 0.5, now=world.now),
        lambda: set_in_service(db, SYSTEM, place.id, dice.random() < 0.5, now=world.now),
        lambda: reserve(db, *pool, {ledger.today: 1}, today=ledger.today),
        lambda: release(db, *pool, {ledger.today: 1}, today=ledger.today),
        lambda: Desk(db, world, world.now).session(ahead=0, place=BOX),
        lambda: [close_session(db, SYSTEM, one, now=world.now) for one in _outreaches(db)[:1]],
    ]
    if mine and dice.random() < 0.3:
        shipment = mine.pop()
        if dice.random() < 0.5:
            cancel_shipment(db, SYSTEM, shipment, now=world.now)
        else:
            dispatch_shipment(db, SYSTEM, shipment, occurred_at=world.now, now=world.now)
    elif dice.random() < 0.2:
        product = batch.split("/", maxsplit=1)[0]
        order = CreateShipment(
            id=uuid7(),
            from_facility="pkm-cipondoh",
            to_facility="pkm-tanah-tinggi",
            lines=(Wanted(product=product, vials=2),),
        )
        made = create_shipment(db, SYSTEM, order, now=world.now).shipment
        pack_shipment(db, SYSTEM, made.id, (), now=world.now)
        mine.append(made.id)
    else:
        dice.choice(acts)()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_promised_is_what_is_picked_under_many_hands(engine: Engine, committed_world: World, seed: int) -> None:
    world = committed_world
    together([partial(one_hand, engine, world, seed * 100 + hand) for hand in range(6)])
    with transaction(engine) as db:
        check_books(db)
        today = Ledger(db, world).today
        box = world.equipment[BOX].id
        along = [box] if _outreaches(db) else []
        for product in (world.presentations["az-10"].id, world.presentations["mr-10"].id):
            for place_id in [None, *along]:
                rows = binding(read_steps(db, place_id or world.puskesmas.id, product), today)
                parcels = parcels_at(db, world.puskesmas.id, product, place_id=place_id)
                picked = sum(line.vials for line in pick(parcels, MANY, today).lines)
                assert (rows[0].vials if rows else 0) == picked
        packed = db.scalar(select(func.sum(PackedLine.vials)).where(PackedLine.shipment_id.in_(_packed(db)))) or 0
        assert packed == (db.scalar(select(func.sum(StockBalance.packed))) or 0)


def _outreaches(db: Session) -> list[UUID]:
    out = VaccinationSession.place_id.is_not(None), VaccinationSession.state != SessionState.CLOSED
    return list(db.scalars(select(VaccinationSession.id).where(*out).order_by(func.random())))


def _packed(db: Session) -> list[UUID]:
    return list(db.scalars(select(Shipment.id).where(Shipment.state == ShipmentState.PACKED)))


def test_a_fridge_that_goes_out_while_its_first_vials_come_in_bears_none_of_them(
    engine: Engine, committed_world: World
) -> None:
    world = committed_world
    for _ in range(5):

        def supply() -> None:
            with transaction(engine) as db:
                ledger = Ledger(db, world)
                ledger.post(Kind.SUPPLY, *(ledger.line(batch, 2) for batch in BATCHES))

        def turn(on: bool) -> None:
            with transaction(engine) as db:
                set_in_service(db, SYSTEM, world.fridge.id, on, now=world.now)

        together([supply, partial(turn, False), supply, partial(turn, True), supply])
        with transaction(engine) as db:
            check_books(db)
