"""Facts are judged by their own time: what the house did since is done again to what then lay there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.books import check_books
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.stock.errors import HistoryNegative, NotTogether, OtherContent, UnknownPlace, VialNotOpen, VialStopped
from tracker.stock.models import OpenVial, StockEvent
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.changing_status import Changed, change_status
from tracker.stock.service.commands import (
    DiscardDoses,
    GiveDoses,
    Posted,
    RecordEvent,
    ReverseEvent,
    StatusChange,
    StatusLine,
)
from tracker.stock.service.opening import discard_doses, give_doses
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event
from tracker.stock.service.together import record_together
from tracker.trace.recalls import StartRecall, start_recall

BATCH = "az-10/AZ003"


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


def hours(ledger: Ledger, ago: float) -> datetime:
    return ledger.now - timedelta(hours=ago)


def act(
    ledger: Ledger,
    ago: float,
    from_status: Status = Status.USABLE,
    to_status: Status = Status.HELD,
    cause: UUID | None = None,
) -> Changed:
    """The house moves all vials of the batch in the first fridge and of opened ones to another status."""
    batch_id, world = ledger.world.batches[BATCH].id, ledger.world
    lines = tuple(
        StatusLine(batch_id=batch_id, holder_id=holder, from_status=from_status, to_status=to_status, account=account)
        for account, holder in ((Account.PLACE, world.fridge.id), (Account.OPEN, world.puskesmas.id))
    )
    command = StatusChange(
        id=uuid7(), facility_id=world.puskesmas.id, lines=lines, cause=cause or uuid7(), reason="hold:FRZE"
    )
    return change_status(ledger.db, SYSTEM, command, now=hours(ledger, ago))


def vial(ledger: Ledger) -> OpenVial:
    return ledger.db.scalars(select(OpenVial).execution_options(populate_existing=True)).one()


def found(ledger: Ledger) -> dict[Status, int]:
    """Vials in the first fridge by status."""
    return {status: vials for status in Status if (vials := ledger.vials(BATCH, status=status))}


def test_a_transfer_of_before_a_hold_is_recorded_and_the_hold_done_again(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 1)
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 4, to_place=ledger.world.fridge2), at=hours(ledger, 4))
    assert found(ledger) == {Status.HELD: 6}
    assert ledger.vials(BATCH, place=ledger.world.fridge2) == 4
    check_books(ledger.db)


@pytest.mark.parametrize("kind", [Kind.WASTE, Kind.OPENING, Kind.DESTRUCTION, Kind.RETURN, Kind.DISPATCH])
def test_so_is_whatever_else_took_vials_away_before(ledger: Ledger, kind: Kind) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 1)
    reason = "broken" if kind is Kind.WASTE else None
    shipment = uuid7() if kind is Kind.DISPATCH else None
    ledger.post(kind, ledger.line(BATCH, 1, reason=reason), at=hours(ledger, 4), shipment_id=shipment)
    assert found(ledger) == {Status.HELD: 9}
    check_books(ledger.db)


def test_what_came_before_a_hold_is_held_with_the_rest(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 1)
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 5), at=hours(ledger, 4))
    assert found(ledger) == {Status.HELD: 15}
    assert ledger.told("stock.available")[-1]["vials"] == 10, "nothing became usable, not for a moment"
    check_books(ledger.db)


@pytest.mark.parametrize(("decided", "status"), [(Status.USABLE, Status.USABLE), (Status.UNUSABLE, Status.UNUSABLE)])
def test_what_a_person_decided_of_the_held_vials_is_decided_of_these_too(
    ledger: Ledger, decided: Status, status: Status
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 3)
    act(ledger, 2, Status.HELD, decided)
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 5), at=hours(ledger, 4))
    ledger.post(Kind.WASTE, ledger.line(BATCH, 2, reason="broken"), at=hours(ledger, 5))
    assert found(ledger) == {status: 13}
    check_books(ledger.db)


def test_a_chain_of_acts_is_done_again_link_by_link(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 6)
    act(ledger, 5, Status.HELD, Status.USABLE)
    act(ledger, 4)
    act(ledger, 3, Status.HELD, Status.RECALLED)
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 3, to_place=ledger.world.fridge2), at=hours(ledger, 8))
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 1), at=hours(ledger, 7))
    assert found(ledger) == {Status.RECALLED: 8}
    check_books(ledger.db)


def test_the_floor_of_zero_still_refuses(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 3)
    ledger.post(Kind.DESTRUCTION, ledger.line(BATCH, 8, status=Status.HELD), at=hours(ledger, 2))
    late = ledger.line(BATCH, 3, to_place=ledger.world.fridge2)
    with pytest.raises(HistoryNegative):
        ledger.post(Kind.TRANSFER, late, at=hours(ledger, 4))
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 2, to_place=ledger.world.fridge2), at=hours(ledger, 4))
    assert found(ledger) == {}


def test_a_fact_of_after_the_hold_that_knows_nothing_of_it_is_refused(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 3)
    with pytest.raises(HistoryNegative):
        ledger.post(Kind.TRANSFER, ledger.line(BATCH, 3, to_place=ledger.world.fridge2), at=hours(ledger, 2))


def test_a_count_between_a_late_fact_and_a_hold_keeps_what_it_found(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    ledger.post(Kind.COUNT, ledger.line(BATCH, 7), at=hours(ledger, 5))
    act(ledger, 3)
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 3, to_place=ledger.world.fridge2), at=hours(ledger, 8))
    assert found(ledger) == {Status.HELD: 7}
    assert ledger.world_total(Account.LOST, BATCH) == 0, "what was missing is explained"
    check_books(ledger.db)


def test_a_late_count_of_before_a_hold_corrects_what_the_hold_found(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    act(ledger, 3)
    ledger.post(Kind.COUNT, ledger.line(BATCH, 7), at=hours(ledger, 5))
    assert found(ledger) == {Status.HELD: 7}
    check_books(ledger.db)


def test_a_supply_that_never_was_can_be_taken_back_though_it_was_held_since(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    wrong = ledger.post(Kind.SUPPLY, ledger.line(BATCH, 5), at=hours(ledger, 8)).event_id
    act(ledger, 3)
    late = ledger.post(
        Kind.TRANSFER, ledger.line(BATCH, 2, to_place=ledger.world.fridge2), at=hours(ledger, 7)
    ).event_id
    for event_id in (wrong, late):
        reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=event_id), now=ledger.now)
        check_books(ledger.db)
    assert found(ledger) == {Status.HELD: 10}
    assert ledger.vials(BATCH, place=ledger.world.fridge2) == 0


def test_an_act_that_waited_for_the_locks_stands_behind_what_was_written_meanwhile(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 5), at=hours(ledger, 1))
    changed = act(ledger, 2)  # its `now` was taken an hour before the supply's
    assert (changed.vials, changed.at) == (15, hours(ledger, 1))
    assert found(ledger) == {Status.HELD: 15}
    check_books(ledger.db)


def test_a_vial_opened_before_a_hold_and_told_after_it_is_what_the_hold_makes_of_the_opened_ones(
    ledger: Ledger,
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    ledger.post(Kind.OPENING, ledger.line(BATCH, 1), at=hours(ledger, 5))
    act(ledger, 3)
    ledger.post(Kind.OPENING, ledger.line(BATCH, 1), at=hours(ledger, 4))
    vials = ledger.db.scalars(select(OpenVial).execution_options(populate_existing=True)).all()
    assert [each.status for each in vials] == [Status.HELD, Status.HELD]
    assert found(ledger) == {Status.HELD: 8}
    check_books(ledger.db)


def test_doses_given_before_a_hold_are_recorded_after_it(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    ledger.post(Kind.OPENING, ledger.line(BATCH, 1), at=hours(ledger, 5))
    act(ledger, 3)
    opened = vial(ledger)

    def give(ago: float, doses: int = 1) -> OpenVial:
        command = GiveDoses(open_vial_id=opened.id, occurred_at=hours(ledger, ago), doses=doses)
        return give_doses(ledger.db, SYSTEM, command, now=ledger.now)

    with pytest.raises(VialStopped):
        give(2)
    with pytest.raises(VialNotOpen):
        give(6)
    give(4)
    last = give(4.5, 9)
    assert (last.given, last.remaining, last.closed_at) == (10, 0, hours(ledger, 4))
    assert ledger.open_vials(BATCH) == 0
    check_books(ledger.db)


def test_doses_given_before_the_rest_was_thrown_away_were_not_thrown_away(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 1), at=hours(ledger, 20))
    ledger.post(Kind.OPENING, ledger.line(BATCH, 1), at=hours(ledger, 5))
    discard = DiscardDoses(open_vial_id=vial(ledger).id, occurred_at=hours(ledger, 1), reason=OpenWaste.SESSION_END)
    discard_doses(ledger.db, SYSTEM, discard, now=ledger.now)
    late = GiveDoses(open_vial_id=vial(ledger).id, occurred_at=hours(ledger, 2), doses=3)
    give_doses(ledger.db, SYSTEM, late, now=ledger.now)
    closed = vial(ledger)
    assert (closed.given, closed.discarded, closed.remaining, closed.closed_at) == (3, 7, 0, hours(ledger, 1))
    with pytest.raises(VialStopped):
        after = GiveDoses(open_vial_id=closed.id, occurred_at=hours(ledger, 0.5))
        give_doses(ledger.db, SYSTEM, after, now=ledger.now)
    check_books(ledger.db)


def test_doses_thrown_away_before_a_hold_are_recorded_after_it(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 2), at=hours(ledger, 20))
    ledger.post(Kind.OPENING, ledger.line(BATCH, 1), at=hours(ledger, 5))
    act(ledger, 3)
    discard = DiscardDoses(open_vial_id=vial(ledger).id, occurred_at=hours(ledger, 4), reason=OpenWaste.SESSION_END)
    discard_doses(ledger.db, SYSTEM, discard, now=ledger.now)
    assert ledger.open_vials(BATCH) == 0
    check_books(ledger.db)


def test_what_an_act_was_done_again_for_says_so(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 10), at=hours(ledger, 20))
    cause = uuid7()
    act(ledger, 1, cause=cause)
    late = ledger.post(Kind.WASTE, ledger.line(BATCH, 1, reason="broken"), at=hours(ledger, 4)).event_id
    row = ledger.db.scalars(select(StockEvent).where(StockEvent.because_id == late)).one()
    assert (row.kind, row.cause, row.occurred_at) == (Kind.STATUS, cause, hours(ledger, 1))


def by_hand(
    ledger: Ledger, vials: int, ago: float, status: Status = Status.USABLE, to_status: Status = Status.HELD
) -> UUID:
    """Somebody stops or frees so many vials in the first fridge, of no hold or recall."""
    line = ledger.line(BATCH, vials, status=status, to_status=to_status)
    return ledger.post(Kind.STATUS, line, at=hours(ledger, ago)).event_id


def undo(ledger: Ledger, event_id: UUID) -> None:
    reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=event_id, reason="keliru"), now=ledger.now)


@pytest.mark.parametrize("kind", [Kind.DISPATCH, Kind.TRANSFER])
def test_what_left_before_somebody_stopped_the_rest_by_hand_is_recorded_and_fewer_are_stopped(
    ledger: Ledger, kind: Kind
) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 6), at=hours(ledger, 20))
    by_hand(ledger, 6, 2)
    left = ledger.line(BATCH, 4, to_place=ledger.world.fridge2 if kind is Kind.TRANSFER else None)
    late = ledger.post(kind, left, at=hours(ledger, 4), shipment_id=uuid7() if kind is Kind.DISPATCH else None)
    assert found(ledger) == {Status.HELD: 2}
    check_books(ledger.db)
    undo(ledger, late.event_id)
    assert found(ledger) == {Status.HELD: 6}, "as many as were said"
    check_books(ledger.db)


def test_a_stop_by_hand_takes_no_more_than_it_said_and_taken_back_leaves_what_is_there(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 6), at=hours(ledger, 20))
    stop = by_hand(ledger, 6, 2)
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 3), at=hours(ledger, 5))
    assert found(ledger) == {Status.USABLE: 3, Status.HELD: 6}
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 4, to_place=ledger.world.fridge2), at=hours(ledger, 4))
    assert found(ledger) == {Status.HELD: 5}
    undo(ledger, stop)
    assert found(ledger) == {Status.USABLE: 5}
    check_books(ledger.db)


def test_what_was_stopped_and_freed_by_hand_since_does_not_forbid_what_left_before(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 6), at=hours(ledger, 20))
    by_hand(ledger, 6, 3)
    by_hand(ledger, 6, 2, Status.HELD, Status.USABLE)
    ledger.post(Kind.TRANSFER, ledger.line(BATCH, 4, to_place=ledger.world.fridge2), at=hours(ledger, 4))
    assert found(ledger) == {Status.USABLE: 2}
    check_books(ledger.db)


def test_vials_somebody_found_unusable_were_there(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 6), at=hours(ledger, 20))
    by_hand(ledger, 6, 2, to_status=Status.UNUSABLE)
    with pytest.raises(HistoryNegative):
        ledger.post(Kind.TRANSFER, ledger.line(BATCH, 4, to_place=ledger.world.fridge2), at=hours(ledger, 4))


def said(
    ledger: Ledger, kind: Kind, ago: float, vials: int, place: Equipment, to_place: Equipment | None = None
) -> RecordEvent:
    line = NamedLine(
        batch_id=Reference(BATCH),
        vials=vials,
        place_id=Reference(place.code),
        to_place_id=None if to_place is None else Reference(to_place.code),
        reason="broken" if kind is Kind.WASTE else None,
    )
    facility = ledger.world.puskesmas.code
    return RecordEvent(id=uuid7(), kind=kind, facility=facility, occurred_at=hours(ledger, ago), lines=(line,))


def together(ledger: Ledger, *commands: RecordEvent) -> list[Posted]:
    with ledger.db.begin_nested():
        return record_together(ledger.db, SYSTEM, commands, now=ledger.now)


def there_and_back(ledger: Ledger, vials: int = 4) -> tuple[RecordEvent, RecordEvent]:
    """Told after four of the six that came back had been opened, and the rest stopped."""
    here, there = ledger.world.fridge, ledger.world.fridge2
    ledger.post(Kind.SUPPLY, ledger.line(BATCH, 6), at=hours(ledger, 20))
    ledger.post(Kind.OPENING, ledger.line(BATCH, 4), at=hours(ledger, 5))
    away = said(ledger, Kind.TRANSFER, 8, vials, here, there)
    return away, said(ledger, Kind.TRANSFER, 6, vials, there, here)


def test_a_way_there_and_back_told_late_stands_as_a_whole_and_neither_half_alone(ledger: Ledger) -> None:
    away, back = there_and_back(ledger)
    for half in (away, back):
        with pytest.raises(HistoryNegative), ledger.db.begin_nested():
            record_event(ledger.db, SYSTEM, half, now=ledger.now)
    first = together(ledger, back, away)
    assert [(posted.event_id, posted.fresh) for posted in first] == [(back.id, True), (away.id, True)]
    assert found(ledger) == {Status.USABLE: 2}
    assert (ledger.vials_at(BATCH, hours(ledger, 7)), ledger.vials_at(BATCH, hours(ledger, 5.5))) == (2, 6)
    check_books(ledger.db, ledger.now)
    assert [posted.fresh for posted in together(ledger, back, away)] == [False, False]
    assert found(ledger) == {Status.USABLE: 2}


def test_what_does_not_stand_together_either_leaves_nothing(ledger: Ledger) -> None:
    away, back = there_and_back(ledger)
    broken = said(ledger, Kind.WASTE, 7, 1, ledger.world.fridge2)
    with pytest.raises(HistoryNegative):
        together(ledger, away, broken, back)
    opening = said(ledger, Kind.OPENING, 7, 1, ledger.world.fridge2)
    for others in ((away, opening), (away, replace(back, facility=ledger.world.city.code))):
        with pytest.raises((NotTogether, UnknownPlace)):
            together(ledger, *others)
    with pytest.raises(OtherContent):
        together(ledger, away, away)
    assert ledger.db.get(StockEvent, away.id) is None
    assert found(ledger) == {Status.USABLE: 2}


def test_a_hold_and_a_count_since_meet_what_is_told_together_as_a_whole(ledger: Ledger) -> None:
    away, back = there_and_back(ledger)
    act(ledger, 3)
    ledger.post(Kind.COUNT, ledger.line(BATCH, 1, status=Status.HELD), at=hours(ledger, 2))
    broken = said(ledger, Kind.WASTE, 7, 1, ledger.world.fridge2)
    together(ledger, away, broken, replace(back, lines=(replace(back.lines[0], vials=3),)))
    assert found(ledger) == {Status.HELD: 1}, "what the count found"
    assert ledger.vials_at(BATCH, hours(ledger, 4)) == 1
    check_books(ledger.db, ledger.now)


def test_what_is_told_together_of_a_batch_called_back_is_called_back(ledger: Ledger) -> None:
    away, back = there_and_back(ledger, 2)
    start = StartRecall(id=uuid7(), batch=BATCH, reason="uji")
    start_recall(ledger.db, SYSTEM, start, now=hours(ledger, 7))
    came = said(ledger, Kind.SUPPLY, 6.5, 3, ledger.world.fridge2)
    together(ledger, away, came)
    assert found(ledger) == {}
    assert ledger.vials(BATCH, place=ledger.world.fridge2, status=Status.RECALLED) == 5
    with pytest.raises(HistoryNegative):
        together(ledger, back, said(ledger, Kind.SUPPLY, 6.4, 1, ledger.world.fridge))
    check_books(ledger.db, ledger.now)
