"""The demo's story on the seeded world: twelve warm hours arrive at once, and promises move to the neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from rantai.world.names import NEIGHBOURS, STORY
from rantai.world.sensors import STORY_SENSOR
from tests.support.seeded import NOW, Seeded, copy_of
from tests.support.services import Services
from tracker.catalog.models import Presentation
from tracker.coldchain.models import Alarm
from tracker.coldchain.service.evaluation import evaluate_marked
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.feed.numbering import number_pending
from tracker.kit.days import WESTERN, local_day
from tracker.network.models import Equipment, Facility
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import BookingState
from tracker.reactions import runners
from tracker.stock.models import Availability, StockBalance
from tracker.stock.rules.words import Status
from tracker.telemetry.models import Channel, Device
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import TimeSource
from tracker.telemetry.service.writer import Arrival, store_readings

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def told(services: Services, seeded_world: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The seeded world after the story's sensor has delivered and the worker has done its round."""
    with copy_of(services, seeded_world, tmp_path_factory.mktemp("world")) as seeded:
        deliver_twelve_warm_hours(seeded.engine)
        while evaluate_marked(seeded.engine, now=LATER):
            pass
        react(seeded.engine)
        yield seeded.engine


def deliver_twelve_warm_hours(engine: Engine) -> None:
    with transaction(engine) as db:
        channel = db.scalars(
            select(Channel)
            .join(Device, Device.id == Channel.device_id)
            .where(Device.code == STORY_SENSOR, Channel.name == "t1")
        ).one()
        ref = ChannelRef(channel.id, channel.quantity, channel.role)
        warm = [(ref, NOW - timedelta(minutes=5 * step), 14.0 - step / 100) for step in range(144, -1, -1)]
        store_readings(db, [Arrival(received_at=NOW, time_source=TimeSource.DEVICE, measured=warm)])


def react(engine: Engine) -> None:
    """Number and react until nothing more follows from anything."""
    everyone = list(runners(engine, lambda: LATER))
    while number_pending(engine) + sum(runner.run_once() for runner in everyone):
        pass


def bookings(engine: Engine, facility: str) -> dict[BookingState, int]:
    """Of today and the days to come."""
    with transaction(engine) as db:
        rows = db.execute(
            select(Booking.state, func.count())
            .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
            .join(Facility, Facility.id == VaccinationSession.facility_id)
            .where(Facility.code == facility, VaccinationSession.day >= local_day(NOW, WESTERN))
            .group_by(Booking.state)
        )
        return {row[0]: row[1] for row in rows}


def test_one_heat_alarm_rises_on_the_storys_fridge(told: Engine) -> None:
    with transaction(told) as db:
        fridge = db.scalars(select(Equipment.id).where(Equipment.code == f"{STORY}-k1")).one()
        alarms = [alarm for alarm in db.scalars(select(Alarm)) if alarm.equipment_id == fridge]
    assert len(alarms) >= 1
    assert all(alarm.raised_at >= NOW - timedelta(hours=12) for alarm in alarms)


def test_everything_in_the_fridge_is_held_and_nothing_elsewhere(told: Engine) -> None:
    with transaction(told) as db:
        rows = db.execute(
            select(Equipment.code, StockBalance.status, func.sum(StockBalance.vials))
            .join(Equipment, Equipment.id == StockBalance.place_id)
            .where(StockBalance.vials > 0, Equipment.code.like("pkm-%"))
            .group_by(Equipment.code, StockBalance.status)
        ).all()
    assert {code for code, status, _vials in rows if status is Status.HELD} == {f"{STORY}-k1"}
    assert (f"{STORY}-k1", Status.USABLE) not in {(code, status) for code, status, _vials in rows}


def test_no_promise_is_left_without_a_vial(told: Engine) -> None:
    with transaction(told) as db:
        facility = db.scalars(select(Facility.id).where(Facility.code == STORY)).one()
        product = db.scalars(select(Presentation.id).where(Presentation.code == "coronavac-10")).one()
        rows = db.execute(
            select(Availability.vials, Availability.needed, Availability.short).where(
                Availability.facility_id == facility, Availability.presentation_id == product
            )
        ).all()
        assert db.scalar(select(func.max(Availability.short))) == 0
    assert rows
    assert all((row.vials, row.needed) == (0, 0) for row in rows)


def test_everybody_who_had_booked_is_offered_a_neighbour_and_told(told: Engine) -> None:
    assert bookings(told, STORY) == {BookingState.DISPLACED: 40}
    with transaction(told) as db:
        offers = db.execute(
            select(Facility.code, func.count())
            .select_from(Booking)
            .join(VaccinationSession, VaccinationSession.id == Booking.session_id)
            .join(Facility, Facility.id == VaccinationSession.facility_id)
            .where(Booking.replaces_id.is_not(None))
            .group_by(Facility.code)
        ).all()
        messages = db.scalar(select(func.count()).where(OutMessage.template == "quota_offer"))
    assert sum(count for _code, count in offers) == 40
    assert {code for code, _count in offers} & set(NEIGHBOURS)
    assert messages == 40
