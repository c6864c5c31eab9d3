"""Groups of people: however they are written they are known, and a slip is no group of its own."""

from __future__ import annotations

from datetime import date

import pytest

from tracker.people.errors import UnknownGroup
from tracker.people.rules.groups import clean_groups
from tracker.quota.rules.standby import Group, group_of

TODAY = date(2026, 3, 2)
BORN = date(1990, 1, 1)


@pytest.mark.parametrize("word", ["Nakes", "ＮＡＫＥＳ", "tenaga  kesehatan", "Health-Workers"])
def test_a_health_worker_is_called_first_however_the_group_is_written(word: str) -> None:
    assert clean_groups([word, "", " "]) == ["nakes"]
    assert group_of([word], BORN, TODAY) is Group.NAKES


def test_a_word_kept_of_old_that_means_no_group_gives_no_turn() -> None:
    assert group_of(["keluarga nakes", "nakez"], BORN, TODAY) is Group.OTHERS


@pytest.mark.parametrize(
    ("word", "first"), [("nakez", "nakes"), ("lanzia", "lansia"), ("tenaga kesehatn", "nakes"), ("guru", "nakes")]
)
def test_a_group_that_nobody_knows_is_refused_with_those_known_the_nearest_first(word: str, first: str) -> None:
    with pytest.raises(UnknownGroup) as refused:
        clean_groups(["lansia", word])
    assert refused.value.params["field"] == "groups"
    assert refused.value.params["known"][0] == first  # type: ignore[index]  # a list
