"""A recall that was started by mistake is withdrawn: what it stopped is what it was, and its time stays as it was."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.db.test_trace_holders import part, receive, send, under
from tests.db.test_trace_recalls import BATCH, Scene
from tests.support.books import check_books
from tests.support.counting import counted
from tests.support.facts import FROST, HEAT, Morning
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.commands import Decision
from tracker.passport.service.releasing import discard_hold, release_hold
from tracker.stock.errors import HistoryNegative
from tracker.stock.models import OpenVial, StockEvent
from tracker.stock.queries.availability import pool_state
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.commands import DiscardDoses, ReverseEvent
from tracker.stock.service.opening import discard_doses
from tracker.stock.service.reversing import reverse_event
from tracker.stock.service.stopping import kept_by_hold
from tracker.trace.errors import RecallIsWithdrawn
from tracker.trace.models import Recall
from tracker.trace.progress import progress_of
from tracker.trace.recalls import StartRecall, close_recall, start_recall, sweep_recalls
from tracker.trace.withdrawing import withdraw_recall

FRIDGE = "pkm-cipondoh-k1"
PENTA = "penta-5/PB001"  # has vial monitors


@pytest.fixture
def scene(db: Session, world: World) -> Scene:
    return Scene(db, world)


def withdraw(scene: Scene, recall: Recall, ago: float = 5, *, by: Role = Role.NATIONAL) -> Recall:
    return withdraw_recall(scene.db, scene.world.who(by), recall.id, reason="lot keliru", now=scene.hours(ago))


def started_and_withdrawn(scene: Scene) -> None:
    """By the city, which the nation hears nothing of as long as no vials are found."""
    withdraw(scene, scene.recall(scene.world.who(Role.CITY)), by=Role.CITY)


def kept(scene: Scene) -> int:
    """Held vials at the puskesmas that nobody may free by hand."""
    return kept_by_hold(scene.db, scene.world.puskesmas.id, scene.world.batches[BATCH].id, Status.HELD)


def found(scene: Scene, code: str = FRIDGE) -> dict[Status, int]:
    """Vials in a fridge by status."""
    return {status: vials for status in Status if (vials := scene.vials(code, status))}


def hold_by_hand(scene: Scene, vials: int, ago: float) -> None:
    line = scene.ledger.line(BATCH, vials, to_status=Status.HELD)
    scene.ledger.post(Kind.STATUS, line, at=scene.hours(ago))


def test_what_a_withdrawn_recall_stopped_may_be_used_and_promised_again(scene: Scene) -> None:
    scene.supply(FRIDGE, 6)
    recall = scene.recall(scene.world.who(Role.CITY))
    assert found(scene) == {Status.RECALLED: 6}
    withdraw(scene, recall)
    assert found(scene) == {Status.USABLE: 6}
    today = scene.now.date()
    product = scene.world.presentations["az-10"].id
    assert next(row.vials for row in pool_state(scene.db, scene.world.puskesmas.id, product, today)) == 6
    told = scene.ledger.told("trace.given_back")
    assert [(one["vials"], one["held"]) for one in told] == [(6, 0)]
    assert len(scene.ledger.told("trace.recall_withdrawn")) == 1
    check_books(scene.db)


def test_who_withdrew_it_and_why_stays_beside_who_started_it_and_why(scene: Scene) -> None:
    scene.supply(FRIDGE, 6)
    city, national = scene.world.who(Role.CITY), scene.world.who(Role.NATIONAL)
    recall = withdraw(scene, scene.recall(city))
    assert (recall.reason, recall.account_id) == ("potensi turun", city.account_id)
    assert (recall.withdraw_reason, recall.withdrawn_by, recall.withdrawn_at) == (
        "lot keliru",
        national.name,
        scene.hours(5),
    )
    acts = scene.db.scalars(select(StockEvent).where(StockEvent.cause == recall.id).order_by(StockEvent.number)).all()
    assert [(each.recorded_by, each.reason) for each in acts] == [
        (city.name, "potensi turun"),
        (national.name, "lot keliru"),
    ]
    (there,) = progress_of(scene.db, national, recall)
    assert (there.found, there.left, there.given_back, there.unaccounted) == (6, 0, 6, 0)
    assert withdraw(scene, recall) is recall, "said again is fine"
    with pytest.raises(RecallIsWithdrawn):
        withdraw_recall(scene.db, national, recall.id, reason="lain", now=scene.now)
    with pytest.raises(RecallIsWithdrawn):
        close_recall(scene.db, national, recall.id, reason="selesai", now=scene.now)


def test_who_may_not_end_a_recall_may_not_withdraw_it(scene: Scene) -> None:
    scene.supply(FRIDGE, 6)
    recall = scene.recall(scene.world.who(Role.NATIONAL))
    for who in (scene.world.who(Role.CITY), scene.world.who(Role.MANAGER)):
        with pytest.raises(Forbidden):
            withdraw_recall(scene.db, who, recall.id, reason="lot keliru", now=scene.now)
    assert found(scene) == {Status.RECALLED: 6}
    assert recall.withdrawn_at is None


def test_what_was_on_hold_is_on_hold_again_and_freed_by_who_held_it(scene: Scene) -> None:
    scene.supply(FRIDGE, 10)
    hold_by_hand(scene, 4, ago=20)
    withdraw(scene, scene.recall(scene.world.who(Role.CITY)))
    assert found(scene) == {Status.USABLE: 6, Status.HELD: 4}
    assert kept(scene) == 0, "who held them by hand frees them by hand"
    check_books(scene.db)


def test_what_a_hold_stopped_before_a_recall_is_still_the_holds(db: Session, world: World) -> None:
    morning, scene = Morning(db, world), Scene(db, world)
    line = scene.ledger.line(BATCH, 6)
    scene.ledger.post(Kind.SUPPLY, line, at=morning.at(6), now=morning.at(6))
    morning.begin()
    morning.carry_out(FROST)
    recall = scene.recall(world.who(Role.NATIONAL), ago=(world.now - morning.at(14)) / timedelta(hours=1))
    withdraw(scene, recall, ago=(world.now - morning.at(15)) / timedelta(hours=1))
    assert found(scene) == {Status.HELD: 6}
    assert kept(scene) == 6, "nobody frees them by hand"
    hold = db.scalars(select(Hold).where(Hold.batch_id == world.batches[BATCH].id)).one()
    release_hold(db, world.who(Role.CITY), hold.id, Decision(reason="tak beku", override=True), now=morning.at(16))
    assert found(scene) == {Status.USABLE: 6}
    check_books(db)


@pytest.mark.parametrize(
    ("decide", "status"),
    [(release_hold, Status.USABLE), (discard_hold, Status.UNUSABLE)],
    ids=["released", "discarded"],
)
def test_what_a_person_decided_of_a_hold_while_its_vials_were_recalled_is_done_when_they_are_not(
    db: Session, world: World, decide: object, status: Status
) -> None:
    morning, scene = Morning(db, world), Scene(db, world)
    scene.ledger.post(Kind.SUPPLY, scene.ledger.line(BATCH, 6), at=morning.at(6), now=morning.at(6))
    morning.begin()
    morning.carry_out(FROST)
    recall = scene.recall(world.who(Role.NATIONAL), ago=(world.now - morning.at(14)) / timedelta(hours=1))
    hold = db.scalars(select(Hold).where(Hold.batch_id == world.batches[BATCH].id)).one()
    decision = Decision(reason="tak beku", override=True)
    decide(db, world.who(Role.CITY), hold.id, decision, now=morning.at(14.5))  # type: ignore[operator]  # one of two
    assert found(scene) == {Status.RECALLED: 6}
    withdraw(scene, recall, ago=(world.now - morning.at(15)) / timedelta(hours=1))
    assert found(scene) == {status: 6}
    check_books(db)


def test_what_froze_while_it_was_recalled_is_held_when_the_recall_is_withdrawn(db: Session, world: World) -> None:
    morning, scene = Morning(db, world), Scene(db, world)
    scene.ledger.post(Kind.SUPPLY, scene.ledger.line(BATCH, 6), at=morning.at(6), now=morning.at(6))
    morning.begin()
    recall = scene.recall(world.who(Role.NATIONAL), ago=(world.now - morning.at(7)) / timedelta(hours=1))
    morning.carry_out(FROST)
    assert found(scene) == {Status.RECALLED: 6}
    withdraw(scene, recall, ago=(world.now - morning.at(15)) / timedelta(hours=1))
    assert found(scene) == {Status.HELD: 6}
    holds = db.scalars(select(Hold).where(Hold.batch_id == world.batches[BATCH].id)).all()
    assert [(hold.state, hold.vials) for hold in holds] == [(HoldState.HELD, 6)], "somebody can lift it"
    check_books(db)


def test_each_fridge_more_that_rang_meanwhile_costs_a_withdrawal_the_same_few_statements(
    db: Session, world: World
) -> None:
    morning, scene = Morning(db, world), Scene(db, world)
    for place in (world.fridge, world.fridge2):
        line = scene.ledger.line(BATCH, 6, place=place)
        scene.ledger.post(Kind.SUPPLY, line, at=morning.at(6), now=morning.at(6))
    morning.begin()
    recall = scene.recall(world.who(Role.NATIONAL), ago=(world.now - morning.at(7)) / timedelta(hours=1))
    cost = []
    for act in (None, FROST, HEAT):
        if act is not None:
            morning.carry_out(act)
        with db.begin_nested() as undone, counted(db.connection()) as seen:
            withdraw(scene, recall, ago=(world.now - morning.at(15)) / timedelta(hours=1))
            held = sum(found(scene, place.code).get(Status.HELD, 0) for place in (world.fridge, world.fridge2))
            undone.rollback()
        cost.append((held, len(seen)))
    (_, none), (first, one), (both, two) = cost
    assert (first, both) == (6, 18)
    assert two - one <= 5, "its facts, its state, what is written; all else is asked of all at once"
    assert one - none <= 19
    assert none <= 40, "where no other recall stands, nobody asks which of the vials lie in its reach"


def test_a_monitor_that_was_spent_while_its_vials_were_recalled_is_not_forgotten(scene: Scene) -> None:
    scene.supply(FRIDGE, 6, batch=PENTA)
    said = StartRecall(id=uuid7(), batch=PENTA, reason="potensi turun")
    recall, _ = start_recall(scene.db, scene.world.who(Role.CITY), said, now=scene.hours(10))
    line = scene.ledger.line(PENTA, 6, status=Status.RECALLED, vvm_stage=3, status_said=True)
    scene.ledger.post(Kind.COUNT, line, at=scene.hours(8))
    withdraw(scene, recall)
    assert scene.ledger.vials(PENTA) == 6
    product = scene.world.presentations["penta-5"].id
    rows = pool_state(scene.db, scene.world.puskesmas.id, product, scene.now.date())
    assert {row.vials for row in rows} <= {0}, "they lie there, and bear nothing"
    check_books(scene.db)


def test_what_was_destroyed_or_sent_back_meanwhile_is_gone(scene: Scene) -> None:
    scene.supply(FRIDGE, 10)
    recall = scene.recall(scene.world.who(Role.CITY))
    scene.ledger.post(Kind.DESTRUCTION, scene.ledger.line(BATCH, 3, status=Status.RECALLED), at=scene.hours(8))
    scene.ledger.post(Kind.RETURN, scene.ledger.line(BATCH, 2, status=Status.RECALLED), at=scene.hours(7))
    withdraw(scene, recall)
    assert found(scene) == {Status.USABLE: 5}
    (there,) = progress_of(scene.db, scene.world.who(Role.NATIONAL), recall)
    assert (there.found, there.gone, there.given_back, there.unaccounted) == (10, 5, 5, 0)
    check_books(scene.db)


def test_where_another_recall_stands_vials_stay_recalled_until_that_is_withdrawn_too(scene: Scene) -> None:
    scene.supply(FRIDGE, 10)
    scene.supply("pkm-neglasari-k1", 6)
    one = scene.recall(under(scene, "pkm-cipondoh"), ago=20)
    wide = scene.recall(scene.world.who(Role.CITY), ago=10)
    assert one.taken_over_by == wide.id
    withdraw(scene, wide)
    going_on = select(Recall.id).where(Recall.closed_at.is_(None), Recall.taken_over_by.is_(None))
    assert scene.db.scalars(going_on).all() == [one.id]
    assert found(scene) == {Status.RECALLED: 10}
    assert found(scene, "pkm-neglasari-k1") == {Status.USABLE: 6}
    withdraw(scene, one, ago=4)
    assert found(scene) == {Status.USABLE: 10}
    check_books(scene.db)


def test_vials_on_the_road_and_open_ones_are_given_back_too(scene: Scene) -> None:
    scene.supply("kota-tangerang-r1", 20)
    shipment = send(scene, "kota-tangerang", "pkm-cipondoh", 12)
    scene.supply(FRIDGE, 2)
    scene.ledger.post(Kind.OPENING, scene.ledger.line(BATCH, 1), at=scene.hours(12))
    recall = scene.recall(scene.world.who(Role.CITY))
    withdraw(scene, recall)
    vial = scene.db.scalars(select(OpenVial).execution_options(populate_existing=True)).one()
    assert vial.status is Status.USABLE
    receive(scene, shipment, 12, "pkm-cipondoh-k2")
    assert found(scene, "pkm-cipondoh-k2") == {Status.USABLE: 12}
    discard = DiscardDoses(open_vial_id=vial.id, occurred_at=scene.hours(1), reason=OpenWaste.SESSION_END)
    discard_doses(scene.db, SYSTEM, discard, now=scene.now)
    check_books(scene.db)


def test_recalled_vials_that_left_the_reach_as_a_return_are_given_back_where_they_are(scene: Scene) -> None:
    scene.supply("biofarma-r1", 40)
    shipment = send(scene, "biofarma", "kota-tangerang", 12)
    recall = scene.recall(scene.world.who(Role.CITY))
    receive(scene, shipment, 12, "biofarma-r1", returned=True)
    assert found(scene, "biofarma-r1") == {Status.USABLE: 28, Status.RECALLED: 12}
    withdraw(scene, recall, ago=1)
    assert found(scene, "biofarma-r1") == {Status.USABLE: 40}
    there = part(scene, scene.world.who(Role.NATIONAL), recall, "kota-tangerang")
    assert there is not None
    assert (there.found, there.left, there.unaccounted) == (12, 0, 0)
    check_books(scene.db)


def test_what_was_recalled_by_hand_before_stays_so(scene: Scene) -> None:
    scene.supply(FRIDGE, 10)
    line = scene.ledger.line(BATCH, 3, to_status=Status.RECALLED)
    scene.ledger.post(Kind.STATUS, line, at=scene.hours(20))
    withdraw(scene, scene.recall(scene.world.who(Role.CITY)))
    assert found(scene) == {Status.USABLE: 7, Status.RECALLED: 3}
    check_books(scene.db)


def test_a_closed_recall_that_was_a_mistake_stops_what_comes_no_longer(scene: Scene) -> None:
    scene.supply(FRIDGE, 4)
    recall = scene.recall(scene.world.who(Role.NATIONAL))
    gone = scene.destroy(FRIDGE, 4)
    close_recall(scene.db, scene.world.who(Role.NATIONAL), recall.id, reason="dimusnahkan", now=scene.now)
    scene.supply("pkm-neglasari-k1", 5, ago=1)
    assert found(scene, "pkm-neglasari-k1") == {Status.RECALLED: 5}
    withdraw(scene, recall, ago=0)
    assert found(scene, "pkm-neglasari-k1") == {Status.USABLE: 5}
    scene.supply("pkm-neglasari-k1", 5, ago=0)
    assert found(scene, "pkm-neglasari-k1") == {Status.USABLE: 10}
    reverse_event(scene.db, SYSTEM, ReverseEvent(id=UUID(int=7), event_id=gone), now=scene.now)
    sweep_recalls(scene.db, scene.world.batches[BATCH].id, now=scene.now)
    assert found(scene) == {Status.USABLE: 4}, "a destruction that never was gives back what was not recalled"
    check_books(scene.db)


@pytest.mark.parametrize("ago", [12, 8, 3], ids=["before", "during", "after"])
def test_a_supply_told_after_the_withdrawal_may_be_used(scene: Scene, ago: float) -> None:
    started_and_withdrawn(scene)
    event = scene.supply(FRIDGE, 5, ago)
    assert found(scene) == {Status.USABLE: 5}
    stopped = scene.db.scalars(select(StockEvent.occurred_at).where(StockEvent.because_id == event)).all()
    assert len(stopped) == (0 if ago < 5 else 2), "it was recalled, as it would have been, as long as the recall stood"
    check_books(scene.db)


def test_what_nobody_could_have_used_while_it_was_recalled_is_still_refused(scene: Scene) -> None:
    scene.supply(FRIDGE, 5)
    withdraw(scene, scene.recall(scene.world.who(Role.CITY)))
    with pytest.raises(HistoryNegative):
        scene.ledger.post(Kind.OPENING, scene.ledger.line(BATCH, 1), at=scene.hours(8))
    scene.ledger.post(Kind.OPENING, scene.ledger.line(BATCH, 1), at=scene.hours(12))
    scene.ledger.post(Kind.DESTRUCTION, scene.ledger.line(BATCH, 1, status=Status.RECALLED), at=scene.hours(8))
    scene.ledger.post(Kind.WASTE, scene.ledger.line(BATCH, 1, reason="broken"), at=scene.hours(3))
    assert found(scene) == {Status.USABLE: 2}
    assert scene.ledger.world_total(Account.DESTROYED, BATCH) == 1
    check_books(scene.db)


def test_a_late_fact_of_before_the_recall_changes_what_it_was_of(scene: Scene) -> None:
    """Held vials that had gone before were on hold, usable ones were usable: both numbers stay right."""
    scene.supply(FRIDGE, 10)
    hold_by_hand(scene, 4, ago=20)
    withdraw(scene, scene.recall(scene.world.who(Role.CITY)))
    scene.ledger.post(Kind.WASTE, scene.ledger.line(BATCH, 3, status=Status.HELD, reason="broken"), at=scene.hours(15))
    assert found(scene) == {Status.USABLE: 6, Status.HELD: 1}
    scene.ledger.post(Kind.WASTE, scene.ledger.line(BATCH, 2, reason="broken"), at=scene.hours(15))
    assert found(scene) == {Status.USABLE: 4, Status.HELD: 1}
    check_books(scene.db)


def test_the_same_lot_can_be_called_back_again(scene: Scene) -> None:
    scene.supply(FRIDGE, 5)
    city = scene.world.who(Role.CITY)
    withdraw(scene, scene.recall(city), ago=8)
    again = scene.recall(city, ago=6)
    scene.supply(FRIDGE, 2, ago=12)
    assert found(scene) == {Status.RECALLED: 7}
    withdraw(scene, again, ago=5)
    scene.supply(FRIDGE, 1, ago=12)
    assert found(scene) == {Status.USABLE: 8}
    check_books(scene.db)
