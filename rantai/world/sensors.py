"""Devices, what they watch, and their keys for the broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rantai.world import history
from rantai.world.manifest import Manifest
from rantai.world.places import equipment_of, facility_rows
from tracker.access.principal import SYSTEM
from tracker.network.rules.words import USUAL_PLACE_KIND, EquipmentKind, PlaceKind
from tracker.telemetry.models import Device
from tracker.telemetry.rules.words import DeviceKind, Quantity, Role
from tracker.telemetry.service.channels import use_channel
from tracker.telemetry.service.commands import ChannelUse, NewDevice
from tracker.telemetry.service.devices import add_device, renew_password

STORY_SENSOR = "sensor-pkm-cipondoh-k1"

# What befalls whom (simulators/scenarios.py); all others are calm.
SCENARIOS = {
    STORY_SENSOR: "late_heat",
    "sensor-pkm-tajur-k1": "door_ajar",
    "sensor-pkm-benda-k1": "compressor_failing",
    "sensor-pkm-gembor-k1": "late_freeze",
    "sensor-pkm-bugel-k1": "dead_battery",
    "sensor-pkm-petir-k1": "clock_1970",
    "sensor-pkm-kunciran-k1": "flaky_network",
    "sensor-pkm-neglasari-k1": "power_cut",
}
# A sensor a page is likely to show moves once a minute, the others every five.
_LIVELY = frozenset({"sensor-pkm-ketapang-k1", "sensor-pkm-gondrong-k1", "sensor-pkm-cipondoh-k2"})
_GATEWAY_INTERVAL_S = 300
_GATEWAYS = ("dinkes-kota-tangerang", "biofarma")
_WATCHED = frozenset({EquipmentKind.FRIDGE, EquipmentKind.COLD_ROOM, EquipmentKind.FREEZER, EquipmentKind.FREEZER_ROOM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A place with a sensor."""

    facility: str
    equipment: str
    kind: EquipmentKind

    @property
    def place(self) -> PlaceKind:
        """Which limits apply."""
        return USUAL_PLACE_KIND[self.kind]

    @property
    def role(self) -> Role:
        """What the temperature channel measures."""
        return Role.FREEZER if self.place is PlaceKind.FREEZER else Role.STORAGE

    @property
    def model(self) -> str:
        """The kind of enclosure the simulators know."""
        return {EquipmentKind.FREEZER_ROOM: "freezer"}.get(self.kind, self.kind.value)


def watched_places() -> Iterator[Watched]:
    """Every fridge, freezer and cold room."""
    for row in facility_rows():
        for suffix, kind, _name in equipment_of(row):
            if kind in _WATCHED:
                yield Watched(facility=row["code"], equipment=f"{row['code']}-{suffix}", kind=kind)


def seed_sensors(db: Session, manifest: Manifest, *, now: datetime) -> None:
    """Make what is missing and tell the manifest of all."""
    behind: dict[str, list[Watched]] = {facility: [] for facility in _GATEWAYS}
    for place in watched_places():
        if place.facility in behind:
            behind[place.facility].append(place)
        else:
            manifest.devices.append(_native(db, manifest, place, now))
    for facility, places in behind.items():
        manifest.devices.append(_gateway(db, manifest, facility, places, now))


def _native(db: Session, manifest: Manifest, place: Watched, now: datetime) -> dict[str, Any]:
    code = f"sensor-{place.equipment}"
    interval_s = 60 if code in _LIVELY else 300
    device = NewDevice(code=code, unit=place.facility, make="Rantai", model="SIM-1")
    password, fresh = _password(db, manifest, device, now)
    channels = [("t1", Quantity.TEMPERATURE, place.role)]
    if code in _LIVELY or code in SCENARIOS:
        # Most loggers measure temperature only; those with something to tell know door and power too.
        channels += [("d1", Quantity.DOOR_OPEN, Role.DOOR), ("p1", Quantity.POWER, Role.POWER)]
    if fresh:
        for name, quantity, role in channels:
            use = ChannelUse(
                device=code, name=name, quantity=quantity, role=role, equipment=place.equipment, interval_s=interval_s
            )
            _watch(db, use, now=now)
    return {
        "code": code,
        "password": password,
        "kind": "native",
        "facility": place.facility,
        "equipment": place.equipment,
        "equipment_kind": place.model,
        "place_kind": place.place.value,
        "channels": [{"name": name, "role": role.value} for name, _quantity, role in channels],
        "interval_s": interval_s,
        "scenario": SCENARIOS.get(code, "calm"),
    }


def _gateway(db: Session, manifest: Manifest, facility: str, places: list[Watched], now: datetime) -> dict[str, Any]:
    code = f"gw-{facility}"
    password, fresh = _password(
        db, manifest, NewDevice(code=code, unit=facility, kind=DeviceKind.GATEWAY, make="Rantai", model="SIM-GW"), now
    )
    appliances = []
    for place in places:
        serial = f"SN-{place.equipment}"
        if fresh:
            logger = NewDevice(
                code=f"logger-{place.equipment}",
                unit=facility,
                kind=DeviceKind.LOGGER,
                make="Rantai",
                model="SIM-LOG",
                serial=serial,
                gateway=code,
            )
            add_device(db, SYSTEM, logger, now=now)
            # The WHO EMS objects a gateway reports: TVC compartment, TFRZ freezer compartment.
            name = "TFRZ" if place.role is Role.FREEZER else "TVC"
            use = ChannelUse(
                device=logger.code,
                name=name,
                role=place.role,
                equipment=place.equipment,
                interval_s=_GATEWAY_INTERVAL_S,
            )
            _watch(db, use, now=now)
        appliances.append(
            {
                "serial": serial,
                "equipment": place.equipment,
                "equipment_kind": place.model,
                "place_kind": place.place.value,
                "scenario": "calm",
            }
        )
    return {
        "code": code,
        "password": password,
        "kind": "ems",
        "facility": facility,
        "equipment": places[0].equipment,
        "channels": [],
        "interval_s": _GATEWAY_INTERVAL_S,
        "scenario": "calm",
        "appliances": appliances,
    }


def _password(db: Session, manifest: Manifest, device: NewDevice, now: datetime) -> tuple[str, bool]:
    """The device's password, and whether the device was made now."""
    known = db.scalar(select(Device.id).where(Device.code == device.code))
    if known is None:
        return _told(add_device(db, SYSTEM, device, now=now).password), True
    told = manifest.device_password(device.code)
    return told or _told(renew_password(db, SYSTEM, known, now=now).password), False


def _told(password: str | None) -> str:
    if password is None:
        raise ValueError("a device that speaks to the broker has a password")
    return password


def _watch(db: Session, use: ChannelUse, *, now: datetime) -> None:
    """The channel has watched its place since before the world's past began; in that past it measured more seldom."""
    for since, interval_s in (
        (history.LENGTH, history.COARSE_S),
        (history.ENDS_BEFORE + history.FINER_SINCE, history.FINE_S),
        (history.MEMORY, use.interval_s),
    ):
        use_channel(db, SYSTEM, replace(use, from_at=now - since, interval_s=interval_s), now=now)
