"""What was found for others lately, in a rush."""

from __future__ import annotations

from uuid import UUID

from tracker.quota.queries.nearby import Alternatives, Lately
from tracker.quota.rules.buckets import Applicant
from tracker.quota.rules.words import Medium

FULL, OTHER = UUID(int=1), UUID(int=2)
SOMEBODY = Applicant(dose=1, medium=Medium.WEB)


class Search:
    """Finds something else each time, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Alternatives:
        self.asked += 1
        return [{"session": str(self.asked)}]


def test_whoever_is_refused_the_same_in_the_same_second_is_told_what_was_found_for_the_first() -> None:
    lately, search = Lately(lasts_s=60), Search()
    answers = [lately.ask(FULL, SOMEBODY, search) for _ in range(3)]
    assert (search.asked, answers) == (1, [[{"session": "1"}]] * 3)


def test_another_session_and_another_person_are_looked_for_by_themselves() -> None:
    lately, search = Lately(lasts_s=60), Search()
    for wanted, who in (
        (FULL, SOMEBODY),
        (OTHER, SOMEBODY),
        (FULL, Applicant(dose=2, medium=Medium.WEB)),
        (FULL, Applicant(dose=1, medium=Medium.WEB, residence="36.71.05.1001")),
    ):
        lately.ask(wanted, who, search)
    assert search.asked == 4


def test_what_was_found_is_looked_for_again_when_it_is_old() -> None:
    lately, search = Lately(lasts_s=0), Search()
    assert [lately.ask(FULL, SOMEBODY, search) for _ in range(2)] == [[{"session": "1"}], [{"session": "2"}]]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    lately, search = Lately(lasts_s=60, most=2), Search()
    for number in range(5):
        lately.ask(UUID(int=number), SOMEBODY, search)
    lately.ask(UUID(int=0), SOMEBODY, search)
    assert search.asked == 6
