"""A batch is named alike wherever somebody names it: on a line of stock, in the catalogue, on its page."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from dashboard.batch.queries import batch_by_text
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.catalog.queries import batch_by_ref
from tracker.catalog.service import NewBatch, add_batch
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.service.recording import resolve_lines

BATCH = "az-10/AZ003"


@pytest.mark.parametrize("spelling", ["az-10/LOT/7", "LOT/7"])
def test_a_lot_with_a_slash_is_the_same_batch_on_a_line_in_the_catalogue_and_on_its_page(
    db: Session, world: World, spelling: str
) -> None:
    expiry = world.batches[BATCH].expiry
    made = add_batch(db, SYSTEM, NewBatch(presentation="az-10", lot="LOT/7", expiry=expiry), now=world.now).id
    named = NamedLine(batch_id=Reference(spelling), vials=1)
    assert [line.batch_id for line in resolve_lines(db, SYSTEM, world.puskesmas.id, [named], now=world.now)] == [made]
    assert batch_by_ref(db, spelling).id == made
    assert batch_by_text(db, spelling).batch.id == made
