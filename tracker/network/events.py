"""What facilities, equipment and areas say on the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from tracker.access.rules import UnitKind
from tracker.feed.contract import Audience, Event, formerly
from tracker.network.rules.words import EquipmentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityAdded(Event):
    """A facility is known now; the subject is its id."""

    KIND: ClassVar[str] = "network.facility_added"

    facility_code: Annotated[str, formerly("facility")]
    kind: UnitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfEquipment(Event):
    """The subject of the event is the equipment's id."""

    equipment_code: Annotated[str, formerly("equipment")]
    kind: EquipmentKind
    in_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentAdded(_OfEquipment):
    """A fridge, freezer, room or box is known now."""

    KIND: ClassVar[str] = "network.equipment_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentChanged(_OfEquipment):
    """Equipment was taken out of service, or back into it."""

    KIND: ClassVar[str] = "network.equipment_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AreasImported(Event):
    """Polygons of areas were taken from a file: so many new, so many known and refreshed, so many mended on the way."""

    KIND: ClassVar[str] = "network.areas_imported"
    AUDIENCE: ClassVar[Audience] = Audience.NATION

    added: int
    refreshed: int
    repaired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAreasChanged(Event):
    """Whose people a facility serves from now on, beside those of the kelurahan where it stands; the subject is its id."""

    KIND: ClassVar[str] = "network.service_areas_changed"

    facility_code: str
    areas: tuple[str, ...]
