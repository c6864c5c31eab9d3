"""What simulated gateways send is a WHO EMS delivery by the published JSON Schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema_rs
import pytest

from simulators.manifest import DeviceEntry
from simulators.sensors.device import Device

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ems" / "cce-interop-0.8.1.schema.json"
BEGAN = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


@pytest.mark.skipif(not SCHEMA.exists(), reason="the reference data is not beside this checkout")
@pytest.mark.parametrize("scenario", ["calm", "late_heat", "late_freeze", "door_ajar", "clock_2036"])
@pytest.mark.parametrize("place_kind", ["fridge", "freezer"])
def test_a_gateways_delivery_fits_the_published_schema(scenario: str, place_kind: str) -> None:
    entry = DeviceEntry.model_validate(
        {
            "code": "GW-1",
            "password": "p",
            "kind": "ems",
            "interval_s": 300,
            "appliances": [
                {"serial": "S1", "equipment": "K1", "place_kind": place_kind, "scenario": scenario},
                {"serial": "S2", "equipment": "K2"},
            ],
        }
    )
    gateway = Device(entry, seed="s", began=BEGAN, now=BEGAN)
    gateway.measure(BEGAN + timedelta(minutes=30))
    records = gateway.memory.take(1000)
    assert len(records) > 200 or scenario == "clock_2036"
    delivery = json.loads(gateway.encode(records, BEGAN + timedelta(minutes=30)))
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    assert [f"{list(error.instance_path)}: {error.message}" for error in schema.iter_errors(delivery)] == []
    delivery["data"][0]["records"][0].pop("ABST")
    assert not schema.is_valid(delivery), "the schema is really asked"
