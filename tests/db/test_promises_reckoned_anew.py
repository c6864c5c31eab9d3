"""The migration to "promises count what may be used" reckons every pool anew and tells what falls short by it."""

from __future__ import annotations

from types import ModuleType

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from tests.db.test_stock_use import LOT, MR, House
from tests.support.books import check_books
from tests.support.world import World
from tracker.database import migrations
from tracker.feed.contract import adapter_of
from tracker.feed.models import FeedPending
from tracker.stock.events import StockShort
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Kind


@pytest.fixture
def revision() -> ModuleType:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    found = script.get_revision("0014_use_of_vials")
    assert found is not None
    return found.module


def test_what_was_counted_by_the_old_rule_is_reckoned_by_the_new_one(
    db: Session, world: World, revision: ModuleType
) -> None:
    house = House(db, world)
    house.ledger.post(Kind.SUPPLY, house.ledger.line(LOT, 3), house.ledger.line(LOT, 5, place=world.fridge2))
    house.ledger.post(Kind.SUPPLY, house.ledger.line(MR, 4))
    house.desk.booked(house.desk.session(ahead=0), 50)
    house.packed(2)
    # As the house stood before: nothing known of packing, the fridge out of service unnoticed, a stage that tainted.
    db.execute(text("UPDATE stock_balance SET packed = 0, packed_at = NULL"))
    db.execute(text("UPDATE equipment SET in_service = false WHERE id = :id"), {"id": world.fridge2.id})
    db.execute(text("UPDATE stock_balance SET vvm_stage = 3 WHERE batch_id = :batch"), {"batch": world.batches[MR].id})
    db.execute(text(revision._AS_BEFORE))
    db.execute(delete(FeedPending))
    for statement in (revision._PACKED, revision._UNTAINT, revision._BEARING, revision._TELL):
        db.execute(text(statement))
    db.expire_all()
    check_books(db)
    assert sum(db.scalars(select(StockBalance.packed))) == 2
    assert house.bears("mr-10") == 4
    told = db.scalars(select(FeedPending.data)).one()
    assert told["short_vials"] == house.desk.short() > 0
    assert adapter_of(StockShort).validate_python(told).days == ()
