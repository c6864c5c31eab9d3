"""Whose people a facility serves: kelurahan beside the one where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.feed.service import append
from tracker.kit.errors import DomainError
from tracker.network.errors import BadAreaCode, TooManyAreas, UnknownArea
from tracker.network.events import ServiceAreasChanged
from tracker.network.models import Area, Facility, ServiceArea
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.network.rules.words import AreaLevel, is_village_code

MOST_AREAS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeAreas:
    """The kelurahan a facility (id or code) serves: `areas` are all there are from now on, in either system of codes."""

    facility: str | UUID
    areas: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAreas:
    """Kelurahan to serve as well, and some to serve no more."""

    facility: str | UUID
    more: Sequence[str] = ()
    fewer: Sequence[str] = ()


def serve_areas(db: Session, principal: Principal, command: ServeAreas, *, now: datetime) -> Facility:
    """Make `areas` the whole list; the same again changes nothing and tells nobody.

    The kelurahan where the facility stands is its own without being listed. Raises FacilityNotFound, Forbidden,
    BadAreaCode and UnknownArea (naming the line), TooManyAreas.
    """
    facility = lock_areas(db, principal, command.facility)
    _write(db, facility, set(known_codes(db, command.areas)), now)
    return facility


def change_areas(db: Session, principal: Principal, command: ChangeAreas, *, now: datetime) -> Facility:
    """Add to the list and take from it; what is there already, or not there, is fine. Raises as `serve_areas` does."""
    facility = lock_areas(db, principal, command.facility)
    kept = _listed(db, facility.id) - {code.strip() for code in command.fewer}
    _write(db, facility, kept | set(known_codes(db, command.more)), now)
    return facility


def known_codes(db: Session, codes: Sequence[str]) -> list[str]:
    """Each code in one form: Kemendagri's where the area was imported with it, else as given.

    Raises BadAreaCode, UnknownArea: a code that is missing among its district's imported areas is a slip of the finger.
    """
    found, faults = read_codes(db, codes)
    if faults:
        raise faults[min(faults)]
    return found


def read_codes(db: Session, codes: Sequence[str]) -> tuple[list[str], dict[int, DomainError]]:
    """The same, with all that is wrong by its line instead of the first refusal. Three statements at most."""
    plain = [code.strip() for code in codes]
    faults: dict[int, DomainError] = {
        line: BadAreaCode(field="areas", line=line, value=code[:80])
        for line, code in enumerate(plain)
        if not is_village_code(code)
    }
    known: dict[str, str] = {}
    for area in db.scalars(
        select(Area).where(
            Area.level == AreaLevel.VILLAGE, or_(Area.code_kemendagri.in_(plain), Area.code_bps.in_(plain))
        )
    ):
        both = [code for code in (area.code_kemendagri, area.code_bps) if code is not None]
        known.update(dict.fromkeys(both, both[0]))
    strange = {line: code for line, code in enumerate(plain) if line not in faults and code not in known}
    districts = _districts_imported(db, {_district(code) for code in strange.values()})
    faults |= {
        line: UnknownArea(field="areas", line=line, value=code)
        for line, code in strange.items()
        if _district(code) in districts
    }
    return [known.get(code, code) for code in plain], faults


def _district(code: str) -> str:
    """The part of a kelurahan's code that names its district: 36.71.05 or 3671050."""
    return code[:8] if "." in code else code[:7]


def _districts_imported(db: Session, districts: Iterable[str]) -> set[str]:
    """Those of which kelurahan were imported under this system of codes."""
    wanted = sorted(districts)
    if not wanted:
        return set()
    found = set()
    for column, width in ((Area.code_kemendagri, 8), (Area.code_bps, 7)):
        part = func.left(column, width)
        found |= set(db.scalars(select(part).where(Area.level == AreaLevel.VILLAGE, part.in_(wanted)).distinct()).all())
    return found


def lock_areas(db: Session, principal: Principal, ref: str | UUID) -> Facility:
    """The facility whose list is about to change; its list stays as it is until the transaction ends. Raises FacilityNotFound, Forbidden."""
    facility = facility_by_code_or_id(db, principal, ref)
    principal.require(Permission.AREA_WRITE, path_of(db, facility.id))
    # Two lists at once: the second sees what the first left.
    db.execute(select(Facility.id).where(Facility.id == facility.id).with_for_update(key_share=True))
    return facility


def _listed(db: Session, facility_id: UUID) -> set[str]:
    return set(db.scalars(select(ServiceArea.area_code).where(ServiceArea.facility_id == facility_id)))


def _write(db: Session, facility: Facility, wanted: set[str], now: datetime) -> None:
    wanted -= {facility.code_kemendagri or "", facility.code_bps or ""}
    if len(wanted) > MOST_AREAS:
        raise TooManyAreas(field="areas", most=MOST_AREAS)
    listed = _listed(db, facility.id)
    if wanted == listed:
        return
    db.execute(
        delete(ServiceArea).where(
            ServiceArea.facility_id == facility.id, ServiceArea.area_code.in_(sorted(listed - wanted))
        )
    )
    if more := sorted(wanted - listed):
        db.execute(upsert(ServiceArea).values([{"facility_id": facility.id, "area_code": code} for code in more]))
    told = ServiceAreasChanged(facility_code=facility.code, areas=tuple(sorted(wanted)))
    append(db, told, unit_id=facility.id, subject=facility.id, occurred_at=now, now=now)
    db.flush()
