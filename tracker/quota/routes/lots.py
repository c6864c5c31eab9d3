"""Corrections of a lot that was written wrongly: what would change, the correction, and those that were made."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy.orm import Session

from tracker.access.rules import Permission
from tracker.catalog.presenting import batch_detail
from tracker.catalog.queries import batch_by_ref
from tracker.catalog.schemas import BatchDetail
from tracker.catalog.unlike import part_lot
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import knows_its_repeats
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.network.queries import facility_by_code_or_id
from tracker.quota.routes.router import router
from tracker.quota.schemas import JoinIn, PartIn
from tracker.quota.service.commands import JoinLots
from tracker.quota.service.joining import join_lots
from tracker.quota.service.relabelling import correct_lot, foresee_correction
from tracker.stock.models import LotCorrection
from tracker.stock.presenting import correction_out, foreseen_out
from tracker.stock.queries.corrections import corrections, corrections_visible_to
from tracker.stock.rules.words import MOST_VIALS
from tracker.stock.schemas import ForeseenOut, LotCorrectionIn, LotCorrectionOut
from tracker.stock.service.commands import CorrectLot

Lot = Annotated[
    str,
    Query(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$", description="Id, `PRODUCT/LOT` or lot."),
]
_REPEAT: dict[int | str, dict[str, Any]] = {
    200: {"model": LotCorrectionOut, "description": "The same correction was recorded before."}
}


@router.post("/stock/lot-corrections", status_code=201, responses=_REPEAT, tags=["stock"])
@knows_its_repeats
def post_lot_correction(
    *, body: LotCorrectionIn, response: Response, db: Db, caller: Caller, now: Now
) -> LotCorrectionOut:
    """The wrong lot was written of what an event brought: 201, or 200 for the same again.

    Vials on hand, opened vials, doses given and what they claim follow; what was told stays beside it. 409 where that
    would be a guess, with what to do instead.
    """
    command = CorrectLot(
        id=body.id, event_id=body.event, wrong=body.wrong, right=body.right, reason=body.reason, vials=body.vials
    )
    done = correct_lot(db, caller, command, now=now)
    response.status_code = 201 if done.fresh else 200
    return _out(db, done.correction.id)


@router.post("/batches/{ref:path}/join", tags=["catalog"])
def join_batches(ref: str, body: JoinIn, db: Db, caller: Caller, now: Now) -> BatchDetail:
    """Join a lot that is another one, registered twice (national level): all that was told of it is told of that one.

    Answers the lot that stays. 409 with what stands in the way, and where.
    """
    command = JoinLots(lot=ref, into=body.into, reason=body.reason)
    return batch_detail(db, join_lots(db, caller, command, now=now), now=now)


@router.post("/batches/{ref:path}/part", tags=["catalog"])
def part_batches(ref: str, body: PartIn, db: Db, caller: Caller, now: Now) -> BatchDetail:
    """Take back that a spelling is this lot (national level): its labels mean a lot of its own again.

    Answers that lot. What was told of this one stays; lot corrections tell at each facility what is the other's.
    """
    return batch_detail(db, part_lot(db, caller, batch_by_ref(db, ref), body.lot, body.reason, now=now), now=now)


@router.get("/stock/lot-corrections/foreseen", tags=["stock"])
def foresee_lot_correction(
    *,
    db: Db,
    caller: Caller,
    event: UUID,
    wrong: Lot,
    right: Lot,
    vials: Annotated[int | None, Query(ge=1, le=MOST_VIALS)] = None,
) -> ForeseenOut:
    """What a correction would change, counted, before it is made; refused where the correction would be."""
    command = CorrectLot(id=uuid7(), event_id=event, wrong=wrong, right=right, reason="", vials=vials)
    meant, foreseen = foresee_correction(db, caller, command)
    return foreseen_out(db.get_one(Facility, meant.event.facility_id).code, meant, foreseen)


@router.get("/stock/lot-corrections", tags=["stock"])
def list_lot_corrections(
    *,
    db: Db,
    caller: Caller,
    facility: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LotCorrectionOut]:
    """Corrections of the caller's subtree, the newest first."""
    query = corrections_visible_to(caller)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(LotCorrection.facility_id == place.id)
    return page_of(
        db,
        query,
        keys=[LotCorrection.recorded_at, LotCorrection.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=correction_out,
        descending=True,
    )


def _out(db: Session, correction_id: UUID) -> LotCorrectionOut:
    """What whoever made it is told, also once their rights have ended."""
    row = db.execute(corrections().where(LotCorrection.id == correction_id)).one()
    return correction_out(row)
