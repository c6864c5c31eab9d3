"""The shortage pages show is one that still binds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from dashboard.stock.queries import facilities_with_stock
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.stock.models import Availability
from tracker.stock.rules.words import Kind


@pytest.mark.parametrize(("last_step", "short"), [(0, 1), (1, 4)])
def test_a_passed_step_is_no_shortage_any_more(db: Session, world: World, last_step: int, short: int) -> None:
    ledger = Ledger(db, world)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ003", 3))
    db.query(Availability).delete()
    for step, missing in ((date.min, 4), (ledger.today + timedelta(days=last_step), 1)):
        db.add(
            Availability(
                pool_id=world.puskesmas.id,
                facility_id=world.puskesmas.id,
                presentation_id=world.presentations["az-10"].id,
                step=step,
                vials=3,
                needed=3 + missing,
                short=missing,
            )
        )
    db.flush()
    (facility,) = facilities_with_stock(db, SYSTEM, ledger.now, [world.puskesmas.id])
    assert [product.short for product in facility.products] == [short]
