"""`/fasilitas/{code}/wilayah`: whose people a facility serves, and a form to say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.rules import Permission
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Area, Facility
from tracker.network.queries import areas_named, areas_served_by, facility_by_code_or_id, path_of
from tracker.network.rules.words import AreaLevel, is_village_code
from tracker.network.serving import ChangeAreas, change_areas

router = Router(include_in_schema=False)

MOST_FOUND = 20
Code = Annotated[str, Form(max_length=40)]
Csrf = Annotated[str, Form(max_length=200)]


class NothingHere(NotFound):
    """There is no such page."""

    code = "access.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A kelurahan that may be added; `name` is None for a code of which no area was imported."""

    code: str
    name: str | None


@router.get("/fasilitas/{code}/wilayah")
def show_served(code: str, viewer: Member, db: Db, cari: Annotated[str, Query(max_length=100)] = "") -> Response:
    """What the facility serves; `cari` looks for kelurahan by name or code."""
    return _page(viewer, db, facility_by_code_or_id(db, viewer.known(), code), cari)


@router.post("/fasilitas/{code}/wilayah/{act}")
def change_served(
    *,
    code: str,
    act: str,
    viewer: Member,
    db: Db,
    now: Now,
    area: Code = "",
    cari: Annotated[str, Form(max_length=100)] = "",
    csrf: Csrf = "",
) -> Response:
    """Serve a kelurahan as well (`tambah`), or no more (`hapus`)."""
    check_csrf(viewer, csrf)
    if act not in ("tambah", "hapus"):
        raise NothingHere
    more, fewer = ((area,), ()) if act == "tambah" else ((), (area,))
    try:
        change_areas(db, viewer.known(), ChangeAreas(facility=code, more=more, fewer=fewer), now=now)
    except NotFound:
        raise
    except DomainError as error:
        facility = facility_by_code_or_id(db, viewer.known(), code)
        return _page(viewer, db, facility, cari or area, problem=sentence_of(error, viewer.language))
    kept = f"?{urlencode({'cari': cari})}" if cari else ""
    return RedirectResponse(f"/fasilitas/{code}/wilayah{kept}", status_code=303)


def _page(viewer: Viewer, db: Session, facility: Facility, asked: str, *, problem: str = "") -> Response:
    served = areas_served_by(db, facility)
    found = _found(db, asked)
    return page(
        viewer,
        "facility/serving.html",
        status=422 if problem else 200,
        facility=facility,
        served=served,
        taken={one.code for one in served},
        asked=asked,
        found=found[:MOST_FOUND],
        cut=len(found) > MOST_FOUND,
        imported=db.scalar(select(exists().where(Area.level == AreaLevel.VILLAGE))),
        may_change=viewer.may(Permission.AREA_WRITE.value, path_of(db, facility.id)),
        problem=problem,
    )


def _found(db: Session, asked: str) -> list[Found]:
    words = asked.replace("\x00", " ").split()
    if not words:
        return []
    query = areas_named(words, AreaLevel.VILLAGE).order_by(Area.name, Area.code_kemendagri).limit(MOST_FOUND + 1)
    found = [
        Found(code=area.code_kemendagri or area.code_bps or "", name=area.name) for area in db.scalars(query).all()
    ]
    if not found and is_village_code(asked.strip()):
        return [Found(code=asked.strip(), name=None)]
    return found
