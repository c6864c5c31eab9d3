"""Codes for papers: what is no GS1 code is not drawn as another one."""

from __future__ import annotations

from datetime import date

import pytest

from dashboard.papers.codes import goods_matrix

DAY = date(2030, 8, 31)


@pytest.mark.parametrize(("gtin", "nie"), [("08990000000037", None), (None, "DKL2000000001A1")])
def test_a_lot_has_a_code_by_either_number_of_its_product(gtin: str | None, nie: str | None) -> None:
    assert goods_matrix(gtin, nie, "PB002", DAY).startswith("<svg")


@pytest.mark.parametrize(
    ("nie", "lot"),
    [
        ("DKL2000000001A1", "A(21)7"),  # would be read as lot A, serial 7
        ("DKL2000000001A1", "LOT 7"),
        ("DKL(2000)1A1", "PB002"),
    ],
)
def test_what_gs1_cannot_say_has_no_code(nie: str, lot: str) -> None:
    assert goods_matrix(None, nie, lot, DAY) == ""
