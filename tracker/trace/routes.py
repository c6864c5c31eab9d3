"""HTTP of this room: the road of a batch, recalls, EPCIS."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from sqlalchemy import select

from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.catalog.queries import batch_by_ref
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import MOST, Cursor, Limit, Page, decode_cursor, page_of
from tracker.edge.values import Instant
from tracker.network.queries import facility_by_code_or_id
from tracker.trace import queries, recalls, withdrawing
from tracker.trace.epcis import EventFilter, events_asked_for
from tracker.trace.errors import NotAnswered
from tracker.trace.models import Recall
from tracker.trace.presenting import recall_listed, recall_out, trace_out
from tracker.trace.rules.epcis import query_document
from tracker.trace.rules.epcis_query import Unanswerable, check_order, values_of
from tracker.trace.schemas import RecallCloseIn, RecallIn, RecallListed, RecallOut, RecallWithdrawIn, TraceOut

router = Router(tags=["trace"])

_MOST_EVENTS = 1_000


@router.get("/api/v1/batches/{ref:path}/trace")
def trace(
    ref: str,
    db: Db,
    caller: Caller,
    facility: Annotated[
        str | None, Query(max_length=64, description="Id or code: only the road that led to this facility.")
    ] = None,
    cursor: Cursor = None,
) -> TraceOut:
    """Where a batch went and where it is now; backward from one facility with `facility`. Of wide roads the sums."""
    caller.require(Permission.STOCK_READ)
    batch = batch_by_ref(db, ref)
    back_from = None if facility is None else facility_by_code_or_id(db, caller, facility).id
    after = None if cursor is None else decode_cursor(cursor, 1)[0]
    return trace_out(queries.trace_of(db, caller, batch, back_from=back_from, after=after))


@router.post("/api/v1/recalls", status_code=201)
def start_recall(body: RecallIn, db: Db, caller: Caller, now: Now, response: Response) -> RecallOut:
    """Call a batch back: every vial in the caller's subtree is frozen at once. 200 when it was so already."""
    command = recalls.StartRecall(**body.model_dump())
    recall, fresh = recalls.start_recall(db, caller, command, now=now)
    if not fresh:
        response.status_code = 200
    return recall_out(db, caller, recall)


@router.get("/api/v1/recalls")
def list_recalls(db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[RecallListed]:
    """Recalls that concern the caller's subtree or were started by the caller, oldest first."""
    query = (
        select(Recall, Batch.lot, Presentation.code)
        .join(Batch, Batch.id == Recall.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(recalls.concerning(caller))
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
def read_recall(recall_id: UUID, *, db: Db, caller: Caller, limit: Limit = MOST, cursor: Cursor = None) -> RecallOut:
    """How far a recall has come, facility by facility."""
    return recall_out(db, caller, recalls.recall_by_id(db, caller, recall_id), limit=limit, cursor=cursor)


@router.post("/api/v1/recalls/{recall_id}/close")
def close_recall(recall_id: UUID, body: RecallCloseIn, db: Db, caller: Caller, now: Now) -> RecallOut:
    """Say that all is accounted for; refused while vials of the batch are in stock within the recall's reach."""
    return recall_out(db, caller, recalls.close_recall(db, caller, recall_id, reason=body.reason, now=now))


@router.post("/api/v1/recalls/{recall_id}/withdraw")
def withdraw_recall(recall_id: UUID, body: RecallWithdrawIn, db: Db, caller: Caller, now: Now) -> RecallOut:
    """Take back a recall that was a mistake: what it stopped, and is still there, is what it was before."""
    return recall_out(db, caller, withdrawing.withdraw_recall(db, caller, recall_id, reason=body.reason, now=now))


class _Wanted(NamedTuple):
    """A question as it was put."""

    times: EventFilter
    given: dict[str, str]
    order_by: str | None
    direction: str | None


async def _wanted(
    *,
    event_from: Annotated[Instant | None, Query(alias="GE_eventTime")] = None,
    event_before: Annotated[Instant | None, Query(alias="LT_eventTime")] = None,
    record_from: Annotated[Instant | None, Query(alias="GE_recordTime")] = None,
    record_before: Annotated[Instant | None, Query(alias="LT_recordTime")] = None,
    event_type: Annotated[str | None, Query(alias="eventType", max_length=200)] = None,
    action: Annotated[str | None, Query(alias="EQ_action", max_length=200)] = None,
    biz_step: Annotated[str | None, Query(alias="EQ_bizStep", max_length=1000)] = None,
    disposition: Annotated[str | None, Query(alias="EQ_disposition", max_length=1000)] = None,
    event_id: Annotated[str | None, Query(alias="EQ_eventID", max_length=5000)] = None,
    read_point: Annotated[str | None, Query(alias="EQ_readPoint", max_length=5000)] = None,
    biz_location: Annotated[str | None, Query(alias="EQ_bizLocation", max_length=5000)] = None,
    transaction: Annotated[str | None, Query(alias="EQ_bizTransaction_desadv", max_length=5000)] = None,
    epc_class: Annotated[str | None, Query(alias="MATCH_epcClass", max_length=5000)] = None,
    any_class: Annotated[str | None, Query(alias="MATCH_anyEPCClass", max_length=5000)] = None,
    order_by: Annotated[str | None, Query(alias="orderBy", max_length=100)] = None,
    direction: Annotated[str | None, Query(alias="orderDirection", max_length=10)] = None,
) -> _Wanted:
    """What was asked, in the standard's own names."""
    times = (event_from, event_before, record_from, record_before)
    given = {
        "eventType": event_type,
        "EQ_action": action,
        "EQ_bizStep": biz_step,
        "EQ_disposition": disposition,
        "EQ_eventID": event_id,
        "EQ_readPoint": read_point,
        "EQ_bizLocation": biz_location,
        "EQ_bizTransaction_desadv": transaction,
        "MATCH_epcClass": epc_class,
        "MATCH_anyEPCClass": any_class,
    }
    return _Wanted(
        EventFilter(*times), {name: text for name, text in given.items() if text is not None}, order_by, direction
    )


def _answerable(wanted: _Wanted) -> EventFilter:
    """The filter for what was asked; raises NotAnswered."""
    try:
        check_order(wanted.order_by, wanted.direction)
        asked = {name: values_of(name, text) for name, text in wanted.given.items()}
    except Unanswerable as error:
        raise NotAnswered(field=error.name, reason=error.reason) from error
    return replace(wanted.times, asked=asked)


@router.get("/epcis/events")
def epcis_events(
    *,
    request: Request,
    response: Response,
    db: Db,
    caller: Caller,
    now: Now,
    wanted: Annotated[_Wanted, Depends(_wanted)],
    per_page: Annotated[int, Query(alias="perPage", ge=1, le=_MOST_EVENTS)] = 100,
    page_token: Annotated[int, Query(alias="nextPageToken", ge=0, lt=2**63)] = 0,
) -> dict[str, Any]:
    """The ledger of the caller's subtree as EPCIS 2.0 ObjectEvents, in the order they were recorded.

    Several values of a parameter stand with `|` between them. What is asked and not answered here is refused with
    400 QueryParameterException. A page may hold fewer events than asked for while more follow.

    More pages follow where the answer has `Link: <…>; rel="next"`.
    """
    caller.require(Permission.STOCK_READ)
    events, following = events_asked_for(db, caller, _answerable(wanted), after=page_token, limit=per_page)
    if following is not None:
        url = request.url.include_query_params(nextPageToken=following)
        # A path, not an address: which name the house has is not for the caller to say.
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    response.headers["GS1-EPCIS-Version"] = "2.0.0"
    return query_document(events, now=now)
