"""A lot that was registered twice: all that was told of one spelling, wherever it was, is told again of the other.

As a lot correction does it at one facility (`relabelling`): each thing at its own place in time, the right lot from the
earliest on, then the wrong one taken back from the latest on, the road between facilities included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.catalog.models import Batch
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.stock.models import (
    LotCorrection,
    OpenVial,
    StockAnchor,
    StockBalance,
    StockCount,
    StockEntry,
    StockEvent,
    StockStop,
)
from tracker.stock.rules.relabel import Told, taken_back, told_of
from tracker.stock.rules.words import Account, JoinHindrance, Status
from tracker.stock.service.reading import lock_anchors, read_facts
from tracker.stock.service.relabelling import (
    Meant,
    follow_opened,
    tell_right,
    usable_of,
    write_told,
    written_of,
)
from tracker.stock.service.telling import tell_available


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is told again of a lot at one facility, and the opened vials that follow."""

    meant: Meant
    made: LotCorrection
    told: Sequence[Told]
    opened: Sequence[OpenVial]
    usable: dict[UUID, int]


def lock_product(db: Session, presentation_id: UUID) -> None:
    """Every pool and road of a product there is: nobody records anything of its lots meanwhile."""
    db.flush()
    owners = db.scalars(select(StockAnchor.owner_id).where(StockAnchor.presentation_id == presentation_id))
    lock_anchors(db, {(owner, presentation_id) for owner in owners})


def hindrance(db: Session, one: Batch, into: Batch) -> tuple[JoinHindrance, str] | None:
    """What stands in the way of telling all of `one` again of `into`, and at which facility (its code)."""
    if one.expiry != into.expiry:
        return JoinHindrance.EXPIRY, ""
    reversal = aliased(StockEvent)
    lay = (
        select(StockEntry.facility_id, func.min(StockEntry.occurred_at).label("since"))
        .where(StockEntry.batch_id == one.id)
        .group_by(StockEntry.facility_id)
        .subquery()
    )
    counted = db.scalar(
        select(Facility.code)
        .join(Equipment, Equipment.facility_id == Facility.id)
        .join(StockCount, StockCount.holder_id == Equipment.id)
        .join(lay, lay.c.facility_id == Facility.id)
        .outerjoin(reversal, reversal.reverses_id == StockCount.event_id)
        .where(StockCount.batch_id.in_((one.id, into.id)), StockCount.occurred_at >= lay.c.since, reversal.id.is_(None))
        .order_by(Facility.code)
        .limit(1)
    )
    if counted is not None:
        return JoinHindrance.COUNTED, counted
    packed = db.scalar(
        select(Facility.code)
        .join(StockBalance, StockBalance.facility_id == Facility.id)
        .where(StockBalance.batch_id == one.id, StockBalance.packed > 0)
        .order_by(Facility.code)
        .limit(1)
    )
    if packed is not None:
        return JoinHindrance.PACKED, packed
    road = select(StockBalance.holder_id).where(
        StockBalance.batch_id == one.id, StockBalance.account == Account.TRANSIT, StockBalance.vials > 0
    )
    sender = db.scalar(
        select(Facility.code)
        .join(StockEvent, StockEvent.facility_id == Facility.id)
        .where(StockEvent.shipment_id.in_(road))
        .order_by(StockEvent.number)
        .limit(1)
    )
    if sender is not None:
        return JoinHindrance.ROAD, sender
    stands = select(StockStop.cause).where(StockStop.batch_id == one.id, StockStop.until.is_(None)).limit(1)
    return (JoinHindrance.RECALLED, "") if db.scalar(stands) is not None else None


def tell_all_again(
    db: Session, principal: Principal, one: Batch, into: Batch, reason: str, *, now: datetime
) -> list[Part]:
    """Write both passes everywhere, and let opened vials follow; a correction for each facility says so.

    All of the product is locked. Raises HistoryNegative (the right lot was stopped then in a way that what was told cannot
    have happened).
    """
    found = [_part(db, principal, one, into, facility_id, reason, now) for facility_id in _facilities(db, one)]
    parts = [part for part in found if part is not None]
    steps = sorted(((told.at, index) for index, part in enumerate(parts) for told in part.told))
    by_at = {(told.at, index): told for index, part in enumerate(parts) for told in part.told}
    used: dict[str, Status] = {}
    for at, index in steps:
        part, told = parts[index], by_at[at, index]
        done = tell_right(db, principal, part.meant, part.made, told, {}, now, road=True)
        if done is not None and told.vial_id is not None:
            used[told.vial_id] = next(e.key.status for e in done.entries if e.account is Account.OPEN)
    for at, index in reversed(steps):
        part, told = parts[index], by_at[at, index]
        entries = taken_back(told, part.made.facility_id, road=True)
        if entries:
            write_told(db, principal, part.meant, part.made, told, entries, {}, right=False, now=now)
    db.flush()
    for part in parts:
        follow_opened(db, part.meant, part.opened, used)
        rose = {pool_id: vials - part.usable.get(pool_id, 0) for pool_id, vials in usable_of(db, part.meant).items()}
        facility_id = part.made.facility_id
        tell_available(db, facility_id, one.presentation_id, rose, occurred_at=part.told[0].at[0], now=now)
    return parts


def _facilities(db: Session, one: Batch) -> Sequence[UUID]:
    return db.scalars(select(StockEntry.facility_id).where(StockEntry.batch_id == one.id).distinct()).all()


def _part(
    db: Session, principal: Principal, one: Batch, into: Batch, facility_id: UUID, reason: str, now: datetime
) -> Part | None:
    told = told_of(written_of(db, facility_id, one.id))
    if not told:
        return None
    facts = read_facts(db.connection(), facility_id, [one.id, into.id], [None, None], [None, None])
    opened = db.scalars(
        select(OpenVial)
        .where(OpenVial.facility_id == facility_id, OpenVial.batch_id == one.id)
        .order_by(OpenVial.opened_at, OpenVial.id)
        .execution_options(populate_existing=True)
    ).all()
    entries = [entry for each in told for entry in (*each.facts, *each.acts)]
    came = sum(max(each.change, 0) for each in told)
    made = LotCorrection(
        id=uuid7(),
        facility_id=facility_id,
        event_id=told[0].beside_id,
        from_batch_id=one.id,
        to_batch_id=into.id,
        # What only went through a shipment's books here came to nobody.
        vials=came or sum(entry.vials for entry in entries if entry.vials > 0),
        on_hand=sum(entry.vials for entry in entries if entry.account is Account.PLACE),
        opened=len(opened),
        doses=sum(vial.given for vial in opened),
        reason=reason,
        content=f"joined {one.id} into {into.id}",
        account_id=principal.account_id,
        recorded_by=principal.name,
        recorded_at=now,
    )
    db.add(made)
    db.flush()
    meant = Meant(db.get_one(StockEvent, told[0].beside_id), one, into, facts)
    return Part(meant=meant, made=made, told=told, opened=opened, usable=usable_of(db, meant))
