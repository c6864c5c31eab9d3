"""Stock events, balances, promises, FEFO, opened vials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.correcting import BatchChange
from tracker.catalog.presenting import batch_detail, correction_of
from tracker.catalog.queries import presentation_by_ref
from tracker.catalog.routes import read_batch, said_of
from tracker.catalog.schemas import BatchChangeIn, BatchDetail
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import knows_its_repeats
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.values import Day, Instant
from tracker.edge.versions import Versioned, shows, versioned
from tracker.kit.days import local_day
from tracker.network.models import Equipment
from tracker.network.presenting import equipment_out
from tracker.network.queries import equipment_visible_to, facility_by_code_or_id
from tracker.network.schemas import EquipmentOut, ServiceState
from tracker.stock.models import OpenVial, OpenVialChange, StockBalance
from tracker.stock.presenting import (
    card_line_out,
    event_out,
    open_vial_out,
    pick_out,
    pool_out,
    posted_out,
    stock_out,
    vial_change_out,
)
from tracker.stock.queries.availability import pool_states
from tracker.stock.queries.card import CardKey, card_lines, card_of
from tracker.stock.queries.events import event_by_id
from tracker.stock.queries.stock import parcels_at, reported_then, stock_visible_to, taken_along, vials_then
from tracker.stock.routes.router import Ref, router
from tracker.stock.rules.fefo import pick
from tracker.stock.rules.words import MOST_VIALS, Kind
from tracker.stock.schemas import (
    CardLineOut,
    DiscardIn,
    EventOut,
    KeepIn,
    OpenVialOut,
    PickOut,
    PoolOut,
    PostedOut,
    ReversalIn,
    StockEventIn,
    StockEventsIn,
    StockOut,
    VialChangeOut,
)
from tracker.stock.service.amending import take_back_doses
from tracker.stock.service.commands import DiscardDoses, RecordEvent, ReverseEvent, TakeBackDoses
from tracker.stock.service.opening import discard_doses
from tracker.stock.service.places import correct_batch, lock_batch, set_in_service
from tracker.stock.service.recording import record_event
from tracker.stock.service.reversing import reverse_event
from tracker.stock.service.together import record_together

_REPEAT: dict[int | str, dict[str, Any]] = {
    200: {"model": PostedOut, "description": "The same event was recorded before."}
}


@router.post("/stock/events", status_code=201, responses=_REPEAT)
@knows_its_repeats
def post_stock_event(*, body: StockEventIn, response: Response, db: Db, caller: Caller, now: Now) -> PostedOut:
    """Record something that happened to vials: 201, or 200 for the same again.

    409 when the id says something else already, or a balance would fall below zero at some instant.
    """
    posted = record_event(db, caller, _command(body), now=now)
    response.status_code = 201 if posted.fresh else 200
    return posted_out(db, posted, body.kind, now)


def _command(body: StockEventIn) -> RecordEvent:
    return RecordEvent(
        id=body.id,
        kind=body.kind,
        facility=body.facility,
        occurred_at=body.occurred_at,
        lines=tuple(line.line() for line in body.lines),
        reason=body.reason,
        reference=body.reference,
        witnesses=tuple(one.witness() for one in body.witnesses),
    )


@router.post("/stock/events/together", status_code=201)
@knows_its_repeats
def post_stock_events(*, body: StockEventsIn, response: Response, db: Db, caller: Caller, now: Now) -> list[PostedOut]:
    """Record several things that happened at one facility and only stand together, all or none: 201, or 200 for the same again.

    A way there and back, told after most of what had come back was opened: either alone would leave too little.
    """
    said = record_together(db, caller, [_command(one) for one in body.events], now=now)
    response.status_code = 201 if any(one.fresh for one in said) else 200
    return [posted_out(db, posted, one.kind, now) for posted, one in zip(said, body.events, strict=True)]


@router.get("/stock/events")
def list_stock_events(
    *,
    db: Db,
    caller: Caller,
    facility: Ref,
    product: Ref | None = None,
    batch: Annotated[str | None, Query(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
    since: Annotated[Instant | None, Query(alias="from", description="Not before this instant.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Before this instant.")] = None,
    known_at: Annotated[Instant | None, Query(description="By what was known at this instant.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CardLineOut]:
    """The stock card of a facility: its movements of closed vials, newest first, each with what was there after it."""
    asked = card_of(
        db, caller, facility=facility, product=product, batch=batch, since=since, until=until, known_at=known_at
    )
    lines = card_lines(db, asked, limit=limit + 1, before=CardKey.read(cursor) if cursor else None)
    shown = lines[:limit]
    return Page(
        items=[card_line_out(line) for line in shown],
        next_cursor=shown[-1].key.written() if len(lines) > limit else None,
    )


@router.get("/stock/events/{event_id}")
def read_stock_event(event_id: UUID, db: Db, caller: Caller, now: Now) -> EventOut:
    """One event with its entries, what it counted or opened, and what followed from it."""
    return event_out(event_by_id(db, caller, event_id), now)


@router.post("/stock/events/{event_id}/reversal", status_code=201, responses=_REPEAT)
def reverse_stock_event(
    *, event_id: UUID, body: ReversalIn, response: Response, db: Db, caller: Caller, now: Now
) -> PostedOut:
    """Take an event back, once: the correction of whatever was recorded wrongly."""
    command = ReverseEvent(id=body.id, event_id=event_id, reason=body.reason)
    posted = reverse_event(db, caller, command, now=now)
    response.status_code = 201 if posted.fresh else 200
    return posted_out(db, posted, Kind.REVERSAL, now)


@router.get("/stock")
def list_stock(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    facility: Ref | None = None,
    product: Ref | None = None,
    as_of: Annotated[Instant | None, Query(description="As it was at this instant.")] = None,
    known_at: Annotated[Instant | None, Query(description="By what was known at this instant.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StockOut]:
    """Vials by place, batch and status in the caller's subtree. Zero is said; what was never reported is absent."""
    query = stock_visible_to(
        caller,
        facility_id=facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ).id if facility else None,
        presentation_id=presentation_by_ref(db, product).id if product else None,
    )
    then: datetime | None = None
    if as_of is not None or known_at is not None:
        then = as_of or known_at
        query = query.add_columns(vials_then(as_of=as_of, known_at=known_at).label("then_vials"))
        query = query.where(reported_then(as_of=as_of, known_at=known_at))
    return page_of(
        db,
        query,
        keys=[StockBalance.holder_id, StockBalance.batch_id, StockBalance.status],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].holder_id, row[0].batch_id, row[0].status.value],
        present=lambda row: stock_out(row, then or now),
    )


