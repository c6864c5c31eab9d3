"""Areas, facilities, equipment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from tracker.access.rules import UnitKind
from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.network.rules.words import AreaLevel, EquipmentKind, PlaceKind


class Area(Base):
    """An administrative area with its polygon.

    Both code systems are kept: BPS and Kemendagri agree for Banten and differ in DKI Jakarta
    (BPS 3171 is Kemendagri 31.74).
    """

    __tablename__ = "area"
    __table_args__ = (
        CheckConstraint("num_nonnulls(code_bps, code_kemendagri) >= 1", name="has_code"),
        Index(None, "polygon", postgresql_using="gist"),
        Index("ix_area_level_name", "level", "name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_bps: Mapped[str | None] = mapped_column(unique=True)
    code_kemendagri: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[AreaLevel] = mapped_column(StrEnumText(AreaLevel))
    polygon: Mapped[Any] = mapped_column(Geography("MULTIPOLYGON", srid=4326, spatial_index=False))


class Facility(Base):
    """A unit of the health system that stands somewhere; `id` is the unit's.

    Code, name and kind repeat the unit's, which never change once made: listings then need no join.
    """

    __tablename__ = "facility"
    __table_args__ = (Index(None, "point", postgresql_using="gist"), Index(None, "name", "code"))

    id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[UnitKind] = mapped_column(StrEnumText(UnitKind))
    point: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=False))
    timezone: Mapped[str] = mapped_column(server_default="Asia/Jakarta")
    code_bps: Mapped[str | None]
    code_kemendagri: Mapped[str | None]
    synthetic: Mapped[bool] = mapped_column(server_default="false")


class ServiceArea(Base):
    """A kelurahan or desa whose people a facility serves, beside the one where it stands.

    A code and no reference: areas need not have been imported. Kemendagri's form, BPS's where only that is known.
    """

    __tablename__ = "service_area"
    __table_args__ = (
        CheckConstraint(r"area_code ~ '^([0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}|[0-9]{10})$'", name="village_code"),
        Index(None, "area_code"),
    )

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    area_code: Mapped[str] = mapped_column(primary_key=True)


class Equipment(Base):
    """A walk-in cold room, fridge, freezer, cold box or truck: where vials lie and sensors hang.

    `apart`: sessions take it along, and what lies in it is promised to theirs alone. `service_changed_at`: when it was last taken out of service or back into it; None when it never was.
    """

    __tablename__ = "equipment"
    __table_args__ = (Index(None, "facility_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facility.id"))
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[EquipmentKind] = mapped_column(StrEnumText(EquipmentKind))
    place_kind: Mapped[PlaceKind] = mapped_column(StrEnumText(PlaceKind))
    in_service: Mapped[bool] = mapped_column(server_default="true")
    service_changed_at: Mapped[datetime | None]
    apart: Mapped[bool] = mapped_column(server_default="false")
