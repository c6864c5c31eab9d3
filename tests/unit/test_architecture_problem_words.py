"""Refusals speak words: whatever code a parameter carries, a sentence shows the word for it in its language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter

import pytest

from tests.support.doc_tables import ROOT
from tracker.api.problems import PROBLEMS
from tracker.api.problems.saying import DAY, MOMENT, say
from tracker.api.problems.words import WORDS

# Shown as they are: numbers, names and what the caller wrote; `nearest` is a kind of event, `known` of zones a zone,
# `detail` what a parser found, `message` and `message_id` a scan's own two sentences.
AS_THEY_ARE = {
    "channel",
    "equipment",
    "again_s", "ahead", "batch", "by", "capacity", "because", "detail", "device", "dose", "facility", "first", "kept_after", "key", "known", "least", "limit", "line", "lot",
    "lots", "lost", "message", "message_id", "minutes", "most", "most_pixels", "name", "nearest", "number", "on_road", "persons", "place", "position", "remaining", "shipment",
    "sscc", "symptom", "units", "usable", "vaccine", "value", "vials", "vvm_stage",
    "wanted",
}  # fmt: skip
# EPCIS is spoken by programs: the name of a parameter and what is wrong with it, as the standard has them.
AS_THE_STANDARD_HAS_THEM = {"trace.query_parameter"}


def _shown(code: str) -> dict[str, str]:
    """Parameters that the code's sentences show → the kind behind the colon."""
    texts = (PROBLEMS[code].id, PROBLEMS[code].en)
    return {name: spec or "" for text in texts for _, name, spec, _ in Formatter().parse(text) if name}


def _codes_of_errors() -> dict[tuple[str, str], str]:
    """(room, class) → code."""
    found = {}
    for file in (ROOT / "tracker").glob("*/errors.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
                        found[file.parent.name, node.name] = str(line.value.value)
    return found


def _codes_given(source: str, room: str, classes: dict[tuple[str, str], str]) -> Iterator[tuple[str, str, str | None]]:
    """(error code, parameter, the literal given or None for a member's value) for each code that an error is given."""
    tree = ast.parse(source)
    rooms = {
        alias.asname or alias.name: node.module.split(".")[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".errors")
        for alias in node.names
        if node.module is not None and node.module.startswith("tracker.") and node.module.count(".") == 2
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        code = classes.get((rooms.get(call.func.id, room), call.func.id))
        if code is None:
            continue
        for given in call.keywords:
            value = given.value
            if given.arg is None:
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield code, given.arg, value.value
            elif (isinstance(value, ast.Attribute) and value.attr == "value") or (
                isinstance(value, ast.ListComp) and isinstance(value.elt, ast.Attribute) and value.elt.attr == "value"
            ):
                yield code, given.arg, None


def _all_given() -> list[tuple[str, str, str | None]]:
    classes = _codes_of_errors()
    return [
        given
        for file in sorted((ROOT / "tracker").glob("**/*.py"))
        for given in _codes_given(file.read_text(), file.relative_to(ROOT / "tracker").parts[0], classes)
    ]


def test_every_parameter_of_a_sentence_says_what_kind_of_value_it_is() -> None:
    for code in PROBLEMS.keys() - AS_THE_STANDARD_HAS_THEM:
        for name, kind in _shown(code).items():
            assert kind in {*WORDS, DAY, MOMENT} if kind else name in AS_THEY_ARE, f"{code}: {name} is shown as it is"


def test_every_member_of_an_enumeration_that_a_sentence_can_show_has_a_word() -> None:
    for group, words in WORDS.items():
        if words.of is not None:
            assert {member.value for member in words.of} <= set(words.table), group
        assert all(all(pair) for pair in words.table.values()), group


def test_no_code_reaches_a_sentence_without_a_word() -> None:
    given = _all_given()
    assert len(given) > 50, "the errors' parameters are no longer found"
    for code, name, literal in given:
        kind = _shown(code).get(name) if code in PROBLEMS else None
        if kind is None:
            continue
        assert kind in WORDS, f"{code} shows the code of {name}"
        assert literal is None or literal in WORDS[kind].table, f"{code}: no word for {name}={literal}"


def test_a_planted_code_is_found() -> None:
    planted = "raise BadState(shipment=one.code, state=one.state.value, side='upside')"
    found = list(_codes_given(planted, "shipments", {("shipments", "BadState"): "shipments.bad_state"}))
    assert found == [("shipments.bad_state", "state", None), ("shipments.bad_state", "side", "upside")]


@pytest.mark.parametrize("group", WORDS)
def test_a_word_is_no_code(group: str) -> None:
    for value, (indonesian, english) in WORDS[group].table.items():
        assert indonesian != value or value == "batch", value
        assert "_" not in indonesian + english


def test_sentences_of_refusals_as_people_read_them() -> None:
    def both(code: str, **params: object) -> tuple[str, str]:
        return say(PROBLEMS[code], params, "id"), say(PROBLEMS[code], params, "en")

    assert both("quota.bad_step", state="no_show", to="fit") == (
        "Pendaftaran ini tidak datang, jadi tidak dapat menjadi boleh divaksin. Bila itu salah catat, kembalikan dahulu dengan alasannya.",
        "This booking is missed and cannot become found fit. Where that was noted by mistake, bring it back first, with the reason.",
    )
    assert both("stock.bad_status_change", status="held", to_status="usable")[0] == (
        "Vial tidak dapat berpindah dari status ditahan ke layak pakai."
    )
    assert both("shipments.bad_state", shipment="K-1", state="partly_received")[0].startswith(
        "Pengiriman K-1 diterima sebagian;"
    )
    assert both("stock.expired", expiry="2026-08-31", day="2026-11-26") == (
        "Batch kedaluwarsa 31 Agustus 2026, sebelum 26 November 2026.",
        "The batch expired on 31 August 2026, before 26 November 2026.",
    )
    assert both("catalog.bad_policy", field="vials_per_box", reason="out_of_range", least=1, most=100)[0] == (
        "Nilai vial per kotak tidak dapat diterima: harus antara 1 dan 100."
    )
    assert both("stock.unknown_reason", known=["heat", "vvm"])[0] == "Alasan harus salah satu dari panas, VVM lewat."
    assert both("stock.history_negative", at="2026-11-26T10:32:00+07:00")[1].endswith("26-11-2026 10.32 WIB.")
    assert both("stock.missing_field")[0] == "Isian … diperlukan."
