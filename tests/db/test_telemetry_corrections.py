"""A file for the wrong fridge is refused and correctable; devices move and retire; places own what was measured there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest.files.importer import CountedElsewhere, import_logger_file
from tests.support.coldchain import LONG_AFTER, at, new_channel, send
from tests.support.logger_files import fridge_tag
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.queries import episodes_of_channel
from tracker.coldchain.service.evaluation import check_silence, evaluate_waiting
from tracker.feed.contract import decode
from tracker.feed.models import FeedPending
from tracker.kit.errors import Forbidden, NotFound
from tracker.network.models import Equipment
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.reactions import BY_NAME
from tracker.stock.rules.words import Kind, Status
from tracker.telemetry.errors import DeviceRetired, NothingWatched, ReasonMissing
from tracker.telemetry.models import Assignment, Reading, WatchCorrection
from tracker.telemetry.queries import broker_credentials, device_by_credentials, sensor_by_ref
from tracker.telemetry.queries.reach import readings_seen
from tracker.telemetry.service.assigning import correct_watch
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, CorrectWatch, NewDevice
from tracker.telemetry.service.devices import (
    add_device,
    move_device,
    reinstate_device,
    renew_password,
    retire_device,
    revoke_password,
)

COVID = "az-10/AZ002"
NOW = datetime(2026, 4, 1, tzinfo=UTC)
HOT = [(f"2026-03-01 {8 + minute // 60:02}:{minute % 60:02}", "9.0") for minute in range(0, 13 * 60, 5)]


def follow(db: Session) -> None:
    """What the worker does: judge, and react to what was told by it."""
    before = db.scalars(select(FeedPending.id)).all()
    evaluate_waiting(db, now=NOW)
    hold = BY_NAME["hold"]
    told = select(FeedPending).where(FeedPending.kind.in_([each.KIND for each in hold.on]))
    for row in db.scalars(told.where(FeedPending.id.not_in(before)).order_by(FeedPending.id)).all():
        hold.act(db, decode(row, *hold.on), NOW)


def test_a_file_whose_readings_count_elsewhere_is_refused_with_the_way_out(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag(HOT), world.fridge.code, NOW)
    with pytest.raises(CountedElsewhere) as refusal:
        import_logger_file(db, who, fridge_tag(HOT[:40]), world.fridge2.code, NOW)
    assert refusal.value.params["place"] == world.fridge.code
    assert refusal.value.params["equipment"] == world.fridge2.code
    assert refusal.value.params["since"] == "2026-03-01T01:00:00+00:00"
    assert db.scalar(select(func.count()).select_from(Assignment)) == 1, "no empty watch is left behind"


def test_correcting_moves_holds_both_ways(db: Session, world: World) -> None:
    ledger = Ledger(db, world)
    who = world.who(Role.MANAGER)
    # The same batch in both fridges.
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=datetime(2026, 2, 20, tzinfo=UTC))
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 4, place=world.fridge2), at=datetime(2026, 2, 20, tzinfo=UTC))
    import_logger_file(db, who, fridge_tag(HOT), world.fridge.code, NOW)
    follow(db)

    def held(place: Equipment) -> tuple[int, int]:
        return (
            ledger.vials(COVID, place=place, status=Status.USABLE),
            ledger.vials(COVID, place=place, status=Status.HELD),
        )

    assert (held(world.fridge), held(world.fridge2)) == ((0, 10), (4, 0))
    command = CorrectWatch(
        device="berlinger-900000000001", name="t1", equipment=world.fridge2.code, reason="wrong door"
    )
    correct_watch(db, who, command, now=NOW)
    follow(db)
    assert (held(world.fridge), held(world.fridge2)) == ((10, 0), (0, 4))
    (lifted,) = db.scalars(select(Hold).where(Hold.state == HoldState.RELEASED))
    assert (lifted.decided_name, lifted.reason) == (who.name, "watch corrected: wrong door")
    assert (
        db.scalars(select(Alarm).where(Alarm.withdrawn_at.is_(None), Alarm.rule == "HEAT")).one().equipment_id
        == world.fridge2.id
    )
    # Again: nothing changes. And back again: it was the first fridge after all.
    correct_watch(db, who, command, now=NOW)
    assert db.scalar(select(func.count()).select_from(WatchCorrection)) == 1
    back = CorrectWatch(device=command.device, name="t1", equipment=world.fridge.code, reason="it was right")
    correct_watch(db, who, back, now=NOW)
    follow(db)
    assert (held(world.fridge), held(world.fridge2)) == ((0, 10), (4, 0))


def test_a_correction_needs_a_reason_a_watch_and_the_right_to_lift_holds(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    import_logger_file(db, who, fridge_tag(HOT), world.fridge.code, NOW)
    command = CorrectWatch(device="berlinger-900000000001", name="t1", equipment=world.fridge2.code, reason="x")
    with pytest.raises(Forbidden):
        correct_watch(db, world.who(Role.VACCINATOR), command, now=NOW)
    with pytest.raises(ReasonMissing):
        correct_watch(db, who, CorrectWatch(device=command.device, name="t1", equipment="x", reason=" "), now=NOW)
    with pytest.raises(NothingWatched):
        correct_watch(
            db, who, CorrectWatch(device=command.device, name="t9", equipment=world.fridge2.code, reason="x"), now=NOW
        )


def test_a_watch_in_which_nothing_was_measured_never_blocks_repair(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    send(db, channel, [(0, 5.0), (10, 5.0)])
    for place, minute in ((world.fridge2.code, 300), (world.fridge.code, 200)):
        use = ChannelUse(device=channel.device_id, name=channel.name, equipment=place, from_at=at(minute))
        use_channel(db, SYSTEM, use, now=LONG_AFTER)
    use = ChannelUse(device=channel.device_id, name=channel.name, equipment=world.fridge2.code, from_at=at(5))
    use_channel(db, SYSTEM, use, now=LONG_AFTER)
    watches = db.scalars(
        select(Assignment).where(Assignment.channel_id == channel.id).order_by(Assignment.from_at)
    ).all()
    assert [(one.equipment_id, one.from_at, one.to_at) for one in watches] == [
        (world.fridge.id, at(0), at(5)),
        (world.fridge2.id, at(5), None),
    ]


def test_who_owns_the_place_sees_the_readings_of_that_time(db: Session, world: World) -> None:
    elsewhere = world.equipment["pkm-tanah-tinggi-k1"]
    channel = new_channel(db, world, from_at=at(0))
    use = ChannelUse(device=channel.device_id, name=channel.name, equipment=elsewhere.code, from_at=at(100))
    use_channel(db, SYSTEM, use, now=LONG_AFTER)
    use = ChannelUse(device=channel.device_id, name=channel.name, equipment=world.fridge.code, from_at=at(200))
    send(db, channel, [(minute, 9.0) for minute in range(0, 300, 10)])
    # Nothing blocks: what came later was measured elsewhere, so the next watch begins after it.
    evaluate_waiting(db, now=at(295))

    def seen(who: Role) -> list[int]:
        condition = readings_seen(db, world.who(who), channel.id)
        rows = db.scalars(
            select(Reading.measured_at).where(Reading.channel_id == channel.id, condition).order_by(Reading.measured_at)
        )
        return [round((one - at(0)).total_seconds() / 60) for one in rows]

    assert seen(Role.MANAGER) == list(range(0, 100, 10)), "the device is ours, the place is not"
    assert seen(Role.NATIONAL) == list(range(0, 300, 10))
    mine = db.scalars(episodes_of_channel(world.who(Role.MANAGER), channel.id)).all()
    assert {one.equipment_id for one in mine} == {world.fridge.id}
    move_device(db, SYSTEM, channel.device_id, "pkm-tanah-tinggi", now=LONG_AFTER)
    assert sensor_by_ref(db, world.who(Role.MANAGER), str(channel.id)).id == channel.id
    assert seen(Role.MANAGER) == list(range(0, 100, 10)), "the place was ours, the device no more"


def test_a_device_of_nobody_here_is_not_seen(db: Session, world: World) -> None:
    channel = new_channel(db, world, equipment="pkm-tanah-tinggi-k1")
    move_device(db, SYSTEM, channel.device_id, "pkm-tanah-tinggi", now=LONG_AFTER)
    with pytest.raises(NotFound):
        sensor_by_ref(db, world.who(Role.MANAGER), str(channel.id))
    send(db, channel, [(0, 5.0)])
    assert not db.scalars(select(Reading.value).where(readings_seen(db, world.who(Role.MANAGER), channel.id))).all()


def test_a_password_is_rotated_revoked_and_given_again(db: Session, world: World) -> None:
    who = world.who(Role.MANAGER)
    first = add_device(db, who, NewDevice(code="f1", unit=world.puskesmas.code), now=NOW).password or ""
    second = renew_password(db, who, "f1", now=NOW).password or ""
    assert device_by_credentials(db, "f1", first) is None
    assert device_by_credentials(db, "f1", second) is not None
    revoke_password(db, who, "f1", now=NOW)
    revoke_password(db, who, "f1", now=NOW)
    assert device_by_credentials(db, "f1", second) is None
    assert broker_credentials(db) == {}
    third = renew_password(db, who, "f1", now=NOW).password or ""
    assert device_by_credentials(db, "f1", third) is not None


def test_a_retired_device_is_let_in_no_more_watches_nothing_and_comes_back_by_a_word(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    send(db, channel, [(0, 5.0)])
    evaluate_waiting(db, now=at(0))
    check_silence(db, now=at(60))
    assert db.scalars(select(Alarm).where(Alarm.rule == "SILENT")).one().ended_at is None
    device = retire_device(db, world.who(Role.MANAGER), channel.device_id, now=at(90))
    evaluate_waiting(db, now=at(90))
    assert broker_credentials(db) == {}
    assert db.scalars(select(Assignment.to_at).where(Assignment.channel_id == channel.id)).one() == at(90)
    assert db.scalars(
        select(Alarm).where(Alarm.rule == "SILENT").execution_options(populate_existing=True)
    ).one().ended_at == at(90)
    with pytest.raises(Exception, match="device_retired"):
        renew_password(db, SYSTEM, device.code, now=at(91))
    reinstate_device(db, SYSTEM, device.code, now=at(91))
    assert renew_password(db, SYSTEM, device.code, now=at(92)).password


@pytest.mark.parametrize("retired", [NOW, datetime(2026, 3, 1, 12, 30, tzinfo=UTC)], ids=["after", "while it measured"])
def test_the_memory_of_a_retired_logger_is_read_out_without_waking_its_watch(
    db: Session, world: World, retired: datetime
) -> None:
    who = world.who(Role.MANAGER)
    code = import_logger_file(db, who, fridge_tag(HOT[:20]), world.fridge.code, NOW).device_code
    retire_device(db, who, code, now=retired)
    later = NOW + timedelta(days=9)
    done = import_logger_file(db, who, fridge_tag(HOT), world.fridge.code, later)
    assert (done.new, done.elsewhere) == (len(HOT) - 20, 0)
    evaluate_waiting(db, now=later)
    alarmed = db.scalars(select(Episode.equipment_id).where(Episode.rule == "HEAT", Episode.alarmed_at.is_not(None)))
    assert alarmed.all() == [world.fridge.id]
    check_silence(db, now=later)
    assert db.scalars(select(Alarm).where(Alarm.rule == "SILENT", Alarm.ended_at.is_(None))).all() == []
    assert db.scalars(select(Assignment.to_at)).all() == [retired]


def test_a_retired_device_is_put_to_nothing_until_it_is_taken_back(db: Session, world: World) -> None:
    channel = new_channel(db, world, from_at=at(0))
    retire_device(db, SYSTEM, channel.device_id, now=at(90))
    use = ChannelUse(device=channel.device_id, name=channel.name, equipment=world.fridge2.code, from_at=at(100))
    with pytest.raises(DeviceRetired):
        use_channel(db, SYSTEM, use, now=at(100))
    reinstate_device(db, SYSTEM, channel.device_id, now=at(101))
    use_channel(db, SYSTEM, use, now=at(101))
