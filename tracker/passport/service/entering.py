"""From a stock event to the episodes whose holds it concerns: what enters, was missed, or is carried on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Update,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.coldchain.models import Episode
from tracker.coldchain.rules.limits import Severity
from tracker.feed.models import FeedEvent
from tracker.passport.models import Hold, HoldLook
from tracker.passport.rules.harm import HoldState
from tracker.passport.service.holding import NewlyHeld, hold_for_episodes
from tracker.stock.models import StockEntry, StockEvent
from tracker.stock.queries.following import came_through
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.reading import Anchor

_ALARMED = (
    Episode.severity == Severity.ALARM,
    Episode.alarmed_at.is_not(None),
    Episode.void_at.is_(None),
    Episode.merged_into.is_(None),
)


def hold_entering(
    db: Session, principal: Principal, event_id: UUID, *, now: datetime, told: UUID | None = None
) -> list[NewlyHeld]:
    """Stop what a stock event brought to a place whose alarm goes on, or moved before a hold knew of it.

    Six ways in: an alarmed episode covers the instant of the event at a place of its entries (stock that
    enters, and stock whose stay there is recorded late); or the event happened before a hold on its batch
    was placed and was not known then (vials had left for somewhere the hold did not look); or it moved held vials on (to
    another fridge, off the road), and the hold must be found where they are, else nobody could lift it; or it brought back
    what had been written off on the road, where no hold could look; or it freed what a recall had kept apart, which no hold
    stopped; or it happened before a hold looked that found nothing left to stop. Only the event's batches are looked at, and
    of holds that it may have escaped those of places which its vials may have come through. Where the event changed what a hold had found, the hold's own figure follows.

    `told` is the event of the feed that tells of it, by which holds placed since then are told apart.
    """
    db.execute(_FOLLOW_AMENDED, {_EVENT.key: event_id})
    asked = {_EVENT.key: event_id, _TOLD.key: told}
    touched = set(db.scalars(_TOUCHED, asked))
    if None in touched:
        touched |= set(db.scalars(_ON_THE_WAY, asked))
    episodes = [one for one in touched if one is not None]
    concerned = select(StockEntry.batch_id).where(StockEntry.event_id == event_id)
    only = frozenset(db.scalars(concerned)) if episodes else frozenset()
    return hold_for_episodes(db, principal, episodes, now=now, only=only)


def hold_freed(
    db: Session,
    principal: Principal,
    batch_id: UUID,
    holder_ids: Collection[UUID],
    *,
    now: datetime,
    locked: Collection[Anchor],
) -> list[NewlyHeld]:
    """Stop what a recall had kept apart of a batch and gives back: the episodes of wherever it lay as recalled look again.

    Those that went on since, and those that were learnt of since, there or at places by which the vials had come before they
    were recalled: no hold stopped them meanwhile, for they were stopped already. Those whose held vials went on as recalled: the
    hold must be found where they are. And those of all places by which vials came of which was told only while they were recalled.
    Whoever freed them keeps their pools `locked`.
    """
    asked = {"batch": batch_id, "holders": list(holder_ids)}
    episodes = {*db.scalars(_LEARNT_MEANWHILE, asked), *db.scalars(_BY_WAYS_TOLD_MEANWHILE, asked)}
    return hold_for_episodes(db, principal, episodes, now=now, only=frozenset({batch_id}), locked=locked)


_ALARMS_THERE = """
    there AS MATERIALIZED (
        SELECT p.id, p.started_at, p.ended_at, through.batch_id, through.holder_id
        FROM through
        CROSS JOIN LATERAL (
            SELECT * FROM episode WHERE episode.equipment_id = through.holder_id
            UNION ALL SELECT * FROM episode WHERE episode.shipment_id = through.holder_id
        ) p
        WHERE p.severity = 'alarm' AND p.alarmed_at IS NOT NULL AND p.void_at IS NULL AND p.merged_into IS NULL
    )
"""
_KEPT_APART = (
    "t.batch_id = :batch AND t.holder_id = ANY(CAST(:holders AS uuid[])) AND t.status = 'recalled' AND t.vials > 0"
)
_LEARNT_MEANWHILE = text(
    f"""
    {came_through(_KEPT_APART)}, {_ALARMS_THERE}
    SELECT DISTINCT there.id
    FROM there
    WHERE EXISTS (
        SELECT FROM stock_entry t
        WHERE {_KEPT_APART} AND t.holder_id = there.holder_id AND (there.ended_at IS NULL OR there.ended_at >= t.occurred_at)
    ) OR EXISTS (
        SELECT FROM hold_look l
        WHERE l.episode_id = there.id AND l.looked_at >= (SELECT min(t.occurred_at) FROM stock_entry t WHERE {_KEPT_APART})
    ) OR EXISTS (
        SELECT FROM hold h JOIN stock_entry t ON t.batch_id = h.batch_id AND t.holder_id = h.holder_id
        JOIN stock_event v ON v.id = t.event_id
        WHERE h.episode_id = there.id AND h.batch_id = :batch AND h.state = 'held'
          AND t.status = 'recalled' AND t.vials < 0 AND v.kind <> 'status'
    )
    """
)
_TOLD_MEANWHILE = """
    t.batch_id = :batch AND t.holder_id = ANY(CAST(:holders AS uuid[])) AND t.status = 'usable' AND t.vials > 0 AND EXISTS (
        SELECT FROM stock_entry r
        WHERE r.batch_id = t.batch_id AND r.holder_id = t.holder_id AND r.status = 'recalled' AND r.vials > 0
          AND r.occurred_at BETWEEN t.occurred_at AND t.recorded_at
    )
