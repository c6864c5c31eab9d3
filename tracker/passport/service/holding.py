"""From an alarmed episode to stopped vials, wherever they are now.

What lay there between the episode's start and its end is followed through the ledger, and all of it is
held: in another fridge, on the road, in another facility, opened. One row per (episode, place, batch), so
running twice is harmless and late evidence works.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.models import Batch, Presentation, StorageClass
from tracker.coldchain.models import Episode, Limit
from tracker.coldchain.rules.limits import Severity
from tracker.feed.service import append, causing
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.passport.errors import MovedMeanwhile
from tracker.passport.events import StockHeld
from tracker.passport.models import Hold
from tracker.passport.rules.holding import Harm, HoldState, harm_of, stops
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.queries.tracing import Whereabouts, descendants_of, lots_present
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.holding import change_status
from tracker.stock.service.reading import Anchor, lock_anchors
from tracker.telemetry.models import Channel, Device


@dataclass(frozen=True, slots=True, kw_only=True)
class NewlyHeld:
    """What one run stopped anew; doses as on the label, opened vials counted whole."""

    episode_id: UUID
    vials: int = 0
    doses: int = 0
    batches: tuple[UUID, ...] = ()
    facilities: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goods:
    presentation_id: UUID
    doses_per_vial: int
    freeze_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Vials to stop: where they are and whose they are."""

    account: Account
    holder_id: UUID
    facility_id: UUID
    batch_id: UUID

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.holder_id, self.batch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The episode that is being judged, and when."""

    episode: Episode
    limit: Limit
    harm: Harm
    now: datetime


def hold_for_episode(db: Session, principal: Principal, episode_id: UUID, *, now: datetime) -> NewlyHeld:
    """Stop what the episode may have harmed; availability falls in the same transaction.

    Does nothing for advisories, for episodes that have not met their limit, are void, or went on in
    another. A hold that a person has decided about stays as decided.
    """
    # Two workers with the same news take turns; the second finds everything held.
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"), {"key": str(episode_id)})
    found = db.execute(
        select(Episode, Limit).join(Limit, Limit.id == Episode.limit_id).where(Episode.id == episode_id)
    ).one_or_none()
    if found is None:
        return NewlyHeld(episode_id=episode_id)
    episode, limit = found
    harm = harm_of(limit.quantity, limit.operator, limit.severity)
    if harm is None or episode.alarmed_at is None or episode.void_at is not None or episode.merged_into is not None:
        return NewlyHeld(episode_id=episode_id)
    case = _Case(episode=episode, limit=limit, harm=harm, now=now)
    return _stop(db, principal, case, _locked_spots(db, case))


def hold_entering(db: Session, principal: Principal, event_id: UUID, *, now: datetime) -> list[NewlyHeld]:
    """Stop what a stock event brought to a place whose alarm goes on, or moved before a hold knew of it.

    Three ways in: an alarmed episode covers the instant of the event at a place of its entries (stock that
    enters, and stock whose stay there is recorded late); or the event happened before a hold on its batch
    was placed (vials had left for somewhere the hold did not look); or it moved held vials on (to another
    fridge, off the road), and the hold must be found where they are, else nobody could lift it.
    """
    return [hold_for_episode(db, principal, one, now=now) for one in _episodes_touched(db, event_id)]


def _episodes_touched(db: Session, event_id: UUID) -> list[UUID]:
    entered = (
        select(Episode.id)
        .join(
            StockEntry,
            or_(StockEntry.holder_id == Episode.equipment_id, StockEntry.holder_id == Episode.shipment_id),
        )
        .where(
            StockEntry.event_id == event_id,
            Episode.severity == Severity.ALARM,
            Episode.alarmed_at.is_not(None),
            Episode.void_at.is_(None),
            Episode.merged_into.is_(None),
            or_(Episode.ended_at.is_(None), Episode.ended_at >= StockEntry.occurred_at),
        )
    )
    missed = (
        select(Hold.episode_id)
        .join(StockEntry, StockEntry.batch_id == Hold.batch_id)
        .where(StockEntry.event_id == event_id, StockEntry.occurred_at <= Hold.placed_at)
    )
    carried = (
        select(Hold.episode_id)
        .join(StockEntry, and_(StockEntry.batch_id == Hold.batch_id, StockEntry.holder_id == Hold.holder_id))
        .join(StockEvent, StockEvent.id == StockEntry.event_id)
        .where(
            StockEntry.event_id == event_id,
            StockEntry.status == Status.HELD,
            StockEntry.vials < 0,
            StockEvent.kind != Kind.STATUS,
            Hold.state == HoldState.HELD,
        )
    )
    return sorted(set(db.scalars(entered.union(missed, carried))))


# Vials would have to change place between look and lock this often in a row.
_LOOKS = 10


def _locked_spots(db: Session, case: _Case) -> list[_Spot]:
    """Where the harmed vials are, with every pool they lie in locked so that they cannot move meanwhile.

    Which pools to lock is known only after a look, and more locks on top of those held could meet another
    transaction's order. So when vials moved in between, the locks are given back (savepoint) and all taken anew.
    """
    goods, spots = _spots(db, case)
    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        locked = _anchors(goods, spots)
        lock_anchors(db.connection(), locked)
        goods, spots = _spots(db, case)
        if _anchors(goods, spots) <= locked:
            savepoint.commit()
            return spots
        savepoint.rollback()
    raise MovedMeanwhile(episode=str(case.episode.id))


def _anchors(goods: dict[UUID, _Goods], spots: Sequence[_Spot]) -> set[Anchor]:
    owners = {(spot.facility_id, spot.batch_id) for spot in spots}
    owners |= {(spot.holder_id, spot.batch_id) for spot in spots if spot.account is Account.TRANSIT}
    return {(owner, goods[batch_id].presentation_id) for owner, batch_id in owners}


def _spots(db: Session, case: _Case) -> tuple[dict[UUID, _Goods], list[_Spot]]:
    episode = case.episode
    origin, account = _origin(episode)
    until = episode.ended_at or case.now
    batches = {stay.batch_id for stay in lots_present(db, origin, episode.started_at, until, account=account)}
    goods = _goods(db, batches)
    places: list[Whereabouts] = []
    for batch_id in sorted(batches):
        if stops(case.harm, freeze_sensitive=goods[batch_id].freeze_sensitive):
            places += descendants_of(db, origin, batch_id, episode.started_at, episode.ended_at, account=account)
    senders = _senders(db, {place.holder_id for place in places if place.account is Account.TRANSIT})
    spots = [
        _Spot(
            account=place.account,
            holder_id=place.holder_id,
            facility_id=place.facility_id or senders[place.holder_id],
            batch_id=place.batch_id,
        )
        for place in places
    ]
    return goods, spots


def _origin(episode: Episode) -> tuple[UUID, Account]:
    if episode.equipment_id is not None:
        return episode.equipment_id, Account.PLACE
    if episode.shipment_id is not None:
        return episode.shipment_id, Account.TRANSIT
    raise ValueError(f"episode {episode.id} hangs on no place")


def _goods(db: Session, batches: Iterable[UUID]) -> dict[UUID, _Goods]:
    rows = db.execute(
        select(
            Batch.id,
            Presentation.id.label("presentation_id"),
            Presentation.doses_per_vial,
            StorageClass.freeze_sensitive,
        )
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(StorageClass, StorageClass.id == Presentation.storage_class_id)
        .where(Batch.id.in_(list(batches)))
    )
    return {
        row.id: _Goods(
            presentation_id=row.presentation_id,
            doses_per_vial=row.doses_per_vial,
            freeze_sensitive=row.freeze_sensitive,
        )
        for row in rows
    }


def _senders(db: Session, shipments: set[UUID]) -> dict[UUID, UUID]:
    if not shipments:
        return {}
    rows = db.execute(
        select(StockEvent.shipment_id, StockEvent.facility_id).where(
            StockEvent.shipment_id.in_(shipments), StockEvent.kind == Kind.DISPATCH
        )
    )
    return {row.shipment_id: row.facility_id for row in rows}


def _stop(db: Session, principal: Principal, case: _Case, spots: Sequence[_Spot]) -> NewlyHeld:
    episode = case.episode
    known = {
        (hold.holder_id, hold.batch_id): hold for hold in db.scalars(select(Hold).where(Hold.episode_id == episode.id))
    }
    open_spots = [spot for spot in spots if _undecided(db, spot, known)]
    # What the ledger tells of a facility names the hold's event there as its cause; that one is written last.
    told_as = {facility_id: uuid7() for facility_id in sorted({spot.facility_id for spot in open_spots})}
    vials = _change_to_held(db, principal, case, open_spots, told_as)
    evidence = _evidence(db, case)
    for spot in open_spots:
        _write_hold(db, case, spot, vials[spot.key], evidence, known=known.get(spot.key))
    db.flush()
    stopped = [spot for spot in open_spots if vials[spot.key]]
    doses = {batch_id: one.doses_per_vial for batch_id, one in _goods(db, {s.batch_id for s in stopped}).items()}
    _tell(db, case, stopped, vials, doses, told_as)
    return NewlyHeld(
        episode_id=episode.id,
        vials=sum(vials.values()),
        doses=sum(vials[spot.key] * doses[spot.batch_id] for spot in stopped),
        batches=tuple(sorted({spot.batch_id for spot in stopped})),
        facilities=tuple(sorted({spot.facility_id for spot in stopped})),
    )


def _change_to_held(
    db: Session, principal: Principal, case: _Case, spots: Sequence[_Spot], told_as: dict[UUID, UUID]
) -> dict[tuple[UUID, UUID], int]:
    """One status change a facility; returns the vials it moved by (holder, batch)."""
    vials: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for facility_id, event_id in told_as.items():
        lines = tuple(
            StatusLine(
                batch_id=spot.batch_id,
                holder_id=spot.holder_id,
                from_status=Status.USABLE,
                to_status=Status.HELD,
                account=spot.account,
            )
            for spot in spots
            if spot.facility_id == facility_id
        )
        change = StatusChange(
            id=uuid7(), facility_id=facility_id, lines=lines, cause=case.episode.id, reason=f"hold:{case.episode.rule}"
        )
        with causing(db, event_id):
            changed = change_status(db, principal, change, now=case.now)
        for line in changed.lines:
            vials[line.holder_id, line.batch_id] += line.vials or 0
    return vials


def _undecided(db: Session, spot: _Spot, known: dict[tuple[UUID, UUID], Hold]) -> bool:
    """Whether this episode may still stop vials of this batch here.

    A person who released the batch has judged the vials that were exposed: where they go afterwards is not
    this episode's matter any more. What lay elsewhere before that judgement still is.
    """
    mine = known.get(spot.key)
    if mine is not None:
        return mine.state is HoldState.HELD
    decisions = [
        hold.decided_at for (_, batch_id), hold in known.items() if batch_id == spot.batch_id and hold.decided_at
    ]
    if not decisions:
        return True
    first = min(decisions)
    stays = lots_present(db, spot.holder_id, first, first, account=spot.account)
    return any(stay.batch_id == spot.batch_id for stay in stays)


def _write_hold(
    db: Session, case: _Case, spot: _Spot, vials: int, evidence: dict[str, Any], *, known: Hold | None
) -> None:
    if known is not None:
        known.vials += vials
        known.evidence = evidence
        known.alarm_id = case.episode.alarm_id
    # Without new vials a hold is written only where another episode has stopped everything already:
    # this one must be lifted too before the vials are free.
    # NewlyHeld vials that no hold covers came here from where one does: it follows them.
    elif vials or _held_there(db, spot) or (vials := _held_vials(db, spot)):
        db.add(
            Hold(
                id=uuid7(),
                episode_id=case.episode.id,
                alarm_id=case.episode.alarm_id,
                harm=case.harm,
                account=spot.account,
                holder_id=spot.holder_id,
                facility_id=spot.facility_id,
                batch_id=spot.batch_id,
                vials=vials,
                placed_at=case.now,
                evidence=evidence,
                state=HoldState.HELD,
            )
        )


def _held_there(db: Session, spot: _Spot) -> bool:
    other = select(Hold.id).where(
        Hold.holder_id == spot.holder_id, Hold.batch_id == spot.batch_id, Hold.state == HoldState.HELD
    )
    return db.scalar(other.limit(1)) is not None


def _held_vials(db: Session, spot: _Spot) -> int:
    vials = db.scalar(
        select(func.sum(StockBalance.vials)).where(
            StockBalance.holder_id == spot.holder_id,
            StockBalance.batch_id == spot.batch_id,
            StockBalance.status == Status.HELD,
        )
    )
    return int(vials or 0)


def _evidence(db: Session, case: _Case) -> dict[str, Any]:
    """What was measured, by which device, against which limit: enough to judge without looking further."""
    episode, limit = case.episode, case.limit
    device = db.execute(
        select(Device.code, Channel.name)
        .join(Channel, Channel.device_id == Device.id)
        .where(Channel.id == episode.channel_id)
    ).one()
    equipment = db.scalar(select(Equipment.code).where(Equipment.id == episode.equipment_id))
    return {
        "rule": episode.rule,
        "limit": {
            "operator": limit.operator.value,
            "value_c": limit.value,
            "duration_s": limit.duration_s,
            "mode": limit.mode.value,
        },
        "device": device.code,
        "channel": device.name,
        "channel_id": episode.channel_id,
        "equipment": equipment,
        "started_at": episode.started_at.isoformat(),
        "alarmed_at": episode.alarmed_at.isoformat() if episode.alarmed_at else None,
        "ended_at": episode.ended_at.isoformat() if episode.ended_at else None,
        "peak_c": episode.peak,
        "exposed_minutes": round(episode.exposed_s / 60, 1),
        "known_minutes": round(episode.known_s / 60, 1),
        "readings": f"/api/v1/sensors/{episode.channel_id}/readings?from={episode.started_at.isoformat()}",
        "known_at": case.now.isoformat(),
    }


def _tell(
    db: Session,
    case: _Case,
    stopped: Sequence[_Spot],
    vials: dict[tuple[UUID, UUID], int],
    doses: dict[UUID, int],
    told_as: dict[UUID, UUID],
) -> None:
    """One event a facility, with what was stopped there."""
    episode = case.episode
    for facility_id in sorted({spot.facility_id for spot in stopped}):
        mine = [spot for spot in stopped if spot.facility_id == facility_id]
        told = StockHeld(
            alarm_id=episode.alarm_id,
            episode_id=episode.id,
            rule=episode.rule,
            equipment_id=episode.equipment_id,
            facility_id=facility_id,
            batch_ids=tuple(sorted({spot.batch_id for spot in mine})),
            vials=sum(vials[spot.key] for spot in mine),
            doses=sum(vials[spot.key] * doses[spot.batch_id] for spot in mine),
        )
        append(
            db,
            told,
            unit_id=facility_id,
            subject=episode.alarm_id or episode.id,
            occurred_at=episode.alarmed_at or case.now,
            now=case.now,
            event_id=told_as[facility_id],
        )
