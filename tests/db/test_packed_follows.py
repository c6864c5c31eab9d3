"""Books of before the mark of packed vials followed them from status to status are set right by a migration."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.database import migrations
from tracker.database.engine import transaction
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine

BATCH, OTHER = "az-10/AZ003", "penta-5/PB001"
Marks = dict[tuple[UUID, UUID, Status], int]


def stop(ledger: Ledger, place: Equipment, vials: int, status: Status) -> None:
    """What a hold or a person does with some of the usable vials of the batch there."""
    line = StatusLine(
        batch_id=ledger.world.batches[BATCH].id, holder_id=place.id, from_status=Status.USABLE, to_status=status, vials=vials
    )  # fmt: skip
    facility = ledger.world.puskesmas.id
    change = StatusChange(id=uuid7(), facility_id=facility, lines=(line,), cause=uuid7())
    change_status(ledger.db, SYSTEM, change, now=ledger.now)


def mark(db: Session, place: Equipment, batch_id: UUID, marks: Mapping[Status, int], world: World) -> None:
    """Set aside, as the program of then left it."""
    for status, packed in marks.items():
        at = {"holder_id": place.id, "batch_id": batch_id, "status": status}
        row = update(StockBalance).filter_by(**at).values(packed=packed, packed_at=world.now)
        assert db.execute(row.returning(StockBalance.packed)).all() == [(packed,)]


def marks_of(db: Session) -> Marks:
    """What is set aside, by place, batch and status."""
    rows = db.scalars(select(StockBalance).where(StockBalance.packed > 0))
    return {(row.holder_id, row.batch_id, row.status): row.packed for row in rows}


def test_marks_left_behind_go_to_the_stopped_vials_and_all_others_stay(engine: Engine, committed_world: World) -> None:
    world = committed_world
    one, two = world.fridge, world.fridge2
    batch, other = world.batches[BATCH].id, world.batches[OTHER].id
    with transaction(engine) as db:
        ledger = Ledger(db, world)
        stock = (ledger.line(BATCH, 10), ledger.line(BATCH, 7, place=two), ledger.line(OTHER, 5))
        ledger.post(Kind.SUPPLY, *stock)
        stop(ledger, one, 5, Status.HELD)
        stop(ledger, one, 3, Status.UNUSABLE)
        stop(ledger, two, 2, Status.HELD)
    with transaction(engine) as db:
        # Two vials are left as usable of the nine that were packed: seven were stopped in their box. In the second
        # fridge five of seven were packed, and others were stopped.
        mark(db, one, batch, {Status.USABLE: 9}, world)
        mark(db, two, batch, {Status.USABLE: 5}, world)
        mark(db, one, other, {Status.USABLE: 6}, world)  # of which one was lost since: nothing lies stopped there
        db.execute(text("UPDATE alembic_version SET version_num = '0057_handsets'"))
    migrations.upgrade(engine, "0058_packed_follows")
    with transaction(engine) as db:
        assert marks_of(db) == {
            (one.id, batch, Status.USABLE): 2,
            (one.id, batch, Status.HELD): 5,
            (one.id, batch, Status.UNUSABLE): 2,
            (two.id, batch, Status.USABLE): 5,
            (one.id, other, Status.USABLE): 6,
        }
        assert not db.scalars(
            select(StockBalance).where(StockBalance.packed > 0, StockBalance.packed_at.is_(None))
        ).all()
        again = marks_of(db)
        db.execute(text("UPDATE alembic_version SET version_num = '0057_handsets'"))
    migrations.upgrade(engine, "0058_packed_follows")
    with transaction(engine) as db:
        assert marks_of(db) == again
