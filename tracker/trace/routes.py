"""HTTP of this room: the road of a batch, recalls, EPCIS."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime
from sqlalchemy import exists, select

from tracker.access.models import Unit
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.network.queries import facility_by_code_or_id
from tracker.trace import queries, recalls
from tracker.trace.epcis import EventFilter, ledger_events
from tracker.trace.models import Recall, RecallHolder
from tracker.trace.presenting import recall_listed, recall_out, trace_out
from tracker.trace.rules.epcis import object_event, query_document
from tracker.trace.schemas import RecallIn, RecallListed, RecallOut, TraceOut

router = APIRouter(tags=["trace"])

_MOST_EVENTS = 1_000


@router.get("/api/v1/batches/{ref:path}/trace")
def trace(
    ref: str,
    db: Db,
    caller: Caller,
    facility: Annotated[
        str | None, Query(max_length=64, description="Id or code: only the road that led to this facility.")
    ] = None,
) -> TraceOut:
    """Where a batch went and where it is now; backward from one facility with `facility`."""
    caller.require(Permission.STOCK_READ)
    batch = batch_by_ref(db, ref)
    back_from = None if facility is None else facility_by_code_or_id(db, caller, facility).id
    return trace_out(queries.trace_of(db, caller, batch, back_from=back_from))


@router.post("/api/v1/recalls", status_code=201)
def start_recall(body: RecallIn, db: Db, caller: Caller, now: Now, response: Response) -> RecallOut:
    """Call a batch back: every vial in the caller's subtree is frozen at once. 200 when it was so already."""
    command = recalls.StartRecall(id=body.id, batch=body.batch, reason=body.reason)
    recall, fresh = recalls.start_recall(db, caller, command, now=now)
    if not fresh:
        response.status_code = 200
    return recall_out(db, caller, recall)


@router.get("/api/v1/recalls")
def list_recalls(db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[RecallListed]:
    """Recalls that concern the caller's subtree or were started by the caller, oldest first."""
    concerns = exists(
        select(RecallHolder.recall_id)
        .join(Unit, Unit.id == RecallHolder.facility_id)
        .where(RecallHolder.recall_id == Recall.id, visible_to(caller, Unit.path, Permission.STOCK_READ))
    )
    query = (
        select(Recall, Batch.lot, Presentation.code)
        .join(Batch, Batch.id == Recall.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(concerns | (Recall.account_id == caller.account_id))
    )
    return page_of(
        db,
        query,
        keys=[Recall.started_at, Recall.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].started_at, row[0].id],
        present=recall_listed,
    )


@router.get("/api/v1/recalls/{recall_id}")
def read_recall(recall_id: UUID, db: Db, caller: Caller) -> RecallOut:
    """How far a recall has come."""
    return recall_out(db, caller, recalls.recall_by_id(db, caller, recall_id))


@router.post("/api/v1/recalls/{recall_id}/close")
def close_recall(recall_id: UUID, db: Db, caller: Caller, now: Now) -> RecallOut:
    """Say that all is accounted for; refused while vials of the batch are in stock."""
    return recall_out(db, caller, recalls.close_recall(db, caller, recall_id, now=now))


@router.get("/epcis/events")
def epcis_events(
    *,
    request: Request,
    response: Response,
    db: Db,
    caller: Caller,
    now: Now,
    event_from: Annotated[AwareDatetime | None, Query(alias="GE_eventTime")] = None,
    event_before: Annotated[AwareDatetime | None, Query(alias="LT_eventTime")] = None,
    record_from: Annotated[AwareDatetime | None, Query(alias="GE_recordTime")] = None,
    record_before: Annotated[AwareDatetime | None, Query(alias="LT_recordTime")] = None,
    per_page: Annotated[int, Query(alias="perPage", ge=1, le=_MOST_EVENTS)] = 100,
    page_token: Annotated[int, Query(alias="nextPageToken", ge=0, lt=2**63)] = 0,
) -> dict[str, Any]:
    """The ledger of the caller's subtree as EPCIS 2.0 ObjectEvents, in the order they were recorded.

    More pages follow where the answer has `Link: <…>; rel="next"`.
    """
    caller.require(Permission.STOCK_READ)
    wanted = EventFilter(
        event_from=event_from, event_before=event_before, record_from=record_from, record_before=record_before
    )
    events, following = ledger_events(db, caller, wanted, after=page_token, limit=per_page)
    if following is not None:
        url = request.url.include_query_params(nextPageToken=following)
        response.headers["Link"] = f'<{url}>; rel="next"'
    response.headers["GS1-EPCIS-Version"] = "2.0.0"
    return query_document([object_event(event) for event in events], now=now)
