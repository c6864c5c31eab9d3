"""`/kuota/rencana/pola`: the form of a plan kept as a template of the facility, and a template removed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fastapi import Form, Response
from fastapi.responses import RedirectResponse

from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, check_csrf
from dashboard.planning.plan import PLAN_FIELDS, PLAN_LISTS, command_of, fault_of, form_of, typed_plan
from dashboard.stock.forms import Fields
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, takes_fields
from tracker.kit.errors import DomainError
from tracker.network.models import Facility
from tracker.network.queries import as_id, facility_by_code_or_id
from tracker.quota.errors import TemplateNotFound
from tracker.quota.models import SessionTemplate
from tracker.quota.service.commands import PlanSession, SaveTemplate, TemplateBucket
from tracker.quota.service.sessions import window_of
from tracker.quota.service.templates import remove_template, save_template

router = Router(include_in_schema=False)

_NO_NAME = mark("Beri pola ini nama.")


@router.post("/kuota/rencana/pola")
@takes_fields(*PLAN_FIELDS, lists=PLAN_LISTS)
def keep_pattern(*, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Keep the form under a name: under the one it was taken from it replaces that template. Nothing is planned."""
    typed = typed_plan(fields)
    check_csrf(viewer, typed.get("csrf"))
    facility = facility_by_code_or_id(db, viewer.known(), typed.get("fasilitas"), Permission.QUOTA_READ)
    areas = [str(area) for area in fields.getlist("wilayah")]
    command = command_of(viewer, facility, typed, areas)
    if not typed.get("nama-pola"):
        typed.faults["nama-pola"] = viewer.texts.gettext(_NO_NAME)
    if command is None or typed.faults:
        return form_of(db, viewer, facility, typed, areas=areas)
    taken_from = as_id(typed.get("pola"))
    standing = None if taken_from is None else db.get(SessionTemplate, taken_from)
    name = typed.get("nama-pola")[:80]
    same = standing is not None and standing.facility_id == facility.id and standing.name == name
    template_id = standing.id if same and standing else uuid5(typed.number(), "pola")
    weekday = command.day.isoweekday() if typed.get("hari-pola") else None
    try:
        with db.begin_nested():
            save_template(db, viewer.known(), _template(command, facility, template_id, name, weekday), now=now)
    except DomainError as error:
        field = "nama-pola" if error.params.get("field") == "name" else fault_of(error)
        typed.faults[field] = sentence_of(error, viewer.language)
        return form_of(db, viewer, facility, typed, areas=areas)
    said = {"fasilitas": facility.code, "hari": command.day.isoformat(), "pola": str(template_id)}
    return RedirectResponse(f"/kuota/rencana?{urlencode(said)}", status_code=303)


@router.post("/kuota/rencana/pola/hapus")
def forget_pattern(
    *,
    viewer: Member,
    db: Db,
    pola: Annotated[UUID | None, Form()] = None,
    csrf: Annotated[str, Form(max_length=200)] = "",
    fasilitas: Annotated[str, Form(max_length=100)] = "",
    hari: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Remove it; the sessions planned from it stay."""
    check_csrf(viewer, csrf)
    viewer.known().require(Permission.SESSION_WRITE)
    if pola is None:
        raise TemplateNotFound
    remove_template(db, viewer.known(), pola)
    return RedirectResponse(f"/kuota/rencana?{urlencode({'fasilitas': fasilitas, 'hari': hari})}", status_code=303)


def _template(
    command: PlanSession, facility: Facility, template_id: UUID, name: str, weekday: int | None
) -> SaveTemplate:
    """What the form asks for, without its date; raises BadWindow."""
    zone = ZoneInfo(facility.timezone)
    opens_at, closes_at = window_of(command.day, command.opens, command.closes, facility)

    def hours(release_at: datetime | None) -> int | None:
        return None if release_at is None else round((opens_at - release_at).total_seconds() / 3_600)

    return SaveTemplate(
        id=template_id,
        facility=facility.id,
        name=name,
        weekday=weekday,
        opens=opens_at.astimezone(zone).time(),
        closes=closes_at.astimezone(zone).time(),
        presentation=command.presentation,
        doses=command.doses,
        capacity=command.capacity,
        buckets=tuple(
            TemplateBucket(kind=one.kind, share=one.share, release_hours=hours(one.release_at))
            for one in command.buckets
        ),
        place=command.place,
        areas=command.areas,
    )
