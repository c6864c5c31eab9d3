"""`rantai scan parse` as it is promised to the outside."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from rantai.cli.scan import app

run = CliRunner()


def test_a_good_code_is_printed_as_one_json_object() -> None:
    result = run.invoke(app, ["parse", "(90)DKL9822206510A1(10)PB001(17)270100(21)7", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "profile": "bpom",
        "elements": {"90": "DKL9822206510A1", "10": "PB001", "17": "270100", "21": "7"},
        "gtin": None,
        "content_gtin": None,
        "nie": "DKL9822206510A1",
        "lot": "PB001",
        "expiry": "2027-01-31",
        "serial": "7",
        "sscc": None,
        "count": None,
    }


def test_a_bad_code_is_told_with_code_and_place_and_exit_1() -> None:
    result = run.invoke(app, ["parse", "(01)08991234567892", "--json"])
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "scan.check_digit"
    assert answer["error"]["position"] == 17


def test_without_json_people_read_lines() -> None:
    assert "PB001" in run.invoke(app, ["parse", "(90)DKL9822206510A1(10)PB001"]).stdout
    wrong = run.invoke(app, ["parse", "(01)1"])
    assert wrong.exit_code == 1
    assert "Position" in wrong.stderr
