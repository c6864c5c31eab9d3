"""The stock of an area: how many facilities are in which state, by the areas below it, and the worst of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from dashboard.frame.listing import Listed, listed
from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import at_or_below, visible_to
from tracker.access.rules import Permission
from tracker.coldchain.models import Alarm
from tracker.coldchain.queries.alarms import rings
from tracker.edge.paging import Key
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Equipment, Facility
from tracker.network.queries import coordinates
from tracker.stock.queries.standing import standings
from tracker.stock.rules.states import WORST_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaStock:
    """An area below the one looked at, or a facility that hangs on it directly (`facility`)."""

    code: str
    name: str
    facility: bool
    tally: dict[str, int]
    ringing: int
    lat: float | None
    lon: float | None

    @property
    def total(self) -> int:
        """Facilities that keep stock."""
        return sum(self.tally.values())

    @property
    def state(self) -> str:
        """The worst state that is found there."""
        return next((state for state in WORST_FIRST if self.tally.get(state)), "unreported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody looks at: all they may see, or one area of it (`unit`, with those above it in `above`)."""

    principal: Principal
    roots: tuple[str, ...]
    unit: Unit | None = None
    above: Sequence[Unit] = ()
    now: datetime
    states: Any = field(repr=False)
    waiting: int
    """Facilities whose state may have changed since it was reckoned."""

    @property
    def seen(self) -> ColumnElement[bool]:
        """The condition on Unit."""
        return at_or_below(Unit.path, self.roots)


def sight_of(db: Session, principal: Principal, now: datetime, code: str = "") -> Sight:
    """All that `principal` may see, or the area of that code; raises FacilityNotFound where there is none for them."""
    roots = tuple(sorted(principal.roots(Permission.STOCK_READ)))
    unit, above = None, list[Unit]()
    if code:
        seen = visible_to(principal, Unit.path, Permission.STOCK_READ)
        unit = db.scalar(select(Unit).where(Unit.code == code, seen))
        if unit is None:
            raise FacilityNotFound(facility=code)
        labels = unit.path.split(".")
        paths = [".".join(labels[:end]) for end in range(1, len(labels))]
        above = list(db.scalars(select(Unit).where(Unit.path.in_(paths), seen).order_by(func.nlevel(Unit.path))))
        roots = (unit.path,)
    found = standings(db, at_or_below(Unit.path, roots), now)
    return Sight(
        principal=principal,
        roots=roots,
        unit=unit,
        above=above,
        now=now,
        states=found.states.subquery("standing"),
        waiting=found.waiting,
    )


def areas_of(db: Session, sight: Sight, *, placed: bool = False) -> list[AreaStock]:
    """What lies directly below, by name, each with its facilities counted by state; `placed`: and the middle of them."""
    depth = min((root.count(".") + 1 for root in sight.roots), default=0) + (len(sight.roots) == 1)
    # As text: paths themselves can be grouped by sorting only.
    path = cast(func.subpath(Unit.path, 0, func.least(func.nlevel(Unit.path), depth)), Text)
    lon, lat = coordinates() if placed else (null(), null())
    ringing, ringing_here = _ringing(sight)
    query = (
        select(
            path.label("path"),
            sight.states.c.state,
            func.count().label("facilities"),
            func.count(ringing.c.unit_id).label("ringing"),
            func.bool_or(func.nlevel(Unit.path) > depth).label("below"),
            func.count(lon).label("points"),
            (func.sum(lon) if placed else null()).label("lon"),
            (func.sum(lat) if placed else null()).label("lat"),
        )
        .select_from(sight.states)
        .join(Unit, Unit.id == sight.states.c.facility_id)
        .outerjoin(ringing, ringing_here)
        .where(sight.seen)
        .group_by(literal_column("1"), sight.states.c.state)
    )
    if placed:
        query = query.join(Facility, Facility.id == sight.states.c.facility_id)
    rows = db.execute(query).all()
    names = {unit.path: unit for unit in db.scalars(select(Unit).where(Unit.path.in_({row.path for row in rows})))}
    found = []
    for where, unit in sorted(names.items(), key=lambda item: item[1].name):
        here = [row for row in rows if row.path == where]
        points = sum(row.points for row in here)
        found.append(
            AreaStock(
                code=unit.code,
                name=unit.name,
                facility=not any(row.below for row in here),
                tally={row.state: row.facilities for row in here},
                ringing=sum(row.ringing for row in here),
                lat=sum(row.lat or 0 for row in here) / points if points else None,
                lon=sum(row.lon or 0 for row in here) / points if points else None,
            )
        )
    return found


