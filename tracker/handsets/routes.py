"""HTTP of this room: phones, their steps, what they hold, and what people decide."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Response

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now, Shared, Speaking
from tracker.edge.hop import Router, knows_its_repeats
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.handsets.commands import Enrol, Settle
from tracker.handsets.holdings import tell_holdings
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.presenting import conflict_out, handset_of, handset_out, holdings_out, standing_out, steps_out
from tracker.handsets.rules import OPEN
from tracker.handsets.schemas import (
    ConflictOut,
    CutOffIn,
    HandsetIn,
    HandsetOut,
    HoldingsOut,
    SettleIn,
    StandingOut,
    StepsIn,
    StepsOut,
)
from tracker.handsets.settling import cut_off, handsets_visible_to, settle, steps_visible_to, was_cut_off
from tracker.handsets.taking import enrol, hear, take_steps
from tracker.network.queries import facility_by_code_or_id

router = Router(prefix="/api/v1/handsets", tags=["handsets"])

Place = Annotated[str, Query(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="Id or code.")]
IN_BATCHES = "stock-in-batches"
_REPEAT: dict[int | str, dict[str, Any]] = {200: {"model": HandsetOut, "description": "The same began before."}}


@router.post("", status_code=201, responses=_REPEAT)
@knows_its_repeats
def post_handset(*, body: HandsetIn, response: Response, db: Db, caller: Caller, now: Now) -> HandsetOut:
    """A phone begins its book of steps, or goes on with it at another facility: 201, or 200 for the same again."""
    command = Enrol(id=body.id, facility=body.facility, name=body.name)
    handset, fresh = enrol(db, caller, command, now=now)
    response.status_code = 201 if fresh else 200
    return handset_of(db, handset, now)


@router.get("")
def list_handsets(
    *, db: Db, caller: Caller, now: Now, facility: Place | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[HandsetOut]:
    """Phones of the caller's subtree, the longest silent first."""
    query = handsets_visible_to(caller)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(Handset.facility_id == place.id)
    return page_of(
        db,
        query,
        keys=[Handset.heard_at, Handset.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].heard_at.isoformat(), row[0].id],
        present=lambda row: handset_out(row, now),
    )


@router.get("/holdings")
def read_holdings(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    shared: Shared,
    facility: Place,
    since: UUID | None = None,
    handset: UUID | None = None,
    session: UUID | None = None,
    prefer: Annotated[
        str,
        Header(
            max_length=200,
            description="`stock-in-batches`: in a whole answer, rows of stock stand in `lies` of their batch.",
        ),
    ] = "",
) -> HoldingsOut:
    """What a phone needs of its facility, or what has changed `since` a token of an earlier answer.

    `handset`: the phone that asks, once it has a book; 403 when it was cut off. `session`: one of today's here, whose desk the
    phone serves: who has a place in it is told, and that they were is kept with each.
    """
    if handset is not None:
        hear(db, caller, handset, now=now)
    place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
    told = tell_holdings(db, caller, place, since, session_id=session, settings=shared.settings, now=now)
    return holdings_out(place, told, now, nested=prefer == IN_BATCHES)


@router.get("/conflicts")
def list_conflicts(
    *,
    db: Db,
    caller: Caller,
    speak: Speaking,
    facility: Place | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConflictOut]:
    """Steps of phones, done in the caller's subtree, that wait for a person, in the order they came."""
    query = steps_visible_to(caller).where(HandsetStep.state.in_(sorted(OPEN)))
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(HandsetStep.facility_id == place.id)
    return page_of(
        db,
        query,
        keys=[HandsetStep.received_at, HandsetStep.handset_id, HandsetStep.number],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].received_at.isoformat(), row[0].handset_id, row[0].number],
        present=lambda row: conflict_out(row, speak),
    )


@router.post("/{handset_id}/steps")
@knows_its_repeats
def post_steps(
    *, handset_id: UUID, body: StepsIn, db: Db, caller: Caller, now: Now, shared: Shared, speak: Speaking
) -> StepsOut:
    """The next steps of a phone's book, each carried out as the call of its kind would be, or kept for a person to decide.

    409 when steps before these are missing, or are not those that were written down; then nothing was taken.
    """
    lines = [(one.text, one.hash) for one in body.steps]
    handset, steps = take_steps(db, caller, handset_id, lines, shared=shared, now=now)
    return steps_out(handset, steps, speak, now)


@router.get("/{handset_id}/cut-off")
def read_standing(handset_id: UUID, db: Db, now: Now) -> StandingOut:
    """Whether this phone is to forget what it holds. Needs no log-in: a phone that was cut off has none any more.

    Of a phone that nobody knows it is not said that nobody knows it.
    """
    return standing_out(cut_off=was_cut_off(db, handset_id), now=now)


@router.post("/{handset_id}/cut-off")
def post_cut_off(*, handset_id: UUID, body: CutOffIn, db: Db, caller: Caller, now: Now) -> HandsetOut:
    """Take nothing more from a phone, have it forget what it holds, and end its account's log-ins: it was lost."""
    return handset_of(db, cut_off(db, caller, handset_id, reason=body.reason, now=now), now)


@router.post("/steps/{step_id}/settle")
@knows_its_repeats
def post_settlement(
    *, step_id: UUID, body: SettleIn, db: Db, caller: Caller, now: Now, shared: Shared, speak: Speaking
) -> ConflictOut:
    """Decide what becomes of a step that waits: once more, corrected, or dropped. What built upon it follows."""
    command = Settle(id=body.id, way=body.way, reason=body.reason, body=body.body)
    settle(db, caller, step_id, command, shared=shared, now=now)
    return conflict_out(db.execute(steps_visible_to(caller).where(HandsetStep.id == step_id)).one(), speak)
