"""Templates of sessions: kept, removed, and sessions planned from them."""

from __future__ import annotations

from datetime import time
from uuid import UUID

from fastapi import Response

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.network.queries import facility_by_code_or_id
from tracker.quota.presenting import template_out
from tracker.quota.routes.router import router
from tracker.quota.routes.sessions import AGAIN, one_session
from tracker.quota.schemas import SessionOut
from tracker.quota.service.commands import SaveTemplate, TemplateBucket
from tracker.quota.service.sessions import plan_session
from tracker.quota.service.templates import plan_of, remove_template, save_template, template_for, templates_of
from tracker.quota.template_schemas import FromTemplateIn, TemplateIn, TemplateOut, TemplatesOut


@router.get("/facilities/{ref}/session-templates")
def list_session_templates(ref: str, db: Db, caller: Caller) -> TemplatesOut:
    """What a facility holds again and again, by weekday and hour."""
    facility = facility_by_code_or_id(db, caller, ref, Permission.QUOTA_READ)
    return TemplatesOut(items=[template_out(one) for one in templates_of(db, facility.id)])


@router.put("/session-templates/{template_id}", operation_id="save_session_template")
def save(template_id: UUID, body: TemplateIn, *, db: Db, caller: Caller, now: Now) -> TemplateOut:
    """Keep a template, new or instead of the one under this id; sessions planned before stay as they are."""
    command = SaveTemplate(
        id=template_id,
        facility=body.facility,
        name=body.name,
        weekday=body.weekday,
        opens=time.fromisoformat(body.opens),
        closes=time.fromisoformat(body.closes),
        presentation=body.presentation,
        doses=tuple(body.doses),
        capacity=body.capacity,
        buckets=tuple(
            TemplateBucket(kind=one.kind, share=one.share, release_hours=one.release_hours) for one in body.buckets
        ),
        place=body.place,
        areas=tuple(body.areas),
    )
    return template_out(save_template(db, caller, command, now=now))


@router.delete("/session-templates/{template_id}", status_code=204, operation_id="remove_session_template")
def remove(template_id: UUID, db: Db, caller: Caller) -> None:
    """Forget a template; sessions planned from it stay."""
    remove_template(db, caller, template_id)


@router.post(
    "/session-templates/{template_id}/sessions",
    status_code=201,
    responses=AGAIN,
    operation_id="plan_session_from_template",
)
def plan(
    template_id: UUID, body: FromTemplateIn, *, db: Db, caller: Caller, now: Now, response: Response
) -> SessionOut:
    """Plan a session like the template on a day; the same again answers the first with 200."""
    template = template_for(db, caller, template_id, Permission.SESSION_WRITE)
    session_id, fresh = plan_session(db, caller, plan_of(db, template, body.id, body.date), now=now)
    response.status_code = 201 if fresh else 200
    return one_session(db, caller, session_id)
