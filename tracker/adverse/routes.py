"""HTTP of this room: adverse events after a dose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.adverse.commands import AnswerAdverse, CorrectAdverse, SetSymptom, TellAdverse
from tracker.adverse.errors import AdverseNotFound
from tracker.adverse.models import AdverseChange, AdverseEvent, Symptom
from tracker.adverse.presenting import (
    adverse_change,
    adverse_detail,
    adverse_out,
    session_report_out,
    symptom_out,
    tally_out,
    told_of,
)
from tracker.adverse.queries import (
    adverse_visible_to,
    all_symptoms,
    answers_of,
    changes_of,
    tally_of_batch,
    tally_of_session,
    waits_for,
)
from tracker.adverse.rules.words import Level
from tracker.adverse.schemas import (
    AdverseAnswerIn,
    AdverseChangeOut,
    AdverseCorrectionIn,
    AdverseDetailOut,
    AdverseIn,
    AdverseOut,
    SessionReportOut,
    SymptomIn,
    SymptomOut,
    TallyOut,
)
from tracker.adverse.service import answer_adverse, correct_adverse, set_symptom, tell_adverse
from tracker.catalog.queries import batch_by_ref
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.versions import Versioned, shows, versioned
from tracker.network.queries import facility_by_code_or_id
from tracker.people.service import read_person
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.report import session_report
from tracker.quota.service.sessions import session_for

router = Router(prefix="/api/v1", tags=["adverse"])

_AGAIN: dict[int | str, dict[str, str]] = {200: {"description": "The same again."}}
Ref = Annotated[str | None, Query(max_length=64, description="Id or code.")]


@router.get("/adverse-events", operation_id="list_adverse_events")
def list_adverse(
    db: Db,
    caller: Caller,
    *,
    facility: Ref = None,
    batch: Annotated[str | None, Query(max_length=128, description="Id, or product/lot.")] = None,
    waiting: Annotated[Level | None, Query(description="Serious ones that this level has not answered.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AdverseOut]:
    """Adverse events after doses of the caller's subtree, the newest first; nobody is named."""
    caller.require(Permission.PERSON_READ)
    query = adverse_visible_to(caller)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.PERSON_READ)
        query = query.where(VaccinationSession.facility_id == place.id)
    if batch is not None:
        query = query.where(Booking.batch_id == batch_by_ref(db, batch).id)
    if waiting is not None:
        query = query.where(waits_for(waiting))
    return page_of(
        db,
        query,
        keys=[AdverseEvent.recorded_at, AdverseEvent.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=adverse_out,
        descending=True,
    )


@router.post("/adverse-events", status_code=201, responses=_AGAIN, operation_id="tell_adverse_event")
def add_adverse(body: AdverseIn, db: Db, caller: Caller, now: Now, response: Response) -> AdverseDetailOut:
    """Write down what followed a dose; the same again answers the first with 200."""
    place = None if body.facility is None else facility_by_code_or_id(db, caller, body.facility).id
    command = TellAdverse(id=body.id, booking_id=body.booking, told=told_of(body), facility_id=place)
    event, fresh = tell_adverse(db, caller, command, now=now)
    response.status_code = 201 if fresh else 200
    return _detail(db, caller, event.id, now)


@router.get("/adverse-events/tally", operation_id="tally_adverse_events")
def count_adverse(
    db: Db, caller: Caller, batch: Annotated[str, Query(max_length=128, description="Id, or product/lot.")]
) -> TallyOut:
    """How often something followed a dose of a batch, where the caller sees stock; nobody is named."""
    caller.require(Permission.STOCK_READ)
    found = batch_by_ref(db, batch)
    return tally_out(found.id, tally_of_batch(db, caller, found.id))


def _whole(shown: AdverseDetailOut) -> object:
    return shown


@router.get("/adverse-events/{adverse_id}", operation_id="read_adverse_event")
@shows(_whole)
def show_adverse(adverse_id: UUID, db: Db, caller: Caller, now: Now) -> AdverseDetailOut:
    """One, with whom it befell; that it was read is kept with the person."""
    return _detail(db, caller, adverse_id, now)


def _lock(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    del caller  # who may read it has been asked
    return db.get(AdverseEvent, values["adverse_id"], with_for_update=True)


@router.put("/adverse-events/{adverse_id}", operation_id="correct_adverse_event")
@shows(_whole)
@versioned(Versioned(read=show_adverse, lock=_lock, part=_whole))
def put_adverse(adverse_id: UUID, body: AdverseCorrectionIn, db: Db, caller: Caller, now: Now) -> AdverseDetailOut:
    """Put right what was told, or withdraw it, with the reason; what stood before is kept."""
    command = CorrectAdverse(event_id=adverse_id, told=told_of(body), withdrawn=body.withdrawn, reason=body.reason)
    correct_adverse(db, caller, command, now=now)
    return _detail(db, caller, adverse_id, now)


@router.post("/adverse-events/{adverse_id}/answers", operation_id="answer_adverse_event")
def add_answer(adverse_id: UUID, body: AdverseAnswerIn, db: Db, caller: Caller, now: Now) -> AdverseDetailOut:
    """What was done about a serious one, as the facility's head or as the health office."""
    answer_adverse(db, caller, AnswerAdverse(event_id=adverse_id, words=body.words), now=now)
    return _detail(db, caller, adverse_id, now)


@router.get("/adverse-events/{adverse_id}/changes", operation_id="list_adverse_event_changes")
def list_changes(
    adverse_id: UUID, db: Db, caller: Caller, now: Now, *, limit: Limit = 50, cursor: Cursor = None
) -> Page[AdverseChangeOut]:
    """What stood before each correction, the earliest first."""
    _detail(db, caller, adverse_id, now)
    return page_of(
        db,
        changes_of(adverse_id),
        keys=[AdverseChange.recorded_at, AdverseChange.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=adverse_change,
    )


@router.get("/adverse-symptoms", operation_id="list_adverse_symptoms")
def list_symptoms(db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None) -> Page[SymptomOut]:
    """The list of symptoms, by code."""
    caller.require(Permission.NETWORK_READ)
    return page_of(
        db,
        all_symptoms(),
        keys=[Symptom.code],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].code],
        present=lambda row: symptom_out(row[0]),
    )


@router.put("/adverse-symptoms/{code}", operation_id="set_adverse_symptom")
def put_symptom(
    code: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,39}$")], body: SymptomIn, db: Db, caller: Caller
) -> SymptomOut:
    """Add a symptom to the list of the country, or give one other words."""
    return symptom_out(set_symptom(db, caller, SetSymptom(code=code, word_id=body.word_id, word_en=body.word_en)))


def _detail(db: Session, caller: Principal, adverse_id: UUID, now: datetime) -> AdverseDetailOut:
    row = db.execute(adverse_visible_to(caller).where(AdverseEvent.id == adverse_id)).one_or_none()
    if row is None:
        raise AdverseNotFound(event=str(adverse_id))
    read_person(db, caller, row[1].person_id, now=now)
    return adverse_detail(row, answers_of(db, adverse_id))


@router.get("/sessions/{session_id}/report", operation_id="read_session_report")
def read_report(session_id: UUID, db: Db, caller: Caller) -> SessionReportOut:
    """How a session went: who was awaited and came, what was given and thrown away, and what followed."""
    session = session_for(db, caller, session_id, Permission.QUOTA_READ)
    return session_report_out(session_id, session_report(db, session), *tally_of_session(db, session_id))
