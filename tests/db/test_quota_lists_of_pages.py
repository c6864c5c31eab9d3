"""Lists of sessions that pages show some at a time: in which order, each once, and what there is to choose from."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from dashboard.citizens.finding import days_with_places
from dashboard.quota.queries import SessionKey, next_sessions, sessions_on, vaccines_with_sessions
from tests.support.quota import Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.quota.models import VaccinationSession
from tracker.quota.rules.words import SessionState
from tracker.stock.models import Availability


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def test_sessions_of_a_day_stand_by_what_their_pools_have_left_and_come_page_by_page(desk: Desk) -> None:
    desk.stock("az-10/AZ003", 9)
    desk.stock("penta-5/PB002", 2, place="pkm-cipondoh-k2")
    much, little, none = (desk.session(product=product, capacity=5) for product in ("az-10", "penta-5", "coronavac-1"))
    desk.session(ahead=2)
    found: list[UUID] = []
    page = sessions_on(desk.db, SYSTEM, desk.now, desk.day(1), most=2)
    while True:
        found += [row.id for row in page.rows]
        if not page.onward:
            break
        page = sessions_on(desk.db, SYSTEM, desk.now, desk.day(1), most=2, after=page.onward)
    assert found == [none, little, much]
    # A step that is passed binds no more once a later one is, however little it left; one still to come does.
    pool = {"pool_id": desk.world.puskesmas.id, "presentation_id": desk.read(much).presentation_id}
    of_pool = [Availability.pool_id == pool["pool_id"], Availability.presentation_id == pool["presentation_id"]]
    desk.db.execute(update(Availability).where(*of_pool).values(vials=0, needed=0, short=0))
    desk.db.add(Availability(**pool, facility_id=pool["pool_id"], step=desk.today, vials=90, needed=0, short=0))
    desk.db.flush()
    assert [row.id for row in sessions_on(desk.db, SYSTEM, desk.now, desk.day(1), most=3).rows] == [none, little, much]
    desk.db.add(Availability(**pool, facility_id=pool["pool_id"], step=desk.day(1), vials=1, needed=1, short=0))
    desk.db.flush()
    assert {row.id for row in sessions_on(desk.db, SYSTEM, desk.now, desk.day(1), most=2).rows} == {none, much}


def test_the_file_has_every_session_once_whatever_the_size_of_its_parts(desk: Desk) -> None:
    wanted = [desk.session(ahead=ahead, product=product) for ahead in (3, 1, 2) for product in ("az-10", "penta-5")]
    found: list[UUID] = []
    after: SessionKey | None = None
    while True:
        page, after = next_sessions(desk.db, SYSTEM, desk.now, ahead=timedelta(days=14), after=after, limit=3)
        found += [row.id for row in page]
        if after is None:
            break
    assert sorted(found) == sorted(wanted)
    assert [desk.read(one).day for one in found] == [desk.day(ahead) for ahead in (1, 1, 2, 2, 3, 3)]


def test_one_chooses_among_days_and_vaccines_that_have_a_session(desk: Desk) -> None:
    open_, full, closed = (desk.session(ahead=ahead, capacity=2) for ahead in (4, 2, 3))
    desk.session(ahead=7, product="penta-5")
    of = VaccinationSession.id
    desk.db.execute(update(VaccinationSession).where(of == full).values(taken=2))
    desk.db.execute(update(VaccinationSession).where(of == closed).values(state=SessionState.CLOSED))
    assert days_with_places(desk.db, desk.today) == [desk.day(4), desk.day(7)]
    assert days_with_places(desk.db, desk.day(8)) == []
    assert len(vaccines_with_sessions(desk.db, desk.now)) == 2
    desk.db.execute(update(VaccinationSession).where(of.in_([open_, full])).values(state=SessionState.CLOSED))
    assert len(vaccines_with_sessions(desk.db, desk.now)) == 1
