"""`/meja/{session}/kertas`: a session that was kept on paper is typed in afterwards, a line a person."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from dashboard.desk.lines import Kept, Line
from dashboard.desk.newcomer import NEWCOMER
from dashboard.desk.sessions import Served, served
from dashboard.frame.rendering import page
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of, takes_fields
from tracker.kit.ids import uuid7
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.vault import NikVault

router = Router(include_in_schema=False)

LINES = 10
_NO_TIME = mark("Tulis jamnya, misalnya 08:30.")
_FIELDS = ("nik", "nama", "telepon", "lahir")
_BESIDE = ("telepon", "dosis", "alasan", "tanpa", "lahir", "kelamin", "baris")


@router.get("/meja/{session_id}/kertas")
def show_grid(session_id: UUID, viewer: Member, db: Db) -> Response:
    """Ten empty lines."""
    return _grid(viewer, served(db, viewer.known(), session_id), Typed({}))


@router.post("/meja/{session_id}/kertas")
@takes_fields("csrf", "nomor", *(f"{name}-{{n}}" for name in ("jam", "dosis", "alasan", *NEWCOMER)))
def record_lines(session_id: UUID, *, request: Request, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Record each line that says enough, the earliest first; the others stay with what is wrong with them.

    Sent again, a line is the same person and dose, whatever has been recorded since.
    """
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    here = served(db, viewer.known(), session_id)
    vault = NikVault.of(services_of(request).settings)
    wanted = [number for number in range(LINES) if any(typed.get(f"{name}-{number}") for name in _FIELDS)]
    timed = [(at, number) for number in wanted if (at := _instant(viewer, typed, here, number)) is not None]
    kept: list[Kept] = []
    values = dict(typed.values)
    for at, number in sorted(timed):
        line = Line(viewer=viewer, db=db, typed=typed, here=here, vault=vault, number=number, now=now)
        told = line.record(at)
        if told is not None:
            kept.append(told)
            values = {name: value for name, value in values.items() if not name.endswith(f"-{number}")}
    # What was recorded leaves room for the next ten; a new form is another one.
    left = Typed({**values, **({} if typed.faults else {"nomor": str(uuid7())})}, typed.faults)
    return _grid(viewer, here, left, kept)


def _instant(viewer: Viewer, typed: Typed, here: Served, number: int) -> datetime | None:
    """When the dose of a line was given, by the clock of the place on the session's day."""
    try:
        at = time.fromisoformat(typed.get(f"jam-{number}"))
    except ValueError:
        typed.faults[f"jam-{number}"] = viewer.texts.gettext(_NO_TIME)
        return None
    return datetime.combine(here.session.day, at, tzinfo=ZoneInfo(here.facility.timezone))


def _beside(typed: Typed, name: str, number: int) -> bool:
    """Whether a field that is folded away was filled in, or has a fault."""
    field = f"{name}-{number}"
    return bool(typed.get(field)) or field in typed.faults


def _grid(viewer: Viewer, here: Served, typed: Typed, kept: list[Kept] | None = None) -> Response:
    return page(
        viewer,
        "desk/paper.html",
        status=422 if typed.faults else 200,
        here=here,
        typed=typed,
        number=typed.number(),
        lines=range(LINES),
        opened=[number for number in range(LINES) if any(_beside(typed, name, number) for name in _BESIDE)],
        kept=kept or [],
        sexes=list(Sex),
        without=list(WithoutNik),
    )
