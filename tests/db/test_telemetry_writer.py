"""The one writer: the same rows whatever the order, the cut and the repeats of arrival."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from tests.support.world import NOW, small_world
from tracker.access.principal import SYSTEM
from tracker.telemetry.models import Channel, ClockFault, Reading, ReadingMark, SensorFault
from tracker.telemetry.queries import channel_refs, conflicts_between, newest_at, readings_between, take_marks
from tracker.telemetry.rules.faults import ChannelRef
from tracker.telemetry.rules.words import Flag, Quantity, Role, TimeSource
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device
from tracker.telemetry.service.writer import Arrival, store_readings

MINUTE = timedelta(minutes=1)
Sent = tuple[int, datetime, float]


@pytest.fixture
def channels(db: Session) -> list[ChannelRef]:
    """Two temperature channels of one device."""
    world = small_world(db)
    add_device(db, SYSTEM, NewDevice(code="dev-1", unit=world.puskesmas.code), now=NOW)
    made = [use_channel(db, SYSTEM, ChannelUse(device="dev-1", name=name), now=NOW).id for name in ("t1", "t2")]
    db.execute(delete(ReadingMark))
    refs = channel_refs(db, made)
    return [refs[number] for number in made]


def arrival(*measured: tuple[ChannelRef, datetime, float], at: datetime = NOW, message: str | None = None) -> Arrival:
    """One message received at `at`."""
    return Arrival(received_at=at, time_source=TimeSource.DEVICE, measured=measured, message_id=message)


def rows(db: Session) -> list[tuple[int, datetime, float, int]]:
    """All that is stored."""
    query = select(Reading.channel_id, Reading.measured_at, Reading.value, Reading.flags)
    return sorted((r[0], r[1], r[2], r[3]) for r in db.execute(query))


def test_a_repeat_is_dropped_and_marks_nothing(db: Session, channels: list[ChannelRef]) -> None:
    message = arrival((channels[0], NOW - MINUTE, 4.2))
    assert store_readings(db, [message]).new == 1
    assert take_marks(db, most=10) == {channels[0].id: NOW - MINUTE}
    again = store_readings(db, [message, message])
    assert (again.new, again.repeated, again.channels) == (0, 2, 0)
    assert take_marks(db, most=10) == {}


def test_another_value_at_the_same_instant_is_a_conflict_and_both_stay(db: Session, channels: list[ChannelRef]) -> None:
    store_readings(db, [arrival((channels[0], NOW - MINUTE, 4.2)), arrival((channels[0], NOW - MINUTE, 9.9))])
    assert [value for _, value, _ in readings_between(db, channels[0].id, NOW - MINUTE, NOW)] == [4.2, 9.9]
    assert conflicts_between(db, channels[0].id, NOW - 2 * MINUTE, NOW) == [NOW - MINUTE]


def test_the_mark_names_the_earliest_of_the_new_readings_only(db: Session, channels: list[ChannelRef]) -> None:
    old = (channels[0], NOW - 60 * MINUTE, 4.0)
    store_readings(db, [arrival(old)])
    take_marks(db, most=10)
    store_readings(db, [arrival(old, (channels[0], NOW - 5 * MINUTE, 4.1), (channels[0], NOW - 10 * MINUTE, 4.1))])
    assert take_marks(db, most=10) == {channels[0].id: NOW - 10 * MINUTE}


@pytest.mark.parametrize("value", [85.0, -327.67, 3000.0, math.nan, math.inf])
def test_what_is_no_temperature_is_kept_aside(db: Session, channels: list[ChannelRef], value: float) -> None:
    stored = store_readings(db, [arrival((channels[0], NOW - MINUTE, value), (channels[1], NOW - MINUTE, 4.0))])
    assert (stored.new, stored.faults) == (1, 1)
    assert [row[0] for row in rows(db)] == [channels[1].id]
    assert db.scalars(select(SensorFault.channel_id)).all() == [channels[0].id]
    assert take_marks(db, most=10) == {channels[1].id: NOW - MINUTE}


def test_months_long_past_get_their_partition(db: Session, channels: list[ChannelRef]) -> None:
    instants = [datetime(2015, 1, 1, tzinfo=UTC), datetime(2019, 2, 28, 23, 59, 59, tzinfo=UTC)]
    store_readings(db, [arrival(*[(channels[0], at, 4.0) for at in instants])])
    assert [row[1] for row in rows(db)] == instants
    tables = db.scalars(text("SELECT tableoid::regclass::text FROM reading ORDER BY measured_at")).all()
    assert tables == ["reading_y2015m01", "reading_y2019m02"]


def test_a_clock_fault_is_placed_as_a_block_that_ends_at_the_receipt(db: Session, channels: list[ChannelRef]) -> None:
    lost = datetime(1970, 1, 1, tzinfo=UTC)
    measured = [(channels[0], lost + n * 10 * MINUTE, 4.0 + n) for n in range(3)]
    assert store_readings(db, [arrival(*measured)]).placed == 3
    assert rows(db) == [
        (channels[0].id, NOW - 20 * MINUTE, 4.0, Flag.CLOCK_FAULT),
        (channels[0].id, NOW - 10 * MINUTE, 5.0, Flag.CLOCK_FAULT),
        (channels[0].id, NOW, 6.0, Flag.CLOCK_FAULT),
    ]
    assert take_marks(db, most=10) == {channels[0].id: NOW - 20 * MINUTE}


def test_a_replayed_clock_fault_keeps_the_place_of_its_first_receipt(db: Session, channels: list[ChannelRef]) -> None:
    ahead = [(channels[0], NOW + 60 * MINUTE, 4.0), (channels[0], NOW + 70 * MINUTE, 5.0)]
    store_readings(db, [arrival(*ahead)])
    before = rows(db)
    # Later the claimed instants lie in the past and would look true: the trap.
    again = store_readings(db, [arrival(*ahead, at=NOW + timedelta(days=1)), arrival(ahead[0], at=NOW + MINUTE)])
    assert (again.new, again.placed, again.repeated) == (0, 0, 3)
    assert rows(db) == before


def test_a_reading_that_stood_is_not_moved_when_its_clock_later_proves_wrong(
    db: Session, channels: list[ChannelRef]
) -> None:
    stood = (channels[0], NOW - MINUTE, 4.0)
    store_readings(db, [arrival(stood)])
    store_readings(db, [arrival(stood, (channels[0], NOW + 60 * MINUTE, 5.0))])
    assert rows(db) == [(*[channels[0].id], NOW - MINUTE, 4.0, 0), (channels[0].id, NOW, 5.0, Flag.CLOCK_FAULT)]


def test_a_run_older_than_any_device_has_no_place(db: Session, channels: list[ChannelRef]) -> None:
    """Trap: a message of daily instants since 1950 must not make hundreds of partitions."""
    first = datetime(1950, 1, 1, tzinfo=UTC)
    stored = store_readings(db, [arrival(*[(channels[0], first + timedelta(days=n), 4.0) for n in range(6_000)])])
    assert stored.faults > 0
    assert db.scalar(select(func.min(Reading.measured_at))) >= datetime(2015, 1, 1, tzinfo=UTC)  # type: ignore[operator]  # rows exist


def test_text_the_database_cannot_hold_costs_no_reading(db: Session, channels: list[ChannelRef]) -> None:
    store_readings(db, [arrival((channels[0], NOW - MINUTE, 4.0), message="a\0b\ud800")])
    assert db.scalars(select(Reading.message_id)).all() == ["ab?"]


def test_microseconds_survive_the_binary_way(db: Session, channels: list[ChannelRef]) -> None:
    instants = [NOW - timedelta(microseconds=n) for n in (1, 333_333, 999_999)]
    store_readings(db, [arrival(*[(channels[0], at, 4.0) for at in instants])])
    assert newest_at(db, channels[0].id) == instants[0]
    assert {row[1] for row in rows(db)} == set(instants)


# Few instants and values, so that repeats and conflicts really happen.
SENT = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 12).map(lambda n: NOW - n * 5 * MINUTE),
        st.sampled_from([4.0, 4.1, 9.9, 85.0]),
    ),
    min_size=1,
    max_size=25,
)


def messages_of(sent: Sequence[Sent], channels: list[ChannelRef], chance: random.Random) -> list[list[Arrival]]:
    """Batches of messages of readings, cut at random."""
    batches: list[list[Arrival]] = [[]]
    message: list[tuple[ChannelRef, datetime, float]] = []
    for number, at, value in sent:
        message.append((channels[number], at, value))
        if chance.random() < 0.5:
            batches[-1].append(arrival(*message))
            message = []
        if chance.random() < 0.3:
            batches.append([])
    batches[-1].append(arrival(*message))
    return batches


@settings(max_examples=40)
@given(sent=SENT, chance=st.randoms(use_true_random=False))
def test_order_cut_and_repeats_of_arrival_give_the_same_rows(
    db: Session, channels: list[ChannelRef], sent: list[Sent], chance: random.Random
) -> None:
    expected = {(channels[n].id, at, value, 0) for n, at, value in sent if value != 85.0}
    for _ in range(2):
        db.execute(delete(Reading))
        order = list(sent) + chance.choices(sent, k=len(sent) // 2)
        chance.shuffle(order)
        new = sum(store_readings(db, batch).new for batch in messages_of(order, channels, chance))
        assert rows(db) == sorted(expected)
        assert new == len(expected)
        earliest = {n: min(row[1] for row in expected if row[0] == n) for n in {row[0] for row in expected}}
        assert take_marks(db, most=1_000) == earliest


CLAIMS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(st.integers(-30, 30), st.integers(-30_000_000, -29_999_970)).map(lambda n: NOW + n * MINUTE),
        st.sampled_from([4.0, 5.0]),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40)
@given(claims=CLAIMS, minutes=st.lists(st.integers(1, 3_000), max_size=4), chance=st.randoms(use_true_random=False))
def test_replays_of_wrong_clocks_change_nothing_whenever_they_come(
    db: Session, channels: list[ChannelRef], claims: list[Sent], minutes: list[int], chance: random.Random
) -> None:
    db.execute(delete(Reading))
    db.execute(delete(ClockFault))
    measured = [(channels[n], at, value) for n, at, value in claims]
    store_readings(db, [arrival(*measured)])
    before = rows(db)
    assert all(at <= NOW + 5 * MINUTE for _, at, _, _ in before)
    for later in minutes:
        part = chance.sample(measured, k=chance.randint(1, len(measured)))
        replayed = store_readings(db, [arrival(*part, at=NOW + later * MINUTE)])
        assert replayed.new == 0
        assert rows(db) == before


def test_an_ambient_and_a_condenser_channel_exist_with_their_roles(db: Session, channels: list[ChannelRef]) -> None:
    del channels
    channel = use_channel(db, SYSTEM, ChannelUse(device="dev-1", name="c", role=Role.CONDENSER), now=NOW)
    assert db.get_one(Channel, channel.id).quantity is Quantity.TEMPERATURE
    store_readings(db, [arrival((channel_refs(db, [channel.id])[channel.id], NOW, 85.0))])
    assert [row[2] for row in rows(db)] == [85.0]
