"""Who asks with a device's credentials learns nothing from how long the answer takes."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.kit.clock import utc_now
from tracker.telemetry.queries.devices import device_by_credentials
from tracker.telemetry.service.commands import NewDevice
from tracker.telemetry.service.devices import add_device, retire_device, revoke_password


def stretchings(db: Session, code: str, password: str) -> int:
    """How often a password was stretched to answer: that is what takes the time."""
    count = 0

    def look(_frame: FrameType, what: str, function: object) -> None:
        nonlocal count
        count += what == "c_call" and getattr(function, "__name__", "") == "pbkdf2_hmac"

    sys.setprofile(look)
    try:
        device_by_credentials(db, code, password)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("code", ["there", "nobody", "revoked", "retired", "file"])
def test_an_unknown_device_costs_as_much_as_a_wrong_password(db: Session, world: World, code: str) -> None:
    now = utc_now()
    for name in ("there", "revoked", "retired"):
        add_device(db, SYSTEM, NewDevice(code=name, unit=world.puskesmas.code), now=now)
    revoke_password(db, SYSTEM, "revoked", now=now)
    retire_device(db, SYSTEM, "retired", now=now)
    assert stretchings(db, code, "wrong") == 1
    assert device_by_credentials(db, code, "wrong") is None
