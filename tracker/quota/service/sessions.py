"""Planning and closing sessions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.queries import presentation_by_ref
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.quota.errors import (
    BadCapacity,
    BadDoses,
    BadWindow,
    BucketTwice,
    OtherSession,
    SessionInPast,
    SessionNotFound,
)
from tracker.quota.events import SessionClosed, SessionPlanned
from tracker.quota.models import Booking, Bucket, VaccinationSession
from tracker.quota.rules.buckets import bucket_kind, places_of
from tracker.quota.rules.words import LIVE, BookingState, BucketKind, SessionState
from tracker.quota.service.claims import give_back_and_fund, restore_claim
from tracker.quota.service.commands import PlanSession
from tracker.quota.service.pools import lock_pool, pool_facts
from tracker.quota.service.seating import buckets_of, lock_sessions, move
from tracker.quota.service.telling import tell_session

_MOST_PERSONS = 100_000
_MOST_DOSE = 9
_LONGEST = timedelta(hours=24)


def plan_session(db: Session, principal: Principal, command: PlanSession, *, now: datetime) -> tuple[UUID, bool]:
    """Make a session; answers its id and whether it is new. The same again answers the first.

    Raises FacilityNotFound, Forbidden, PresentationNotFound, SessionInPast, BadWindow, BadCapacity, BadDoses,
    BadShare, UnknownBucketKind, BucketTwice, OtherSession.
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
    opens_at, closes_at = _window(command, facility)
    if command.day < local_day(now, facility.timezone) or closes_at <= now:
        raise SessionInPast(field="date")
    if not 1 <= command.capacity <= _MOST_PERSONS:
        raise BadCapacity(field="capacity")
    doses = sorted(set(command.doses))
    if not doses or len(doses) != len(command.doses) or not all(1 <= dose <= _MOST_DOSE for dose in doses):
        raise BadDoses(field="doses")
    session = VaccinationSession(
        id=command.id,
        facility_id=facility.id,
        presentation_id=presentation.id,
        vaccine_id=presentation.vaccine_id,
        day=command.day,
        opens_at=opens_at,
        closes_at=closes_at,
        doses=doses,
        capacity=command.capacity,
        taken=0,
        live=0,
        state=SessionState.PLANNED,
        content=content,
        created_at=now,
    )
    buckets = _buckets(command)
    db.add(session)
    db.flush()
    db.add_all(buckets)
    tell_session(db, session, SessionPlanned, now)
    db.flush()
    return session.id, True


def _content(command: PlanSession, facility_id: UUID, presentation_id: UUID) -> dict[str, object]:
    asked = asdict(command)
    asked.update(facility=facility_id, presentation=presentation_id)
    return {name: _plain(value) for name, value in sorted(asked.items())}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, int | float) else str(value)


def _window(command: PlanSession, facility: Facility) -> tuple[datetime, datetime]:
    zone = ZoneInfo(facility.timezone)

    def instant(moment: time | datetime) -> datetime:
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return datetime.combine(command.day, moment, tzinfo=moment.tzinfo or zone)

    opens_at, closes_at = instant(command.opens), instant(command.closes)
    if local_day(opens_at, facility.timezone) != command.day:
        raise BadWindow(field="from")
    if not timedelta(0) < closes_at - opens_at <= _LONGEST:
        raise BadWindow(field="to")
    return opens_at, closes_at


def _buckets(command: PlanSession) -> list[Bucket]:
    kinds = [bucket_kind(bucket.kind, index) for index, bucket in enumerate(command.buckets)]
    twice = next((index for index, kind in enumerate(kinds) if kind in kinds[:index]), None)
    if twice is not None:
        raise BucketTwice(line=twice, field="kind", kind=kinds[twice].value)
    places = places_of([bucket.share for bucket in command.buckets], command.capacity)
    made = [
        Bucket(id=uuid7(), session_id=command.id, kind=kind, places=count, taken=0, release_at=bucket.release_at)
        for kind, count, bucket in zip(kinds, places, command.buckets, strict=True)
    ]
    # What nobody's share covers is for anybody.
    rest = command.capacity - sum(places)
    if rest and BucketKind.GENERAL in kinds:
        made[kinds.index(BucketKind.GENERAL)].places += rest
    elif rest:
        made.append(
            Bucket(
                id=uuid7(),
                session_id=command.id,
                kind=BucketKind.GENERAL,
                places=rest,
                taken=0,
                release_at=None,
            )
        )
    return made


def session_for(db: Session, principal: Principal, session_id: UUID, permission: Permission) -> VaccinationSession:
    """A session the caller may do this at; raises SessionNotFound, Forbidden."""
    row = db.execute(
        select(VaccinationSession, Unit.path)
        .join(Unit, Unit.id == VaccinationSession.facility_id)
        .where(VaccinationSession.id == session_id)
    ).one_or_none()
    if row is None or not principal.sees(row[1]):
        raise SessionNotFound(session=str(session_id))
    principal.require(permission, row[1])
    session: VaccinationSession = row[0]
    return session


def close_session(db: Session, principal: Principal, session_id: UUID, *, now: datetime) -> VaccinationSession:
    """Close a session: who has not come is a no-show, and what was promised to them is free. Twice is harmless.

    Who came and was not vaccinated becomes a no-show of the vaccine, not of the person: deferred.
    """
    session_for(db, principal, session_id, Permission.SESSION_WRITE)
    session = lock_sessions(db, [session_id])[session_id]
    if session.state is SessionState.CLOSED:
        return session
    buckets = buckets_of(db, [session_id])
    left = db.scalars(select(Booking).where(Booking.session_id == session_id, Booking.state.in_(LIVE))).all()
    came = {BookingState.ARRIVED, BookingState.FIT}
    pool = pool_facts(db, session.facility_id, session.presentation_id, now)
    lock_pool(db, pool)
    for booking in left:
        after = BookingState.DEFERRED if booking.state in came else BookingState.NO_SHOW
        move(booking, session, buckets[booking.bucket_id], after, now)
        restore_claim(db, booking, pool.today)
    session.state = SessionState.CLOSED
    give_back_and_fund(db, pool, now, {session.day})
    tell_session(db, session, SessionClosed, now)
    db.flush()
    return session
