"""An alarmed episode stops what it may have harmed, wherever that is now, and only a person frees it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import at, living, new_channel, send
from tests.support.counting import counted
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.catalog.service import NewBatch, add_batch
from tracker.coldchain.errors import AlarmClosed
from tracker.coldchain.models import Alarm, Episode
from tracker.coldchain.service.evaluation import evaluate_waiting
from tracker.kit.errors import Forbidden, NotFound
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.passport.errors import (
    AlarmOngoing,
    DispositionMissing,
    HoldDecided,
    HoldNotFound,
    ReasonMissing,
    ShakeTestNeeded,
)
from tracker.passport.models import AlarmDisposition, Hold
from tracker.passport.presenting import passport_out
from tracker.passport.queries.holds import holds_visible_to
from tracker.passport.queries.passport import passport_of
from tracker.passport.rules.harm import Disposition, HoldState, ShakeTest
from tracker.passport.service.closing import close_alarm
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, Decision
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import NewlyHeld, hold_for_episode, hold_for_episodes
from tracker.passport.service.releasing import release_hold
from tracker.stock.models import OpenVial, StockEvent
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.availability import reserve
from tracker.telemetry.models import Channel

COVID, PENTA, MR = "az-10/AZ002", "penta-5/PB001", "mr-10/MR001"
HEAT_FROM, HEAT_TO = 120, 900  # minutes: 13 h above +8 °C, alarmed after 10 h
BEFORE = at(-600)
# A facility's hold in one presentation: the episode, two looks with a lock between, one change, the holds, the news.
HOLD_STATEMENTS = 23


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


@pytest.fixture
def channel(db: Session, world: World) -> Channel:
    return new_channel(db, world)


def warm(db: Session, channel: Channel, now: datetime, *, until: int = HEAT_TO, value: float = 12.0) -> Episode:
    """A fridge above +8 °C from HEAT_FROM to `until`, then cold again; its alarmed HEAT episode."""
    points = [(m, value if HEAT_FROM <= m < until else 5.0) for m in range(0, until + 60, 10)]
    return _alarmed(db, channel, points, now, "HEAT")


def freeze(db: Session, channel: Channel, now: datetime) -> Episode:
    """Three hours at −2 °C."""
    points = [(m, -2.0 if HEAT_FROM <= m < HEAT_FROM + 180 else 5.0) for m in range(0, 600, 10)]
    return _alarmed(db, channel, points, now, "FRZE")


def _alarmed(db: Session, channel: Channel, points: list[tuple[int, float]], now: datetime, rule: str) -> Episode:
    send(db, channel, points, received=now)
    evaluate_waiting(db, now=now)
    found = [one for one in living(db, channel) if one.rule == rule and one.alarmed_at is not None]
    assert len(found) == 1
    return found[0]


def hold(ledger: Ledger, episode: Episode) -> NewlyHeld:
    return hold_for_episode(ledger.db, SYSTEM, episode.id, now=ledger.now)


def holds(db: Session) -> list[Hold]:
    return list(db.scalars(select(Hold).order_by(Hold.placed_at, Hold.id).execution_options(populate_existing=True)))


def move(
    ledger: Ledger, batch: str, vials: int, to_place: Equipment, *, when: datetime, place: Equipment | None = None
) -> UUID:
    return ledger.post(Kind.TRANSFER, ledger.line(batch, vials, place=place, to_place=to_place), at=when).event_id


def test_heat_holds_every_batch_that_lay_there_with_the_evidence(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), ledger.line(MR, 4), at=BEFORE)
    episode = warm(ledger.db, channel, ledger.now)
    held = hold(ledger, episode)
    assert (held.vials, held.doses) == (14, 140)
    assert (ledger.vials(COVID), ledger.vials(COVID, status=Status.HELD)) == (0, 10)
    assert (ledger.vials(MR), ledger.vials(MR, status=Status.HELD)) == (0, 4)
    evidence = holds(ledger.db)[0].evidence
    assert (evidence["rule"], evidence["peak_c"], evidence["limit"]["value_c"]) == ("HEAT", 12.0, 8.0)
    assert evidence["exposed_minutes"] == HEAT_TO - HEAT_FROM
    assert evidence["equipment"] == ledger.world.fridge.code


def test_freezing_holds_only_what_freezing_spoils(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(PENTA, 6), ledger.line(MR, 4), at=BEFORE)
    hold(ledger, freeze(ledger.db, channel, ledger.now))
    assert ledger.vials(PENTA, status=Status.HELD) == 6
    assert ledger.vials(MR) == 4


def test_availability_falls_in_the_same_transaction_and_the_shortage_is_recorded(
    ledger: Ledger, channel: Channel
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    presentation = ledger.world.presentations["az-10"]
    day = ledger.today + timedelta(days=2)
    reserve(ledger.db, ledger.world.puskesmas.id, presentation.id, {day: 7}, today=ledger.today)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    steps = pool_state(ledger.db, ledger.world.puskesmas.id, presentation.id, ledger.today)
    assert all((step.vials, step.needed, step.short) == (0, 7, 7) for step in steps if step.step <= day)


def test_running_twice_is_harmless(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    episode = warm(ledger.db, channel, ledger.now)
    assert hold(ledger, episode).vials == 10
    assert hold(ledger, episode).vials == 0
    assert [(one.vials, one.state) for one in holds(ledger.db)] == [(10, HoldState.HELD)]


def test_vials_are_followed_to_another_fridge_another_facility_and_an_opened_vial(
    ledger: Ledger, channel: Channel
) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    ledger.post(Kind.OPENING, ledger.line(COVID, 1), at=at(1500))
    move(ledger, COVID, 3, world.fridge2, when=at(1000))
    shipment = uuid7()
    ledger.post(Kind.DISPATCH, ledger.line(COVID, 2), at=at(1100), shipment_id=shipment)
    held = hold(ledger, warm(ledger.db, channel, ledger.now))
    assert held.vials == 10
    assert {(one.account, one.holder_id, one.vials) for one in holds(ledger.db)} == {
        (Account.PLACE, world.fridge.id, 4),
        (Account.PLACE, world.fridge2.id, 3),
        (Account.TRANSIT, shipment, 2),
        (Account.OPEN, world.puskesmas.id, 1),
    }
    (opened,) = ledger.db.scalars(select(OpenVial).execution_options(populate_existing=True))
    assert opened.status is Status.HELD


def test_what_left_before_the_episode_or_came_after_it_is_free(ledger: Ledger, channel: Channel) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    move(ledger, COVID, 4, world.fridge2, when=at(HEAT_FROM - 60))
    episode = warm(ledger.db, channel, ledger.now)
    ledger.post(Kind.SUPPLY, ledger.line(MR, 5), at=at(HEAT_TO + 60))
    assert hold(ledger, episode).vials == 6
    assert ledger.vials(COVID, place=world.fridge2) == 4
    assert ledger.vials(MR) == 5


def test_where_harmed_vials_have_mixed_all_of_the_batch_there_is_held(ledger: Ledger, channel: Channel) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), ledger.line(COVID, 5, place=world.fridge2), at=BEFORE)
    move(ledger, COVID, 1, world.fridge2, when=at(1000))
    assert hold(ledger, warm(ledger.db, channel, ledger.now)).vials == 15


def test_stock_that_enters_while_the_alarm_goes_on_is_stopped_too(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    points = [(m, 12.0 if m >= HEAT_FROM else 5.0) for m in range(0, 1620, 10)]
    episode = _alarmed(ledger.db, channel, points, ledger.now, "HEAT")
    hold(ledger, episode)
    entering = ledger.post(Kind.SUPPLY, ledger.line(MR, 3), at=ledger.now).event_id
    assert ledger.vials(MR) == 3
    assert [one.vials for one in hold_entering(ledger.db, SYSTEM, entering, now=ledger.now)] == [3]
    assert ledger.vials(MR, status=Status.HELD) == 3


def test_a_stay_recorded_late_and_a_move_recorded_late_are_found(ledger: Ledger, channel: Channel) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    late_stay = ledger.post(Kind.SUPPLY, ledger.line(MR, 3), at=at(HEAT_FROM + 30)).event_id
    assert [one.vials for one in hold_entering(ledger.db, SYSTEM, late_stay, now=ledger.now)] == [3]
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 8, place=world.fridge2), at=BEFORE)
    elsewhere = move(ledger, COVID, 2, world.fridge, when=at(HEAT_FROM + 40), place=world.fridge2)
    hold_entering(ledger.db, SYSTEM, elsewhere, now=ledger.now)
    assert ledger.vials(COVID, status=Status.HELD) == 12
    assert ledger.vials(COVID, place=world.fridge2) == 6, "what stayed in the cold fridge was never exposed"


def test_a_late_fact_of_one_batch_stops_nothing_of_another_that_came_since(ledger: Ledger, channel: Channel) -> None:
    later = ledger.now + timedelta(hours=1)
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    fresh = ledger.post(Kind.SUPPLY, ledger.line(COVID, 4), at=later, now=later).event_id
    assert hold_entering(ledger.db, SYSTEM, fresh, now=later) == []
    late = ledger.post(Kind.SUPPLY, ledger.line(MR, 3), at=BEFORE, now=later).event_id
    hold_entering(ledger.db, SYSTEM, late, now=later)
    assert (ledger.vials(MR), ledger.vials(MR, status=Status.HELD)) == (0, 3)
    assert (ledger.vials(COVID), ledger.vials(COVID, status=Status.HELD)) == (4, 10)


def test_a_hold_follows_held_vials_to_another_fridge_and_off_the_road_where_it_can_be_lifted(
    ledger: Ledger, channel: Channel
) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    shipment = uuid7()
    ledger.post(Kind.DISPATCH, ledger.line(COVID, 2), at=at(1100), shipment_id=shipment)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    moved = ledger.post(Kind.TRANSFER, ledger.line(COVID, 3, to_place=world.fridge2, status=Status.HELD)).event_id
    hold_entering(ledger.db, SYSTEM, moved, now=ledger.now)
    received = ledger.post(
        Kind.RECEIPT, ledger.line(COVID, 2, place=world.fridge2, status=Status.HELD), shipment_id=shipment
    ).event_id
    hold_entering(ledger.db, SYSTEM, received, now=ledger.now)
    (there,) = [one for one in holds(ledger.db) if one.holder_id == world.fridge2.id]
    assert (there.account, there.vials, there.state) == (Account.PLACE, 3, HoldState.HELD)
    release_hold(ledger.db, SYSTEM, there.id, Decision(reason="manufacturer's answer"), now=ledger.now)
    assert ledger.vials(COVID, place=world.fridge2) == 5
    assert ledger.vials(COVID, status=Status.HELD) == 5, "what stayed is still under its own hold"


def test_an_advisory_and_an_unfinished_episode_hold_nothing(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    send(ledger.db, channel, [(m, 12.0 if m >= 60 else 5.0) for m in range(0, 300, 10)], received=ledger.now)
    evaluate_waiting(ledger.db, now=at(300))
    episodes = living(ledger.db, channel)
    assert {one.rule for one in episodes} == {"HEAT", "WARM"}
    assert [hold(ledger, one).vials for one in episodes] == [0, 0]


def test_amended_data_never_lifts_a_hold(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    points = [(m, 12.0 if HEAT_FROM <= m < HEAT_TO else 5.0) for m in range(0, HEAT_TO + 60, 20)]
    episode = _alarmed(ledger.db, channel, points, ledger.now, "HEAT")
    hold(ledger, episode)
    send(ledger.db, channel, [(m, 5.0) for m in range(HEAT_FROM + 10, HEAT_TO, 20)], received=ledger.now)
    evaluate_waiting(ledger.db, now=ledger.now)
    assert not [one for one in living(ledger.db, channel) if one.alarmed_at is not None]
    hold(ledger, episode)
    assert ledger.vials(COVID, status=Status.HELD) == 10


def test_a_person_with_a_reason_frees_heat_held_vials_once(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    (one,) = holds(ledger.db)
    manager = ledger.world.who(Role.MANAGER)
    with pytest.raises(ReasonMissing):
        release_hold(ledger.db, manager, one.id, Decision(reason="  "), now=ledger.now)
    release_hold(ledger.db, manager, one.id, Decision(reason="VVM stage 1, dinkes setuju"), now=ledger.now)
    assert (ledger.vials(COVID), ledger.vials(COVID, status=Status.HELD)) == (10, 0)
    assert (one.state, one.decided_name) == (HoldState.RELEASED, manager.name)
    with pytest.raises(HoldDecided):
        release_hold(ledger.db, ledger.world.who(Role.CITY), one.id, Decision(reason="lagi"), now=ledger.now)


def test_released_vials_stay_free_wherever_they_go_and_however_often_the_episode_is_judged(
    ledger: Ledger, channel: Channel
) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    episode = warm(ledger.db, channel, ledger.now)
    hold(ledger, episode)
    (one,) = holds(ledger.db)
    release_hold(ledger.db, world.who(Role.CITY), one.id, Decision(reason="aman"), now=ledger.now)
    later = ledger.now + timedelta(hours=2)
    line = ledger.line(COVID, 4, to_place=world.fridge2)
    moved = ledger.post(Kind.TRANSFER, line, at=later, now=later).event_id
    hold_entering(ledger.db, SYSTEM, moved, now=later)
    hold_for_episode(ledger.db, SYSTEM, episode.id, now=later)
    assert (ledger.vials(COVID), ledger.vials(COVID, place=world.fridge2)) == (6, 4)


@pytest.mark.parametrize("batch", [PENTA, COVID])
def test_after_freezing_it_takes_a_valid_passed_shake_test_or_the_citys_override(
    ledger: Ledger, channel: Channel, batch: str
) -> None:
    world = ledger.world
    ledger.post(Kind.SUPPLY, ledger.line(batch, 6), at=BEFORE)
    hold(ledger, freeze(ledger.db, channel, ledger.now))
    (one,) = holds(ledger.db)
    manager = world.who(Role.MANAGER)

    def release(**more: Any) -> None:
        release_hold(ledger.db, manager, one.id, Decision(reason="periksa", **more), now=ledger.now)

    with pytest.raises(ShakeTestNeeded):
        release()
    with pytest.raises(ShakeTestNeeded):
        release(shake_test=ShakeTest.FAILED)
    with pytest.raises(Forbidden):
        release(override=True)
    if batch == PENTA:
        release(shake_test=ShakeTest.PASSED)
    else:
        with pytest.raises(ShakeTestNeeded):
            release(shake_test=ShakeTest.PASSED)  # the test says nothing about this vaccine
        decision = Decision(reason="keputusan kota", override=True)
        release_hold(ledger.db, world.who(Role.CITY), one.id, decision, now=ledger.now)
    assert ledger.vials(batch) == 6


def test_vials_under_two_holds_are_free_after_both_are_lifted(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    points = [(m, 12.0 if 120 <= m < 780 or 800 <= m < 1500 else 5.0) for m in range(0, 1600, 10)]
    send(ledger.db, channel, points, received=ledger.now)
    evaluate_waiting(ledger.db, now=ledger.now)
    episodes = [one for one in living(ledger.db, channel) if one.rule == "HEAT" and one.alarmed_at]
    assert len(episodes) == 2
    assert [hold(ledger, one).vials for one in episodes] == [10, 0]
    first, second = holds(ledger.db)
    city = ledger.world.who(Role.CITY)
    release_hold(ledger.db, city, first.id, Decision(reason="satu"), now=ledger.now)
    assert ledger.vials(COVID) == 0
    release_hold(ledger.db, city, second.id, Decision(reason="dua"), now=ledger.now)
    assert ledger.vials(COVID) == 10


def test_a_passport_tells_what_happened_on_its_road_and_not_at_other_places(ledger: Ledger, channel: Channel) -> None:
    elsewhere = ledger.world.facilities["pkm-tanah-tinggi"]
    there = ledger.line(COVID, 3, place=ledger.world.equipment["pkm-tanah-tinggi-k1"])
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    ledger.post(Kind.SUPPLY, there, at=BEFORE, facility=elsewhere)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    batch = ledger.world.batches[COVID]
    told = [
        passport_out(ledger.db, SYSTEM, passport_of(ledger.db, batch, place, now=ledger.now))
        for place in (ledger.world.puskesmas, elsewhere)
    ]
    assert [(len(one.holds), len(one.alarms)) for one in told] == [(1, 1), (0, 0)]


def test_others_do_not_see_a_hold_and_readers_cannot_lift_it(ledger: Ledger, channel: Channel) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    hold(ledger, warm(ledger.db, channel, ledger.now))
    (one,) = holds(ledger.db)
    with pytest.raises(Forbidden):
        release_hold(ledger.db, ledger.world.who(Role.AUDITOR), one.id, Decision(reason="x"), now=ledger.now)
    with pytest.raises(HoldNotFound):
        release_hold(ledger.db, ledger.world.who(Role.CITY), uuid7(), Decision(reason="x"), now=ledger.now)
    stranger = ledger.world.who(Role.WAREHOUSE)
    assert len(ledger.db.execute(holds_visible_to(stranger)).all()) == 1
    assert ledger.db.execute(holds_visible_to(stranger, state=HoldState.RELEASED)).all() == []


def close(ledger: Ledger, episode: Episode, *what: tuple[str, Disposition], role: Role = Role.CITY) -> Alarm:
    dispositions = [
        BatchDisposition(
            batch_id=ledger.world.batches[batch].id, disposition=one, decision=Decision(reason="diputuskan")
        )
        for batch, one in what
    ]
    assert episode.alarm_id is not None
    command = CloseAlarm(alarm_id=episode.alarm_id, dispositions=dispositions)
    return close_alarm(ledger.db, ledger.world.who(role), command, now=ledger.now)


def test_closing_an_alarm_needs_a_disposition_for_every_batch_and_carries_each_out(
    ledger: Ledger, channel: Channel
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), ledger.line(MR, 4), ledger.line(PENTA, 2), at=BEFORE)
    episode = warm(ledger.db, channel, ledger.now)
    hold(ledger, episode)
    with pytest.raises(DispositionMissing):
        close(ledger, episode, (COVID, Disposition.RELEASE))
    assert ledger.vials(COVID) == 0, "all or nothing"
    alarm = close(ledger, episode, (COVID, Disposition.RELEASE), (MR, Disposition.DISCARD), (PENTA, Disposition.HOLD))
    assert alarm.closed_at == ledger.now
    assert ledger.vials(COVID) == 10
    assert ledger.vials(MR, status=Status.UNUSABLE) == 4
    assert ledger.vials(PENTA, status=Status.HELD) == 2
    assert len(ledger.db.scalars(select(AlarmDisposition)).all()) == 3
    with pytest.raises(AlarmClosed):
        close(ledger, episode, (COVID, Disposition.RELEASE), (PENTA, Disposition.HOLD))


def test_an_alarm_that_goes_on_is_not_closed(ledger: Ledger, channel: Channel) -> None:
    points = [(m, 12.0 if m >= HEAT_FROM else 5.0) for m in range(0, 1620, 10)]
    episode = _alarmed(ledger.db, channel, points, ledger.now, "HEAT")
    with pytest.raises(AlarmOngoing):
        close(ledger, episode)


def test_an_alarm_outside_the_subtree_is_not_found(ledger: Ledger, channel: Channel) -> None:
    episode = warm(ledger.db, channel, ledger.now)
    assert episode.alarm_id is not None
    with pytest.raises(Forbidden):
        close(ledger, episode, role=Role.VACCINATOR)
    command = CloseAlarm(alarm_id=uuid7(), dispositions=[])
    with pytest.raises(NotFound):
        close_alarm(ledger.db, ledger.world.who(Role.CITY), command, now=ledger.now)


@pytest.mark.parametrize("batches", [1, 20])
def test_a_hold_of_one_batch_and_of_twenty_costs_the_same_statements(
    ledger: Ledger, channel: Channel, batches: int
) -> None:
    db, world = ledger.db, ledger.world
    expiry = world.batches[COVID].expiry
    lots = [
        add_batch(db, SYSTEM, NewBatch(presentation="az-10", lot=f"LOT{n}", expiry=expiry), now=BEFORE).id
        for n in range(batches)
    ]
    ledger.post(Kind.SUPPLY, *(Line(batch_id=lot, vials=2, place_id=world.fridge.id) for lot in lots), at=BEFORE)
    episode = warm(db, channel, ledger.now)
    db.expire_all()
    with counted(db.connection()) as seen:
        held = hold(ledger, episode)
    assert held.vials == 2 * batches
    assert len(seen) <= HOLD_STATEMENTS, "\n\n".join(seen)


def test_fridges_of_several_facilities_that_rang_are_stopped_at_once(db: Session, world: World) -> None:
    ledger, fridges = Ledger(db, world), ["pkm-cipondoh-k1", "pkm-tanah-tinggi-k1", "biofarma-r1"]
    owners = {place.id: place for place in world.facilities.values()}
    episodes = []
    for code in fridges:
        place = world.equipment[code]
        ledger.post(Kind.SUPPLY, ledger.line(COVID, 6, place=place), at=BEFORE, facility=owners[place.facility_id])
        episodes.append(warm(db, new_channel(db, world, equipment=code), ledger.now).id)
    asked = []
    for many in (2, 3):
        db.expire_all()
        with db.begin_nested() as undone, counted(db.connection()) as seen:
            held = hold_for_episodes(db, SYSTEM, episodes[:many], now=ledger.now)
            assert [one.vials for one in held] == [6] * many
            undone.rollback()
        asked.append(len(seen))
    assert asked[1] - asked[0] <= 2, "what lay there, looked at before its pool is locked and after"


def test_what_a_hold_stopped_itself_sends_it_on_no_second_look_and_what_comes_late_does(
    ledger: Ledger, channel: Channel
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(COVID, 10), at=BEFORE)
    episode = warm(ledger.db, channel, ledger.now)
    assert hold(ledger, episode).vials == 10
    stopped = ledger.db.scalars(select(StockEvent).where(StockEvent.cause == episode.id)).one()
    assert hold_entering(ledger.db, SYSTEM, stopped.id, now=ledger.now) == []
    late = ledger.post(Kind.SUPPLY, ledger.line(COVID, 3), at=BEFORE).event_id
    assert [one.episode_id for one in hold_entering(ledger.db, SYSTEM, late, now=ledger.now)] == [episode.id]
    assert (ledger.vials(COVID), ledger.vials(COVID, status=Status.HELD)) == (0, 13)
