"""The passport of a batch at a facility: its road, what was measured on it, its holds and alarms."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch
from tracker.coldchain.queries.thermal import measured_whole_from, row_between
from tracker.network.models import Equipment, Facility
from tracker.passport.errors import NothingThere
from tracker.passport.rules.stays import Entry, Exposure, Node, Stay, road_to, stays_of
from tracker.stock.models import StockEntry
from tracker.stock.queries.tracing import Movement, movements_of, upstream_of
from tracker.stock.rules.words import Account
from tracker.telemetry.models import Assignment, Channel
from tracker.telemetry.rules.words import Quantity, Role

# Passports read what stands where vials lie; ambient and condenser probes do not.
_ROLES = (Role.STORAGE, Role.FREEZER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A temperature channel that watched a place from `from_at` to `to_at` (None: still does)."""

    channel_id: int
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceNames:
    """A holder as people know it; equipment or shipment codes, and whose it is."""

    code: str | None
    name: str | None
    facility: str | None
    facility_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """The stays on the road of a batch to one facility, with the places they name."""

    batch: Batch
    facility: Facility
    stays: Sequence[Stay]
    road: Collection[UUID]
    """The facilities it came by, this one among them."""
    places: dict[UUID, PlaceNames]
    whole_from: datetime | None
    """From when on all that was measured is here; before it readings are archived. None where all of it is."""


def passport_of(db: Session, batch: Batch, facility: Facility, *, now: datetime) -> Passport:
    """Compute it from the ledger and the thermal aggregates as they are known now. Raises NothingThere.

    Reads what the ledger tells of the batch at the facilities on its road there and, for each stay on the road to the facility, the hours of the channels
    that watched it.
    """
    road_here = upstream_of(db, batch.id, facility.id)
    movements = movements_of(db, batch.id, StockEntry.facility_id.in_(road_here))
    equipment = set(db.scalars(select(Equipment.id).where(Equipment.facility_id == facility.id)))
    entries = [_entry(movement) for movement in movements]
    road = road_to(entries, {*equipment, facility.id})
    if not road:
        raise NothingThere(batch=batch.lot, facility=facility.code)
    watches = _watches(db, {node.holder_id for node in road})

    def measure(node: Node, from_at: datetime, to_at: datetime) -> Exposure:
        # Nobody knows whether the logger of the road was with what went missing: of that time nothing is known.
        known = () if node.account is Account.LOST else watches.get(node.holder_id, ())
        return _measured(db, known, from_at, to_at)

    stays = stays_of(entries, road, measure, now)
    return Passport(
        batch=batch,
        facility=facility,
        stays=stays,
        road=road_here,
        places=_places(db, movements, road),
        whole_from=measured_whole_from(db),
    )


def _entry(movement: Movement) -> Entry:
    return Entry(
        at=movement.occurred_at,
        event_id=movement.event_id,
        kind=movement.kind,
        node=Node(movement.account, _holder(movement), movement.status),
        vials=movement.vials,
        vvm_stage=movement.vvm_stage,
    )


def _holder(movement: Movement) -> UUID:
    """Where vials are kept apart: what one shipment lost is not what another, or a count, did."""
    return movement.shipment_id or movement.holder_id if movement.account is Account.LOST else movement.holder_id


def _watches(db: Session, holders: set[UUID]) -> dict[UUID, list[Watch]]:
    rows = db.execute(
        select(
            Assignment.channel_id, Assignment.equipment_id, Assignment.shipment_id, Assignment.from_at, Assignment.to_at
        )
        .join(Channel, Channel.id == Assignment.channel_id)
        .where(
            or_(Assignment.equipment_id.in_(holders), Assignment.shipment_id.in_(holders)),
            Channel.quantity == Quantity.TEMPERATURE,
            Channel.role.in_(_ROLES),
        )
    )
    found: dict[UUID, list[Watch]] = defaultdict(list)
    for row in rows:
        watch = Watch(channel_id=row.channel_id, from_at=row.from_at, to_at=row.to_at)
        found[row.equipment_id or row.shipment_id].append(watch)
    return found


def _measured(db: Session, watches: Sequence[Watch], from_at: datetime, to_at: datetime) -> Exposure:
    """The worst of the channels at each moment; where none watched, the time is unmonitored."""
    edges = {from_at, to_at}
    for watch in watches:
        edges |= {edge for edge in (watch.from_at, watch.to_at) if edge is not None and from_at < edge < to_at}
    ordered = sorted(edges)
    total = Exposure()
    for start, end in itertools.pairwise(ordered):
        worst: Exposure | None = None
        for watch in watches:
            if watch.from_at <= start and (watch.to_at is None or watch.to_at >= end):
                one = Exposure(row=row_between(db, watch.channel_id, start, end))
                worst = one if worst is None else worst.worst(one)
        seen = worst or Exposure()
        unknown = max(0.0, (end - start).total_seconds() - float(seen.row[0, 0]))
        total = total.plus(Exposure(row=seen.row, unmonitored_s=unknown))
    return total


def _places(db: Session, movements: Sequence[Movement], road: set[Node]) -> dict[UUID, PlaceNames]:
    holders = {node.holder_id for node in road}
    rows = db.execute(
        select(Equipment.id, Equipment.code, Equipment.name, Facility.code, Facility.name)
        .join(Facility, Facility.id == Equipment.facility_id)
        .where(Equipment.id.in_(holders))
    )
    places = {row[0]: PlaceNames(code=row[1], name=row[2], facility=row[3], facility_name=row[4]) for row in rows}
    for row in db.execute(select(Facility.id, Facility.code, Facility.name).where(Facility.id.in_(holders))):
        # Opened vials hang on the facility itself.
        places[row.id] = PlaceNames(code=None, name=None, facility=row.code, facility_name=row.name)
    for movement in movements:
        if movement.account in (Account.TRANSIT, Account.LOST) and _holder(movement) in holders:
            places.setdefault(_holder(movement), PlaceNames(code=None, name=None, facility=None, facility_name=None))
    return places
