"""HTTP of this room: what P-Care was told, and what a person does about it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.network.queries import facility_by_code_or_id
from tracker.pcare.commands import SetFacility
from tracker.pcare.models import PcareRecord, PcareStranger
from tracker.pcare.presenting import facility_out, record_out, stand_out, stranger_out
from tracker.pcare.queries import counts_of, line_of, records_visible_to, strangers_visible_to
from tracker.pcare.rules.words import State
from tracker.pcare.schemas import (
    PcareFacilityIn,
    PcareFacilityOut,
    PcareRecordOut,
    PcareStandOut,
    PcareStrangerOut,
)
from tracker.pcare.service.changing import send_again, set_facility

router = Router(prefix="/api/v1", tags=["pcare"])


@router.get("/pcare", operation_id="read_pcare")
def show_stand(db: Db, caller: Caller) -> PcareStandOut:
    """How the line to P-Care is, and how many records of one's area are in which state."""
    caller.require(Permission.PCARE_READ)
    return stand_out(line_of(db), counts_of(db, caller))


@router.get("/pcare/records", operation_id="list_pcare_records")
def list_records(
    db: Db,
    caller: Caller,
    *,
    facility: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    state: State | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PcareRecordOut]:
    """Records of the caller's subtree, the newest first; nobody is named."""
    caller.require(Permission.PCARE_READ)
    query = records_visible_to(caller)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.PCARE_READ)
        query = query.where(PcareRecord.facility_id == place.id)
    if state is not None:
        query = query.where(PcareRecord.state == state)
    return page_of(
        db,
        query,
        keys=[PcareRecord.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].id],
        present=record_out,
        descending=True,
    )


@router.get("/pcare/strangers", operation_id="list_pcare_strangers")
def list_strangers(db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None) -> Page[PcareStrangerOut]:
    """What P-Care has of the caller's facilities and we have not, by its number."""
    caller.require(Permission.PCARE_READ)
    return page_of(
        db,
        strangers_visible_to(caller),
        keys=[PcareStranger.number],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].number],
        present=stranger_out,
    )


@router.post("/pcare/records/{record_id}/send-again", operation_id="send_pcare_record_again")
def post_again(record_id: UUID, db: Db, caller: Caller, now: Now) -> PcareRecordOut:
    """Try a refused or waiting record now; the same again changes nothing."""
    send_again(db, caller, record_id, now=now)
    return record_out(db.execute(records_visible_to(caller).where(PcareRecord.id == record_id)).one())


@router.put("/facilities/{ref}/pcare", operation_id="set_pcare_facility")
def put_facility(ref: str, body: PcareFacilityIn, db: Db, caller: Caller, now: Now) -> PcareFacilityOut:
    """Whether a facility's doses leave by wire or by file, and its code at P-Care."""
    place = facility_by_code_or_id(db, caller, ref, Permission.PCARE_READ)
    command = SetFacility(facility=place.id, mode=body.mode, code_there=body.code)
    return facility_out(place, set_facility(db, caller, command, now=now))
