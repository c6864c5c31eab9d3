"""The rows of the schedule a new house starts with: what was in force on a day, and by which paper."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support import databases
from tests.support.quota import Desk
from tests.support.services import Services
from tests.support.world import World
from tracker.catalog.models import Vaccine
from tracker.database import migrations
from tracker.database.engine import make_engine
from tracker.quota.models import Claim, VaccineSpacing
from tracker.quota.queries.schedule import schedule_of
from tracker.quota.service.claims import interval_of
from tracker.settings import DatabaseSettings


@pytest.mark.parametrize(
    ("day", "years"),
    [
        (date(2021, 6, 30), 18),
        (date(2021, 7, 1), 12),
        (date(2021, 12, 13), 12),
        (date(2021, 12, 14), 6),
    ],
)
def test_coronavac_came_to_youths_before_it_came_to_children(db: Session, world: World, day: date, years: int) -> None:
    vaccine = db.scalars(select(Vaccine.id).where(Vaccine.code == "coronavac")).one()
    for dose in (1, 2):
        assert schedule_of(db, vaccine, dose, day)[1].min_months == years * 12


@pytest.mark.parametrize(("day", "due"), [(date(2022, 1, 26), 84), (date(2022, 1, 27), 56)])
def test_astrazeneca_s_second_dose_was_due_after_twelve_weeks_then_after_eight(
    db: Session, world: World, day: date, due: int
) -> None:
    found = interval_of(db, "astrazeneca", 2, day)
    assert found is not None
    assert (found.min_days, found.due_days) == (56, due)


def test_a_second_dose_is_called_for_by_the_rule_of_the_day_of_the_first(db: Session, world: World) -> None:
    desk = Desk(db, world, world.now)
    desk.stock("az-10/AZ003", 1)
    first = desk.vaccinate(desk.confirmed(desk.session(ahead=0)))
    claim = db.scalars(select(Claim).where(Claim.person_id == first.person_id)).one()
    assert claim.due_day == desk.day(0) + timedelta(days=56)


def test_no_paper_is_named_for_days_between_two_makers(db: Session, world: World) -> None:
    rows = db.scalars(select(VaccineSpacing)).all()
    assert {(row.vaccine_code, row.other_code, row.min_days) for row in rows} == {
        ("astrazeneca", "coronavac", 28),
        ("coronavac", "astrazeneca", 28),
    }
    assert all("tidak ditemukan aturan" in row.source and "KMK" not in row.source for row in rows)


_OWN_ROWS = """
    INSERT INTO dose_age (vaccine_code, dose, from_day, min_months, source)
        VALUES ('coronavac', 1, '2021-07-01', 150, 'own');
    INSERT INTO vaccine_spacing (vaccine_code, other_code, from_day, min_days, source)
        VALUES ('coronavac', 'astrazeneca', '2021-02-01', 14, 'KMK HK.01.07/MENKES/4638/2021');
"""


def test_what_a_house_wrote_down_itself_stays_as_it_was(services: Services) -> None:
    with databases.copied_database(services.postgres.url("postgres"), "template0") as url:
        engine = make_engine(url, DatabaseSettings(statement_timeout_ms=60_000))
        migrations.upgrade(engine, "0034_pools_by_place")
        with engine.begin() as connection:
            connection.execute(text(_OWN_ROWS))
        migrations.upgrade(engine)
        migrations.downgrade(engine, "0034_pools_by_place")
        migrations.upgrade(engine)
        with engine.connect() as connection:
            youths = connection.execute(text("SELECT source FROM dose_age WHERE from_day = '2021-07-01'")).scalars()
            assert list(youths) == ["own"]
            sources = connection.execute(text("SELECT from_day, source FROM vaccine_spacing ORDER BY from_day")).all()
            assert [row.source.split()[0] for row in sources] == ["Kehati-hatian:", "Kehati-hatian:", "KMK"]
        engine.dispose()
