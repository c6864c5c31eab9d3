"""The temperature curve, judged by the figure that reaches the browser."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from dashboard.frame.texts import texts_of
from dashboard.temperature.figures import MOST_POINTS, CurveParts, temperature_figure, thinned

START = pd.Timestamp("2026-03-01 00:00")


def readings(values: list[float]) -> pd.DataFrame:
    at = [START + pd.Timedelta(minutes=10 * step) for step in range(len(values))]
    return pd.DataFrame({"at": at, "low": values, "value": values, "high": values})


def spans(rows: list[tuple[Any, ...]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def parts(values: list[float], **changed: Any) -> CurveParts:
    given: dict[str, Any] = {
        "readings": readings(values),
        "gaps": spans([], "start", "end"),
        "episodes": spans([], "start", "end", "side", "label"),
        "low_c": 2.0,
        "high_c": 8.0,
        "zone": "WITA",
    }
    return CurveParts(**{**given, **changed})


def drawn(curve: CurveParts, language: str = "id") -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(temperature_figure(curve, texts_of(language)).to_json(engine="json"))
    return figure


def names(figure: dict[str, Any]) -> list[str]:
    return [trace.get("name", "") for trace in figure["data"]]


def test_both_limits_stand_as_lines_with_their_numbers_written_the_language_s_way() -> None:
    figure = drawn(parts([4.0, 5.0]))
    lines = [shape["y0"] for shape in figure["layout"]["shapes"] if shape["type"] == "line"]
    assert sorted(lines) == [2.0, 8.0]
    assert {note["text"] for note in figure["layout"]["annotations"]} == {"2,0 °C", "8,0 °C"}
    english = drawn(parts([4.0, 5.0]), "en")
    assert {note["text"] for note in english["layout"]["annotations"]} == {"2.0 °C", "8.0 °C"}


def test_the_axis_names_the_zone_of_the_place() -> None:
    assert drawn(parts([4.0]))["layout"]["xaxis"]["title"]["text"] == "WITA"


def test_no_line_runs_through_a_gap() -> None:
    series = pd.concat([readings([4.0, 4.1]), readings([5.0]).assign(at=START + pd.Timedelta(hours=9))])
    gap = spans([(START + pd.Timedelta(minutes=20), START + pd.Timedelta(hours=9))], "start", "end")
    figure = temperature_figure(parts([], readings=series, gaps=gap), texts_of("id"))
    curve = next(trace for trace in figure.data if trace.name == "Suhu")
    hole = list(curve.x).index((START + pd.Timedelta(minutes=20)).to_datetime64())
    assert pd.isna(curve.y[hole])
    assert curve.connectgaps is False
    assert "Tanpa data" in names(drawn(parts([], readings=series, gaps=gap)))


@pytest.mark.parametrize(("side", "word"), [("hot", "Terlalu panas"), ("cold", "Terlalu dingin")])
def test_a_breach_is_a_band_with_its_word_and_a_place_in_the_legend(side: str, word: str) -> None:
    breach = spans([(START, START + pd.Timedelta(hours=1), side, "HEAT")], "start", "end", "side", "label")
    figure = drawn(parts([9.0] * 6, episodes=breach))
    assert "HEAT" in {note["text"] for note in figure["layout"]["annotations"]}
    assert names(figure).count(word) == 1


def test_labels_of_breaches_that_overlap_stand_below_one_another() -> None:
    hour = pd.Timedelta(hours=1)
    breaches = spans(
        [(START, START + 3 * hour, "hot", "A"), (START + hour, START + 2 * hour, "hot", "B"),
         (START + 4 * hour, START + 5 * hour, "hot", "C")],
        "start", "end", "side", "label",
    )  # fmt: skip
    notes = {n["text"]: n.get("yshift", 0) for n in drawn(parts([9.0], episodes=breaches))["layout"]["annotations"]}
    assert notes["A"] == notes["C"] == 0
    assert notes["B"] < 0


def test_thinning_keeps_the_one_reading_that_was_too_hot() -> None:
    values = [5.0] * 20_000
    values[12_345] = 31.0
    few = thinned(readings(values))
    assert len(few) <= MOST_POINTS
    assert few["high"].max() == 31.0
    assert few["at"].is_monotonic_increasing


def test_merged_readings_show_their_highs_and_lows() -> None:
    merged = readings([5.0, 5.0]).assign(low=[2.0, 5.0], high=[9.0, 5.0])
    assert {"Tertinggi", "Terendah"} <= set(names(drawn(parts([], readings=merged))))
    assert "Tertinggi" not in names(drawn(parts([5.0, 6.0])))


def test_an_empty_curve_says_so_instead_of_showing_zero() -> None:
    figure = drawn(parts([]))
    assert figure["data"] == []
    assert figure["layout"]["annotations"][0]["text"] == "Belum ada pembacaan suhu"


def test_a_channel_without_a_place_has_a_curve_and_no_limits() -> None:
    figure = drawn(parts([21.0, 22.0], low_c=None, high_c=None))
    assert figure["layout"].get("shapes", []) == []
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 21.0 < 22.0 < high
