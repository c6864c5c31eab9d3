"""GS1's own vectors (gs1-syntax-engine, read out of its C tests) against our parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tracker.catalog.rules.barcodes import ScanError, parse_scan
from tracker.catalog.rules.barcodes.associations import (
    check_associations,
    check_excluded,
    check_repeats,
    check_required,
    check_signature,
)
from tracker.catalog.rules.barcodes.dictionary import identifiers
from tracker.catalog.rules.barcodes.digital_link import parse_digital_link
from tracker.catalog.rules.barcodes.elements import Element, parse_bracketed, parse_unbracketed

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "gs1"
VECTORS = DATA / "gs1-syntax-engine-vectors.json"
TODAY = date(2026, 3, 2)

pytestmark = pytest.mark.skipif(not VECTORS.is_file(), reason=f"GS1 vectors are not at {VECTORS}")

# Toggles of GS1's engine that we have not: rows that need them are left out.
UNSUPPORTED = {"PermitZeroSuppressedGTINinDLuris", "permitConvenienceAlphas"}
# Checks we do not make (country and currency lists, bank accounts, coupons): see `components.py`.
UNCHECKED = ("ISO3166", "IBAN", "COUPON")

VALIDATORS: dict[str, Callable[[list[Element]], None]] = {
    "validateAIrepeats": check_repeats,
    "validateAImutex": check_excluded,
    "validateAIrequisites": check_required,
    "validateDigSigRequiresSerialisedKey": check_signature,
}


def rows(name: str) -> list[Any]:
    """The rows of one group, as parameters named by the line of GS1's source."""
    if not VECTORS.is_file():
        return []
    found = json.loads(VECTORS.read_text(encoding="utf-8"))[name]
    usable = [row for row in found if not UNSUPPORTED & set(row.get("flags", {}))]
    return [pytest.param(row, id=f"line{row['line']}") for row in usable]


def joined(elements: list[Element]) -> str:
    """Elements as GS1's engine prints them: a caret before all and behind values without predefined length."""
    text = "^"
    for index, element in enumerate(elements):
        text += element.ai + element.value
        if index < len(elements) - 1 and not identifiers()[element.ai].predefined_length:
            text += "^"
    return text


def verdict(act: Callable[[], object]) -> bool:
    """Whether `act` takes the text."""
    try:
        act()
    except ScanError:
        return False
    return True


@pytest.mark.parametrize("row", rows("parse_bracketed_ai"))
def test_bracketed_text_is_read_as_gs1_reads_it(row: dict[str, Any]) -> None:
    if row["ok"]:
        assert joined(parse_bracketed(row["in"], 0, today=TODAY)) == row["out"]
    else:
        assert not verdict(lambda: parse_bracketed(row["in"], 0, today=TODAY))


@pytest.mark.parametrize("row", rows("process_unbracketed_ai"))
def test_element_strings_are_read_as_gs1_reads_them(row: dict[str, Any]) -> None:
    def read() -> None:
        # Their call demands the first FNC1; ours is handed the place behind it.
        if not row["in"].startswith("^"):
            raise ScanError("scan.empty", 0)
        parse_unbracketed(row["in"], 1, today=TODAY)

    assert verdict(read) is row["ok"]


@pytest.mark.parametrize("row", rows("parse_dl_uri"))
def test_digital_links_are_read_as_gs1_reads_them(row: dict[str, Any]) -> None:
    flags = row.get("flags", {})
    if flags.get("PermitUnknownAIs"):
        pytest.skip("unknown identifiers are always refused here")

    def read() -> list[Element]:
        elements = parse_digital_link(row["in"], 0, today=TODAY)
        check_associations(elements)
        return elements

    if row["ok"]:
        assert joined(read()) == row["out"]
    else:
        assert not verdict(read)


@pytest.mark.parametrize("row", rows("validate_associations"))
def test_companions_are_judged_as_gs1_judges_them(row: dict[str, Any]) -> None:
    def judge() -> None:
        VALIDATORS[row["validator"]](parse_bracketed(row["in"], 0, today=TODAY))

    assert verdict(judge) is row["ok"]


@pytest.mark.parametrize("row", rows("linter_errors"))
def test_values_are_checked_as_gs1_checks_them(row: dict[str, Any]) -> None:
    if any(word in row["error"] for word in UNCHECKED):
        pytest.skip("this list is not checked here")
    assert verdict(lambda: parse_bracketed(row["in"], 0, today=TODAY)) is (row["error"] == "GS1_LINTER_OK")


@pytest.mark.parametrize("row", rows("process_scan"))
def test_scanner_prefixes_are_read_as_gs1_reads_them(row: dict[str, Any]) -> None:
    text = row["in"]
    if "|]e0" in text:
        pytest.skip("a retail code with a composite part is not read here")
    if not row["ok"]:
        assert not verdict(lambda: parse_scan(text, TODAY))
    elif len(text) == 3:
        # GS1's engine hands an empty symbol on; to us it says nothing.
        assert not verdict(lambda: parse_scan(text, TODAY))
    elif text.startswith((("]C1"), "]d2", "]Q3", "]J1", "]e0")):
        assert joined(parse_unbracketed(text, 3, today=TODAY)) == row["out"]
    elif "://" in text:
        if "HtTps" in text:
            pytest.skip("the engine only cuts the prefix; the mixed scheme is refused when the link is read")
        assert parse_scan(text, TODAY).profile == "digital-link"
    else:
        assert parse_scan(text, TODAY).profile == "plain"
