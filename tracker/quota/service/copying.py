"""Sessions planned like those of a week before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.errors import DomainError
from tracker.network.models import Facility
from tracker.quota.models import Bucket, VaccinationSession
from tracker.quota.queries.lists import buckets_by_session
from tracker.quota.rules.buckets import share_of
from tracker.quota.service.commands import CopySessions, NewBucket, PlanSession
from tracker.quota.service.sessions import plan_session, session_for


class Copied(NamedTuple):
    """A session and its copy; `fresh`: it was made now."""

    source_id: UUID
    session_id: UUID
    fresh: bool


def copy_sessions(db: Session, principal: Principal, command: CopySessions, *, now: datetime) -> list[Copied]:
    """Plan each of them again; all or none. A session has one copy for a day, whatever became of either since.

    Capacity and shares are those the session has now. Raises SessionNotFound, Forbidden, and what `plan_session` raises, with
    the `line` of the session in the command.
    """
    buckets = buckets_by_session(db, command.sessions)
    found = []
    for line, source_id in enumerate(command.sessions):
        source = session_for(db, principal, source_id, Permission.SESSION_WRITE)
        day = source.day + timedelta(weeks=command.weeks)
        copy_id = copy_of(source_id, day)
        if db.get(VaccinationSession, copy_id) is not None:
            found.append(Copied(source_id, copy_id, False))
            continue
        plan = _again(db, source, buckets[source_id], copy_id, day)
        try:
            plan_session(db, principal, plan, now=now)
        except DomainError as error:
            error.params["line"] = line
            raise
        found.append(Copied(source_id, copy_id, True))
    return found


def copy_of(source_id: UUID, day: date) -> UUID:
    """The id of a session's copy for a day: asked for twice, it is one."""
    return uuid5(source_id, day.isoformat())


def _again(db: Session, source: VaccinationSession, buckets: list[Bucket], copy_id: UUID, day: date) -> PlanSession:
    zone = ZoneInfo(db.get_one(Facility, source.facility_id).timezone)
    later = day - source.day

    def moved(at: datetime) -> datetime:
        """The same time of day at the place, so many days later."""
        return (at.astimezone(zone).replace(tzinfo=None) + later).replace(tzinfo=zone)

    return PlanSession(
        id=copy_id,
        facility=source.facility_id,
        day=day,
        opens=moved(source.opens_at),
        closes=moved(source.closes_at),
        presentation=source.presentation_id,
        doses=tuple(source.doses),
        capacity=source.capacity,
        buckets=tuple(
            NewBucket(
                kind=bucket.kind.value,
                share=share_of(bucket.places, source.capacity),
                release_at=bucket.release_at and moved(bucket.release_at),
            )
            for bucket in buckets
            if bucket.places
        ),
        place=source.place_id,
        areas=tuple(source.areas or ()),
    )
