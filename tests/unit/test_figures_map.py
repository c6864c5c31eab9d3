"""The map's two drawings: nothing from outside, every state told by shape."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from dashboard.frame.texts import texts_of
from dashboard.frame.theme import STATE_COLOURS, STATE_SYMBOLS
from dashboard.map.figures import MapParts, flat_map_figure, map_figure, view_of
from dashboard.map.sprites import STATES, sprite_index, sprite_png

SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "Cipondoh"},
            "geometry": {"type": "Polygon", "coordinates": [[[106, -7], [107, -7], [107, -6], [106, -6], [106, -7]]]},
        }
    ],
}


def facilities(*states: str, ringing: int = -1) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "name": f"Puskesmas {number}",
                "lat": -6.2 + number / 100,
                "lon": 106.6 + number / 100,
                "state": state,
                "state_label": state,
                "text": state,
                "href": f"/fasilitas/pkm-{number}",
                "ringing": number == ringing,
            }
            for number, state in enumerate(states)
        ],
        columns=["name", "lat", "lon", "state", "state_label", "text", "href", "ringing"],
    )


def map_of(*states: str) -> dict[str, Any]:
    parts = MapParts(facilities=facilities(*states), areas=SQUARE)
    figure: dict[str, Any] = json.loads(map_figure(parts, texts_of("id"), sprite="/tanda/signs").to_json(engine="json"))
    return figure


def test_the_map_names_no_other_host() -> None:
    text = json.dumps(map_of("out", "ok"))
    assert "http" not in text.replace("http://www.w3.org", "")
    assert map_of("ok")["layout"]["map"]["style"]["sprite"] == "/tanda/signs"


def test_the_worst_state_is_drawn_last_and_so_on_top() -> None:
    assert [trace["marker"]["symbol"] for trace in map_of("out", "ok", "low")["data"]] == ["ok", "low", "out"]


def test_every_sign_leads_to_its_facility() -> None:
    assert map_of("ok")["data"][0]["customdata"] == ["/fasilitas/pkm-0"]


def test_every_state_has_a_sign_of_its_own_in_the_picture() -> None:
    assert set(sprite_index(1)) == set(STATE_COLOURS) == set(STATE_SYMBOLS) == set(STATES)
    lefts = [sign["x"] for sign in sprite_index(2).values()]
    assert len(set(lefts)) == len(STATES)
    assert sprite_png(1).startswith(b"\x89PNG\r\n\x1a\n")
    assert len(sprite_png(2)) > len(sprite_png(1))


def test_states_that_ask_for_action_differ_in_shape_not_only_in_colour() -> None:
    acting = [STATE_SYMBOLS[state] for state in ("out", "low", "ok", "over", "unreported")]
    assert len(set(acting)) == len(acting)


def test_the_flat_map_shows_the_same_facilities_with_shapes_and_the_outlines() -> None:
    parts = MapParts(facilities=facilities("out", "ok", "low"), areas=SQUARE)
    figure = flat_map_figure(parts, texts_of("id"))
    outline, *marks = figure.data
    assert outline.fill == "toself"
    assert [mark.marker.symbol for mark in marks] == ["circle", "triangle-up", "diamond"]
    assert figure.layout.yaxis.scaleanchor == "x"


@pytest.mark.parametrize("box", [(300, 360), (900, 500)])
@pytest.mark.parametrize("states", [("ok",), ("ok",) * 40])
def test_the_view_holds_all_facilities(states: tuple[str, ...], box: tuple[int, int]) -> None:
    frame = facilities(*states)
    centre, zoom = view_of(frame, *box)
    degrees = 360 / 512 / 2**zoom  # of one pixel
    assert 0 < zoom <= 13
    assert (frame["lon"] - centre["lon"]).abs().max() <= box[0] / 2 * degrees
    assert (frame["lat"] - centre["lat"]).abs().max() <= box[1] / 2 * degrees


def test_a_wider_screen_shows_the_same_places_larger() -> None:
    parts = MapParts(facilities=facilities(*["ok"] * 40), areas=SQUARE)
    near, far = (
        map_figure(parts, texts_of("id"), sprite="/tanda/signs", wide=wide).layout.map.zoom for wide in (True, False)
    )
    assert near > far


def test_an_empty_map_shows_indonesia() -> None:
    assert map_of()["data"] == []
    assert flat_map_figure(MapParts(facilities=facilities(), areas=SQUARE), texts_of("en")).data[0].mode == "lines"


def test_where_an_alarm_rings_a_ring_lies_below_the_sign() -> None:
    parts = MapParts(facilities=facilities("ok", "out", ringing=0), areas=SQUARE)
    figure = json.loads(map_figure(parts, texts_of("id"), sprite="/tanda/signs").to_json(engine="json"))
    below, *signs = figure["data"]
    assert (below["marker"]["size"], below["hoverinfo"]) == (28, "skip")
    assert {sign["marker"]["symbol"] for sign in signs} == {"ok", "out"}
    assert len(map_of("ok", "out")["data"]) == 2