def tally_of(areas: Collection[AreaStock]) -> dict[str, int]:
    """Facilities by state, the worst first."""
    return {state: sum(area.tally.get(state, 0) for area in areas) for state in WORST_FIRST}


def worst_areas_first(areas: Collection[AreaStock]) -> list[AreaStock]:
    """Areas, not facilities: where the greatest part has run out first, then low, then by name."""

    def part(area: AreaStock, state: str) -> float:
        return -area.tally.get(state, 0) / area.total

    return sorted((area for area in areas if not area.facility), key=lambda a: (part(a, "out"), part(a, "low"), a.name))


def worst_facilities(db: Session, sight: Sight, *, limit: int) -> list[UUID]:
    """Where something rings first, then by stock state, then by name."""
    query, keys = _worst_first(sight)
    return list(db.scalars(query.order_by(*keys).limit(limit)))


def worst_listed(db: Session, sight: Sight, *, most: int, after: str, state: str = "") -> Listed[UUID]:
    """A page of the same; `state` keeps one. Raises BadCursor."""
    query, keys = _worst_first(sight)
    if state:
        query = query.where(sight.states.c.state == state)
    turned = listed(db, [query.add_columns(*keys)], keys=keys, key_of=lambda row: row[1:], most=most, after=after)
    return Listed(rows=[row[0] for row in turned.rows], onward=turned.onward, begun=turned.begun)


def _worst_first(sight: Sight) -> tuple[Select[UUID], list[Key]]:
    """The facilities in sight, and the order, which is unique; as numbers, as a key of a list is written."""
    ringing, ringing_here = _ringing(sight)
    rank = case({name: place for place, name in enumerate(WORST_FIRST)}, value=sight.states.c.state)
    calm = case((ringing.c.unit_id.is_(None), 1), else_=0)
    query = (
        select(sight.states.c.facility_id)
        .join(Unit, Unit.id == sight.states.c.facility_id)
        .outerjoin(ringing, ringing_here)
        .where(sight.seen)
    )
    return query, [calm, rank, Unit.name, Unit.id]


def _ringing(sight: Sight) -> tuple[Subquery, ColumnElement[bool]]:
    """The units where an alarm rings, and how they are joined to Unit, as far as `sight` may know."""
    ringing = select(Alarm.unit_id).where(rings()).distinct().subquery()
    known = visible_to(sight.principal, Unit.path, Permission.ALARM_READ)
    return ringing, and_(ringing.c.unit_id == Unit.id, known)


FacilityKey = tuple[str, UUID]


def next_facilities(db: Session, sight: Sight, *, after: FacilityKey | None, limit: int) -> list[FacilityKey]:
    """The next facilities in sight that keep stock, by name, behind `after`."""
    keeps = select(Equipment.id).where(Equipment.facility_id == Facility.id).exists()
    query = select(Facility.name, Facility.id).join(Unit, Unit.id == Facility.id).where(sight.seen, keeps)
    if after is not None:
        query = query.where(tuple_(Facility.name, Facility.id) > after)
    rows = db.execute(query.order_by(Facility.name, Facility.id).limit(limit))
    return [(row.name, row.id) for row in rows]