@router.get("/stock/availability")
def read_availability(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    facility: Ref,
    product: Ref,
    place: Ref | None = None,
    day: Day | None = None,
) -> PoolOut:
    """What may still be promised of a product, for `day` (today when not given): from a facility's stores, or from a place
    that sessions take along.
    """
    there = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
    presentation = presentation_by_ref(db, product)
    along = None if place is None else taken_along(db, caller, there.id, place)
    today = local_day(now, there.timezone)
    pool = (there.id if along is None else along.id, presentation.id)
    state = pool_states(db, [pool], today)[pool]
    return pool_out(there.code, presentation.code, None if along is None else along.code, day or today, state)


@router.get("/stock/pick")
def suggest_pick(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    facility: Ref,
    product: Ref,
    vials: Annotated[int, Query(ge=1, le=MOST_VIALS)],
    place: Ref | None = None,
    day: Day | None = None,
) -> PickOut:
    """Which vials to take: first expiry, first out; what was passed over, and why. From the facility's stores, or from a
    place that sessions take along.
    """
    there = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
    presentation = presentation_by_ref(db, product)
    along = None if place is None else taken_along(db, caller, there.id, place)
    parcels = parcels_at(db, there.id, presentation.id, place_id=None if along is None else along.id)
    return pick_out(pick(parcels, vials, day or local_day(now, there.timezone)))


