"""Pure rules of stock and shipments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.kit.ids import uuid7
from tracker.shipments.rules.routes import is_lateral, may_send
from tracker.shipments.rules.sscc import is_sscc, make_sscc
from tracker.stock.rules.availability import (
    FIRST,
    Step,
    bears,
    binding,
    overdrawn,
    short_days,
    step_after,
    with_need,
    with_step,
    with_vials,
)
from tracker.stock.rules.entries import Balance, Key, carried_along
from tracker.stock.rules.fefo import Parcel, first_of, pick
from tracker.stock.rules.harmed import Known, harmed
from tracker.stock.rules.history import Move, amended, first_negative, lost_and_found
from tracker.stock.rules.tracing import Holder, stays
from tracker.stock.rules.tracing import TracedEntry as Entry
from tracker.stock.rules.use import Skip
from tracker.stock.rules.vials import discard_by
from tracker.stock.rules.words import Account, Status

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def parcel(lot: str, days: int, vials: int = 10, **more: Any) -> Parcel:
    values: dict[str, Any] = {
        "batch_id": UUID(int=int.from_bytes(lot.encode())),
        "lot": lot,
        "expiry": later(days),
        "place_id": UUID(int=1),
        "place": "k1",
        "status": Status.USABLE,
        "vials": vials,
        **more,
    }
    return Parcel(**values)


# --- FEFO -----------------------------------------------------------------------------------------------------------


def test_the_earliest_expiry_goes_first_and_the_last_parcel_is_split() -> None:
    found = pick([parcel("B", 20), parcel("A", 5), parcel("C", 90)], 15, DAY)
    assert [(line.parcel.lot, line.vials) for line in found.lines] == [("A", 10), ("B", 5)]
    assert (found.skipped, found.missing) == ((), 0)


def test_a_monitor_that_has_gone_further_goes_before_an_earlier_expiry() -> None:
    found = pick([parcel("A", 5, vvm_stage=1), parcel("B", 90, vvm_stage=2)], 10, DAY)
    assert [line.parcel.lot for line in found.lines] == ["B"]


def test_the_day_of_expiry_is_still_a_day_of_use() -> None:
    assert pick([parcel("A", 0)], 1, DAY).missing == 0
    assert pick([parcel("A", -1)], 1, DAY).skipped[0][1] is Skip.EXPIRED


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": Status.HELD}, Skip.HELD),
        ({"status": Status.RECALLED}, Skip.RECALLED),
        ({"status": Status.UNUSABLE}, Skip.UNUSABLE),
        ({"vvm_stage": 3}, Skip.VVM),
        ({"in_service": False}, Skip.OUT_OF_SERVICE),
        ({"packed": 10}, Skip.PACKED),
    ],
)
def test_what_is_skipped_says_why(more: dict[str, Any], reason: Skip) -> None:
    found = pick([parcel("A", 5, **more), parcel("B", 9, 3)], 5, DAY)
    assert [(line.parcel.lot, line.vials) for line in found.lines] == [("B", 3)]
    assert ([why for _, why in found.skipped], found.missing) == ([reason], 2)


def test_a_spent_monitor_is_named_before_the_expiry() -> None:
    assert pick([parcel("A", -1, vvm_stage=4)], 1, DAY).skipped[0][1] is Skip.VVM


@pytest.mark.parametrize(
    ("others", "first"),
    [
        ([parcel("A", 5), parcel("B", 4)], "B"),
        ([parcel("A", 5), parcel("M", 99, vvm_stage=2)], "M"),
        ([parcel("A", 20)], None),
        ([parcel("A", 9)], None),
        ([parcel("A", 10, vvm_stage=1)], None),
        ([parcel("A", 5, status=Status.HELD), parcel("B", 5, packed=10), parcel("C", -1)], None),
    ],
    ids=["earliest", "monitor", "later", "same day", "unread monitor", "none may go"],
)
def test_whose_turn_comes_before_a_lot(others: list[Parcel], first: str | None) -> None:
    own = parcel("OWN", 9)
    found = first_of([*others, own], DAY, before=own)
    assert (found.lot if found else None) == first


@given(st.permutations([parcel("A", 5), parcel("B", 5), parcel("C", 1, vvm_stage=2), parcel("D", -3)]))
def test_the_order_of_the_parcels_does_not_matter(parcels: list[Parcel]) -> None:
    found = pick(parcels, 25, DAY)
    assert [line.parcel.lot for line in found.lines] == ["C", "A", "B"]


# --- availability ---------------------------------------------------------------------------------------------------


def can_serve(batches: list[tuple[int, int]], need: dict[int, int], today: int) -> bool:
    """Whether an assignment of vials to promises exists: augmenting paths over a bipartite graph, vial by vial."""
    vials = [expiry for expiry, count in batches for _ in range(count)]
    promises = [day for day, count in need.items() for _ in range(count) if day >= today]
    taken: dict[int, int] = {}

    def serve(promise: int, seen: set[int]) -> bool:
        for vial, expiry in enumerate(vials):
            if expiry >= promises[promise] and vial not in seen:
                seen.add(vial)
                if vial not in taken or serve(taken[vial], seen):
                    taken[vial] = promise
                    return True
        return False

    return all(serve(promise, set()) for promise in range(len(promises)))


def steps_of(batches: list[tuple[int, int]], need: dict[int, int]) -> list[Step]:
    """The rows as the ledger makes them, batch by batch, then the needs."""
    steps: list[Step] = [Step(FIRST, 0, 0, 0)]
    for expiry, vials in batches:
        steps = with_step(steps, step_after(later(expiry)), {})
        steps = with_vials(steps, later(expiry), vials)
    return with_need(steps, {later(day): vials for day, vials in need.items()})


few_batches = st.lists(st.tuples(st.integers(-3, 8), st.integers(0, 4)), max_size=4)
few_needs = st.dictionaries(st.integers(0, 8), st.integers(1, 4), max_size=4)


@given(few_batches, few_needs, st.integers(0, 3))
def test_the_suffix_rule_says_what_trying_every_assignment_says(
    batches: list[tuple[int, int]], need: dict[int, int], today: int
) -> None:
    need = {day: vials for day, vials in need.items() if day >= today}
    rows = binding(steps_of(batches, need), later(today))
    assert all(row.short == 0 for row in rows) == can_serve(batches, need, today)


@given(few_batches, few_needs, st.integers(0, 8), st.integers(0, 3))
def test_what_a_day_still_bears_is_the_most_that_can_be_added(
    batches: list[tuple[int, int]], need: dict[int, int], day: int, today: int
) -> None:
    need = {on: vials for on, vials in need.items() if on >= today}
    if day < today or not can_serve(batches, need, today):
        return
    more = bears(steps_of(batches, need), later(day), later(today))
    assert can_serve(batches, {**need, day: need.get(day, 0) + more}, today)
    assert not can_serve(batches, {**need, day: need.get(day, 0) + more + 1}, today)


@given(few_batches, few_needs, st.dictionaries(st.integers(0, 8), st.integers(1, 3), min_size=1, max_size=2))
def test_a_reservation_is_refused_exactly_when_no_assignment_is_left(
    batches: list[tuple[int, int]], need: dict[int, int], more: dict[int, int]
) -> None:
    if not can_serve(batches, need, 0):
        return
    together = {day: need.get(day, 0) + more.get(day, 0) for day in {*need, *more}}
    refused = overdrawn(steps_of(batches, need), {later(day): vials for day, vials in more.items()}, DAY)
    assert (refused is None) == can_serve(batches, together, 0)


@given(few_batches, few_needs, st.data())
def test_needed_never_exceeds_vials_and_short_whatever_the_ledger_takes(
    batches: list[tuple[int, int]], need: dict[int, int], data: st.DataObject
) -> None:
    steps = steps_of(batches, need)
    for expiry, vials in batches:
        lost = data.draw(st.integers(0, vials))
        steps = with_vials(steps, later(expiry), -lost)
    assert all(s.needed <= s.vials + s.short and s.short >= 0 and s.vials >= 0 for s in steps)


def test_a_shortage_blocks_the_days_it_touches_and_no_others() -> None:
    steps = with_vials(steps_of([(2, 5), (9, 4)], {8: 4}), later(9), -2)
    assert short_days(steps, [later(1), later(8)], DAY) == [later(8)]
    assert overdrawn(steps, {later(8): 1}, DAY) is not None
    assert overdrawn(steps, {later(1): 1}, DAY) is None


def test_passing_a_step_changes_no_row_only_which_rows_bind() -> None:
    steps = steps_of([(2, 5), (9, 4)], {5: 4})
    assert [row.vials for row in binding(steps, DAY)] == [9, 4, 0]
    assert [row.vials for row in binding(steps, later(3))] == [4, 0]


# --- history --------------------------------------------------------------------------------------------------------


def test_the_first_negative_instant_is_found_whatever_the_order() -> None:
    moves = [Move((AT + timedelta(hours=h), h, h), vials) for h, vials in ((3, 9), (1, -2), (2, -4))]
    assert first_negative(5, moves) == AT + timedelta(hours=2)
    assert first_negative(6, moves) is None


def test_moves_of_one_instant_are_taken_together() -> None:
    assert first_negative(0, [Move((AT, 1, 1), -3), Move((AT, 2, 2), 3)]) is None


@given(st.integers(-20, 20), st.integers(-20, 20))
def test_an_amended_count_stands_as_if_the_late_event_had_been_known(difference: int, change: int) -> None:
    lost, found = lost_and_found(difference)
    more_lost, more_found = amended(difference, change)
    assert (lost + more_lost, found + more_found) == lost_and_found(difference + change)
    assert lost + found == -difference


# --- open vials -----------------------------------------------------------------------------------------------------


def test_an_open_vial_is_kept_for_its_policy_and_never_past_its_expiry_date() -> None:
    far = later(400)
    assert discard_by(AT, 6, None, far, "Asia/Jakarta") == AT + timedelta(hours=6)
    assert discard_by(AT, None, 28, far, "Asia/Jakarta") == AT + timedelta(days=28)
    assert discard_by(AT, None, None, far, "Asia/Jakarta") == AT + timedelta(hours=6)
    # The expiry date ends at midnight in Jakarta, which is 17:00 UTC.
    assert discard_by(AT, None, 28, DAY, "Asia/Jakarta") == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


# --- tracing --------------------------------------------------------------------------------------------------------


def holder(name: int, account: Account = Account.PLACE) -> Holder:
    return Holder(account, UUID(int=name))


def entries(*moves: tuple[int, Holder | None, Holder | None, int]) -> list[Entry]:
    """Hours after AT, from, to, vials; None is the outer world."""
    found = []
    for number, (hour, source, target, vials) in enumerate(moves):
        event_id = uuid7()
        at = (AT + timedelta(hours=hour), number, number)
        found += [Entry(at, event_id, source, -vials)] if source else []
        found += [Entry(at, event_id, target, vials)] if target else []
    return found


A, B, C, ROAD = holder(1), holder(2), holder(3), holder(4, Account.TRANSIT)


def hours(count: float) -> datetime:
    return AT + timedelta(hours=count)


def followed(moves: list[Entry], start: Holder, from_at: datetime, to_at: datetime) -> set[Holder]:
    return set(harmed(moves, start, from_at, to_at, Known()).holders)


def test_vials_are_followed_through_places_and_the_road() -> None:
    moves = entries((0, None, A, 10), (3, A, ROAD, 4), (4, ROAD, B, 4), (5, B, C, 1))
    assert followed(moves, A, hours(1), hours(2)) == {A, B, C}


def test_what_left_before_and_what_came_after_is_not_followed() -> None:
    moves = entries((0, None, A, 10), (1, A, B, 4), (3, A, None, 6), (5, None, A, 7))
    assert followed(moves, A, hours(2), hours(4)) == set()
    assert followed(moves, A, hours(0.5), hours(4)) == {B}


def test_what_enters_while_the_episode_lasts_counts_too() -> None:
    moves = entries((0, None, B, 10), (2, B, A, 3), (3, A, C, 3))
    assert followed(moves, A, hours(1), hours(4)) == {C}
    assert followed(moves, A, hours(1), hours(1.5)) == set()


def test_where_vials_mixed_all_of_it_counts_until_the_place_is_empty() -> None:
    moves = entries((0, None, A, 5), (0, None, B, 5), (2, A, B, 5), (3, B, C, 1))
    assert followed(moves, A, hours(1), hours(1.5)) == {B, C}
    emptied = [*moves, *entries((6, B, None, 9), (7, None, B, 3))]
    assert followed(emptied, A, hours(1), hours(1.5)) == {C}


def test_a_stay_runs_from_empty_to_empty() -> None:
    moves = entries((0, None, A, 5), (1, None, A, 2), (2, A, B, 7), (4, B, A, 1))
    assert [(s.first_at, s.last_at, s.vials) for s in stays(moves, A)] == [(hours(0), hours(2), 7), (hours(4), None, 1)]


# --- shipments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "receiver", "may", "lateral"),
    [
        ("id.biofarma", "id.banten", True, True),
        ("id.biofarma", "id.banten.tangerang.cipondoh", True, False),
        ("id.banten", "id.banten.tangerang", True, False),
        ("id.banten.tangerang.cipondoh", "id.banten.tangerang", True, False),
        ("id.banten.tangerang.cipondoh", "id.banten.tangerang.neglasari", True, True),
        ("id.banten.tangerang.cipondoh", "id.banten.serang.kasemen", False, False),
        ("id.banten.tangerang.cipondoh", "id.dki.pusat.gambir", False, False),
        ("id.banten.tangerang", "id.banten.serang.kasemen", True, False),
        ("id.banten", "id.banten", False, False),
    ],
)
def test_goods_go_up_and_down_the_tree_and_sideways_under_one_city(
    sender: str, receiver: str, may: bool, lateral: bool
) -> None:
    assert (may_send(sender, receiver), is_lateral(sender, receiver)) == (may, lateral)


def test_an_sscc_carries_its_check_digit_and_runs_out_loudly() -> None:
    assert is_sscc(make_sscc(1))
    assert make_sscc(1)[:-1] == "08990000000000001"
    assert not is_sscc("089900000000000017")
    with pytest.raises(ValueError, match="no serial reference left"):
        make_sscc(10**10)


# --- packed ---------------------------------------------------------------------------------------------------------


def test_packed_vials_go_to_where_vials_of_their_status_went_whatever_went_beside_them() -> None:
    batch, here, there = uuid7(), uuid7(), uuid7()

    def at(place: UUID, status: Status, vials: int, packed: int = 0) -> dict[Key, Balance]:
        return {Key(place, batch, status): Balance(Account.PLACE, vials, None, None, packed)}

    before = at(here, Status.HELD, 3) | at(here, Status.USABLE, 3, 3)
    after = (
        at(there, Status.HELD, 3)
        | at(here, Status.HELD, 0)
        | at(here, Status.USABLE, 0, 3)
        | at(there, Status.USABLE, 3)
    )
    found = {(key.holder_id, key.status): each.packed for key, each in carried_along(before, after).items()}
    assert found == {
        (here, Status.USABLE): 0,
        (here, Status.HELD): 0,
        (there, Status.USABLE): 3,
        (there, Status.HELD): 0,
    }


def test_of_recalled_vials_that_are_given_back_to_a_hold_and_to_use_the_packed_ones_become_usable() -> None:
    batch, here = uuid7(), uuid7()

    def at(status: Status, vials: int, packed: int = 0) -> dict[Key, Balance]:
        return {Key(here, batch, status): Balance(Account.PLACE, vials, None, None, packed)}

    before = at(Status.RECALLED, 10, 5)
    after = at(Status.RECALLED, 0, 5) | at(Status.HELD, 5) | at(Status.USABLE, 5)
    found = {key.status: each.packed for key, each in carried_along(before, after).items()}
    assert found == {Status.RECALLED: 0, Status.HELD: 0, Status.USABLE: 5}
