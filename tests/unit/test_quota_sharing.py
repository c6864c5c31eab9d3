"""Whom the doses left in open vials serve."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tracker.quota.rules.sharing import Opened, Shared, Waiting, share_out

DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return MORNING + timedelta(hours=hours)


def vial(number: int, doses: int, until: float, session: int | None = None) -> Opened:
    return Opened(
        id=UUID(int=number),
        session_id=None if session is None else UUID(int=session),
        doses=doses,
        discard_by=at(until),
    )


def session(number: int, persons: int, opens: float, closes: float) -> Waiting[int]:
    return Waiting(
        who=number, session_id=UUID(int=number), day=DAY, opens_at=at(opens), closes_at=at(closes), persons=persons
    )


def shares(found: Shared[int]) -> dict[int, tuple[int, int]]:
    return {who: (share.doses, share.spare) for who, share in found.shares.items()}


def test_a_vial_opened_for_nobody_serves_who_comes_first() -> None:
    found = share_out([session(1, 7, 0, 4), session(2, 7, 0.5, 4)], [vial(9, 10, 6)], at(-1))
    assert shares(found) == {1: (7, 0), 2: (3, 0)}
    assert found.kept_from(3) == {UUID(int=9)}
    assert found.kept_from(2) == set()


def test_a_vial_serves_nobody_who_comes_after_its_time() -> None:
    found = share_out([session(1, 4, 0, 4), session(2, 4, 6, 9)], [vial(9, 10, 6)], at(-1))
    assert shares(found) == {1: (4, 6), 2: (0, 0)}
    assert shares(share_out([session(1, 4, 0, 4)], [vial(9, 10, 2)], at(2))) == {1: (0, 0)}


def test_the_people_it_was_opened_for_come_first_and_who_is_expected_no_more_last() -> None:
    waiting = [session(1, 10, 0, 2), session(2, 10, 1, 9)]
    assert shares(share_out(waiting, [vial(9, 10, 6, session=2)], at(1))) == {1: (0, 0), 2: (10, 0)}
    assert shares(share_out(waiting, [vial(9, 10, 6)], at(1))) == {1: (10, 0), 2: (0, 0)}
    assert shares(share_out(waiting, [vial(9, 10, 6)], at(3))) == {1: (0, 0), 2: (10, 0)}


def test_what_must_be_used_first_is_used_first() -> None:
    found = share_out([session(1, 5, 0, 4), session(2, 5, 5, 9)], [vial(8, 5, 9), vial(9, 5, 3)], at(-1))
    assert shares(found) == {1: (5, 0), 2: (5, 0)}


def test_what_went_out_with_another_session_serves_that_session_alone() -> None:
    box, fridge = UUID(int=91), UUID(int=92)
    away = replace(session(1, 4, 0, 4), place_id=box)
    here = replace(session(2, 4, 0, 4), carriers=frozenset({box}))
    in_box, in_fridge = replace(vial(8, 10, 6), place_id=box), replace(vial(9, 10, 6), place_id=fridge)
    assert shares(share_out([away, here], [in_box], at(-1))) == {1: (4, 6), 2: (0, 0)}
    assert shares(share_out([away, here], [in_fridge], at(-1))) == {1: (0, 0), 2: (4, 6)}


vials = st.lists(st.tuples(st.integers(1, 6), st.integers(-2, 12), st.one_of(st.none(), st.integers(1, 3))), max_size=4)
sessions = st.lists(st.tuples(st.integers(0, 8), st.integers(-3, 9), st.integers(1, 4)), max_size=3)


def most_served(waiting: list[Waiting[int]], opened: list[Opened], now: datetime) -> int:
    """How many could be served at most, by augmenting paths over doses and people: no order, no session of its own."""
    doses = [each.discard_by for each in opened if each.discard_by > now for _ in range(each.doses)]
    people = [each.opens_at for each in waiting for _ in range(each.persons)]
    given_to: dict[int, int] = {}

    def serve(person: int, seen: set[int]) -> bool:
        for dose, until in enumerate(doses):
            if until > people[person] and dose not in seen:
                seen.add(dose)
                if dose not in given_to or serve(given_to[dose], seen):
                    given_to[dose] = person
                    return True
        return False

    return sum(serve(person, set()) for person in range(len(people)))


@given(sessions, vials)
def test_nothing_is_shared_out_twice_and_nobody_is_left_out_who_could_be_served(
    drawn: list[tuple[int, int, int]], left: list[tuple[int, int, int | None]]
) -> None:
    waiting = [session(n + 1, persons, opens, opens + lasts) for n, (persons, opens, lasts) in enumerate(drawn)]
    opened = [vial(n + 10, doses, until) for n, (doses, until, _) in enumerate(left)]
    found = share_out(waiting, opened, at(0))
    usable = sum(each.doses for each in opened if each.discard_by > at(0))
    served = sum(share.doses for share in found.shares.values())
    assert served + sum(found.left.values()) == usable
    assert all(found.shares[each.who].doses <= each.persons for each in waiting)
    if all(each.closes_at > at(0) for each in waiting):
        assert served == most_served(waiting, opened, at(0))


@given(sessions, vials)
def test_a_dose_taken_as_it_was_shared_out_leaves_everybody_elses_share(
    drawn: list[tuple[int, int, int]], left: list[tuple[int, int, int | None]]
) -> None:
    waiting = [session(n + 1, persons, opens, opens + lasts) for n, (persons, opens, lasts) in enumerate(drawn)]
    opened = [vial(n + 10, doses, until, own) for n, (doses, until, own) in enumerate(left)]
    before = share_out(waiting, opened, at(0))
    for each in waiting:
        for taken in before.of(each.who).vials:
            rest = [
                session(int(w.who), w.persons - (w.who == each.who), (w.opens_at - MORNING) / timedelta(hours=1), 0)
                for w in waiting
            ]
            rest = [Waiting(**{**vars(r), "closes_at": w.closes_at}) for r, w in zip(rest, waiting, strict=True)]
            after = share_out(
                rest,
                [
                    Opened(id=v.id, session_id=v.session_id, doses=v.doses - (v.id == taken), discard_by=v.discard_by)
                    for v in opened
                ],
                at(0),
            )
            unserved = [w.persons - before.of(w.who).doses for w in waiting]
            assert sum(w.persons - after.of(w.who).doses for w in rest) == sum(unserved)
