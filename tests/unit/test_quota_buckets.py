"""For whom places are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.quota.errors import BadShare, UnknownBucketKind
from tracker.quota.rules.buckets import (
    Applicant,
    Seats,
    bucket_kind,
    choose,
    eligible,
    open_to,
    places_of,
    serves_dose,
)
from tracker.quota.rules.words import BucketKind, Medium

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CIPONDOH = "36.71.05.1001"


def seats(kind: BucketKind, places: int, taken: int = 0, release_at: datetime | None = None) -> Seats:
    return Seats(id=UUID(int=hash(kind) & (2**64 - 1)), kind=kind, places=places, taken=taken, release_at=release_at)


def web(**more: object) -> Applicant:
    return Applicant(**{"dose": 1, "medium": Medium.WEB, **more})  # type: ignore[arg-type]  # test data


def test_thirds_of_a_hundred_lose_nobody() -> None:
    assert places_of([1 / 3, 1 / 3, 1 / 3], 100) == [34, 33, 33]
    assert places_of([0.1, 0.2, 0.7], 10) == [1, 2, 7]


def test_a_whole_number_from_two_on_is_persons_and_one_is_all_of_it() -> None:
    assert places_of([50, 20], 100) == [50, 20]
    assert places_of([1], 100) == [100]


@pytest.mark.parametrize("shares", [[0.6, 0.6], [60, 60], [0], [-1], [2.5], [float("nan")]])
def test_shares_beyond_the_capacity_or_without_sense_are_refused(shares: list[float]) -> None:
    with pytest.raises(BadShare):
        places_of(shares, 100)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(1, 500))
def test_parts_together_never_exceed_the_capacity(weights: list[int], capacity: int) -> None:
    shares = [weight / (sum(weights) + 1) for weight in weights]
    places = places_of(shares, capacity)
    assert sum(places) <= capacity
    assert abs(sum(places) - sum(shares) * capacity) <= 1


def test_residents_of_the_kelurahan_take_their_own_places_before_the_citys() -> None:
    assert eligible(web(residence="36.71.05.1001"), [CIPONDOH])[:2] == [BucketKind.KELURAHAN, BucketKind.CITY]
    assert eligible(web(residence="3671051002"), [CIPONDOH]) == [BucketKind.CITY, BucketKind.GENERAL]


def test_an_outsider_gets_no_place_of_the_residents() -> None:
    for residence in ("36.03.01.2001", "36", None):
        assert eligible(web(residence=residence), [CIPONDOH]) == [BucketKind.GENERAL]


def test_a_facility_without_an_area_code_cannot_ask_where_one_lives() -> None:
    assert BucketKind.KELURAHAN in eligible(web(), ())


def test_walk_in_places_are_for_those_who_stand_there() -> None:
    assert BucketKind.WALK_IN not in eligible(web(), [CIPONDOH])
    assert BucketKind.WALK_IN in eligible(web(medium=Medium.WALK_IN), [CIPONDOH])


def test_second_doses_and_health_workers_have_their_own() -> None:
    assert eligible(web(dose=2), [CIPONDOH])[0] is BucketKind.SECOND_DOSE
    assert eligible(web(groups=frozenset({"nakes"})), [CIPONDOH])[0] is BucketKind.NAKES
    assert not serves_dose(BucketKind.SECOND_DOSE, 1)


@pytest.mark.parametrize(
    "word", ["Nakes", "ＮＡＫＥＳ", "tenaga  kesehatan", "Tenaga-Kesehatan", "tenaga_kesehatan", "health workers"]
)
def test_a_health_worker_is_one_however_the_group_is_written(word: str) -> None:
    assert BucketKind.NAKES in eligible(web(groups=frozenset({word})), [])
    assert BucketKind.NAKES not in eligible(web(groups=frozenset({f"keluarga {word}"})), [])


def test_a_released_rest_is_for_anybody_and_not_before() -> None:
    kept = seats(BucketKind.KELURAHAN, 5, 2, NOW)
    assert choose([kept], [BucketKind.GENERAL], NOW) is kept
    assert choose([kept], [BucketKind.GENERAL], NOW - timedelta(seconds=1)) is None
    assert open_to([kept], BucketKind.GENERAL, NOW) == 3
    assert open_to([kept], BucketKind.GENERAL, NOW - timedelta(seconds=1)) == 0


def test_own_places_are_taken_before_released_ones() -> None:
    own, freed = seats(BucketKind.GENERAL, 1), seats(BucketKind.NAKES, 1, 0, NOW)
    assert choose([freed, own], [BucketKind.GENERAL], NOW) is own


def test_the_words_of_other_systems_are_understood_and_unknown_ones_named() -> None:
    assert bucket_kind("Walk-In") is BucketKind.WALK_IN
    assert bucket_kind("health worker") is BucketKind.NAKES
    with pytest.raises(UnknownBucketKind) as refused:
        bucket_kind("vip", 3)
    assert refused.value.params["line"] == 3
