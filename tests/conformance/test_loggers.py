"""The real exports give the devices' own figures. Skipped where ../shared/data is not there."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.files.reader import read_logger_file
from ingest.files.report import Rules, report_of

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "loggers"
FRIDGE_TAG_2L = FOLDER / "fridgetag2L_130500109088_202206081014.txt"
FRIDGE_TAG_2 = FOLDER / "fridgetag2_130400191542_202302140605.txt"
Q_TAG = FOLDER / "qtagCLm_RCPJ00010_02_202211090128.txt"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the reference exports (../shared/data/loggers) are not here"
)


def report(path: Path, rules: Rules | None = None) -> dict[str, Any]:
    return report_of(read_logger_file(path.read_bytes()), rules)


def test_each_of_38_days_has_the_minutes_and_extremes_the_device_counted() -> None:
    days = report(FRIDGE_TAG_2L)["days"]
    assert len(days) == 38
    for day in days:
        device = day["device"]
        assert day["minutes_below"] == pytest.approx(device["minutes_below"], abs=10), day["date"]
        assert day["minutes_above"] == pytest.approx(device["minutes_above"], abs=10), day["date"]
        assert day["min_c"] == pytest.approx(device["min_c"], abs=0.6), day["date"]
        assert day["max_c"] == pytest.approx(device["max_c"], abs=0.6), day["date"]


def test_who_rules_find_3_heat_alarms_of_41_runs_and_8_freeze_alarms_of_11() -> None:
    episodes = report(FRIDGE_TAG_2L, Rules.WHO_FRIDGE)["episodes"]
    assert Counter(one["rule"] for one in episodes) == {"HEAT": 41, "FRZE": 11}
    alarms = [one for one in episodes if one["alarmed_at"] is not None]
    assert Counter(one["rule"] for one in alarms) == {"HEAT": 3, "FRZE": 8}
    heat = [(one["started_at"], one["ended_at"]) for one in alarms if one["rule"] == "HEAT"]
    assert heat == [
        ("2022-05-17T12:06", "2022-05-24T11:41"),
        ("2022-05-24T15:41", "2022-05-25T18:26"),
        ("2022-05-26T11:01", "2022-05-27T11:16"),
    ]
    assert alarms[0]["exposed_minutes"] == pytest.approx(167.58 * 60, abs=1)
    first = next(one for one in alarms if one["rule"] == "FRZE")
    assert (first["started_at"], first["exposed_minutes"]) == ("2022-05-27T18:16", 20.5 * 60)


def test_the_gap_of_six_hours_is_neither_exposure_nor_safety() -> None:
    first = report(FRIDGE_TAG_2L)["episodes"][0]
    assert (first["started_at"], first["ended_at"], first["exposed_minutes"]) == (
        "2022-05-02T04:44",
        "2022-05-02T04:49",
        5,
    )


def test_the_mean_kinetic_temperature_is_the_devices_own_which_it_truncates() -> None:
    found = report(Q_TAG)
    assert found["mkt_c"] == pytest.approx(found["device_mkt_c"], abs=0.1)
    assert math.floor(found["mkt_c"] * 10) / 10 == found["device_mkt_c"] == 10.5
    assert (found["min_c"], found["max_c"]) == (0.9, 24.3)


def test_the_q_tags_own_alarms_are_found_within_one_logging_interval() -> None:
    episodes = [one for one in report(Q_TAG)["episodes"] if one["alarmed_at"] is not None]
    heat = [one for one in episodes if one["rule"] == "HEAT" and not one["cumulative"]]
    # The device: start 21:50, alarm 22:20, going on at 01:28 after 219 minutes.
    assert [(one["started_at"], one["alarmed_at"], one["ended_at"]) for one in heat] == [
        ("2022-11-08T21:59", "2022-11-08T22:29", None)
    ]
    assert heat[0]["exposed_minutes"] == pytest.approx(219, abs=10)
    (cold,) = [one for one in episodes if one["rule"] == "FRZE" and one["cumulative"]]
    # The device: 598 minutes below 2 °C, alarm at 07:34.
    assert cold["exposed_minutes"] == pytest.approx(598, abs=20)
    assert cold["alarmed_at"] == "2022-11-08T07:39"


def test_a_device_without_memory_gives_its_sixty_days_and_no_readings() -> None:
    found = report(FRIDGE_TAG_2)
    assert (found["readings"], found["first"], found["mkt_c"], found["episodes"]) == (0, None, None, [])
    assert len(found["days"]) == 60
    newest = found["days"][-1]
    assert newest == {
        "date": "2023-02-14",
        "min_c": None,
        "max_c": None,
        "minutes_below": None,
        "minutes_above": None,
        "device": {"min_c": 18.0, "max_c": 18.8, "minutes_below": 0, "minutes_above": 366},
    }


@pytest.mark.parametrize("path", [FRIDGE_TAG_2L, FRIDGE_TAG_2, Q_TAG], ids=["2L", "2", "Q"])
def test_line_ends_do_not_matter(path: Path) -> None:
    content = path.read_bytes()
    assert b"\r\n" in content
    assert read_logger_file(content.replace(b"\r\n", b"\n")) == read_logger_file(content)
