"""HTTP of this room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Response
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.services import Services
from tracker.edge.versions import Versioned, shows, versioned
from tracker.people import queries
from tracker.people.correcting import ChangePerson, CorrectNik, change_person, correct_nik, lock_person
from tracker.people.models import PersonRecord
from tracker.people.presenting import person_out, persons_out, record_out
from tracker.people.schemas import (
    NikIn,
    PersonChangeIn,
    PersonIn,
    PersonOut,
    PersonRecordOut,
    PersonSearchIn,
    PersonsOut,
)
from tracker.people.service import NewPerson, find_persons, read_person, register_person, registering_unit
from tracker.people.vault import NikVault

router = Router(prefix="/api/v1", tags=["people"])


@router.post("/persons", status_code=201, responses={200: {"model": PersonOut, "description": "The same again."}})
def add_person(body: PersonIn, db: Db, caller: Caller, *, now: Now, shared: Shared, response: Response) -> PersonOut:
    """Register a person; the same again answers the first with 200."""
    done = register_person(db, caller, new_person(db, caller, body), vault=_vault(shared), now=now)
    response.status_code = 201 if done.fresh else 200
    return person_out(done.person, done.warnings)


@router.post("/persons/search", operation_id="search_persons")
def search_persons(body: PersonSearchIn, db: Db, caller: Caller, now: Now, shared: Shared) -> PersonsOut:
    """Everybody under a whole identity number, wherever registered; that it was asked is kept with each."""
    return persons_out(find_persons(db, caller, body.nik, vault=_vault(shared), now=now))


def _changeable(shown: PersonOut) -> object:
    return shown.model_dump(exclude={"warnings"})


def _lock(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    return lock_person(db, caller, values["person_id"])


@router.get("/persons/{person_id}")
@shows(_changeable)
def show_person(person_id: UUID, db: Db, caller: Caller, now: Now) -> PersonOut:
    """One person registered or served in the caller's subtree; that they were read is kept."""
    return person_out(read_person(db, caller, person_id, now=now))


@router.patch("/persons/{person_id}", operation_id="change_person")
@shows(_changeable)
@versioned(Versioned(read=show_person, lock=_lock, part=_changeable))
def patch_person(person_id: UUID, body: PersonChangeIn, db: Db, caller: Caller, now: Now) -> PersonOut:
    """Change name, phone, residence, groups or guardian; both versions are kept."""
    changes = body.model_dump(exclude_unset=True, exclude={"reason"})
    if "guardian" in changes:
        changes["guardian_id"] = changes.pop("guardian")
    command = ChangePerson(person_id=person_id, changes=changes, reason=body.reason)
    return person_out(change_person(db, caller, command, now=now))


@router.put("/persons/{person_id}/nik", operation_id="correct_nik")
@shows(_changeable)
@versioned(Versioned(read=show_person, lock=_lock, part=_changeable))
def put_nik(person_id: UUID, body: NikIn, db: Db, caller: Caller, now: Now, shared: Shared) -> PersonOut:
    """Give a person their own number, or take away one that is another's."""
    command = CorrectNik(person_id=person_id, **body.model_dump())
    return person_out(correct_nik(db, caller, command, vault=_vault(shared), now=now))


@router.get("/persons/{person_id}/record", operation_id="list_person_record")
def list_record(
    person_id: UUID, db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None
) -> Page[PersonRecordOut]:
    """Who read or changed a person's record, the newest first."""
    person = queries.person_by_id(db, caller, person_id, Permission.AUDIT_READ)
    return page_of(
        db,
        queries.records_of(queries.ids_of(db, person)),
        keys=[PersonRecord.at, PersonRecord.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].at, row[0].id],
        present=lambda row: record_out(row[0]),
        descending=True,
    )


def new_person(db: Session, caller: Principal, body: PersonIn) -> NewPerson:
    """Who is meant by a request; raises what naming a unit raises."""
    told = body.model_dump(exclude={"guardian", "unit"})
    unit_id = None if body.unit is None else registering_unit(db, caller, body.unit)
    more = {"groups": tuple(body.groups), "guardian_id": body.guardian, "unit_id": unit_id}
    return NewPerson(**{**told, **more})


def _vault(shared: Services) -> NikVault:
    return NikVault.of(shared.settings)
