"""From a stock event to the episodes whose holds it concerns: what enters, was missed, or is carried on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BindParameter, Select, Update, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.coldchain.models import Episode
from tracker.coldchain.rules.limits import Severity
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.holding import NewlyHeld, hold_for_episode
from tracker.stock.models import StockEntry, StockEvent
from tracker.stock.rules.words import Account, Kind, Status

_ALARMED = (
    Episode.severity == Severity.ALARM,
    Episode.alarmed_at.is_not(None),
    Episode.void_at.is_(None),
    Episode.merged_into.is_(None),
)


def hold_entering(db: Session, principal: Principal, event_id: UUID, *, now: datetime) -> list[NewlyHeld]:
    """Stop what a stock event brought to a place whose alarm goes on, or moved before a hold knew of it.

    Five ways in: an alarmed episode covers the instant of the event at a place of its entries (stock that
    enters, and stock whose stay there is recorded late); or the event happened before a hold on its batch
    was placed (vials had left for somewhere the hold did not look); or it moved held vials on (to another
    fridge, off the road), and the hold must be found where they are, else nobody could lift it; or it brought back what
    had been written off on the road, where no hold could look; or it freed what a recall had kept apart, which no hold stopped.
    Only the event's batches are looked at. Where the event changed what a hold had found, the hold's own figure follows.
    """
    db.execute(_FOLLOW_AMENDED, {_EVENT.key: event_id})
    episodes = sorted(db.scalars(_TOUCHED, {_EVENT.key: event_id}))
    concerned = select(StockEntry.batch_id).where(StockEntry.event_id == event_id)
    only = frozenset(db.scalars(concerned)) if episodes else frozenset()
    return [hold_for_episode(db, principal, one, now=now, only=only) for one in episodes]


# Every event of the ledger is asked about: the statements are built once, which takes longer than to execute them.
_EVENT: BindParameter[UUID] = bindparam("event_id")


def _follow_amended() -> Update:
    """The ledger has done the hold's act again with as many vials as lay there; the hold says as many."""
    amended = (
        select(
            StockEvent.cause.label("cause"),
            StockEntry.holder_id,
            StockEntry.batch_id,
            func.sum(StockEntry.vials).label("vials"),
        )
        .join(StockEntry, StockEntry.event_id == StockEvent.id)
        .where(StockEvent.because_id == _EVENT, StockEntry.status == Status.HELD)
        .group_by(StockEvent.cause, StockEntry.holder_id, StockEntry.batch_id)
        .subquery()
    )
    return (
        update(Hold)
        .where(
            Hold.episode_id == amended.c.cause,
            Hold.holder_id == amended.c.holder_id,
            Hold.batch_id == amended.c.batch_id,
        )
        .values(vials=func.greatest(0, Hold.vials + amended.c.vials))
        .execution_options(synchronize_session=False)
    )


def _touched() -> Select[UUID]:
    entered = (
        select(Episode.id)
        .join(
            StockEntry,
            or_(StockEntry.holder_id == Episode.equipment_id, StockEntry.holder_id == Episode.shipment_id),
        )
        .where(
            StockEntry.event_id == _EVENT,
            *_ALARMED,
            or_(Episode.ended_at.is_(None), Episode.ended_at >= StockEntry.occurred_at),
        )
    )
    missed = (
        select(Hold.episode_id)
        .join(StockEntry, StockEntry.batch_id == Hold.batch_id)
        .where(StockEntry.event_id == _EVENT, StockEntry.occurred_at <= Hold.placed_at)
    )
    carried = (
        select(Hold.episode_id)
        .join(StockEntry, and_(StockEntry.batch_id == Hold.batch_id, StockEntry.holder_id == Hold.holder_id))
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(
            StockEntry.event_id == _EVENT,
            StockEntry.status == Status.HELD,
            StockEntry.vials < 0,
            StockEvent.kind != Kind.STATUS,
            Hold.state == HoldState.HELD,
        )
    )
    touched = entered.union(missed, carried, _of_the_lost(), _of_the_recalled()).subquery()
    stopped_by = select(StockEvent.cause).where(
        StockEvent.id == _EVENT,
        StockEvent.kind == Kind.STATUS,
        StockEvent.because_id.is_(None),
        StockEvent.occurred_at >= StockEvent.recorded_at,
    )
    # What a hold stops, it stops under the locks of all it looked at: its own act shows it nothing new. An act that had
    # to stand earlier than it was done may have met a count, and is looked at.
    return select(touched.c.id).where(touched.c.id.is_distinct_from(stopped_by.scalar_subquery()))


def _of_the_recalled() -> Select[UUID]:
    """What a recall kept apart and is free of it again: the episodes of wherever it lay as recalled since.

    No hold stopped it meanwhile, for it was stopped already.
    """
    freed, recalled = aliased(StockEntry), aliased(StockEntry)
    return (
        select(Episode.id)
        .join(freed, freed.event_id == _EVENT)
        .join(StockEvent, StockEvent.id == freed.event_id)
        .join(recalled, recalled.batch_id == freed.batch_id)
        .where(
            StockEvent.kind == Kind.STATUS,
            freed.status == Status.RECALLED,
            freed.vials < 0,
            recalled.status == Status.RECALLED,
            recalled.vials > 0,
            or_(Episode.equipment_id == recalled.holder_id, Episode.shipment_id == recalled.holder_id),
            or_(Episode.ended_at.is_(None), Episode.ended_at >= recalled.occurred_at),
            *_ALARMED,
        )
    )


def _of_the_lost() -> Select[UUID]:
    """What had been written off on a road and turns up: the episodes of that road, and of the places it was sent from.

    While it was lost no hold could find it, so there may be none that knows of it.
    """
    lost, sent = aliased(StockEntry), aliased(StockEntry)
    receipt, dispatch = aliased(StockEvent), aliased(StockEvent)
    return (
        select(Episode.id)
        .join(receipt, receipt.id == _EVENT)
        .join(lost, (lost.event_id == receipt.id) & (lost.account == Account.LOST) & (lost.vials < 0))
        .join(dispatch, (dispatch.shipment_id == receipt.shipment_id) & (dispatch.kind == Kind.DISPATCH))
        .join(sent, (sent.event_id == dispatch.id) & (sent.batch_id == lost.batch_id) & (sent.vials < 0))
        .where(
            or_(Episode.shipment_id == receipt.shipment_id, Episode.equipment_id == sent.place_id),
            *_ALARMED,
        )
    )


_FOLLOW_AMENDED, _TOUCHED = _follow_amended(), _touched()