@router.get("/stock/open-vials")
def list_open_vials(
    *,
    db: Db,
    caller: Caller,
    now: Now,
    facility: Ref | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OpenVialOut]:
    """Opened vials with doses left, by id (that is, the earliest opened first)."""
    query = (
        select(OpenVial)
        .join(Unit, Unit.id == OpenVial.facility_id)
        .where(OpenVial.closed_at.is_(None), visible_to(caller, Unit.path, Permission.STOCK_READ))
    )
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
        query = query.where(OpenVial.facility_id == place.id)
    return page_of(
        db,
        query,
        keys=[OpenVial.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].id],
        present=lambda row: open_vial_out(row[0], now),
    )


@router.post("/stock/open-vials/{open_vial_id}/discard")
def discard_open_vial(*, open_vial_id: UUID, body: DiscardIn, db: Db, caller: Caller, now: Now) -> OpenVialOut:
    """Record doses of an opened vial as thrown away: time limit, session end, contamination."""
    command = DiscardDoses(
        open_vial_id=open_vial_id, occurred_at=body.occurred_at, reason=body.reason, doses=body.doses
    )
    return open_vial_out(discard_doses(db, caller, command, now=now), now)


@router.put("/equipment/{ref}/service")
def put_in_service(ref: str, body: ServiceState, db: Db, caller: Caller, now: Now) -> EquipmentOut:
    """Take equipment out of service, or back into it. What lies there bears promises only while it is in service."""
    changed = set_in_service(db, caller, ref, body.in_service, now=now)
    return equipment_out(db.execute(equipment_visible_to(caller).where(Equipment.id == changed.id)).one())


@router.post("/stock/open-vials/{open_vial_id}/take-back")
def keep_open_vial(*, open_vial_id: UUID, body: KeepIn, db: Db, caller: Caller, now: Now) -> OpenVialOut:
    """Doses were not thrown away after all: they are in the vial again, and what was told stays visible."""
    command = TakeBackDoses(open_vial_id=open_vial_id, doses=body.doses, reason=body.reason, thrown_away=True)
    return open_vial_out(take_back_doses(db, caller, command, now=now), now)


@router.get("/stock/open-vials/{open_vial_id}/changes")
def list_vial_changes(
    *, open_vial_id: UUID, db: Db, caller: Caller, limit: Limit = 50, cursor: Cursor = None
) -> Page[VialChangeOut]:
    """How an opened vial stood before it was set right, the earliest first, with who said why."""
    query = (
        select(OpenVialChange)
        .join(OpenVial, OpenVial.id == OpenVialChange.open_vial_id)
        .join(Unit, Unit.id == OpenVial.facility_id)
        .where(OpenVial.id == open_vial_id, visible_to(caller, Unit.path, Permission.STOCK_READ))
    )
    return page_of(
        db,
        query,
        keys=[OpenVialChange.recorded_at, OpenVialChange.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=lambda row: vial_change_out(row[0]),
    )


def _lock_batch(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    caller.require(Permission.CATALOG_WRITE)
    return lock_batch(db, values["ref"])


@router.put("/batches/{ref:path}", tags=["catalog"])
@shows(said_of)
@versioned(Versioned(read=read_batch, lock=_lock_batch, part=said_of))
def change_batch(ref: str, body: BatchChangeIn, db: Db, caller: Caller, now: Now) -> BatchDetail:
    """Put facts of a lot right (national level); promises, picking and alarms go by a new expiry from now on."""
    command = BatchChange(manufacturer=body.manufacturer, expiry=body.expiry, why=correction_of(body.why))
    return batch_detail(db, correct_batch(db, caller, ref, command, now=now), now=now)
