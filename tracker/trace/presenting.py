"""Wire shapes from what was found."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.lots import look_alikes
from tracker.catalog.models import Batch, Presentation
from tracker.edge.paging import MOST, decode_cursor, encode_cursor
from tracker.kit.days import WESTERN, local_day
from tracker.stock.models import StockBalance
from tracker.trace.models import Recall
from tracker.trace.naming import Trace
from tracker.trace.progress import progress_of
from tracker.trace.rules.flows import Move, Node
from tracker.trace.schemas import (
    HolderOut,
    LookAlikeOut,
    MoveOut,
    NodeOut,
    RecallListed,
    RecallOut,
    RecallPlaceOut,
    RoadOut,
    TraceOut,
)


def trace_out(found: Trace) -> TraceOut:
    """The road of a batch, with names for ids."""
    names = found.names

    def node(each: Node) -> NodeOut:
        place = names.facilities.get(each.facility_id)
        return NodeOut(
            account=each.account,
            facility=place.code if place else None,
            holder=names.holder(each.account, each.holder_id),
        )

    def move(each: Move) -> MoveOut:
        shipment_id = found.shipment_of.get(each.event_id)
        return MoveOut(
            event=each.event_id,
            kind=each.kind,
            occurred_at=each.occurred_at,
            recorded_at=found.recorded_at[each.event_id],
            source=node(each.source),
            target=node(each.target),
            from_status=each.from_status,
            to_status=each.to_status,
            vials=each.vials,
            shipment=names.shipments.get(shipment_id) if shipment_id is not None else None,
        )

    return TraceOut(
        batch=found.batch.id,
        product=found.product,
        lot=found.batch.lot,
        expiry=found.batch.expiry,
        manufacturer=found.batch.manufacturer,
        events=[move(each) for each in found.moves],
        now=[
            HolderOut(
                account=each.account,
                facility=names.facilities[each.facility_id].code if each.facility_id is not None else None,
                holder=names.holder(each.account, each.holder_id),
                vials=each.vials,
            )
            for each in found.now
        ],
        roads=[
            RoadOut(
                source=names.facilities[each.source].code, target=names.facilities[each.target].code, vials=each.vials
            )
            for each in found.roads
        ],
        totals=dict(found.totals),
        hidden=found.hidden,
        summed=found.summed,
        next_cursor=None if found.following is None else encode_cursor([found.following]),
    )


def recall_listed(row: Any) -> RecallListed:
    """A row of (recall, lot, product code)."""
    recall, lot, product = row
    return RecallListed(**_head(recall, lot, product))


def recall_out(
    db: Session, caller: Principal, recall: Recall, *, limit: int = MOST, cursor: str | None = None
) -> RecallOut:
    """A recall and how far it has come where the caller may look; raises BadCursor."""
    after = "" if cursor is None else decode_cursor(cursor, 1)[0]
    batch = db.get_one(Batch, recall.batch_id)
    product = db.get_one(Presentation, batch.presentation_id).code
    parts = progress_of(db, caller, recall)
    told = [part for part in parts if part.facility > after]
    return RecallOut(
        **_head(recall, batch.lot, product),
        facilities=[
            RecallPlaceOut(
                facility=part.facility,
                name=part.name,
                found=part.found,
                left=part.left,
                on_road=part.on_road,
                unusable=part.unusable,
                unfrozen=part.unfrozen,
                gone=part.gone,
                destroyed=part.destroyed,
                returned=part.returned,
                sent=part.sent,
                given_back=part.given_back,
                unaccounted=part.unaccounted,
            )
            for part in told[:limit]
        ],
        next_cursor=encode_cursor([told[limit - 1].facility]) if len(told) > limit else None,
        vials_found=sum(part.found for part in parts),
        vials_left=sum(part.left for part in parts),
        vials_gone=sum(part.gone for part in parts),
        vials_unaccounted=sum(part.unaccounted for part in parts),
        look_alikes=_look_alikes(db, caller, batch, local_day(recall.started_at, WESTERN)),
    )


def _look_alikes(db: Session, caller: Principal, batch: Batch, day: date) -> list[LookAlikeOut]:
    """The lots one could take for this one that hold vials in the caller's subtree."""
    alike = look_alikes(db, [batch.id], today=day)[batch.id]
    rows = db.execute(
        select(StockBalance.batch_id, func.sum(StockBalance.vials))
        .join(Unit, Unit.id == StockBalance.facility_id)
        .where(
            StockBalance.batch_id.in_([each.id for each in alike]),
            visible_to(caller, Unit.path, Permission.STOCK_READ),
        )
        .group_by(StockBalance.batch_id)
    )
    vials = {batch_id: int(total) for batch_id, total in rows}
    return [LookAlikeOut(batch=each.id, lot=each.lot, vials=vials[each.id]) for each in alike if vials.get(each.id)]


def _head(recall: Recall, lot: str, product: str) -> dict[str, Any]:
    started: datetime = recall.started_at
    return {
        "id": recall.id,
        "batch": recall.batch_id,
        "lot": lot,
        "product": product,
        "reason": recall.reason,
        "recall_class": recall.recall_class,
        "started_at": started,
        "closed_at": recall.closed_at,
        "closed_by": recall.closed_by,
        "close_reason": recall.close_reason,
        "taken_over_by": recall.taken_over_by,
        "withdrawn_at": recall.withdrawn_at,
        "withdrawn_by": recall.withdrawn_by,
        "withdraw_reason": recall.withdraw_reason,
    }
