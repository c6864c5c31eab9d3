"""Templates of sessions: what a facility holds again and again, kept under a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.queries import presentation_by_ref
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.network.serving import known_codes
from tracker.quota.errors import OtherTemplate, TemplateNotFound, TooManyTemplates
from tracker.quota.models import SessionTemplate
from tracker.quota.service.commands import NewBucket, PlanSession, SaveTemplate
from tracker.quota.service.sessions import doses_of, persons_of, place_of, shared_out, window_of

MOST = 50
"""Templates of one facility: a page and a list show all of them."""
_ANY_DAY = date(2001, 1, 1)


def save_template(db: Session, principal: Principal, command: SaveTemplate, *, now: datetime) -> SessionTemplate:
    """Keep a template, new or instead of what stood under its id.

    Raises FacilityNotFound, Forbidden, PresentationNotFound, BadWindow, BadCapacity, BadDoses, BadShare, UnknownBucketKind,
    BucketTwice, EquipmentNotFound, OtherPlace, BadAreaCode, UnknownArea, TemplateNotFound for an id of elsewhere, OtherTemplate
    for a name that the facility has used, and TooManyTemplates.
    """
    facility = facility_by_code_or_id(db, principal, command.facility)
    principal.require(Permission.SESSION_WRITE, path_of(db, facility.id))
    # Templates of one facility are saved one after another, so that they can be counted.
    db.execute(select(Facility.id).where(Facility.id == facility.id).with_for_update(key_share=True))
    alike = {one.id: one for one in templates_of(db, facility.id)}
    template = alike.get(command.id)
    if template is None:
        if db.get(SessionTemplate, command.id) is not None:
            raise TemplateNotFound(template=str(command.id))
        if len(alike) >= MOST:
            raise TooManyTemplates(most=MOST)
        template = SessionTemplate(id=command.id, facility_id=facility.id)
    if any(one.name.casefold() == command.name.casefold() and one.id != command.id for one in alike.values()):
        raise OtherTemplate(field="name", name=command.name)
    window_of(_ANY_DAY, command.opens, command.closes, facility)
    named = [NewBucket(kind=one.kind, share=one.share) for one in command.buckets]
    kinds = shared_out(named, persons_of(command.capacity))
    template.name, template.weekday = command.name, command.weekday
    template.opens, template.closes = command.opens, command.closes
    template.presentation_id = presentation_by_ref(db, command.presentation).id
    template.doses, template.capacity = doses_of(command.doses), command.capacity
    template.buckets = {
        kind.value: {"share": one.share, "release_hours": one.release_hours}
        for kind, one in zip(kinds, command.buckets, strict=False)
    }
    template.place_id = place_of(db, principal, command.place, facility.id)
    template.areas = known_codes(db, command.areas) or None
    template.saved_by, template.saved_at = principal.name, now
    db.add(template)
    db.flush()
    return template


def remove_template(db: Session, principal: Principal, template_id: UUID) -> None:
    """Forget a template; sessions planned from it stay. Raises TemplateNotFound, Forbidden."""
    db.delete(template_for(db, principal, template_id, Permission.SESSION_WRITE))
    db.flush()


def plan_of(db: Session, template: SessionTemplate, session_id: UUID, day: date) -> PlanSession:
    """The session that a template means on a day."""
    zone = ZoneInfo(db.get_one(Facility, template.facility_id).timezone)
    opens_at = datetime.combine(day, template.opens, zone)

    def release(hours: int | None) -> datetime | None:
        # Of the calendar's first day nothing can be taken away; no session is planned for it either.
        return None if hours is None or day.year < 2 else opens_at - timedelta(hours=hours)

    return PlanSession(
        id=session_id,
        facility=template.facility_id,
        day=day,
        opens=template.opens,
        closes=template.closes,
        presentation=template.presentation_id,
        doses=tuple(template.doses),
        capacity=template.capacity,
        buckets=tuple(
            NewBucket(kind=kind, share=said["share"], release_at=release(said["release_hours"]))
            for kind, said in template.buckets.items()
        ),
        place=template.place_id,
        areas=tuple(template.areas or ()),
    )


def templates_of(db: Session, facility_id: UUID) -> Sequence[SessionTemplate]:
    """Those of a facility, by weekday and hour."""
    return db.scalars(
        select(SessionTemplate)
        .where(SessionTemplate.facility_id == facility_id)
        .order_by(SessionTemplate.weekday.asc().nulls_first(), SessionTemplate.opens, SessionTemplate.name)
    ).all()


def template_for(db: Session, principal: Principal, template_id: UUID, permission: Permission) -> SessionTemplate:
    """A template the caller may do this with; raises TemplateNotFound, Forbidden."""
    row = db.execute(
        select(SessionTemplate, Unit.path)
        .join(Unit, Unit.id == SessionTemplate.facility_id)
        .where(SessionTemplate.id == template_id)
    ).one_or_none()
    if row is None or not principal.sees(row[1]):
        raise TemplateNotFound(template=str(template_id))
    principal.require(permission, row[1])
    template: SessionTemplate = row[0]
    return template
