"""`/kuota/minggu`: a facility's week as a calendar, and planning it like the week before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.choices import Choices, Said
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.planning.holidays import holidays_between
from dashboard.planning.queries import MOST, WEEK, facilities_to_choose, monday_of, to_call, to_copy, week_of
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.kit.days import local_day
from tracker.kit.errors import DomainError, NotFound
from tracker.network.errors import FacilityNotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.quota.service.commands import CopySessions
from tracker.quota.service.copying import copy_sessions

router = Router(include_in_schema=False)

_NOTHING = mark("Pilih paling sedikit satu sesi.")


@router.get("/kuota/minggu")
def show_week(*, viewer: Member, db: Db, fasilitas: Said = "", mulai: Said = "", belum: str = "") -> Response:
    """A week of a facility; `mulai` is any day of it. Who sees several facilities chooses one first."""
    facility = facility_to_plan(db, viewer, fasilitas)
    if isinstance(facility, Choices):
        return page(viewer, "planning/week.html", facility=None, facilities=facility, said=fasilitas)
    return _week(db, viewer, facility, mulai, call_after=belum)


@router.post("/kuota/minggu/salin")
def copy_week(
    *,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    fasilitas: Annotated[str, Form(max_length=100)] = "",
    mulai: Annotated[str, Form(max_length=20)] = "",
    sesi: Annotated[Sequence[UUID], Form(max_length=MOST)] = (),
) -> Response:
    """Plan the chosen sessions of the week before again; all of them or none."""
    check_csrf(viewer, csrf)
    facility = facility_by_code_or_id(db, viewer.known(), fasilitas, Permission.QUOTA_READ)
    if not sesi:
        return _week(db, viewer, facility, mulai, problem=viewer.texts.gettext(_NOTHING))
    try:
        with db.begin_nested():
            copy_sessions(db, viewer.known(), CopySessions(sessions=tuple(sesi), weeks=1), now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _week(db, viewer, facility, mulai, problem=sentence_of(error, viewer.language))
    return RedirectResponse(address_of(facility, _day(mulai, viewer, facility)), status_code=303)


def facility_to_plan(db: Session, viewer: Viewer, said: str) -> Facility | Choices[Facility]:
    """The facility of which a code or id was said, or the only one; else those to choose from. Raises FacilityNotFound."""
    if said:
        try:
            return facility_by_code_or_id(db, viewer.known(), said, Permission.QUOTA_READ)
        except FacilityNotFound:
            found = facilities_to_choose(db, viewer.known(), said)
            if found.cut or found.alike:
                return found
            raise
    found = facilities_to_choose(db, viewer.known())
    return found if found.only is None else found.only


def address_of(facility: Facility, day: date) -> str:
    """The page of the week that the day is in."""
    return f"/kuota/minggu?fasilitas={facility.code}&mulai={monday_of(day).isoformat()}"


def _day(text: str, viewer: Viewer, facility: Facility) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return local_day(viewer.now, facility.timezone)
    # Weeks before and after have an address, too.
    return min(max(day, date.min + 2 * WEEK), date.max - 3 * WEEK)


def _week(
    db: Session, viewer: Viewer, facility: Facility, said: str, *, problem: str = "", call_after: str = ""
) -> Response:
    today = local_day(viewer.now, facility.timezone)
    monday = monday_of(_day(said, viewer, facility))
    may_plan = viewer.may(Permission.SESSION_WRITE, path_of(db, facility.id))
    copies, copies_hidden = to_copy(db, facility.id, monday, today) if may_plan else ([], 0)
    week, sunday = week_of(db, facility.id, monday, viewer.now), monday + WEEK - timedelta(days=1)
    holidays = holidays_between(monday, sunday, viewer.language)
    return page(
        viewer,
        "planning/week.html",
        status=422 if problem else 200,
        facility=facility,
        week=week,
        here_at=address_of(facility, monday),
        to_call=to_call(db, viewer.known(), facility.id, today, after=call_after),
        sunday=sunday,
        past=[
            day
            for day in week.days
            if monday == monday_of(today) and day < today and (week.days[day] or day in holidays)
        ],
        most=MOST,
        today=today,
        before=address_of(facility, monday - WEEK),
        after=address_of(facility, monday + WEEK),
        this_week=None if monday == monday_of(today) else address_of(facility, today),
        holidays=holidays,
        copies=copies,
        copies_hidden=copies_hidden,
        week_long=WEEK,
        may_plan=may_plan,
        problem=problem,
    )
