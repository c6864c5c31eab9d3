"""From rows of this room to its wire shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.lots import alike_warned
from tracker.kit.days import WESTERN, local_day
from tracker.stock.count_models import CountTally
from tracker.stock.count_schemas import CountOut, FoundOut, SheetDetail, SheetLineOut, SheetOut, TallyOut
from tracker.stock.models import OpenVial, OpenVialChange, StockEntry, StockEvent
from tracker.stock.queries.availability import PoolState
from tracker.stock.queries.card import CardLine
from tracker.stock.queries.counting import SheetLine, SheetView
from tracker.stock.queries.events import EventView
from tracker.stock.rules.fefo import Pick
from tracker.stock.rules.words import Kind, SheetState
from tracker.stock.schemas import (
    CardLineOut,
    CountedOut,
    EntryOut,
    EventOut,
    FollowUpOut,
    ForeseenOut,
    LotCorrectionOut,
    OpenVialOut,
    PickedOut,
    PickOut,
    PoolOut,
    PostedOut,
    SkippedOut,
    StepOut,
    StockOut,
    VialChangeOut,
    WitnessOut,
)
from tracker.stock.service.commands import Posted
from tracker.stock.service.counting import Counted
from tracker.stock.service.relabelling import Foreseen, Meant


def posted_out(db: Session, posted: Posted, kind: Kind, now: datetime) -> PostedOut:
    """What a writer of an event is told, the first time (at `now`) and every other."""
    if posted.fresh:
        return PostedOut(
            id=posted.event_id,
            kind=kind,
            facility_id=posted.facility_id,
            occurred_at=posted.occurred_at.astimezone(UTC),
            recorded_at=now,
            warnings=_alike_in(db, posted, kind, now),
        )
    row = db.execute(
        select(
            StockEvent.id, StockEvent.kind, StockEvent.facility_id, StockEvent.occurred_at, StockEvent.recorded_at
        ).where(StockEvent.id == posted.event_id)
    ).one()
    return PostedOut(
        id=row.id,
        kind=row.kind,
        facility_id=row.facility_id,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        warnings=_alike_in(db, posted, kind, now),
    )


def _alike_in(db: Session, posted: Posted, kind: Kind, now: datetime) -> list[str]:
    """Of goods that come in: the other lots that one could take for theirs."""
    if kind is not Kind.SUPPLY:
        return []
    batch_ids: Sequence[UUID] = posted.alike
    if not posted.fresh:
        of_event = select(StockEntry.batch_id).where(StockEntry.event_id == posted.event_id).distinct()
        batch_ids = db.scalars(of_event.order_by(StockEntry.batch_id)).all()
    return alike_warned(db, batch_ids, today=local_day(now, WESTERN)) if batch_ids else []


def event_out(view: EventView, now: datetime) -> EventOut:
    """An event with everything that hangs on it."""
    event = view.event
    return EventOut(
        id=event.id,
        number=event.number,
        kind=event.kind,
        facility=view.facility,
        facility_id=event.facility_id,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        recorded_by=event.recorded_by,
        reason=event.reason,
        reference=event.reference,
        cause=event.cause,
        shipment_id=event.shipment_id,
        reverses_id=event.reverses_id,
        reversed_by=view.reversed_by,
        because_id=event.because_id,
        count_id=event.count_id,
        witnesses=[WitnessOut(name=one.name, position=one.position) for one in view.witnesses],
        entries=[
            EntryOut(
                account=entry.account,
                place=place,
                holder_id=entry.holder_id,
                batch_id=entry.batch_id,
                lot=lot,
                status=entry.status,
                vials=entry.vials,
                vvm_stage=entry.vvm_stage,
                reason=entry.reason,
            )
            for entry, lot, place in view.entries
        ],
        counted=[
            CountedOut(place=place, batch_id=count.batch_id, lot=lot, status=count.status, vials=count.vials)
            for count, lot, place in view.counts
        ],
        open_vials=[open_vial_out(vial, now) for vial in view.open_vials],
        follow_ups=[
            FollowUpOut(
                id=follow.id,
                kind=follow.kind,
                occurred_at=follow.occurred_at,
                because_id=follow.because_id,
                count_id=follow.count_id,
            )
            for follow in view.follow_ups
        ],
    )


def foreseen_out(facility: str, meant: Meant, foreseen: Foreseen) -> ForeseenOut:
    """What a lot correction would change."""
    return ForeseenOut(
        facility=facility,
        event=meant.event.id,
        wrong=meant.wrong.lot,
        right=meant.right.lot,
        vials=foreseen.vials,
        on_hand=foreseen.on_hand,
        opened=len(foreseen.opened),
        doses=foreseen.doses,
    )


def correction_out(row: Any) -> LotCorrectionOut:
    """A lot correction: (LotCorrection, facility code, lot written, right lot, the ledger's events)."""
    made, facility, wrong, right, events = row
    return LotCorrectionOut(
        id=made.id,
        facility=facility,
        event=made.event_id,
        wrong=wrong,
        wrong_batch_id=made.from_batch_id,
        right=right,
        right_batch_id=made.to_batch_id,
        vials=made.vials,
        on_hand=made.on_hand,
        opened=made.opened,
        doses=made.doses,
        reason=made.reason,
        recorded_by=made.recorded_by,
        recorded_at=made.recorded_at,
        events=events or [],
    )


def card_line_out(line: CardLine) -> CardLineOut:
    """A line of the stock card."""
    return CardLineOut(
        event_id=line.event_id,
        kind=line.kind,
        occurred_at=line.key.occurred_at,
        recorded_at=line.recorded_at,
        recorded_by=line.recorded_by,
        reason=line.reason,
        reference=line.reference,
        shipment_id=line.shipment_id,
        reverses_id=line.reverses_id,
        reversed_by=line.reversed_by,
        product=line.product,
        batch_id=line.key.batch_id,
        lot=line.lot,
        change=line.change,
        moved=line.moved,
        from_places=list(line.out_of),
        to_places=list(line.into),
        counted=line.counted,
        balance=line.balance,
        lot_balance=line.lot_balance,
    )


def open_vial_out(vial: OpenVial, now: datetime) -> OpenVialOut:
    """An opened vial; `overdue` once its time has run out with doses left."""
    return OpenVialOut(
        id=vial.id,
        facility_id=vial.facility_id,
        batch_id=vial.batch_id,
        place_id=vial.place_id,
        session_id=vial.session_id,
        status=vial.status,
        doses_per_vial=vial.doses_per_vial,
        given=vial.given,
        discarded=vial.discarded,
        remaining=vial.remaining,
        opened_at=vial.opened_at,
        discard_by=vial.discard_by,
        closed_at=vial.closed_at,
        overdue=vial.closed_at is None and vial.discard_by <= now,
    )


def stock_out(row: Any, at: datetime) -> StockOut:
    """One balance of `stock_visible_to`; `then_vials` replaces the figure where a past one was asked.

    A past figure stands alone: what is known of today's says nothing of it.
    """
    balance = row[0]
    past = hasattr(row, "then_vials")
    today = local_day(at, row.timezone)
    return StockOut(
        facility=row.facility,
        facility_id=balance.facility_id,
        account=balance.account,
        place=row.place,
        place_id=balance.place_id,
        product=row.product,
        product_name=row.product_name,
        presentation_id=row.presentation_id,
        batch_id=balance.batch_id,
        lot=row.lot,
        expiry=row.expiry,
        expired=row.expiry < today,
        status=balance.status,
        vials=row.then_vials if past else balance.vials,
        packed=None if past else balance.packed,
        doses_per_vial=row.doses_per_vial,
        vvm_stage=None if past else balance.vvm_stage,
        in_service=row.in_service,
        touched_at=None if past else balance.touched_at,
        touched_by=None if past else row.touched_by,
        touched_kind=None if past else row.touched_kind,
        counted_at=None if past else balance.counted_at,
        counted_by=None if past else row.counted_by,
    )


def pick_out(found: Pick) -> PickOut:
    """A pick with what was passed over."""
    return PickOut(
        lines=[
            PickedOut(
                batch_id=line.parcel.batch_id,
                lot=line.parcel.lot,
                expiry=line.parcel.expiry,
                place_id=line.parcel.place_id,
                place=line.parcel.place,
                vials=line.vials,
                vvm_stage=line.parcel.vvm_stage,
            )
            for line in found.lines
        ],
        skipped=[
            SkippedOut(
                batch_id=parcel.batch_id,
                lot=parcel.lot,
                expiry=parcel.expiry,
                place_id=parcel.place_id,
                place=parcel.place,
                vials=parcel.vials,
                reason=reason,
            )
            for parcel, reason in found.skipped
        ],
        missing=found.missing,
    )


def pool_out(facility: str, product: str, place: str | None, day: date, state: PoolState) -> PoolOut:
    """What may still be promised of a pool, by the codes of facility, product and place taken along, on that day."""
    return PoolOut(
        facility=facility,
        product=product,
        place=place,
        day=day,
        bears=state.bears(day),
        short=state.short,
        steps=[
            StepOut(from_day=row.from_day, vials=row.vials, needed=row.needed, short=row.short) for row in state.rows
        ],
    )


def vial_change_out(change: OpenVialChange) -> VialChangeOut:
    """A vial as it stood before a change."""
    return VialChangeOut(
        id=change.id,
        doses_per_vial=change.doses_per_vial,
        given=change.given,
        discarded=change.discarded,
        remaining=change.remaining,
        discard_reason=change.discard_reason,
        reason=change.reason,
        recorded_by=change.recorded_by,
        recorded_at=change.recorded_at,
    )


def sheet_out(view: SheetView) -> SheetOut:
    """A count sheet."""
    return SheetOut(**_sheet(view))


def sheet_detail(view: SheetView, lines: Sequence[SheetLine]) -> SheetDetail:
    """A count sheet with its lines; what the books say is told once it is closed, or where it is not blind."""
    hidden = view.sheet.blind and view.sheet.state is SheetState.OPEN
    return SheetDetail(
        **_sheet(view),
        lines=[
            SheetLineOut(
                batch_id=line.batch_id,
                status=line.status,
                product=line.product,
                lot=line.lot,
                expiry=line.expiry,
                found=[
                    FoundOut(
                        tally_id=one.tally_id,
                        by=one.by,
                        at=one.at.astimezone(UTC),
                        vials=one.vials,
                        expected=None if hidden else one.expected,
                    )
                    for one in line.told
                ],
                verdict=line.verdict,
                difference=None if hidden or not line.told else line.difference,
                reason=line.reason,
            )
            for line in lines
        ],
    )


def tally_out(tally: CountTally, lines: int) -> TallyOut:
    """What somebody found."""
    return TallyOut(
        id=tally.id,
        sheet_id=tally.sheet_id,
        counted_by=tally.counted_by,
        counted_at=tally.counted_at.astimezone(UTC),
        lines=lines,
    )


def count_out(counted: Counted) -> CountOut:
    """What became of a place counted in one go."""
    waits = counted.waits.code if counted.waits is not None else None
    return CountOut(id=counted.event_id, sheet=counted.sheet_id, waits_for=waits)


def _sheet(view: SheetView) -> dict[str, Any]:
    sheet = view.sheet
    return {
        "id": sheet.id,
        "facility": view.facility.code,
        "place": view.place.code,
        "blind": sheet.blind,
        "state": sheet.state,
        "opened_at": sheet.opened_at,
        "opened_by": sheet.opened_by,
        "closed_at": sheet.closed_at,
        "closed_by": sheet.closed_by,
        "approved": sheet.approved,
        "reason": sheet.reason,
    }
