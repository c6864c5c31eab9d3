"""Where the vials are that an episode may have harmed, with everything locked that they lie in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch, Presentation, StorageClass
from tracker.coldchain.models import Episode, Limit
from tracker.passport.errors import MovedMeanwhile
from tracker.passport.models import Hold
from tracker.passport.rules.harm import Harm, HoldState, stops
from tracker.stock.models import StockEvent
from tracker.stock.queries.following import Start, struck_now
from tracker.stock.queries.tracing import lots_present
from tracker.stock.rules.harmed import Stopping
from tracker.stock.rules.tracing import Holder
from tracker.stock.rules.words import Account, Kind
from tracker.stock.service.reading import Anchor, lock_anchors


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The episode that is being judged, and when."""

    episode: Episode
    limit: Limit
    harm: Harm
    now: datetime
    since: datetime | None = None  # when its hold acted first; None: it does now
    only: frozenset[UUID] | None = None  # the batches an event concerns; None: all that lay there
    known_to: int = 0  # the feed's last number before the look


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Vials that may be harmed: where they are, whose they are, and which of them are to be stopped."""

    account: Account
    holder_id: UUID
    facility_id: UUID
    batch_id: UUID
    doses_per_vial: int
    stoppings: tuple[Stopping, ...]

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.holder_id, self.batch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What a batch is, as far as a hold asks."""

    presentation_id: UUID
    doses_per_vial: int
    freeze_sensitive: bool


# After so many looks in a row, each of which found vials moved since the one before, the hold gives up for now.
_LOOKS = 10


def locked_spots(db: Session, cases: Sequence[Case], locked: Collection[Anchor]) -> dict[UUID, list[Spot]]:
    """Where the harmed vials of each episode are, with every pool locked that they lie in so that they cannot move meanwhile.

    Which pools to lock is known only after a look, so there are two: one to find the pools, one under their locks.
    Further locks on top of those held could meet another transaction's order; so when vials moved between the looks
    to a pool that is not locked, the locks are given back (savepoint) and all are taken anew. What a batch is does
    not change and is read once. Where all are `locked` already one look will do. Raises MovedMeanwhile.
    """
    goods: dict[UUID, Goods] = {}
    spots = _look(db, cases, goods)
    if _anchors(goods, spots).issubset(locked):
        return spots
    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        wanted = _anchors(goods, spots)
        lock_anchors(db.connection(), wanted)
        spots = _look(db, cases, goods)
        if _anchors(goods, spots) <= wanted:
            savepoint.commit()
            return spots
        savepoint.rollback()
    raise MovedMeanwhile(episode=str(cases[0].episode.id))


def _anchors(goods: dict[UUID, Goods], found: Mapping[UUID, Sequence[Spot]]) -> set[Anchor]:
    spots = [spot for each in found.values() for spot in each]
    owners = {(spot.facility_id, spot.batch_id) for spot in spots}
    owners |= {(spot.holder_id, spot.batch_id) for spot in spots if spot.account is Account.TRANSIT}
    return {(owner, goods[batch_id].presentation_id) for owner, batch_id in owners}


def _look(db: Session, cases: Sequence[Case], goods: dict[UUID, Goods]) -> dict[UUID, list[Spot]]:
    """Where the harmed vials are now; adds to `goods` what is not yet known of their batches."""
    batches = {case.episode.id: _lots(db, case) for case in cases}
    unknown = {one for each in batches.values() for one in each} - goods.keys()
    if unknown:
        goods |= _goods(db, unknown)
    released = _released(db, [case.episode.id for case in cases if case.since is not None])
    starts = []
    for case in cases:
        episode = case.episode
        origin, account = _origin(episode)
        harmed = [one for one in batches[episode.id] if stops(case.harm, freeze_sensitive=goods[one].freeze_sensitive)]
        starts.append(
            Start(
                holder=Holder(account, origin),
                batch_ids=sorted(harmed),
                from_at=episode.started_at,
                to_at=episode.ended_at,
                since=case.since,
                released=released.get(episode.id, {}),
            )
        )
    found = struck_now(db, starts)
    senders = _senders(db, {one.at.holder_id for each in found for one in each if one.at.account is Account.TRANSIT})
    return {
        case.episode.id: [
            Spot(
                account=one.at.account,
                holder_id=one.at.holder_id,
                facility_id=one.at.facility_id or senders[one.at.holder_id],
                batch_id=one.at.batch_id,
                doses_per_vial=goods[one.at.batch_id].doses_per_vial,
                stoppings=one.stoppings,
            )
            for one in each
        ]
        for case, each in zip(cases, found, strict=True)
    }


def _lots(db: Session, case: Case) -> Collection[UUID]:
    """The lots that may have been there meanwhile."""
    if case.only is not None:
        return case.only
    origin, account = _origin(case.episode)
    stays = lots_present(db, origin, case.episode.started_at, case.episode.ended_at or case.now, account=account)
    return {stay.batch_id for stay in stays}


def _released(db: Session, episodes: Collection[UUID]) -> dict[UUID, dict[tuple[Holder, UUID], datetime]]:
    found: dict[UUID, dict[tuple[Holder, UUID], datetime]] = defaultdict(dict)
    if episodes:
        query = select(Hold.episode_id, Hold.account, Hold.holder_id, Hold.batch_id, Hold.decided_at)
        for row in db.execute(query.where(Hold.episode_id.in_(episodes), Hold.state == HoldState.RELEASED)):
            found[row.episode_id][Holder(row.account, row.holder_id), row.batch_id] = row.decided_at
    return found


def _origin(episode: Episode) -> tuple[UUID, Account]:
    if episode.equipment_id is not None:
        return episode.equipment_id, Account.PLACE
    if episode.shipment_id is not None:
        return episode.shipment_id, Account.TRANSIT
    raise ValueError(f"episode {episode.id} hangs on no place")


def _goods(db: Session, batches: Collection[UUID]) -> dict[UUID, Goods]:
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
        row.id: Goods(
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
