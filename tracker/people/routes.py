"""HTTP of this room."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.people import queries
from tracker.people.presenting import person_out
from tracker.people.schemas import PersonIn, PersonOut
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault

router = Router(prefix="/api/v1", tags=["people"])


@router.post("/persons", status_code=201, responses={200: {"model": PersonOut, "description": "The same again."}})
def add_person(body: PersonIn, db: Db, caller: Caller, *, now: Now, shared: Shared, response: Response) -> PersonOut:
    """Register a person; the same again answers the first with 200."""
    vault = NikVault.from_secret(shared.settings.secret_key.get_secret_value())
    command = NewPerson(**{**body.model_dump(), "groups": tuple(body.groups)})
    done = register_person(db, caller, command, vault=vault, now=now)
    response.status_code = 201 if done.fresh else 200
    return person_out(done.person, done.warnings)


@router.get("/persons/{person_id}")
def read_person(person_id: UUID, db: Db, caller: Caller) -> PersonOut:
    """One person of the caller's subtree."""
    return person_out(queries.person_by_id(db, caller, person_id))
