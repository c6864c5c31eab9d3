"""A person frees or discards held vials; data alone never does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation, StorageClass
from tracker.feed.service import append, causing
from tracker.kit.ids import uuid7
from tracker.passport.errors import HoldDecided, HoldNotFound, ReasonMissing, ShakeTestNeeded
from tracker.passport.events import HoldDiscarded, HoldReleased
from tracker.passport.models import Hold
from tracker.passport.rules.harm import HoldState, may_release
from tracker.passport.service.commands import Decision
from tracker.stock.rules.words import Account, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import StatusChange, StatusLine
from tracker.stock.service.reading import lock_anchors
from tracker.stock.service.stopping import end_keep


def release_hold(db: Session, principal: Principal, hold_id: UUID, decision: Decision, *, now: datetime) -> Hold:
    """Free the vials of one hold; they stay held while another hold covers them.

    Raises HoldNotFound, Forbidden, HoldDecided, ReasonMissing, ShakeTestNeeded.
    """
    hold = _hold_for_update(db, principal, hold_id)
    if not decision.reason.strip():
        raise ReasonMissing(field="reason")
    if hold.state is not HoldState.HELD:
        if (
            hold.state is HoldState.RELEASED
            and hold.decided_by == principal.account_id
            and hold.reason == decision.reason
        ):
            return hold
        raise HoldDecided(name=hold.decided_name)
    valid = db.scalars(
        select(StorageClass.shake_test_valid)
        .join(Presentation, Presentation.storage_class_id == StorageClass.id)
        .join(Batch, Batch.presentation_id == Presentation.id)
        .where(Batch.id == hold.batch_id)
    ).one()
    if decision.override:
        principal.require(Permission.HOLD_OVERRIDE, _path(db, hold))
    allowed = may_release(hold.harm, shake_test=decision.shake_test, shake_test_valid=valid, override=decision.override)
    if not allowed:
        raise ShakeTestNeeded(field="shake_test")
    decide(db, principal, hold, decision, state=HoldState.RELEASED, now=now)
    return hold


def discard_hold(db: Session, principal: Principal, hold_id: UUID, decision: Decision, *, now: datetime) -> Hold:
    """Make the vials unusable for good; they leave the place by a destruction. Raises as `release_hold`."""
    hold = _hold_for_update(db, principal, hold_id)
    if not decision.reason.strip():
        raise ReasonMissing(field="reason")
    if hold.state is not HoldState.HELD:
        raise HoldDecided(name=hold.decided_name)
    decide(db, principal, hold, decision, state=HoldState.DISCARDED, now=now)
    return hold


def _hold_for_update(db: Session, principal: Principal, hold_id: UUID) -> Hold:
    """The hold, with its pool locked first (the house's order: stock's anchors before this room's row is read)."""
    row = db.execute(
        select(Unit.path)
        .join(Hold, Hold.facility_id == Unit.id)
        .where(Hold.id == hold_id, visible_to(principal, Unit.path, Permission.ALARM_READ))
    ).one_or_none()
    if row is None:
        raise HoldNotFound(hold=str(hold_id))
    principal.require(Permission.HOLD_RELEASE, row.path)
    lock_pool_of(db, hold_id)
    return db.scalars(select(Hold).where(Hold.id == hold_id).with_for_update()).one()


def lock_pool_of(db: Session, hold_id: UUID) -> None:
    """Lock the pool a hold's vials lie in; before the hold's own row, as everywhere."""
    row = db.execute(
        select(Hold.facility_id, Hold.account, Hold.holder_id, Batch.presentation_id)
        .join(Batch, Batch.id == Hold.batch_id)
        .where(Hold.id == hold_id)
    ).one()
    anchors = {(row.facility_id, row.presentation_id)}
    if row.account is Account.TRANSIT:
        anchors.add((row.holder_id, row.presentation_id))
    lock_anchors(db.connection(), anchors)


def _path(db: Session, hold: Hold) -> str:
    return db.scalars(select(Unit.path).where(Unit.id == hold.facility_id)).one()


def decide(
    db: Session, principal: Principal, hold: Hold, decision: Decision, *, state: HoldState, now: datetime
) -> None:
    """Write a decision about a hold and let its vials follow; whether it may be made is the caller's question."""
    hold.state = state
    hold.decided_at = now
    hold.decided_by = principal.account_id
    hold.decided_name = principal.name
    hold.reason = decision.reason
    hold.shake_test = decision.shake_test
    hold.override = decision.override
    db.flush()
    end_keep(db, hold.id)
    moved, told_as = 0, uuid7()
    # A discard is final whatever else holds the vials; a release waits for the last hold.
    if state is HoldState.DISCARDED or not _held_by_another(db, hold):
        to_status = Status.USABLE if state is HoldState.RELEASED else Status.UNUSABLE
        line = StatusLine(
            batch_id=hold.batch_id,
            holder_id=hold.holder_id,
            from_status=Status.HELD,
            to_status=to_status,
            account=hold.account,
        )
        change = StatusChange(
            id=uuid7(), facility_id=hold.facility_id, lines=(line,), cause=hold.id, reason=f"{state.value}:hold"
        )
        # The right to release was checked above; moving the vials is the system's part of it.
        acting = Principal(account_id=principal.account_id, name=principal.name, is_system=True)
        with causing(db, told_as):
            moved = change_status(db, acting, change, now=now).vials
    news = HoldReleased if state is HoldState.RELEASED else HoldDiscarded
    told = news(
        hold_id=hold.id,
        alarm_id=hold.alarm_id,
        batch_id=hold.batch_id,
        facility_id=hold.facility_id,
        vials=moved,
    )
    append(db, told, unit_id=hold.facility_id, subject=hold.id, occurred_at=now, now=now, event_id=told_as)


def _held_by_another(db: Session, hold: Hold) -> bool:
    other = select(Hold.id).where(
        Hold.holder_id == hold.holder_id,
        Hold.batch_id == hold.batch_id,
        Hold.state == HoldState.HELD,
        Hold.id != hold.id,
    )
    return db.scalar(other.limit(1)) is not None
