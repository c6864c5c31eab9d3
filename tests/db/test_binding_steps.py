"""Which steps of a pool bind is one rule, whether a statement asks it of many pools or Python of one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.stock.models import Availability
from tracker.stock.queries.availability import binds, read_steps
from tracker.stock.rules.availability import FIRST, binding

DAYS = [FIRST, date(2026, 3, 1), date(2026, 3, 2), date(2026, 9, 1)]


@pytest.mark.parametrize("today", [day + timedelta(days=n) for day in DAYS[1:] for n in (-1, 0, 1)])
def test_a_statement_and_python_find_the_same_steps_binding(db: Session, world: World, today: date) -> None:
    home = world.puskesmas.id
    pool = {"pool_id": home, "facility_id": home, "presentation_id": world.presentations["az-10"].id}
    db.execute(insert(Availability), [{**pool, "step": day, "vials": 5, "needed": 0, "short": 0} for day in DAYS])
    asked = select(Availability.step).where(Availability.facility_id == world.puskesmas.id, binds(literal(today)))
    steps = read_steps(db, pool["facility_id"], pool["presentation_id"])
    assert sorted(db.scalars(asked)) == [step.step for step in binding(steps, today)]
