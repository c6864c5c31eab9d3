"""Count sheets."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.network.queries import facility_by_code_or_id
from tracker.stock.count_models import CountSheet
from tracker.stock.count_schemas import (
    CountIn,
    CountOut,
    SheetCancelIn,
    SheetDetail,
    SheetIn,
    SheetOut,
    SheetPostIn,
    TallyIn,
    TallyOut,
)
from tracker.stock.presenting import count_out, sheet_detail, sheet_out, tally_out
from tracker.stock.queries.counting import SheetView, lines_of, sheet_by_id, sheets_visible_to
from tracker.stock.routes.router import Ref, router
from tracker.stock.rules.words import SheetState
from tracker.stock.service.commands import CancelSheet, CountPlace, OpenSheet, PostSheet, RecordTally
from tracker.stock.service.counting import cancel_sheet, count_place, open_sheet, post_sheet, record_tally


@router.post("/stock/count-sheets", status_code=201)
def begin_count(*, body: SheetIn, response: Response, db: Db, caller: Caller, now: Now) -> SheetOut:
    """Begin to count a place: 201. Where somebody counts it already, 200 with the sheet to join."""
    command = OpenSheet(id=body.id, facility=body.facility, place=body.place, blind=body.blind)
    sheet, fresh = open_sheet(db, caller, command, now=now)
    response.status_code = 201 if fresh else 200
    return sheet_out(sheet_by_id(db, caller, sheet.id))


@router.get("/stock/count-sheets")
def list_count_sheets(
    *,
    db: Db,
    caller: Caller,
    facility: Ref | None = None,
    state: Annotated[SheetState | None, Query(description="Only sheets in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SheetOut]:
    """Count sheets in the caller's subtree, by id (that is, the earliest begun first)."""
    query = sheets_visible_to(caller)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(CountSheet.facility_id == place.id)
    if state is not None:
        query = query.where(CountSheet.state == state)
    return page_of(
        db,
        query,
        keys=[CountSheet.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].id],
        present=lambda row: sheet_out(SheetView(sheet=row[0], facility=row[1], place=row[2], path=row[3])),
    )


@router.get("/stock/count-sheets/{sheet_id}")
def read_count_sheet(sheet_id: UUID, db: Db, caller: Caller) -> SheetDetail:
    """A count sheet: what was found by whom, and what still waits. What the books say stays hidden on an open blind one."""
    view = sheet_by_id(db, caller, sheet_id)
    return sheet_detail(view, lines_of(db, view.sheet))


@router.post("/stock/count-sheets/{sheet_id}/tallies", status_code=201)
def add_tally(*, sheet_id: UUID, body: TallyIn, response: Response, db: Db, caller: Caller, now: Now) -> TallyOut:
    """Keep what somebody found: 201, or 200 for the same again."""
    lines = tuple(line.line() for line in body.lines)
    command = RecordTally(id=body.id, sheet_id=sheet_id, counted_at=body.counted_at, lines=lines)
    tally, fresh = record_tally(db, caller, command, now=now)
    response.status_code = 201 if fresh else 200
    return tally_out(tally, len(lines))


@router.post("/stock/counts", status_code=201)
def count_a_place(*, body: CountIn, response: Response, db: Db, caller: Caller, now: Now) -> CountOut:
    """Count a place in one go: joins the sheet on which others count it, begins one else, and closes it where nothing waits.

    A large difference waits for a second person, who counts, or an approval; a difference without a reason for one.
    """
    lines = tuple(line.line() for line in body.lines)
    command = CountPlace(id=body.id, facility=body.facility, place=body.place, counted_at=body.counted_at, lines=lines)
    counted = count_place(db, caller, command, now=now)
    response.status_code = 201 if counted.fresh else 200
    return count_out(counted)


@router.post("/stock/count-sheets/{sheet_id}/post")
def post_count_sheet(sheet_id: UUID, body: SheetPostIn, db: Db, caller: Caller, now: Now) -> SheetDetail:
    """Write the counts into the ledger, once: whoever comes second finds who was first.

    409 where a large or disputed difference waits for a second person or an approval.
    """
    reasons = {(one.batch_id, one.status): one.reason for one in body.reasons}
    post_sheet(db, caller, PostSheet(sheet_id=sheet_id, reasons=reasons, approve=body.approve), now=now)
    view = sheet_by_id(db, caller, sheet_id)
    return sheet_detail(view, lines_of(db, view.sheet))


@router.post("/stock/count-sheets/{sheet_id}/cancel")
def cancel_count_sheet(sheet_id: UUID, body: SheetCancelIn, db: Db, caller: Caller, now: Now) -> SheetOut:
    """Give a count up, with a reason; nothing of it is written."""
    cancel_sheet(db, caller, CancelSheet(sheet_id=sheet_id, reason=body.reason), now=now)
    return sheet_out(sheet_by_id(db, caller, sheet_id))
