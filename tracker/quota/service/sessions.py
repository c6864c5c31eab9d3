"""Planning sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.catalog.queries import presentation_by_ref
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.network.queries import equipment_by_ref, facility_by_code_or_id, path_of
from tracker.network.serving import known_codes
from tracker.quota.errors import (
    BadCapacity,
    BadDoses,
    BadWindow,
    BucketTwice,
    OtherPlace,
    OtherSession,
    SessionInPast,
    SessionNotFound,
)
from tracker.quota.events import SessionPlanned
from tracker.quota.models import Bucket, VaccinationSession
from tracker.quota.rules.buckets import bucket_kind, places_of
from tracker.quota.rules.words import BucketKind, SessionState
from tracker.quota.service.commands import NewBucket, PlanSession
from tracker.quota.service.pools import drift, pool_facts
from tracker.quota.service.telling import tell_session
from tracker.stock.errors import NotAvailable, PlacePromised
from tracker.stock.models import OpenVial
from tracker.stock.service.availability import reserve
from tracker.stock.service.places import lock_facility, set_apart

MOST_PERSONS = 100_000
_MOST_DOSE = 9
_LONGEST = timedelta(hours=24)


def plan_session(db: Session, principal: Principal, command: PlanSession, *, now: datetime) -> tuple[UUID, bool]:
    """Make a session; answers its id and whether it is new. The same again answers the first.

    Raises FacilityNotFound, Forbidden, PresentationNotFound, SessionInPast, BadWindow, BadCapacity, BadDoses,
    BadShare, UnknownBucketKind, BucketTwice, OtherSession, EquipmentNotFound, OtherPlace, BadAreaCode, UnknownArea, and
    PlacePromised for a place whose vials others were promised.
    """
    facility = facility_by_code_or_id(db, principal, command.facility)
    principal.require(Permission.SESSION_WRITE, path_of(db, facility.id))
    presentation = presentation_by_ref(db, command.presentation)
    content = _content(command, facility.id, presentation.id)
    found = db.get(VaccinationSession, command.id)
    if found is not None:
        if found.content != content:
            raise OtherSession(id=str(command.id))
        return found.id, False
    opens_at, closes_at = window_of(command.day, command.opens, command.closes, facility)
    if command.day < local_day(now, facility.timezone) or closes_at <= now:
        raise SessionInPast(field="date")
    capacity = persons_of(command.capacity)
    place_id = place_of(db, principal, command.place, facility.id)
    doses = doses_of(command.doses)
    session = VaccinationSession(
        id=command.id,
        facility_id=facility.id,
        presentation_id=presentation.id,
        vaccine_id=presentation.vaccine_id,
        day=command.day,
        opens_at=opens_at,
        closes_at=closes_at,
        doses=doses,
        capacity=capacity,
        taken=0,
        live=0,
        state=SessionState.PLANNED,
        place_id=place_id,
        areas=known_codes(db, command.areas) or None,
        content=content,
        created_at=now,
    )
    buckets = _buckets(command)
    if place_id is not None:
        lock_facility(db, facility.id)
        take_along(db, facility.id, place_id, now)
    db.add(session)
    db.flush()
    db.add_all(buckets)
    tell_session(db, session, SessionPlanned, now)
    db.flush()
    return session.id, True


def persons_of(capacity: int) -> int:
    """A capacity that can be; raises BadCapacity."""
    if not 1 <= capacity <= MOST_PERSONS:
        raise BadCapacity(field="capacity")
    return capacity


def doses_of(doses: Sequence[int]) -> list[int]:
    """The doses of a session in order, each once; raises BadDoses."""
    found = sorted(set(doses))
    if not found or len(found) != len(doses) or not all(1 <= dose <= _MOST_DOSE for dose in found):
        raise BadDoses(field="doses")
    return found


def _content(command: PlanSession, facility_id: UUID, presentation_id: UUID) -> dict[str, object]:
    asked = asdict(command)
    asked.update(facility=facility_id, presentation=presentation_id)
    if command.place is None:
        del asked["place"]  # as what was planned before sessions had one
    if not command.areas:
        del asked["areas"]  # likewise
    return {name: _plain(value) for name, value in sorted(asked.items())}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, int | float) else str(value)


def place_of(db: Session, principal: Principal, ref: str | UUID | None, facility_id: UUID) -> UUID | None:
    """The equipment of the facility that a session takes its vials from; raises EquipmentNotFound, OtherPlace."""
    if ref is None:
        return None
    found = equipment_by_ref(db, principal, ref)
    if found.facility_id != facility_id:
        raise OtherPlace(field="place")
    return found.id


def take_along(db: Session, facility_id: UUID, place_id: UUID, now: datetime) -> None:
    """Set a place apart for sessions; vials opened out of it go along, so who was to have their doses needs others.

    The caller holds `lock_facility`. Raises PlacePromised where what lies there, closed or opened, is promised to others.
    """
    set_apart(db, facility_id, place_id, True, now=now)
    opened = (
        select(Batch.presentation_id)
        .join(OpenVial, OpenVial.batch_id == Batch.id)
        .where(OpenVial.place_id == place_id, OpenVial.closed_at.is_(None), OpenVial.remaining > 0)
        .distinct()
        .order_by(Batch.presentation_id)
    )
    for presentation_id in db.scalars(opened).all():
        stores = pool_facts(db, facility_id, presentation_id, now)
        more = {day: vials for day, vials in drift(db, stores, now).items() if vials > 0 and day >= stores.today}
        try:
            reserve(db, *stores.anchor, more, today=stores.today)
        except NotAvailable:
            place = db.get_one(Equipment, place_id)
            raise PlacePromised(field="place", place=place.code, vials=sum(more.values())) from None


def window_of(
    day: date, opens: time | datetime, closes: time | datetime, facility: Facility
) -> tuple[datetime, datetime]:
    """Beginning and end as instants, from local times or instants of that day; raises BadWindow."""
    zone = ZoneInfo(facility.timezone)

    def instant(moment: time | datetime) -> datetime:
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return datetime.combine(day, moment, tzinfo=moment.tzinfo or zone)

    opens_at, closes_at = instant(opens), instant(closes)
    if local_day(opens_at, facility.timezone) != day:
        raise BadWindow(field="from")
    if not timedelta(0) < closes_at - opens_at <= _LONGEST:
        raise BadWindow(field="to")
    return opens_at, closes_at


def _buckets(command: PlanSession) -> list[Bucket]:
    return [
        Bucket(id=uuid7(), session_id=command.id, kind=kind, places=places, taken=0, release_at=release_at)
        for kind, (places, release_at) in shared_out(command.buckets, command.capacity).items()
    ]


def shared_out(buckets: Sequence[NewBucket], capacity: int) -> dict[BucketKind, tuple[int, datetime | None]]:
    """Places and release of each kind; what nobody's share covers is for anybody. Raises BadShare, UnknownBucketKind, BucketTwice."""
    kinds = [bucket_kind(bucket.kind, index) for index, bucket in enumerate(buckets)]
    twice = next((index for index, kind in enumerate(kinds) if kind in kinds[:index]), None)
    if twice is not None:
        raise BucketTwice(line=twice, field="kind", kind=kinds[twice].value)
    places = places_of([bucket.share for bucket in buckets], capacity)
    found = {kind: (count, bucket.release_at) for kind, count, bucket in zip(kinds, places, buckets, strict=True)}
    rest = capacity - sum(places)
    if rest:
        general, release_at = found.get(BucketKind.GENERAL, (0, None))
        found[BucketKind.GENERAL] = (general + rest, release_at)
    return found


_SESSION = (
    select(VaccinationSession, Unit.path)
    .join(Unit, Unit.id == VaccinationSession.facility_id)
    .where(VaccinationSession.id == bindparam("id"))
)


def session_for(db: Session, principal: Principal, session_id: UUID, permission: Permission) -> VaccinationSession:
    """A session the caller may do this at; raises SessionNotFound, Forbidden."""
    row = db.execute(_SESSION, {"id": session_id}).one_or_none()
    if row is None or not principal.sees(row[1]):
        raise SessionNotFound(session=str(session_id))
    principal.require(permission, row[1])
    session: VaccinationSession = row[0]
    return session
