"""The map of places: every number is one of the list's, and no sign covers another."""

from __future__ import annotations

import re

import pandas as pd

from dashboard.citizens.pictures import places_picture
from dashboard.frame.texts import texts_of

NOWHERE = {"type": "FeatureCollection", "features": []}
COLUMNS = ["name", "lat", "lon", "room", "href", "nearer"]


def drawn(*rows: tuple[str, float, float, int], here: tuple[float, float] | None = None) -> str:
    told = [(*row, f"#{row[0]}", f"/daftar/peta?di={row[0]}") for row in rows]
    return str(places_picture(pd.DataFrame(told, columns=COLUMNS), NOWHERE, here, texts_of("id")))


def test_a_place_alone_has_its_number_and_leads_to_its_line() -> None:
    svg = drawn(("A", -6.2, 106.6, 7), ("B", -6.4, 106.8, 4321))
    assert re.findall(r'<a href="#(\w)"[^>]*>.*?>([^<]+)</text><text[^>]*>([^<]+)<', svg) == [
        ("A", "7", "A"),
        ("B", "999+", "B"),
    ]
    assert 'class="seats few"' in svg


def test_places_too_close_are_one_sign_that_leads_nearer_and_has_no_number_of_seats() -> None:
    svg = drawn(("A", -6.2, 106.6, 7), ("B", -6.2001, 106.6001, 9), ("Jauh", 2.0, 120.0, 1))
    assert re.findall(r'<a href="([^"]*)"', svg) == ["/daftar/peta?di=A", "#Jauh"]
    assert ">×2</text>" in svg
    assert ">7</text>" not in svg


def test_whoever_looks_is_within_the_map_and_their_point_in_no_link() -> None:
    svg = drawn(("A", -6.2, 106.6, 7), here=(-6.9, 107.6))
    x, y = _here(svg)
    assert 0 < x < 328
    assert 0 < y < 330
    assert not re.search(r'href="[^"]*(6\.9|107)', svg)


def _here(svg: str) -> tuple[float, float]:
    (tag,) = re.findall(r"<circle [^>]*here[^>]*>", svg)
    found = dict(re.findall(r'(c[xy])="([-\d.]+)"', tag))
    return float(found["cx"]), float(found["cy"])


def test_nothing_to_draw_is_a_map_of_the_country() -> None:
    assert "Tidak ada tempat untuk digambar" in drawn()
