"""The ledger against a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.support.counting import counted
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.feed.models import FeedPending
from tracker.kit.errors import Conflict, DomainError, Forbidden, NotFound, Refused
from tracker.kit.ids import uuid7
from tracker.stock.models import OpenVial, StockEntry, StockEvent
from tracker.stock.queries.availability import need_by_day, pool_state
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, OpenWaste, Status
from tracker.stock.service.availability import reserve
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import (
    DiscardDoses,
    GiveDoses,
    OpenForSession,
    ReverseEvent,
    StatusChange,
    StatusLine,
)
from tracker.stock.service.opening import discard_doses, give_doses, open_for_session
from tracker.stock.service.reversing import reverse_event


@pytest.fixture
def ledger(db: Session, world: World) -> Ledger:
    return Ledger(db, world)


def code_of(caught: pytest.ExceptionInfo[DomainError]) -> str:
    return caught.value.code


def test_a_supply_stands_in_its_place_and_comes_from_the_supplier(ledger: Ledger) -> None:
    posted = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 40))
    assert posted.fresh
    assert ledger.vials("az-10/AZ002") == 40
    entries = ledger.entries(posted.event_id)
    assert [(e.account, e.vials) for e in entries] == [(Account.SUPPLIER, -40), (Account.PLACE, 40)]


def test_the_same_event_again_answers_the_first_and_changes_nothing(ledger: Ledger) -> None:
    event_id = uuid7()
    first = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 40), event_id=event_id)
    told = ledger.db.scalar(select(func.count()).select_from(FeedPending))
    again = ledger.post(
        Kind.SUPPLY, ledger.line("az-10/AZ002", 40), event_id=event_id, now=ledger.now + timedelta(hours=1)
    )
    assert (first.fresh, again.fresh, again.event_id) == (True, False, event_id)
    assert ledger.vials("az-10/AZ002") == 40
    assert ledger.db.scalar(select(func.count()).select_from(FeedPending)) == told


def test_the_same_id_with_other_content_is_a_conflict(ledger: Ledger) -> None:
    event_id = uuid7()
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 40), event_id=event_id)
    with pytest.raises(Conflict) as caught:
        ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 41), event_id=event_id)
    assert code_of(caught) == "stock.other_content"
    assert ledger.vials("az-10/AZ002") == 40


def test_a_count_stays_when_an_earlier_event_arrives_late(ledger: Ledger) -> None:
    """The trap: book 10, count 7 at 10:00, then a phone delivers "3 taken at 09:30". It must stay 7."""
    at = ledger.now - timedelta(hours=5)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    count = ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 7), at=at + timedelta(hours=2))
    late = ledger.post(
        Kind.TRANSFER,
        ledger.line("az-10/AZ002", 3, to_place=ledger.world.fridge2),
        at=at + timedelta(hours=1, minutes=30),
    )
    assert ledger.vials("az-10/AZ002") == 7
    assert ledger.vials("az-10/AZ002", place=ledger.world.fridge2) == 3
    opposite = ledger.db.scalars(select(StockEvent).where(StockEvent.because_id == late.event_id)).one()
    assert (opposite.kind, opposite.count_id) == (Kind.COUNT, count.event_id)
    assert opposite.occurred_at == at + timedelta(hours=2)
    # The three vials the count had missed are explained, not lost any more.
    assert ledger.world_total(Account.LOST, "az-10/AZ002") == 0
    assert ledger.vials_at("az-10/AZ002", at + timedelta(hours=1, minutes=45)) == 7


def test_late_events_before_a_count_give_the_same_books_in_any_order(ledger: Ledger) -> None:
    at = ledger.now - timedelta(hours=5)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 12), at=at + timedelta(hours=2))
    assert ledger.world_total(Account.FOUND, "az-10/AZ002") == -2
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5), at=at + timedelta(hours=1))
    # 15 booked, 12 counted: what looked found is in truth a loss of three.
    assert ledger.world_total(Account.FOUND, "az-10/AZ002") == 0
    assert ledger.world_total(Account.LOST, "az-10/AZ002") == 3
    assert ledger.vials("az-10/AZ002") == 12


def test_a_count_recorded_late_yields_to_the_count_after_it(ledger: Ledger) -> None:
    at = ledger.now - timedelta(hours=5)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 6), at=at + timedelta(hours=3))
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 8), at=at + timedelta(hours=1))
    assert ledger.vials("az-10/AZ002") == 6
    assert ledger.vials_at("az-10/AZ002", at + timedelta(hours=2)) == 8
    assert ledger.world_total(Account.LOST, "az-10/AZ002") == 4


def test_a_count_without_difference_still_asserts_its_instant(ledger: Ledger) -> None:
    at = ledger.now - timedelta(hours=5)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    count = ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 10), at=at + timedelta(hours=2))
    assert ledger.entries(count.event_id) == []
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 4, reason="broken"), at=at + timedelta(hours=1))
    assert ledger.vials("az-10/AZ002") == 10


def test_a_count_of_nothing_differs_from_never_reported(ledger: Ledger) -> None:
    assert ledger.balance("az-10/AZ003") is None
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ003", 0))
    balance = ledger.balance("az-10/AZ003")
    assert balance is not None
    assert (balance.vials, balance.counted_at) == (0, ledger.now)


def test_a_back_dated_event_names_the_first_instant_that_breaks(ledger: Ledger) -> None:
    at = ledger.now - timedelta(days=3)
    other = ledger.world.fridge2
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    ledger.post(Kind.TRANSFER, ledger.line("az-10/AZ002", 8, to_place=other), at=at + timedelta(days=1))
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 20), at=at + timedelta(days=2))
    with pytest.raises(Conflict) as caught:
        ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 5, reason="heat"), at=at + timedelta(hours=1))
    assert code_of(caught) == "stock.history_negative"
    assert caught.value.params["at"] == (at + timedelta(days=1)).isoformat()
    assert caught.value.params["line"] == 0
    assert ledger.vials("az-10/AZ002") == 22


def test_more_than_there_is_cannot_leave(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 3))
    with pytest.raises(Conflict) as caught:
        ledger.post(
            Kind.WASTE,
            ledger.line("az-10/AZ002", 2, reason="broken"),
            ledger.line("az-10/AZ002", 2, reason="broken"),
        )
    assert code_of(caught) == "stock.history_negative"


def test_a_reversal_takes_an_event_back_only_once(ledger: Ledger) -> None:
    supply = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10))
    reversal = ReverseEvent(id=uuid7(), event_id=supply.event_id, reason="typed twice")
    assert reverse_event(ledger.db, SYSTEM, reversal, now=ledger.now).fresh
    assert ledger.vials("az-10/AZ002") == 0
    assert not reverse_event(ledger.db, SYSTEM, reversal, now=ledger.now).fresh
    with pytest.raises(Conflict) as caught:
        reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=supply.event_id), now=ledger.now)
    assert code_of(caught) == "stock.already_reversed"


def test_a_reversal_cannot_make_a_past_balance_negative(ledger: Ledger) -> None:
    at = ledger.now - timedelta(days=2)
    supply = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 4, reason="heat"), at=at + timedelta(days=1))
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 50))
    with pytest.raises(Conflict) as caught:
        reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=supply.event_id), now=ledger.now)
    assert code_of(caught) == "stock.history_negative"
    assert ledger.vials("az-10/AZ002") == 56


def test_a_reversed_event_before_a_count_leaves_the_count_standing(ledger: Ledger) -> None:
    at = ledger.now - timedelta(hours=6)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    waste = ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 3, reason="heat"), at=at + timedelta(hours=1))
    ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 7), at=at + timedelta(hours=2))
    reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=waste.event_id), now=ledger.now)
    assert ledger.vials("az-10/AZ002") == 7
    assert ledger.world_total(Account.LOST, "az-10/AZ002") == 3


def test_a_reversed_count_lets_late_events_count_again(ledger: Ledger) -> None:
    at = ledger.now - timedelta(hours=6)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at)
    count = ledger.post(Kind.COUNT, ledger.line("az-10/AZ002", 9), at=at + timedelta(hours=2))
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 4, reason="heat"), at=at + timedelta(hours=1))
    reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=count.event_id), now=ledger.now)
    assert ledger.vials("az-10/AZ002") == 6
    assert ledger.world_total(Account.LOST, "az-10/AZ002") == 0


def test_a_clock_up_to_five_minutes_fast_is_set_back_and_one_beyond_is_refused(ledger: Ledger) -> None:
    posted = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 1), at=ledger.now + timedelta(minutes=5))
    event = ledger.db.get(StockEvent, posted.event_id)
    assert event is not None
    assert event.occurred_at == ledger.now
    with pytest.raises(Refused) as caught:
        ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 1), at=ledger.now + timedelta(minutes=5, seconds=1))
    assert code_of(caught) == "stock.too_far_ahead"
    assert caught.value.params["server_time"] == ledger.now.isoformat()


def test_as_it_was_and_as_known_then_are_two_questions(ledger: Ledger) -> None:
    at = ledger.now - timedelta(days=5)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10), at=at, now=at)
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 4, reason="heat"), at=at + timedelta(days=1))
    then = at + timedelta(days=2)
    assert ledger.vials_at("az-10/AZ002", then) == 6
    assert ledger.vials_at("az-10/AZ002", then, known_at=then) == 10


@pytest.mark.parametrize("statement", ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["stock_event", "stock_entry"])
def test_the_database_refuses_to_rewrite_the_ledger(ledger: Ledger, table: str, statement: str) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10))
    with pytest.raises(IntegrityError, match="written once"), ledger.db.begin_nested():
        ledger.db.execute(text(statement.format(table)))


def test_the_database_refuses_entries_that_do_not_sum_to_zero(ledger: Ledger) -> None:
    event_id = ledger.bare_event()
    with pytest.raises(IntegrityError, match="do not sum to zero"), ledger.db.begin_nested():
        ledger.bare_entries(event_id, [(Account.SUPPLIER, Status.USABLE, -5), (Account.PLACE, Status.USABLE, 4)])


def test_the_database_refuses_entries_added_later(ledger: Ledger) -> None:
    event_id = ledger.bare_event()
    ledger.bare_entries(event_id, [(Account.SUPPLIER, Status.USABLE, -5), (Account.PLACE, Status.USABLE, 5)])
    with pytest.raises(IntegrityError, match="is closed"), ledger.db.begin_nested():
        ledger.bare_entries(
            event_id, [(Account.SUPPLIER, Status.USABLE, -1), (Account.PLACE, Status.USABLE, 1)], first_seq=2
        )


def test_only_a_status_change_moves_vials_between_statuses(ledger: Ledger) -> None:
    event_id = ledger.bare_event()
    with pytest.raises(IntegrityError, match="change a status"), ledger.db.begin_nested():
        ledger.bare_entries(event_id, [(Account.PLACE, Status.HELD, -5), (Account.PLACE, Status.USABLE, 5)])


def test_the_database_refuses_a_negative_balance(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10))
    with pytest.raises(IntegrityError, match="vials_not_negative"), ledger.db.begin_nested():
        ledger.db.execute(text("UPDATE stock_balance SET vials = -1"))


def test_the_outer_world_has_no_balance_rows(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 10))
    ledger.post(Kind.WASTE, ledger.line("az-10/AZ002", 1, reason="VVM"))
    accounts = {row[0] for row in ledger.db.execute(text("SELECT DISTINCT account FROM stock_balance"))}
    assert accounts == {"place"}
    assert ledger.world_total(Account.WASTED, "az-10/AZ002") == 1


def test_a_spent_monitor_makes_vials_unusable_by_a_status_change_of_its_own(ledger: Ledger) -> None:
    supply = ledger.post(Kind.SUPPLY, ledger.line("mr-10/MR001", 10, vvm_stage=3))
    assert ledger.vials("mr-10/MR001") == 0
    assert ledger.vials("mr-10/MR001", status=Status.UNUSABLE) == 10
    follow = ledger.db.scalars(select(StockEvent).where(StockEvent.because_id == supply.event_id)).one()
    assert (follow.kind, follow.reason) == (Kind.STATUS, "vvm")
    reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=supply.event_id), now=ledger.now)
    assert ledger.vials("mr-10/MR001", status=Status.UNUSABLE) == 0


def test_where_parcels_meet_the_worse_monitor_counts(ledger: Ledger) -> None:
    other = ledger.world.fridge2
    ledger.post(Kind.SUPPLY, ledger.line("mr-10/MR001", 10, vvm_stage=2))
    ledger.post(Kind.SUPPLY, ledger.line("mr-10/MR001", 5, place=other, vvm_stage=1))
    ledger.post(Kind.TRANSFER, ledger.line("mr-10/MR001", 1, to_place=other))
    balance = ledger.balance("mr-10/MR001", place=other)
    assert balance is not None
    assert (balance.vials, balance.vvm_stage) == (6, 2)


@pytest.mark.parametrize(
    ("kind", "change", "code", "field"),
    [
        (Kind.SUPPLY, {"vials": 0}, "stock.bad_vials", "vials"),
        (Kind.COUNT, {"vials": -1}, "stock.bad_vials", "vials"),
        (Kind.TRANSFER, {}, "stock.missing_field", "to_place"),
        (Kind.SUPPLY, {"vvm_stage": 1}, "stock.no_vvm", "vvm_stage"),
        (Kind.WASTE, {}, "stock.missing_field", "reason"),
        (Kind.WASTE, {"reason": "because"}, "stock.unknown_reason", "reason"),
        (Kind.STATUS, {}, "stock.missing_field", "to_status"),
        (Kind.STATUS, {"to_status": Status.USABLE}, "stock.bad_status_change", "to_status"),
        (Kind.OPENING, {"status": Status.HELD}, "stock.not_usable", "status"),
        (Kind.SUPPLY, {"to_status": Status.HELD}, "stock.needless_field", "to_status"),
    ],
)
def test_a_refusal_names_the_line_and_the_field(
    ledger: Ledger, kind: Kind, change: dict[str, Any], code: str, field: str
) -> None:
    good = ledger.line("az-10/AZ003", 1, to_place=ledger.world.fridge2 if kind is Kind.TRANSFER else None)
    if kind is Kind.WASTE:
        good = ledger.line("az-10/AZ003", 1, reason="heat")
    if kind is Kind.STATUS:
        good = ledger.line("az-10/AZ003", 1, to_status=Status.HELD)
    bad = ledger.line("az-10/AZ002", **change)
    with pytest.raises(Refused) as caught:
        ledger.post(kind, good, bad)
    assert (code_of(caught), caught.value.params["field"], caught.value.params["line"]) == (code, field, 1)


def test_a_place_of_another_facility_is_refused_with_its_line(ledger: Ledger) -> None:
    elsewhere = ledger.world.equipment["pkm-tanah-tinggi-k1"]
    with pytest.raises(Refused) as caught:
        ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 1), ledger.line("az-10/AZ002", 1, place=elsewhere))
    assert (code_of(caught), caught.value.params["line"]) == ("stock.unknown_place", 1)


def test_who_may_not_see_the_facility_gets_not_found_and_who_may_only_look_gets_forbidden(ledger: Ledger) -> None:
    stranger = ledger.world.who(Role.MANAGER)
    elsewhere = ledger.world.equipment["pkm-tanah-tinggi-k1"]
    line = ledger.line("az-10/AZ002", 1, place=elsewhere)
    with pytest.raises(NotFound):
        ledger.post(Kind.SUPPLY, line, facility=ledger.world.neighbour, principal=stranger)
    with pytest.raises(Forbidden):
        ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 1), principal=ledger.world.who(Role.AUDITOR))


def test_an_expired_batch_cannot_be_opened_on_the_local_day_after(ledger: Ledger) -> None:
    # AZ001 is usable through 10 March; 17:30 UTC on the 10th is 00:30 on the 11th in Jakarta.
    late = datetime(2026, 3, 10, 17, 30, tzinfo=ledger.now.tzinfo)
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ001", 5))
    ledger.post(Kind.OPENING, ledger.line("az-10/AZ001", 1), at=late - timedelta(hours=1), now=late)
    with pytest.raises(Refused) as caught:
        ledger.post(Kind.OPENING, ledger.line("az-10/AZ001", 1), at=late, now=late)
    assert code_of(caught) == "stock.expired"


def test_an_opened_vial_keeps_its_doses_and_is_used_when_empty(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5))
    ledger.post(Kind.OPENING, ledger.line("az-10/AZ002", 1))
    vial = ledger.db.scalars(select(OpenVial)).one()
    assert (vial.remaining, vial.discard_by) == (10, ledger.now + timedelta(hours=6))
    give_doses(ledger.db, SYSTEM, GiveDoses(open_vial_id=vial.id, occurred_at=ledger.now, doses=7), now=ledger.now)
    assert ledger.open_vials("az-10/AZ002") == 1
    with pytest.raises(Refused) as caught:
        give_doses(ledger.db, SYSTEM, GiveDoses(open_vial_id=vial.id, occurred_at=ledger.now, doses=4), now=ledger.now)
    assert code_of(caught) == "stock.too_many_doses"
    discard = DiscardDoses(open_vial_id=vial.id, occurred_at=ledger.now, reason=OpenWaste.SESSION_END)
    discard_doses(ledger.db, SYSTEM, discard, now=ledger.now)
    assert (vial.given, vial.discarded, vial.remaining) == (7, 3, 0)
    assert ledger.open_vials("az-10/AZ002") == 0
    assert ledger.world_total(Account.USED, "az-10/AZ002") == 1


def test_an_opening_is_taken_back_only_while_no_dose_was_given(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5))
    opening = ledger.post(Kind.OPENING, ledger.line("az-10/AZ002", 2))
    vial = ledger.db.scalars(select(OpenVial).limit(1)).one()
    give_doses(ledger.db, SYSTEM, GiveDoses(open_vial_id=vial.id, occurred_at=ledger.now), now=ledger.now)
    with pytest.raises(Conflict) as caught:
        reverse_event(ledger.db, SYSTEM, ReverseEvent(id=uuid7(), event_id=opening.event_id), now=ledger.now)
    assert code_of(caught) == "stock.vial_in_use"
    assert ledger.open_vials("az-10/AZ002") == 2


def test_a_hold_stops_places_and_opened_vials_and_frees_them_again(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5))
    ledger.post(Kind.OPENING, ledger.line("az-10/AZ002", 1))
    batch, facility = ledger.world.batches["az-10/AZ002"].id, ledger.world.puskesmas.id
    hold = uuid7()

    def change(source: Status, target: Status, event_id: UUID) -> int:
        lines = tuple(
            StatusLine(batch_id=batch, holder_id=holder, from_status=source, to_status=target, account=account)
            for account, holder in ((Account.PLACE, ledger.world.fridge.id), (Account.OPEN, facility))
        )
        command = StatusChange(id=event_id, facility_id=facility, lines=lines, cause=hold, reason="FRZE")
        return change_status(ledger.db, SYSTEM, command, now=ledger.now).vials

    first = uuid7()
    assert change(Status.USABLE, Status.HELD, first) == 5
    assert change(Status.USABLE, Status.HELD, first) == 0
    vial = ledger.db.scalars(select(OpenVial)).one()
    assert vial.status is Status.HELD
    with pytest.raises(Conflict) as caught:
        give_doses(ledger.db, SYSTEM, GiveDoses(open_vial_id=vial.id, occurred_at=ledger.now), now=ledger.now)
    assert code_of(caught) == "stock.vial_stopped"
    with pytest.raises(Conflict):
        ledger.post(Kind.OPENING, ledger.line("az-10/AZ002", 1))
    assert change(Status.HELD, Status.USABLE, uuid7()) == 5
    assert ledger.vials("az-10/AZ002") == 4


def test_opening_for_a_session_lowers_vials_and_need_together(ledger: Ledger) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 3))
    facility, presentation = ledger.world.puskesmas.id, ledger.world.presentations["az-10"].id
    reserve(ledger.db, facility, presentation, {ledger.today: 3}, today=ledger.today)
    command = OpenForSession(
        id=uuid7(),
        facility_id=facility,
        session_id=uuid7(),
        batch_id=ledger.world.batches["az-10/AZ002"].id,
        place_id=ledger.world.fridge.id,
        occurred_at=ledger.now,
        need={ledger.today: 1},
    )
    ids = open_for_session(ledger.db, SYSTEM, command, now=ledger.now)
    assert open_for_session(ledger.db, SYSTEM, command, now=ledger.now) == ids
    assert need_by_day(ledger.db, facility, presentation) == {ledger.today: 2}
    rows = pool_state(ledger.db, facility, presentation, ledger.today)
    assert (rows[0].vials, rows[0].needed, rows[0].short) == (2, 2, 0)
    assert ledger.told("stock.short") == []


# Facts, lock, state, and all that is written. A count writes what was counted and on which balances besides, an opening its
# vials.
@pytest.mark.parametrize(
    ("kind", "most"),
    [(Kind.SUPPLY, 4), (Kind.TRANSFER, 4), (Kind.WASTE, 4), (Kind.RETURN, 4), (Kind.OPENING, 6), (Kind.COUNT, 6)],
)
def test_a_simple_event_takes_four_statements(ledger: Ledger, kind: Kind, most: int) -> None:
    ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 50))
    line = {
        Kind.TRANSFER: ledger.line("az-10/AZ002", 2, to_place=ledger.world.fridge2),
        Kind.WASTE: ledger.line("az-10/AZ002", 2, reason="heat"),
    }.get(kind, ledger.line("az-10/AZ002", 2))
    with counted(ledger.db.connection()) as statements:
        ledger.post(kind, line)
    assert len(statements) <= most, statements


def test_stock_moved_is_told_in_the_same_transaction(ledger: Ledger) -> None:
    posted = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5))
    told = ledger.told("stock.moved")[-1]
    assert told["stock_event_id"] == str(posted.event_id)
    assert told["kind"] == "supply"
    assert told["facility_id"] == str(ledger.world.puskesmas.id)
    assert told["presentation_id"] == str(ledger.world.presentations["az-10"].id)
    assert told["batch_ids"] == [str(ledger.world.batches["az-10/AZ002"].id)]
    assert ledger.told("stock.available")[-1]["vials"] == 5


def test_every_entry_repeats_its_event_truly(ledger: Ledger) -> None:
    posted = ledger.post(Kind.SUPPLY, ledger.line("az-10/AZ002", 5))
    event = ledger.db.get(StockEvent, posted.event_id)
    assert event is not None
    for entry in ledger.db.scalars(select(StockEntry)):
        assert (entry.number, entry.occurred_at) == (event.number, event.occurred_at)


def test_a_line_is_what_its_kind_says() -> None:
    """A line carries whole vials; the default status is usable."""
    line = Line(batch_id=uuid7(), vials=1)
    assert (line.status, line.account) == (Status.USABLE, Account.PLACE)
