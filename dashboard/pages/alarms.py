"""`/alarm`: what rang, who answered, what is held because of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from dashboard.queries.coldchain import alarms, steps_of
from dashboard.rendering import page
from dashboard.viewer import Member, check_csrf
from tracker.coldchain.errors import AlreadyAcknowledged, CommentMissing
from tracker.coldchain.service.alarms import AcknowledgeAlarm, acknowledge_alarm
from tracker.edge.deps import Db, Now

router = APIRouter(include_in_schema=False)

SHOWS = ("open", "closed", "all")


@router.get("/alarm")
def show_alarms(viewer: Member, db: Db, tampil: str = "open", masalah: str = "") -> Response:
    """The alarms; `tampil` is open, closed or all. `masalah` names the alarm whose form was refused."""
    show = tampil if tampil in SHOWS else "open"
    found = alarms(db, viewer.known(), show=show)
    return page(
        viewer,
        "alarms.html",
        alarms=found,
        steps=steps_of(db, [alarm.id for alarm in found]),
        show=show,
        shows=SHOWS,
        refused=masalah,
    )


@router.post("/alarm/{alarm_id}/tanggapi")
def acknowledge(
    alarm_id: UUID,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Annotated[str, Form(max_length=200)] = "",
    comment: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Answer an alarm with a comment; without one, or when somebody was faster, the page says so."""
    check_csrf(viewer, csrf)
    try:
        acknowledge_alarm(db, viewer.known(), AcknowledgeAlarm(alarm_id=alarm_id, comment=comment), now=now)
    except CommentMissing:
        return RedirectResponse(f"/alarm?masalah={alarm_id}#a-{alarm_id}", status_code=303)
    except AlreadyAcknowledged:
        pass  # What the faster person wrote stands on the card; there is nothing more to say.
    return RedirectResponse(f"/alarm#a-{alarm_id}", status_code=303)
