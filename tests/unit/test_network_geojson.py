"""Areas out of GeoJSON: what is taken, and what is told about what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tracker.network.rules.geojson import FeatureError, features_of
from tracker.network.rules.words import AreaLevel

SQUARE = [[[106.6, -6.2], [106.7, -6.2], [106.7, -6.1], [106.6, -6.1], [106.6, -6.2]]]
BOW_TIE = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]


def feature(coordinates: Any = SQUARE, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kode": "36.71", "nama": "Kota Tangerang"} | properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def test_the_level_follows_from_the_code() -> None:
    found = next(features_of(collection(feature(kode="36.71.01.1003", nama="Tanah Tinggi"))))
    assert (found.level, found.name, found.code_kemendagri) == (AreaLevel.VILLAGE, "Tanah Tinggi", "36.71.01.1003")
    assert found.wkt.startswith("MULTIPOLYGON (((106.6 -6.2")
    assert not found.repaired


def test_both_code_systems_are_kept() -> None:
    found = next(features_of(collection(feature(kode="31.74", kode_bps="3171", nama="Jakarta Selatan"))))
    assert (found.code_kemendagri, found.code_bps) == ("31.74", "3171")


def test_a_polygon_that_crosses_itself_is_mended_and_told() -> None:
    found = next(features_of(collection(feature(BOW_TIE))))
    assert found.repaired
    assert found.wkt.count("((") == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("text", "no_properties"),
        (feature(nama=""), "no_name"),
        (feature(kode="3671"), "no_level"),
        (feature(kode=None), "no_level"),
        (feature(kode=None, level="city"), "no_code"),
        (feature(level="galaxy"), "bad_level"),
        (feature(kode_bps="36"), "bad_bps"),
        (feature(kind="Point"), "not_polygon"),
        (feature([[["a", "b"]]]), "bad_coordinates"),
        (feature([]), "empty"),
        (feature([[[1e6, 1], [1e6, 2], [1e6 + 1, 2], [1e6, 1]]]), "no_degrees"),
        (feature([[[1, 1], [2, 2], [1, 1], [1, 1]]]), "no_surface"),
    ],
)
def test_a_bad_feature_is_named_with_the_reason(bad: Any, reason: str) -> None:
    with pytest.raises(FeatureError, match=reason) as caught:
        list(features_of(collection(feature(), bad)))
    assert caught.value.index == 1


def test_something_else_is_no_collection() -> None:
    for document in ({}, {"type": "FeatureCollection"}, feature()):
        with pytest.raises(ValueError, match="not a FeatureCollection"):
            list(features_of(document))
