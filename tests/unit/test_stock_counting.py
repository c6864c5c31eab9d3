"""When a counted line may stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tracker.kit.ids import uuid7
from tracker.stock.rules.counting import Told, Verdict, is_large, verdict_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITI, BUDI, ANI = uuid7(), uuid7(), uuid7()


def told(who: UUID, vials: int, expected: int, minutes: int) -> Told:
    return Told(
        tally_id=uuid7(),
        seq=0,
        account_id=who,
        by="x",
        at=NOON + timedelta(minutes=minutes),
        vials=vials,
        expected=expected,
    )


@pytest.mark.parametrize(
    ("difference", "expected", "large"),
    [(5, 0, False), (6, 0, True), (-6, 119, True), (-6, 120, False), (-7, 120, True), (0, 0, False)],
)
def test_a_difference_is_large_beyond_five_vials_and_a_twentieth(difference: int, expected: int, large: bool) -> None:
    assert is_large(difference, expected) is large


def test_one_person_is_believed_a_small_difference_and_not_a_large_one() -> None:
    assert verdict_of([told(SITI, 9, 10, 0)]) is Verdict.AGREED
    assert verdict_of([told(SITI, 1, 10, 0)]) is Verdict.SECOND
    assert verdict_of([told(SITI, 1, 10, 0), told(SITI, 1, 10, 1)]) is Verdict.SECOND, "twice the same person is one"


def test_two_who_differ_wait_for_a_third_or_for_one_to_count_again() -> None:
    siti, budi = told(SITI, 10, 10, 0), told(BUDI, 9, 10, 1)
    assert verdict_of([siti, budi]) is Verdict.DISPUTED
    assert verdict_of([siti, budi, told(ANI, 9, 10, 2)]) is Verdict.AGREED
    assert verdict_of([siti, budi, told(ANI, 8, 10, 2)]) is Verdict.DISPUTED
    assert verdict_of([siti, budi, told(SITI, 9, 10, 2)]) is Verdict.AGREED


def test_people_are_compared_by_their_difference_not_by_their_number() -> None:
    # A vial was opened between the two.
    assert verdict_of([told(SITI, 10, 20, 0), told(BUDI, 9, 19, 5)]) is Verdict.AGREED
    assert verdict_of([told(SITI, 10, 20, 0), told(BUDI, 10, 19, 5)]) is Verdict.DISPUTED
