"""Lots that hold what should stand behind them."""

from __future__ import annotations

from datetime import date

import pytest

from tracker.catalog.rules.lots import (
    dates_agree,
    goes_on,
    licence_within,
    lot_before_expiry,
    lots_within,
    plausible_expiry,
)

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    "behind",
    [
        "21A0002",
        "(17)270831",
        "(21)X(17)270831",
        " (21)A0002",
        "17270831",
        "11260101",
        "15270801",
        "240TYPE7",
        "305",
        "91X",
        "1727083121A0002",
        "?17270831",
    ],
)
def test_a_lot_that_goes_on_like_another_identifier_may_be_the_shorter_one(behind: str) -> None:
    assert "QA77" in lots_within({"10": "QA77" + behind}, TODAY)
    assert goes_on("QA77", "QA77" + behind, TODAY)


@pytest.mark.parametrize(
    "behind", ["", "A", "-1", "(2)", "(17)271301", "(B", "(10)A", "17271301", "99", "01", "17", "10A"]
)
def test_a_longer_lot_that_reads_on_like_nothing_is_just_a_longer_lot(behind: str) -> None:
    assert "QA77" not in lots_within({"10": "QA77" + behind}, TODAY)


@pytest.mark.parametrize(
    "elements",
    [
        {"21": "A000210QA77"},
        {"21": "A0002(10)QA77"},
        {"21": "A0002(10)QA77(17)270831"},
        {"240": "X10QA7717270831"},
        {"30": "5", "21": "710QA77"},
    ],
)
def test_a_lot_may_have_been_swallowed_by_what_stood_before_it(elements: dict[str, str]) -> None:
    assert "QA77" in lots_within(elements, TODAY)


def test_a_lot_that_holds_the_expiry_is_told_from_it() -> None:
    assert lot_before_expiry("QA8817270831", TODAY) == ("QA88", date(2027, 8, 31))
    assert lot_before_expiry("QA88(17)270831", TODAY) == ("QA88", date(2027, 8, 31))
    assert lot_before_expiry("QA8821X", TODAY) is None


def test_a_marketing_number_may_have_swallowed_its_label() -> None:
    assert licence_within("DKL9822206510A110PB00117270131", TODAY) == "DKL9822206510A1"
    assert licence_within("DKL9822206510A1", TODAY) is None
    assert licence_within("gudang-3", TODAY) is None


@pytest.mark.parametrize(
    ("elements", "agree"),
    [
        ({"17": "270831"}, True),
        ({"11": "260302", "17": "270831", "7003": "2708311530"}, True),
        ({"11": "260300", "17": "260331"}, True),  # made some day of this month
        ({"11": "260303", "17": "270831"}, False),
        ({"11": "260101", "17": "251231"}, False),
        ({"17": "270831", "7003": "2709301530"}, False),
        ({"11": "250101", "7003": "2412311530"}, False),
        ({"10": "QA77"}, True),
    ],
)
def test_the_days_of_a_label_agree_or_do_not(elements: dict[str, str], *, agree: bool) -> None:
    assert dates_agree(elements, TODAY) is agree


def test_no_vaccine_expires_in_another_age() -> None:
    assert plausible_expiry(date(2029, 5, 1), TODAY)
    assert not plausible_expiry(date(9999, 12, 31), TODAY)
    assert not plausible_expiry(date(1999, 1, 1), TODAY)
