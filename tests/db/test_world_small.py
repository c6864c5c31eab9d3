"""The small world stands on the same use cases as the real one."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.world import ACCOUNTS, BATCHES, EQUIPMENT, FACILITIES, PRESENTATIONS, small_world
from tracker.access.rules import Permission, Role
from tracker.catalog.models import Batch, Presentation
from tracker.network.models import Equipment, Facility
from tracker.network.queries import path_of


def test_everything_listed_is_there(db: Session) -> None:
    small_world(db)
    for model, rows in (
        (Facility, FACILITIES),
        (Equipment, EQUIPMENT),
        (Presentation, PRESENTATIONS),
        (Batch, BATCHES),
    ):
        assert db.scalar(select(func.count()).select_from(model)) == len(rows)


def test_each_role_stands_where_it_belongs(db: Session) -> None:
    world = small_world(db)
    here, next_door = path_of(db, world.puskesmas.id), path_of(db, world.neighbour.id)
    assert world.who(Role.MANAGER).may(Permission.STOCK_WRITE, here)
    assert not world.who(Role.MANAGER).may(Permission.STOCK_READ, next_door)
    assert world.who(Role.CITY).may(Permission.STOCK_READ, next_door)
    assert len(world.principals) == len(ACCOUNTS)
