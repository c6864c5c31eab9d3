"""The world manifest: who exists on the other side of the wire, with the keys they were given.

`rantai demo` writes it when it seeds the world (`.rantai/world.json`, readable by its owner only); the simulators
read nothing else. Shape, all times RFC 3339, unknown fields ignored:

    {"seed": "…"?, "api_url": "…"?,
     "devices": [{"code", "password", "kind": "native" | "ems", "facility", "equipment",
                  "equipment_kind"?: "fridge" | "freezer" | …, "place_kind"?: "fridge" | "freezer" | …,
                  "channels": [{"name", "role"}], "interval_s", "scenario",
                  "appliances"?: [{"serial", "equipment", "equipment_kind"?, "scenario"?}]}],
     "staff": [{"username", "password", "role", "facility", "sends_to"?}],
     "facilities": [{"code", "name"?, "kind"?, "residence"?}],
     "presentations": [{"code", "doses_per_vial"?, …}]}

`appliances` belongs to gateways (`ems`): one entry for each logger whose reports the gateway carries.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from simulators.physics.enclosure import EnclosureSpec
from simulators.physics.specs import BY_KIND


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ChannelEntry(_Entry):
    """One measured quantity. `role`: storage, freezer, ambient, condenser, door, power, humidity or battery."""

    name: str
    role: str = "storage"


class ApplianceEntry(_Entry):
    """One logger behind a gateway."""

    serial: str
    equipment: str
    equipment_kind: str = ""
    place_kind: str = "fridge"
    scenario: str = "calm"


class DeviceEntry(_Entry):
    """One MQTT client: a logger that speaks for itself, or a gateway that speaks for several."""

    code: str
    password: str
    kind: str = "native"
    facility: str = ""
    equipment: str = ""
    equipment_kind: str = ""
    place_kind: str = "fridge"
    channels: tuple[ChannelEntry, ...] = (ChannelEntry(name="t1"),)
    interval_s: int = Field(default=300, ge=1, le=86_400)
    scenario: str = "calm"
    appliances: tuple[ApplianceEntry, ...] = ()

    def loggers(self) -> tuple[ApplianceEntry, ...]:
        """The loggers this client reports for; a native device is its own and only one."""
        if self.appliances:
            return self.appliances
        return (
            ApplianceEntry(
                serial=self.code,
                equipment=self.equipment,
                equipment_kind=self.equipment_kind,
                place_kind=self.place_kind,
                scenario=self.scenario,
            ),
        )


class StaffEntry(_Entry):
    """One account that works over HTTP."""

    username: str
    password: str
    role: str
    facility: str = ""
    sends_to: tuple[str, ...] | None = None
    """Where a store sends vaccine; None: to every facility whose manager is played."""


class FacilityEntry(_Entry):
    """A place people can go to. `residence`: the area code its own residents live in."""

    code: str
    name: str = ""
    kind: str = "puskesmas"
    residence: str = ""


class PresentationEntry(_Entry):
    """What is given there."""

    code: str
    name: str = ""
    doses_per_vial: int = 10


class World(_Entry):
    """The whole manifest."""

    seed: str = "rantai"
    api_url: str = ""
    devices: tuple[DeviceEntry, ...] = ()
    staff: tuple[StaffEntry, ...] = ()
    facilities: tuple[FacilityEntry, ...] = ()
    presentations: tuple[PresentationEntry, ...] = ()


def read_world(path: Path) -> World:
    """Read a manifest. Raises OSError or ValueError (pydantic's, which says where it is wrong)."""
    return World.model_validate_json(path.read_bytes())


def spec_for(logger: ApplianceEntry, *, household: bool) -> EnclosureSpec:
    """The enclosure a logger sits in: by the equipment's kind, else by the kind of place it counts as."""
    kind = logger.equipment_kind if logger.equipment_kind in BY_KIND else logger.place_kind
    if household and kind == "fridge":
        return BY_KIND["household_fridge"]
    return BY_KIND.get(kind, BY_KIND["truck" if kind.startswith("transport") else "fridge"])
