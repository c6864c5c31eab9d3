"""The demo's story: the feed's events become lines with names and seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from rantai.story import Story
from tests.support.waiting import eventually
from tests.support.world import World, small_world
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.telemetry.models import Reading
from tracker.telemetry.rules.words import Role
from tracker.telemetry.service.channels import ChannelUse, use_channel
from tracker.telemetry.service.devices import NewDevice, add_device

ALARMED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ARRIVED = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # ten in the morning in Jakarta


class House:
    """A small world with one sensor and a story that is being listened to."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lines: list[str] = []
        with transaction(engine) as db:
            self.world: World = small_world(db)
            self.facility = self.world.facilities["pkm-cipondoh"]
            self.fridge = next(one for one in self.world.equipment.values() if one.facility_id == self.facility.id)
            add_device(db, SYSTEM, NewDevice(code="sensor-7", unit="pkm-cipondoh"), now=ALARMED)
            use = ChannelUse(
                device="sensor-7",
                name="t1",
                role=Role.STORAGE,
                equipment=self.fridge.code,
                from_at=ALARMED - timedelta(days=1),
                interval_s=600,
            )
            self.channel_id = use_channel(db, SYSTEM, use, now=ALARMED).id
            ensure_months(db, "reading", [ALARMED.date()])
            for minutes, received in ((-10, ARRIVED - timedelta(hours=1)), (0, ARRIVED), (10, ARRIVED)):
                db.execute(
                    insert(Reading).values(
                        channel_id=self.channel_id,
                        measured_at=ALARMED + timedelta(minutes=minutes),
                        value=9.5,
                        received_at=received,
                        time_source=0,
                        flags=0,
                    )
                )
        number_pending(engine)
        self.story = Story(engine, self.lines.append, patience=0)

    def happens(self, what: str, after_s: float, /, **data: Any) -> None:
        now = ARRIVED + timedelta(seconds=after_s)
        with transaction(self.engine) as db:
            append(
                db,
                what,
                unit_id=self.facility.id,
                subject=str(data.pop("subject", uuid7())),
                data=data,
                occurred_at=now,
                now=now,
            )

    def listen(self) -> list[str]:
        number_pending(self.engine)
        before = len(self.lines)
        self.story.tell_news()
        return self.lines[before:]

    def alarm(self, after_s: float = 0.5) -> None:
        self.happens(
            "coldchain.alarm_raised",
            after_s,
            alarm_id="a1",
            rule="HEAT",
            channel_id=self.channel_id,
            equipment_id=str(self.fridge.id),
            started_at=(ALARMED - timedelta(hours=10)).isoformat(),
            alarmed_at=ALARMED.isoformat(),
            limit={"quantity": "temperature", "operator": ">", "value": 8.0},
        )


@pytest.fixture
def house(engine: Engine) -> House:
    return House(engine)


def test_an_alarm_is_told_with_names_and_with_seconds_since_the_reading_that_completed_it(house: House) -> None:
    house.alarm()
    (line,) = house.listen()
    assert line.startswith("10:00:00  ALARM HEAT: sensor sensor-7 in ")
    assert house.fridge.name in line
    assert house.facility.name in line
    assert "above +8 °C since 22:00:00, limit met at 08:00:00 (+0.5 s after its reading arrived)" in line


def test_consequences_carry_the_seconds_since_the_same_reading(house: House) -> None:
    facility = str(house.facility.id)
    house.alarm()
    # Within the transaction of the hold, what lacks is recorded first.
    house.happens("stock.short", 0.9, facility_id=facility, presentation_id="p", days=[], short=4)
    house.happens("passport.held", 0.9, alarm_id="a1", facility_id=facility, batches=["b"], vials=12, doses=120)
    for _ in range(3):
        house.happens("quota.displaced", 1.4, facility_id=facility)
    house.happens("quota.offered", 1.6, facility_id=facility)
    _alarm, held, short, displaced, offered = house.listen()
    assert f"1 batch held at {house.facility.name}: 12 vials, 120 doses withdrawn (+0.9 s)" in held
    assert "lack 4 vials (+0.9 s)" in short
    assert "3 bookings moved out" in displaced
    assert "1 person offered a place" in offered
    house.happens("quota.displaced", 2.0, facility_id=facility)
    (more,) = house.listen()
    assert "1 booking moved out" in more
    assert "4 in all (+2.0 s)" in more


def test_what_happened_before_the_start_and_what_nobody_asked_for_is_not_told(house: House) -> None:
    house.happens("telemetry.device_status", 1, device="x")
    house.happens("stock.moved", 1, kind="status", facility=str(house.facility.id), batches=[])
    assert house.listen() == []
    assert house.listen() == []


def test_moves_of_stock_name_the_batches(house: House) -> None:
    batches = [str(batch.id) for batch in house.world.batches.values()][:1]
    house.happens("stock.moved", 1, kind="receipt", facility=str(house.facility.id), batches=batches)
    (line,) = house.listen()
    assert f"{house.facility.name}: received " in line
    assert next(iter(house.world.batches.values())).lot in line


def test_an_offer_is_told_once_though_it_is_a_booking_too(house: House) -> None:
    facility = str(house.facility.id)
    for subject in ("x", "y"):
        house.happens("quota.booked", 1, subject=subject, facility_id=facility)
    house.happens("quota.offered", 1, subject="x", facility_id=facility)
    booked, offered = house.listen()
    assert "1 booking made" in booked
    assert "1 person offered a place" in offered


def test_what_comes_in_numbers_is_gathered_before_it_is_told(house: House) -> None:
    house.story = Story(house.engine, house.lines.append, patience=0.02)
    facility = str(house.facility.id)
    house.happens("quota.booked", 1, facility_id=facility)
    assert house.listen() == []
    house.happens("quota.booked", 1, facility_id=facility)
    assert "2 bookings made" in eventually(house.listen)[0]
