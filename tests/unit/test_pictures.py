"""Pictures drawn by the server, judged by the SVG that stands in the page."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from markupsafe import Markup

from dashboard.batch.pictures import MOST_ROWS, flow_picture
from dashboard.frame.pictures import round_steps
from dashboard.frame.texts import texts_of
from dashboard.frame.time_ticks import time_ticks
from dashboard.map.figures import MapParts
from dashboard.map.pictures import map_picture
from dashboard.quota.pictures import quota_picture
from dashboard.temperature.figures import CurveParts
from dashboard.temperature.pictures import temperature_picture

START = datetime(2026, 3, 1)  # noqa: DTZ001 - naive local time of a place
STATIC = Path("dashboard/frame/static")


def svgs(markup: Markup) -> dict[str, ET.Element]:
    """The picture for the hand and the one for the desk."""
    hand, desk = ET.fromstring(f"<both>{markup}</both>")
    assert (hand.get("class"), desk.get("class")) == ("picture hand", "picture desk")
    return {"hand": hand, "desk": desk}


def words(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def of_class(svg: ET.Element, cls: str) -> list[ET.Element]:
    return [item for item in svg.iter() if set(cls.split()) <= set((item.get("class") or "").split())]


def curve(values: list[float | None], *, hours: float = 1, **changed: Any) -> Markup:
    """A curve from START on; None is a missing reading and makes a gap."""
    at = [START + timedelta(hours=hours * step) for step in range(len(values))]
    known = [(when, value, value, value) for when, value in zip(at, values, strict=True) if value is not None]
    gaps = [(when, when + timedelta(hours=hours)) for when, value in zip(at, values, strict=True) if value is None]
    given: dict[str, Any] = {
        "readings": pd.DataFrame(known, columns=["at", "low", "value", "high"]),
        "gaps": pd.DataFrame(gaps, columns=["start", "end"]),
        "episodes": pd.DataFrame([], columns=["start", "end", "side", "label"]),
        "low_c": 2.0,
        "high_c": 8.0,
        "zone": "WITA",
    }
    parts = CurveParts(**{**given, **{key: value for key, value in changed.items() if key in given}})
    texts = texts_of(changed.get("language", "id"))
    return temperature_picture(parts, START, at[-1] + timedelta(hours=hours), texts, title="Kulkas <1>")


def test_a_curve_tells_limits_zone_and_newest_value_the_language_s_way() -> None:
    for svg in svgs(curve([4.0, 5.0, 6.5])).values():
        assert {"8,0 °C", "2,0 °C", "6,5 °C"} <= set(words(svg))
        assert any("WITA" in text for text in words(svg))
    assert "6.5 °C" in words(svgs(curve([4.0, 6.5], language="en"))["hand"])


def test_a_picture_is_read_aloud_by_title_and_description_and_its_text_is_escaped() -> None:
    for name, svg in svgs(curve([4.0, None, 9.5])).items():
        title, description = svg.find("title"), svg.find("desc")
        assert title is not None
        assert description is not None
        assert title.text == "Kulkas <1>"
        assert "tertinggi 9,5 °C" in (description.text or "")
        assert "Tanpa data selama 1 jam" in (description.text or "")
        assert svg.get("aria-labelledby") == f"kurva-{name}-t kurva-{name}-d"
        assert svg.get("role") == "img"


def test_no_line_runs_through_a_gap_and_the_gap_is_hatched() -> None:
    for name, svg in svgs(curve([4.0, 4.1, None, None, None, 5.0, 5.1])).items():
        assert len(of_class(svg, "curve")) == 2
        hatched = [rect for rect in svg.iter("rect") if rect.get("fill") == f"url(#kurva-{name}-gap)"]
        assert len(hatched) == 1


def test_a_gap_shorter_than_a_pixel_is_still_drawn() -> None:
    values: list[float | None] = [4.0] * 3_000
    values[1_500] = None
    hatched = [rect for rect in svgs(curve(values))["hand"].iter("rect") if rect.get("fill")]
    assert len(hatched) == 1
    assert float(hatched[0].get("width") or 0) >= 1


def test_only_what_lies_outside_the_limits_is_filled() -> None:
    assert not of_class(svgs(curve([4.0, 7.9, 2.1]))["desk"], "area")
    svg = svgs(curve([4.0, 9.0, 4.0]))["desk"]
    assert len(of_class(svg, "hot area")) == 1
    assert not of_class(svg, "cold area")
    assert len(of_class(svgs(curve([4.0, -1.0]))["desk"], "cold area")) == 1


def test_a_breach_has_a_bar_and_its_words_and_breaches_at_one_time_have_lanes_of_their_own() -> None:
    rows = [
        (pd.Timestamp(START), pd.Timestamp(START) + pd.Timedelta(hours=4), "hot", label)
        for label in ("Panas", "Hangat")
    ]
    episodes = pd.DataFrame(rows, columns=["start", "end", "side", "label"])
    for svg in svgs(curve([9.0] * 6, episodes=episodes)).values():
        bars = of_class(svg, "hot spell")
        assert len({bar.get("y") for bar in bars}) == 2
        assert {"Panas · 4 jam", "Hangat · 4 jam"} <= set(words(svg))


def test_a_peak_between_many_readings_is_not_lost() -> None:
    values: list[float | None] = [4.0] * 5_000
    values[2_345] = 12.3
    svg = svgs(curve(values))["hand"]
    assert of_class(svg, "hot area")
    assert len(ET.tostring(svg)) < 20_000


def test_without_readings_the_picture_says_so() -> None:
    for svg in svgs(curve([None, None])).values():
        assert "Belum ada pembacaan suhu" in words(svg)
        assert not of_class(svg, "curve")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("hours", [1, 5, 24, 7 * 24, 30 * 24, 182 * 24, 400 * 24])
def test_a_time_axis_has_some_ticks_and_never_too_many(hours: int, language: str) -> None:
    start = datetime(2026, 1, 31, 22, 17)  # noqa: DTZ001 - naive local time of a place
    end = start + timedelta(hours=hours)
    for most in (5, 9):
        ticks = time_ticks(start, end, most, texts_of(language))
        assert 1 <= len(ticks) <= most + 1
        assert all(start <= at <= end for at, _, _ in ticks)


def test_steps_are_round_and_few() -> None:
    assert round_steps(1.2, 8.9, 6) == [2, 4, 6, 8]
    assert round_steps(-23.4, -14.1, 6) == [-22, -20, -18, -16]
    assert len(round_steps(0, 1e6, 5)) <= 6


def flows(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [("supplier", f"@p{n}", 10 + n) for n in range(count)]
    nodes = [("supplier", "Pemasok", "source"), *((f"@p{n}", f"Puskesmas {n}", "place") for n in range(count))]
    return (
        pd.DataFrame(rows, columns=["source", "target", "vials"]),
        pd.DataFrame(nodes, columns=["key", "name", "kind"]),
    )


@pytest.mark.parametrize("count", [1, 8, 60])
def test_labels_of_flows_never_overprint_and_no_vial_is_lost(count: int) -> None:
    moved, nodes = flows(count)
    both = svgs(flow_picture(moved, nodes, texts_of("id"), title="Alur"))
    for svg in both.values():
        lines = sorted((float(text.get("y") or 0)) for text in svg.iter("text") if text.get("text-anchor") != "start")
        spots = {(text.get("x"), text.get("y")) for text in svg.iter("text")}
        assert len(spots) == len(lines)
    right = sorted(float(t.get("y") or 0) for t in both["desk"].iter("text") if t.get("text-anchor") == "end")
    assert all(after - before >= 13 for before, after in pairwise(right))
    assert len(right) == min(count, MOST_ROWS)
    assert f"Pemasok · {int(moved['vials'].sum()):,}".replace(",", ".") in words(both["desk"])


def test_goods_that_go_round_in_circles_are_drawn_all_the_same() -> None:
    moved = pd.DataFrame([("@a", "@b", 5), ("@b", "@c", 4), ("@c", "@a", 3)], columns=["source", "target", "vials"])
    nodes = pd.DataFrame([(f"@{n}", n.upper(), "place") for n in "abc"], columns=["key", "name", "kind"])
    assert "A · 5" in words(svgs(flow_picture(moved, nodes, texts_of("id"), title="Alur"))["desk"])


def test_a_session_without_vials_is_told_by_number_and_sign() -> None:
    frame = pd.DataFrame(
        [("Puskesmas A", "Sen · BCG", 40, 0, 0), ("Puskesmas B", "Sen · BCG", 40, 900, 40)],
        columns=["facility", "note", "capacity_left", "pool_available", "available"],
    )
    for svg in svgs(quota_picture(frame, texts_of("id"), title="Kuota")).values():
        assert {"0 dari 40", "40 dari 40"} <= set(words(svg))
        assert len(of_class(svg, "none")) == 1


def facilities(*rows: tuple[str, float, float, str], ringing: str = "") -> pd.DataFrame:
    table = [
        (n, lat, lon, state, state.title(), n, f"/fasilitas/{n}", "Kota X", n == ringing) for n, lat, lon, state in rows
    ]
    columns = ["name", "lat", "lon", "state", "state_label", "text", "href", "parent", "ringing"]
    return pd.DataFrame(table, columns=columns)


def drawn_map(frame: pd.DataFrame, near: pd.DataFrame | None = None, **areas: Any) -> dict[str, ET.Element]:
    parts = MapParts(facilities=frame, areas={"type": "FeatureCollection", "features": areas.get("features", [])})
    around = pd.DataFrame([], columns=["name", "lat", "lon"]) if near is None else near
    return svgs(map_picture(parts, around, texts_of("id"), title="Peta", approximate=False))


def test_a_facility_alone_is_shown_among_its_neighbours_without_their_state() -> None:
    near = pd.DataFrame([("Puskesmas Dekat", -6.19, 106.70)], columns=["name", "lat", "lon"])
    for svg in drawn_map(facilities(("Puskesmas Sini", -6.2, 106.68, "out")), near).values():
        assert {"Sini", "Dekat"} <= set(words(svg))
        assert len(of_class(svg, "mark")) == 1
        assert len(of_class(svg, "near")) == 1


def test_states_differ_by_shape_and_lead_to_their_pages() -> None:
    rows = [(f"F{n}", -6.2 + n / 50, 106.6 + n / 50, state) for n, state in enumerate(("out", "low", "ok", "over"))]
    svg = drawn_map(facilities(*rows))["hand"]
    shapes = {(mark.tag, re.sub(r"[-\d. ]+", "", mark.get("d") or "")) for mark in of_class(svg, "mark")}
    assert len(shapes) == 4
    assert {link.get("href") for link in svg.iter("a")} == {f"/fasilitas/F{n}" for n in range(4)}


def test_enough_vials_in_a_hot_fridge_do_not_look_well() -> None:
    rows = (("Dingin", -6.2, 106.6, "ok"), ("Panas", -6.4, 106.8, "ok"))
    for svg in drawn_map(facilities(*rows, ringing="Panas")).values():
        assert len(of_class(svg, "ringing")) == 1
        assert "Alarm suhu sedang berbunyi: Panas." in (svg.findtext(".//{*}desc") or "")


def test_signs_too_close_to_tell_apart_are_one_with_the_worst_state_and_their_number() -> None:
    close = [(f"Puskesmas {n}", -6.2 + n / 1e5, 106.6, "out" if n == 3 else "ok") for n in range(5)]
    svg = drawn_map(facilities(*close, ("Jauh", 2.0, 120.0, "ok")))["hand"]
    assert "Kota X (5)" in words(svg)
    assert sorted(mark.get("class") or "" for mark in of_class(svg, "mark")) == ["mark ok", "mark out"]


def test_names_on_a_crowded_map_never_cover_each_other() -> None:
    rows = [(f"Puskesmas Nama {n}", -6.2 + (n // 7) / 90, 106.6 + (n % 7) / 70, "ok") for n in range(49)]
    for name, svg in drawn_map(facilities(*rows)).items():
        boxes = []
        for text in of_class(svg, "halo"):
            wide, x, y = 0.5 * 11.5 * len(text.text or ""), float(text.get("x") or 0), float(text.get("y") or 0)
            left = x - {None: 0, "end": wide, "middle": wide / 2}[text.get("text-anchor")]
            boxes.append((left, y - 8, left + wide, y + 2))
        pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[n + 1 :]]
        assert not [1 for a, b in pairs if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]], name
        assert len(boxes) > 5


def test_imported_areas_have_outlines_and_names() -> None:
    ring = [[106.0, -7.0], [107.0, -7.0], [107.0, -6.0], [106.0, -6.0], [106.0, -7.0]]
    area = {"properties": {"name": "Banten"}, "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}}
    svg = drawn_map(facilities(("A", -6.9, 106.1, "ok"), ("B", -6.1, 106.9, "ok")), features=[area])["desk"]
    assert len(of_class(svg, "land")) == 1
    assert "Banten" in words(svg)


def test_no_picture_carries_a_style_attribute_or_a_colour() -> None:
    every = curve([4.0, None, 9.0]) + flow_picture(*flows(3), texts_of("id"), title="Alur")
    assert "style=" not in every
    assert not re.search(r"#[0-9a-f]{6}|rgb\(", every)


def test_the_page_s_own_rules_reach_into_no_picture() -> None:
    """A class of a picture that the page styles by itself would stretch or move what was drawn."""
    episodes = pd.DataFrame(
        [(pd.Timestamp(START), pd.Timestamp(START) + pd.Timedelta(hours=1), "hot", "Panas")],
        columns=["start", "end", "side", "label"],
    )
    frame = pd.DataFrame(
        [("A", "B", 40, 0, 0)], columns=["facility", "note", "capacity_left", "pool_available", "available"]
    )
    every = curve([4.0, None, 9.0, -1.0], episodes=episodes) + quota_picture(frame, texts_of("id"), title="Kuota")
    every += flow_picture(*flows(3), texts_of("id"), title="Alur")
    used = {name for classes in re.findall(r'class="([^"]+)"', every) for name in classes.split()}
    page = re.sub(r"/\*.*?\*/", "", (STATIC / "app.css").read_text(), flags=re.DOTALL)
    alone = {one.strip() for rule in re.findall(r"([^{}]+){", page) for one in rule.split(",")}
    assert "spell" in used
    # Soft letters are soft everywhere; the picture's own rule says the same.
    assert {f".{name}" for name in used} & alone <= {".soft"}
