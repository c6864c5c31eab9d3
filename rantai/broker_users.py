"""The broker's users come from the registered devices: who may publish is decided in one place."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rantai.local.mosquitto import usable_hash, usable_username
from tracker.telemetry.queries.devices import broker_credentials


def device_hashes(db: Session) -> dict[str, str]:
    """MQTT username → password hash of every device that may connect.

    A row that would break the broker's file is left out: one bad row must not lock out a country.
    """
    return {
        code: hashed for code, hashed in broker_credentials(db).items() if usable_username(code) and usable_hash(hashed)
    }
