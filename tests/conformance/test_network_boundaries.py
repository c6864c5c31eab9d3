"""Published boundary files go through the import of areas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.world import NOW
from tracker.access.principal import SYSTEM
from tracker.network.areas import import_areas
from tracker.network.errors import BadFeature

GEO = Path(__file__).resolve().parents[3] / "shared" / "data" / "geo"

pytestmark = pytest.mark.skipif(not GEO.is_dir(), reason=f"boundary files are not at {GEO}")


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GEO / f"{name}.geojson").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("boundaries_kab_kota_banten_dki", 14),
        ("boundaries_kecamatan_banten_dki", 199),
        ("boundaries_kelurahan_kota_tangerang", 104),
        ("boundaries_kab_kota_indonesia_simplified", 514),
    ],
)
def test_real_boundary_files_are_taken(db: Session, name: str, count: int) -> None:
    assert import_areas(db, SYSTEM, document(name), now=NOW).added == count


def test_the_province_file_gives_two_provinces_one_code_and_is_told_so(db: Session) -> None:
    with pytest.raises(BadFeature) as caught:
        import_areas(db, SYSTEM, document("indonesia-38-provinces"), now=NOW)
    assert caught.value.params["name"] == "Papua Selatan"
