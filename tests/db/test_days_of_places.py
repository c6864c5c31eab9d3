"""The day is the place's. In Papua it has begun while it is still yesterday in Jakarta, and in UTC for longer yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.stock.queries import EXPIRING_WITHIN, expiring
from tests.support.quota import ALL, OFFICE, VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.models import Unit
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import zone_there
from tracker.people.service import NewPerson, register_person
from tracker.quota.queries.open_places import PlacesAsked, Seeker, seek_places
from tracker.quota.queries.quota import QuotaAsked, sessions_asked
from tracker.quota.rules.words import Medium
from tracker.quota.service.commands import PlanSession
from tracker.quota.service.sessions import plan_session
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import answer

# In UTC both are the 2nd of March; in Papua both are the 3rd.
EVENINGS = [datetime(2026, 3, 2, 17, 30, tzinfo=UTC), datetime(2026, 3, 2, 23, 30, tzinfo=UTC)]
THERE = date(2026, 3, 3)


@pytest.fixture(params=EVENINGS, ids=["02.30 WIT", "08.30 WIT"])
def desk(request: pytest.FixtureRequest, db: Session, world: World) -> Desk:
    """A puskesmas in Papua with ten vials, in the evening of UTC."""
    db.get_one(Facility, world.puskesmas.id).timezone = "Asia/Jayapura"
    db.flush()
    desk = Desk(db, world, request.param)
    desk.stock("az-10/AZ003", 10)
    return desk


def plan(desk: Desk, day: date, *, at: datetime | None = None) -> UUID:
    command = PlanSession(
        id=uuid7(), facility=desk.world.puskesmas.id, day=day, opens=time(8), closes=time(23), presentation="az-10",
        doses=(1,), capacity=20, buckets=ALL,
    )  # fmt: skip
    return plan_session(desk.db, SYSTEM, command, now=at or desk.now)[0]


def test_quota_begins_with_the_places_today_and_reaches_two_weeks_from_it(desk: Desk) -> None:
    yesterday = plan(desk, THERE - timedelta(days=1), at=desk.now - timedelta(days=1))
    today, last = plan(desk, THERE), plan(desk, THERE + timedelta(days=14))
    after = plan(desk, THERE + timedelta(days=15))
    listed = {row[0].id for row in desk.db.execute(sessions_asked(desk.db, SYSTEM, QuotaAsked(), desk.now))}
    assert listed & {yesterday, today, last, after} == {today, last}


def test_a_conversation_offers_the_last_of_fourteen_days_there(desk: Desk) -> None:
    plan(desk, THERE + timedelta(days=14))
    nik = fresh_nik()
    register_person(
        desk.db, SYSTEM, NewPerson(id=uuid7(), nik=nik, name="Rekaan", phone="0812-3456-789"), vault=VAULT, now=desk.now
    )
    talk = uuid7()
    for number, words in enumerate(("vaksin", f"{nik} 0812-3456-789", "Cipondoh")):
        message = Message(
            conversation_id=talk, message_id=str(number), medium=Medium.WEB, text=words, sender="0812-3456-789"
        )
        replies = answer(desk.db, SYSTEM, message, vault=VAULT, office=OFFICE, now=desk.now).replies
    assert "Selasa 17-03-2026, 08.00–23.00 WIT, Puskesmas Cipondoh" in replies[0], replies


def test_citizens_are_shown_the_last_of_the_days_asked_for_there(desk: Desk) -> None:
    session = plan(desk, THERE + timedelta(days=14))
    later = plan(desk, THERE + timedelta(days=15))
    for ahead, shown in ((14, [session]), (None, [session, later])):
        asked = PlacesAsked(ahead=ahead)
        found = seek_places(desk.db, Seeker(medium=Medium.WEB, dose=1), asked, limit=10, now=desk.now)
        assert [place.session.id for place in found.places] == shown


def test_a_child_born_today_in_papua_is_no_centenarian(desk: Desk) -> None:
    nik = f"367106{THERE:%d%m%y}0777"
    person = register_person(
        desk.db, SYSTEM, NewPerson(id=uuid7(), nik=nik, name="Rekaan", phone="0812-3456-789"), vault=VAULT, now=desk.now
    ).person
    assert person.birth_date == THERE


def test_what_expires_within_the_horizon_counts_from_the_places_day(desk: Desk) -> None:
    batch = desk.db.get_one(Batch, desk.world.batches["az-10/AZ003"].id)
    batch.expiry = THERE + EXPIRING_WITHIN
    desk.db.flush()
    (found,) = expiring(desk.db, SYSTEM, desk.now)
    assert found.days_left == EXPIRING_WITHIN.days
    batch.expiry += timedelta(days=1)
    desk.db.flush()
    assert expiring(desk.db, SYSTEM, desk.now) == []


def test_what_belongs_to_no_place_has_the_zone_of_most_places_below_it(desk: Desk) -> None:
    nation = desk.db.scalars(select(Unit).where(Unit.code == "nasional")).one()
    area = Unit(id=uuid7(), code="w", name="W", kind=UnitKind.CITY, parent_id=nation.id, path=f"{nation.path}.w")
    desk.db.add(area)
    desk.db.flush()
    query = select(zone_there()).select_from(Unit).outerjoin(Facility, Facility.id == Unit.id)
    assert desk.db.scalar(query.where(Unit.code == "w")) == "Asia/Jakarta"
    assert desk.db.scalar(query.where(Unit.code == "pkm-cipondoh")) == "Asia/Jayapura"
    desk.db.execute(update(Unit).where(Unit.id == desk.world.puskesmas.id).values(path=f"{area.path}.p"))
    assert desk.db.scalar(query.where(Unit.code == "w")) == "Asia/Jayapura"
