"""Wire shapes of this room."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.access.rules import UnitKind
from tracker.edge.values import Flag, Number
from tracker.edge.words import Seen
from tracker.network.rules.words import AreaLevel, EquipmentKind, PlaceKind

Text = Annotated[str, Seen, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
CodeText = Annotated[str, Seen, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Longitude = Annotated[Number, Field(ge=-180, le=180)]
Latitude = Annotated[Number, Field(ge=-90, le=90)]


class FacilityOut(BaseModel):
    """A facility; longitude and latitude in degrees."""

    id: UUID
    code: str
    name: str
    kind: UnitKind
    parent: str | None
    path: str
    longitude: float | None
    latitude: float | None
    timezone: str
    code_bps: str | None
    code_kemendagri: str | None
    synthetic: bool


class FacilityIn(BaseModel):
    """A new facility under `parent` (id or code)."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText
    name: Text
    kind: UnitKind
    parent: Text
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    timezone: Text = "Asia/Jakarta"
    code_bps: Text | None = None
    code_kemendagri: Text | None = None
    synthetic: Flag = False


class EquipmentOut(BaseModel):
    """A place for stock."""

    id: UUID
    code: str
    name: str
    facility: str
    facility_id: UUID
    kind: EquipmentKind
    place_kind: PlaceKind
    in_service: bool


class EquipmentIn(BaseModel):
    """A new place for stock at `facility` (id or code)."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText
    name: Text
    facility: Text
    kind: EquipmentKind
    place_kind: PlaceKind | None = None


class ServiceState(BaseModel):
    """Whether stock may be picked from the equipment."""

    model_config = ConfigDict(extra="forbid")

    in_service: Flag


class NeighbourOut(BaseModel):
    """A facility near another one, straight line."""

    id: UUID
    code: str
    name: str
    distance_km: float


class NeighboursOut(BaseModel):
    """Nearest first."""

    items: list[NeighbourOut]


class AreaOut(BaseModel):
    """An imported administrative area."""

    code_kemendagri: str | None
    code_bps: str | None
    name: str
    level: AreaLevel


class ServiceAreaOut(BaseModel):
    """A kelurahan a facility serves; `name` is null where no such area was imported."""

    code: str
    name: str | None
    stands_here: bool


class ServiceAreasOut(BaseModel):
    """All whom a facility serves; where it stands comes first."""

    items: list[ServiceAreaOut]


class ServiceAreasIn(BaseModel):
    """The whole list from now on, codes of Kemendagri (36.71.05.1001) or BPS; where it stands need not be named."""

    model_config = ConfigDict(extra="forbid")

    areas: list[Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[^\x00]*$")]] = Field(max_length=1000)