"""
_BY_WAYS_TOLD_MEANWHILE = text(
    f"""
    {came_through(_TOLD_MEANWHILE)}, {_ALARMS_THERE}
    SELECT DISTINCT there.id FROM there
    """
)


# Every event of the ledger is asked about: the statements are built once, which takes longer than to execute them.
_EVENT: BindParameter[UUID] = bindparam("event_id")
_TOLD: BindParameter[UUID | None] = bindparam("told", type_=Uuid())


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


def _touched() -> Select[UUID | None]:
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
    carried = (
        select(Hold.episode_id)
        .join(StockEntry, and_(StockEntry.batch_id == Hold.batch_id, StockEntry.holder_id == Hold.holder_id))
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(
            StockEntry.event_id == _EVENT,
            # Recalled ones are the hold's again once the recall is withdrawn.
            StockEntry.status.in_((Status.HELD, Status.RECALLED)),
            StockEntry.vials < 0,
            StockEvent.kind != Kind.STATUS,
            Hold.state == HoldState.HELD,
        )
    )
    touched = entered.union(carried, _of_the_lost(), _has_more()).subquery()
    others = touched.c.id.is_distinct_from(_stopped_by())
    return select(touched.c.id).where(or_(touched.c.id.is_(None), others))


def _stopped_by() -> ScalarSelect[UUID | None]:
    """The episode whose hold wrote the event.

    What a hold stops, it stops under the locks of all it looked at: its own act shows it nothing new. An act that had
    to stand earlier than it was done may have met a count, and is looked at.
    """
    own = select(StockEvent.cause).where(
        StockEvent.id == _EVENT,
        StockEvent.kind == Kind.STATUS,
        StockEvent.because_id.is_(None),
        StockEvent.occurred_at >= StockEvent.recorded_at,
    )
    return own.scalar_subquery()


def _escaped() -> ColumnElement[bool]:
    """Whether a hold did not know of the event, which happened before it was placed.

    By the feed's numbers, which are given to what is committed: what was written beside the hold's look has none yet.
    """
    known = exists().where(FeedEvent.id == _TOLD, FeedEvent.position <= Hold.known_to)
    return and_(
        StockEntry.event_id == _EVENT,
        StockEntry.batch_id == Hold.batch_id,
        StockEntry.occurred_at <= Hold.placed_at,
        ~known,
    )


def _freed() -> ColumnElement[bool]:
    """Whether the event freed what a recall had kept apart."""
    return exists().where(
        StockEvent.id == _EVENT,
        StockEvent.kind == Kind.STATUS,
        StockEntry.event_id == StockEvent.id,
        StockEntry.status == Status.RECALLED,
        StockEntry.vials < 0,
    )


# What is written beside a look has an instant of recording before it, and is committed within this.
_BESIDE = timedelta(minutes=1)


def _told_late() -> ColumnElement[bool]:
    """Whether the event happened before some hold looked, and was told later: where nothing was left to stop, no hold tells of that look."""
    return exists().where(
        StockEvent.id == _EVENT,
        StockEvent.kind != Kind.STATUS,
        StockEntry.event_id == StockEvent.id,
        HoldLook.looked_at >= StockEntry.occurred_at,
        HoldLook.looked_at <= StockEvent.recorded_at + _BESIDE,
    )


def _has_more() -> Select[UUID | None]:
    """None, where episodes of places that the vials came through must be looked for: most events need no such look."""
    escaped = exists().where(_escaped(), Hold.episode_id.is_distinct_from(_stopped_by()))
    return select(cast(null(), Uuid())).where(or_(escaped, _freed(), _told_late()))


# Holds that the event escaped, episodes that were looked at since it happened and left nothing to hold then, and episodes of
# wherever freed vials lay as recalled, or by where they had come (stopped already, so that no hold stopped them meanwhile): of
# the places through which the event's vials may have come, for where they were not it changes nothing.
_ON_THE_WAY = text(
    f"""
    {came_through("t.event_id = :event_id")}, {_ALARMS_THERE}
    SELECT there.id FROM there
    WHERE there.id IS DISTINCT FROM (
        SELECT cause FROM stock_event
        WHERE id = :event_id AND kind = 'status' AND because_id IS NULL AND occurred_at >= recorded_at
    ) AND (EXISTS (
        SELECT FROM hold h JOIN stock_entry t ON t.event_id = :event_id AND t.batch_id = h.batch_id
        WHERE h.episode_id = there.id AND h.batch_id = there.batch_id AND t.occurred_at <= h.placed_at
          AND NOT EXISTS (SELECT FROM feed_event f WHERE f.id = :told AND f.position <= h.known_to)
    ) OR EXISTS (
        SELECT FROM hold_look l JOIN stock_event v ON v.id = :event_id JOIN stock_entry t ON t.event_id = v.id
        WHERE l.episode_id = there.id AND v.kind <> 'status' AND t.batch_id = there.batch_id AND t.occurred_at <= l.looked_at
          AND l.looked_at <= v.recorded_at + interval '{_BESIDE.total_seconds():.0f} seconds'
          AND NOT EXISTS (SELECT FROM hold h WHERE h.episode_id = l.episode_id AND h.batch_id = t.batch_id)
    ) OR EXISTS (
        SELECT FROM stock_event v JOIN stock_entry freed ON freed.event_id = v.id
        JOIN stock_entry r ON r.batch_id = there.batch_id AND r.holder_id IN (there.holder_id, freed.holder_id)
        WHERE v.id = :event_id AND v.kind = 'status' AND freed.batch_id = there.batch_id
          AND freed.status = 'recalled' AND freed.vials < 0 AND r.status = 'recalled' AND r.vials > 0
          AND (there.ended_at IS NULL OR there.ended_at >= r.occurred_at OR EXISTS (
              SELECT FROM hold_look l WHERE l.episode_id = there.id AND l.looked_at >= r.occurred_at))
    ))
    """
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
