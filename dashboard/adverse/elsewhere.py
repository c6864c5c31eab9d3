"""`/kipi/di/{facility}`: somebody comes with what followed a dose that another facility gave: find them, and tell it here."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from tracker.access.rules import Permission
from tracker.adverse.commands import ServeElsewhere
from tracker.adverse.service import serve_elsewhere
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of
from tracker.edge.words import Seen
from tracker.kit.errors import DomainError, NotFound
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id
from tracker.people.models import Person
from tracker.people.rules.sought import read_sought
from tracker.people.searching import MOST_FOUND, person_with_paper, search_people
from tracker.people.vault import NikVault
from tracker.quota.queries.history import appointments_of
from tracker.registration.service.cards import owner_of_card

router = Router(include_in_schema=False)

_NOBODY = mark("Tidak ditemukan. Periksa NIK-nya, atau pindai kode di kartu vaksinasinya.")
Csrf = Annotated[str, Form(max_length=200)]


@router.get("/kipi/di/{code}")
def show_search(code: str, viewer: Member, db: Db) -> Response:
    """By whole number or by the code of their card, wherever they had the dose."""
    return _search(viewer, db, _facility(db, viewer, code), [])


@router.post("/kipi/di/{code}")
def find(
    *,
    code: str,
    request: Request,
    viewer: Member,
    db: Db,
    now: Now,
    csrf: Csrf = "",
    siapa: Annotated[str, Seen, Form(max_length=2_000)] = "",
) -> Response:
    """Whoever it is, with the doses they had; that they were looked at is kept, and what was typed stands in no address."""
    check_csrf(viewer, csrf)
    facility = _facility(db, viewer, code)
    try:
        owner = owner_of_card(db, siapa)
        if owner is not None:
            found = person_with_paper(db, viewer.known(), facility.id, owner, now=now)
        else:
            vault = NikVault.of(services_of(request).settings)
            found = search_people(db, viewer.known(), facility.id, read_sought(siapa), vault=vault, now=now)
    except NotFound:
        raise
    except DomainError as error:
        return _search(viewer, db, facility, [], problem=sentence_of(error, viewer.language))
    return _search(viewer, db, facility, found, problem="" if found else viewer.texts.gettext(_NOBODY))


@router.post("/kipi/di/{code}/{booking_id}")
def take_in(code: str, booking_id: UUID, viewer: Member, db: Db, csrf: Csrf = "") -> Response:
    """They are served here from now on; on to the form for what followed this dose."""
    check_csrf(viewer, csrf)
    facility = _facility(db, viewer, code)
    serve_elsewhere(db, viewer.known(), ServeElsewhere(booking_id=booking_id, facility_id=facility.id))
    return RedirectResponse(f"/kipi/baru/{booking_id}?di={facility.code}", status_code=303)


def _facility(db: Session, viewer: Viewer, code: str) -> Facility:
    return facility_by_code_or_id(db, viewer.known(), code, Permission.BOOKING_SERVE)


def _search(viewer: Viewer, db: Session, facility: Facility, found: list[Person], *, problem: str = "") -> Response:
    people = [
        (one, [dose for dose in appointments_of(db, one.id) if dose.vaccinated_at is not None])
        for one in found[:MOST_FOUND]
    ]
    return page(
        viewer,
        "adverse/elsewhere.html",
        status=422 if problem else 200,
        facility=facility,
        people=people,
        more=len(found) > MOST_FOUND,
        problem=problem,
    )
