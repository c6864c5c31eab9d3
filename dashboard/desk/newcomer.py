"""`/meja/{session}/baru`: somebody whom nobody has registered stands at the desk."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from dashboard.citizens.homes import Home, homes_of
from dashboard.desk.pages import DOSES, NO_DOSE
from dashboard.desk.sessions import Served, served
from dashboard.frame.rendering import page
from dashboard.frame.sentences import sentence_of
from dashboard.frame.texts import mark
from dashboard.frame.viewer import Member, Viewer, check_csrf
from dashboard.stock.forms import Fields, Typed
from tracker.edge.deps import Db, Now
from tracker.edge.hop import Router, services_of, takes_fields
from tracker.kit.errors import DomainError, NotFound
from tracker.people.errors import NikTaken
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.quota.rules.words import Medium
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import ArriveAt, Book

router = Router(include_in_schema=False)

NO_DAY = mark("Tulis tanggal, misalnya 1990-07-01.")
_NO_HOME = mark("Kelurahan ini tidak kami kenal. Tulis nama lain, kodenya, atau kosongkan.")
_MANY_HOMES = mark("Ada beberapa kelurahan dengan nama itu. Pilih satu di bawah.")
_TAKEN = mark("NIK ini sudah terdaftar. Cari orangnya dengan NIK itu di meja.")
FIELD_OF = {
    "nik": "nik",
    "name": "nama",
    "phone": "telepon",
    "birth_date": "lahir",
    "without_nik": "tanpa",
    "residence": "rumah",
}
"""The form's field for a field of the use case."""


NEWCOMER = ("nik", "nama", "telepon", "tanpa", "lahir", "kelamin")
"""The fields that `newcomer` reads."""


@router.get("/meja/{session_id}/baru")
def show_form(session_id: UUID, viewer: Member, db: Db) -> Response:
    """The form; with a number, birth date and sex are read from it."""
    here = served(db, viewer.known(), session_id)
    return _form(viewer, here, Typed({"dosis": str(min(here.session.doses))}))


@router.post("/meja/{session_id}/baru")
@takes_fields("csrf", "nomor", "rumah", "dosis", "alasan", *NEWCOMER)
def register(session_id: UUID, *, request: Request, viewer: Member, db: Db, now: Now, fields: Fields) -> Response:
    """Register them, give them a place, and note that they came: once however often the form is sent."""
    typed = Typed.of(fields)
    check_csrf(viewer, typed.get("csrf"))
    here = served(db, viewer.known(), session_id)
    homes = homes_of(db, typed.get("rumah"))
    if typed.get("rumah") and len(homes) != 1:
        typed.faults["rumah"] = viewer.texts.gettext(_MANY_HOMES if homes else _NO_HOME)
    if typed.get("dosis") not in DOSES:
        typed.faults["dosis"] = viewer.texts.gettext(NO_DOSE)
    person = newcomer(viewer, typed, here, uuid5(typed.number(), "person"), homes)
    if person is None or typed.faults:
        return _form(viewer, here, typed, homes)
    command = Book(
        id=uuid5(typed.number(), "booking"),
        person_id=person.id,
        session_id=session_id,
        dose=int(typed.get("dosis")),
        medium=Medium.WALK_IN,
        override=typed.get("alasan") or None,
    )
    vault = NikVault.of(services_of(request).settings)
    try:
        with db.begin_nested():
            register_person(db, viewer.known(), person, vault=vault, now=now)
            booking = book(db, viewer.known(), command, now=now).booking
            arrive_at(db, viewer.known(), ArriveAt(booking_id=booking.id, session_id=session_id), now=now)
    except NikTaken:
        typed.faults["nik"] = viewer.texts.gettext(_TAKEN)
    except NotFound:
        raise
    except DomainError as error:
        typed.faults[FIELD_OF.get(str(error.params.get("field")), "")] = sentence_of(error, viewer.language)
    else:
        return RedirectResponse(f"/meja/orang/{booking.id}", status_code=303)
    return _form(viewer, here, typed, homes)


def newcomer(
    viewer: Viewer, typed: Typed, here: Served, person_id: UUID, homes: list[Home], field: str = ""
) -> NewPerson | None:
    """Who is meant by the fields, each with `field` behind its name; None where a field says what it cannot mean."""

    def said(name: str) -> str:
        return typed.get(f"{name}{field}")

    born: date | None = None
    if said("lahir"):
        try:
            born = date.fromisoformat(said("lahir"))
        except ValueError:
            typed.faults[f"lahir{field}"] = viewer.texts.gettext(NO_DAY)
            return None
    return NewPerson(
        id=person_id,
        name=said("nama"),
        nik=said("nik") or None,
        phone=said("telepon") or None,
        residence=homes[0].code if homes else None,
        without_nik=WithoutNik(said("tanpa")) if said("tanpa") in set(WithoutNik) and not said("nik") else None,
        birth_date=born,
        sex=Sex(said("kelamin")) if said("kelamin") in set(Sex) else None,
        unit_id=here.facility.id,
    )


def _form(viewer: Viewer, here: Served, typed: Typed, homes: list[Home] | None = None) -> Response:
    return page(
        viewer,
        "desk/new.html",
        status=422 if typed.faults else 200,
        here=here,
        typed=typed,
        number=typed.number(),
        homes=homes or [],
        sexes=list(Sex),
        without=list(WithoutNik),
    )
