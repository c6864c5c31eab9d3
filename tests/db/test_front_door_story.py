"""The demo's story: the feed's events become lines with names and seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert

from rantai.story import Story
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.events import AlarmRaised, BrokenLimit
from tracker.coldchain.rules.limits import Mode, Operator, Severity
from tracker.database.engine import transaction
from tracker.database.partitions import ensure_months
from tracker.delivery.events import MessageSent
from tracker.feed.contract import Event
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.passport.events import StockHeld
from tracker.quota.events import BookingDisplaced, BookingMade, BookingNews, PlaceOffered
from tracker.quota.rules.words import BookingState
from tracker.stock.events import StockMoved, StockShort
from tracker.stock.rules.words import Kind
from tracker.telemetry.events import DeviceStatusChanged
from tracker.telemetry.models import Reading
from tracker.telemetry.rules.words import DeviceStatus, Quantity, Role
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device

ALARMED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PRODUCT = UUID(int=9)
ARRIVED = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # ten in the morning in Jakarta


class House:
    """A small world with one sensor and a story that is being listened to."""

    def __init__(self, engine: Engine, world: World) -> None:
        self.engine, self.world = engine, world
        self.lines: list[str] = []
        with transaction(engine) as db:
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

    def happens(
        self, event: Event, after_s: float, *, caused_by: UUID | None = None, subject: UUID | None = None
    ) -> UUID:
        now = ARRIVED + timedelta(seconds=after_s)
        with transaction(self.engine) as db:
            return append(
                db,
                event,
                unit_id=self.facility.id,
                subject=subject or uuid7(),
                occurred_at=now,
                now=now,
                caused_by=caused_by,
            )

    def listen(self) -> list[str]:
        number_pending(self.engine)
        before = len(self.lines)
        self.story.tell_news()
        return self.lines[before:]

    def alarm(self, after_s: float = 0.5, *, rule: str = "HEAT") -> UUID:
        limit = BrokenLimit(
            id=1,
            quantity=Quantity.TEMPERATURE,
            operator=Operator.ABOVE,
            value=8.0,
            mode=Mode.CONTINUOUS,
            duration_s=36_000,
        )
        event = AlarmRaised(
            alarm_id=uuid7(),
            episode_id=uuid7(),
            rule=rule,
            severity=Severity.ALARM,
            channel_id=self.channel_id,
            assignment_id=uuid7(),
            equipment_id=self.fridge.id,
            shipment_id=None,
            started_at=ALARMED - timedelta(hours=10),
            alarmed_at=ALARMED,
            ended_at=None,
            void=False,
            merged_into_id=None,
            peak=9.5,
            exposed_s=36_000.0,
            known_s=36_000.0,
            limit=limit,
        )
        return self.happens(event, after_s)

    def held(self, after_s: float, alarm: UUID) -> UUID:
        event = StockHeld(
            alarm_id=None,
            episode_id=uuid7(),
            rule="HEAT",
            equipment_id=self.fridge.id,
            facility_id=self.facility.id,
            batch_ids=(uuid7(),),
            vials=12,
            doses=120,
        )
        return self.happens(event, after_s, caused_by=alarm)

    def short(self, after_s: float, held: UUID | None) -> UUID:
        event = StockShort(facility_id=self.facility.id, presentation_id=PRODUCT, days=(), short_vials=4)
        return self.happens(event, after_s, caused_by=held)

    def booking(self, news: type[BookingNews], after_s: float, *, cause: UUID | None = None, **more: UUID) -> UUID:
        booking_id = more.pop("booking_id", uuid7())
        event = news(
            booking_id=booking_id,
            session_id=uuid7(),
            facility_id=self.facility.id,
            presentation_id=PRODUCT,
            dose=1,
            state=BookingState.RESERVED,
            **more,
        )
        return self.happens(event, after_s, caused_by=cause, subject=booking_id)

    def moved(self, kind: Kind, *batch_ids: UUID) -> UUID:
        event = StockMoved(
            stock_event_id=uuid7(),
            kind=kind,
            facility_id=self.facility.id,
            presentation_ids=(),
            batch_ids=batch_ids,
        )
        return self.happens(event, 1)


@pytest.fixture
def house(engine: Engine, committed_world: World) -> House:
    return House(engine, committed_world)


def test_an_alarm_is_told_with_names_and_with_seconds_since_the_reading_that_completed_it(house: House) -> None:
    house.alarm()
    (line,) = house.listen()
    assert line.startswith("10:00:00  ALARM HEAT: sensor sensor-7 in ")
    assert house.fridge.name in line
    assert house.facility.name in line
    assert "above +8 °C since 22:00:00, limit met at 08:00:00 (+0.5 s after its reading arrived)" in line


def test_consequences_carry_the_seconds_since_the_same_reading(house: House) -> None:
    short = house.short(0.9, house.held(0.9, house.alarm()))
    lost = [house.booking(BookingDisplaced, 1.4, cause=short) for _ in range(3)]
    offer = house.booking(PlaceOffered, 1.6, cause=lost[0], instead_of_id=uuid7())
    message = MessageSent(message_id=uuid7(), template="quota_offer", medium="sms", attempts=1)
    house.happens(message, 1.9, caused_by=offer)
    _alarm, held, lacks, displaced, offered, sent = house.listen()
    assert f"1 batch held at {house.facility.name}: 12 vials, 120 doses withdrawn (+0.9 s)" in held
    assert "lack 4 vials (+0.9 s)" in lacks
    assert "3 bookings moved out" in displaced
    assert "1 person offered a place" in offered
    assert "(+1.6 s)" in offered
    assert "1 message about" in sent
    assert "(+1.9 s)" in sent
    house.booking(BookingDisplaced, 2.0, cause=short)
    (more,) = house.listen()
    assert "1 booking moved out" in more
    assert "4 in all (+2.0 s)" in more


def test_a_door_alarm_beside_a_heat_alarm_is_credited_with_nothing_of_its_consequences(house: House) -> None:
    heat = house.alarm(0.5)
    short = house.short(0.9, house.held(0.9, heat))
    house.listen()
    door = house.alarm(60.0, rule="DOOR")
    house.held(60.5, door)
    house.listen()
    house.booking(BookingDisplaced, 61.0, cause=short)
    (displaced,) = house.listen()
    # Both alarms' readings arrived at one instant here; whose the booking is shows in what each has displaced.
    assert "1 booking moved out" in displaced
    assert "(+61.0 s)" in displaced
    house.booking(BookingDisplaced, 62.0, cause=short)
    house.booking(BookingDisplaced, 62.0, cause=door)
    lines = house.listen()
    assert [("2 in all" in line) for line in lines] == [True, False], "the door's own is the first of its own"


def test_what_no_alarm_caused_is_told_without_seconds(house: House) -> None:
    house.alarm()
    house.booking(BookingDisplaced, 1.0, cause=house.short(0.9, None))
    _alarm, lacks, displaced = house.listen()
    assert "(+" not in lacks
    assert "(+" not in displaced


def test_a_consequence_of_an_alarm_from_before_the_story_began_is_told_as_such(house: House) -> None:
    held = house.held(0.9, house.alarm())
    house.listen()
    house.story = Story(house.engine, house.lines.append, patience=0)
    house.short(3.0, held)
    (lacks,) = house.listen()
    assert "(+3.0 s)" in lacks


def test_who_begins_late_is_told_what_came_since_the_world_was_ready(house: House) -> None:
    house.alarm(-60.0)
    heat = house.alarm(0.5)
    house.listen()
    house.story = Story(house.engine, house.lines.append, since=ARRIVED, patience=0)
    house.held(0.9, heat)
    alarm, held = house.listen()
    assert "ALARM HEAT" in alarm
    assert "(+0.9 s)" in held


def test_what_happened_before_the_start_and_what_nobody_asked_for_is_not_told(house: House) -> None:
    house.happens(DeviceStatusChanged(device_code="x", status=DeviceStatus.ONLINE), 1)
    house.moved(Kind.STATUS)
    assert house.listen() == []
    assert house.listen() == []


def test_moves_of_stock_name_the_batches(house: House) -> None:
    batch = next(iter(house.world.batches.values()))
    house.moved(Kind.RECEIPT, batch.id)
    (line,) = house.listen()
    assert f"{house.facility.name}: received " in line
    assert batch.lot in line


def test_an_offer_is_told_once_though_it_is_a_booking_too(house: House) -> None:
    offer = uuid7()
    house.booking(BookingMade, 1)
    house.booking(BookingMade, 1, booking_id=offer)
    house.booking(PlaceOffered, 1, booking_id=offer, instead_of_id=uuid7())
    booked, offered = house.listen()
    assert "1 booking made" in booked
    assert "1 person offered a place" in offered


def test_what_comes_in_numbers_is_gathered_before_it_is_told(house: House) -> None:
    house.story = Story(house.engine, house.lines.append, patience=0.02)
    house.booking(BookingMade, 1)
    assert house.listen() == []
    house.booking(BookingMade, 1)
    assert "2 bookings made" in eventually(house.listen)[0]
