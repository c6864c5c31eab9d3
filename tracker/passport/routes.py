"""HTTP of this room: holds, releases, and the closing of alarms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from tracker.access.rules import Permission
from tracker.coldchain.models import Alarm
from tracker.coldchain.queries import alarms_visible_to
from tracker.coldchain.routes import alarm_out
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.passport.models import Hold
from tracker.passport.queries.holds import holds_visible_to
from tracker.passport.rules.holding import HoldState
from tracker.passport.schemas import ClosedOut, CloseIn, DecisionIn, HoldOut
from tracker.passport.service.closing import BatchDisposition, CloseAlarm, close_alarm
from tracker.passport.service.releasing import Decision, release_hold

router = APIRouter(prefix="/api/v1", tags=["passport"])


@router.get("/holds", operation_id="list_holds")
def list_holds(
    db: Db,
    caller: Caller,
    state: HoldState | None = None,
    alarm: UUID | None = None,
    batch: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[HoldOut]:
    """Holds of the caller's subtree, newest first."""
    caller.require(Permission.ALARM_READ)
    return page_of(
        db,
        holds_visible_to(caller, state=state, alarm_id=alarm, batch_id=batch),
        keys=[Hold.placed_at, Hold.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.Hold.placed_at.isoformat(), row.Hold.id],
        present=_hold_out,
        descending=True,
    )


@router.post("/holds/{hold_id}/release", operation_id="release_hold")
def release(hold_id: UUID, body: DecisionIn, db: Db, caller: Caller, now: Now) -> HoldOut:
    """Free held vials: a person's act with a reason; after freezing with a shake test or an override."""
    decision = Decision(reason=body.reason, shake_test=body.shake_test, override=body.override)
    release_hold(db, caller, hold_id, decision, now=now)
    return _hold_out(db.execute(holds_visible_to(caller).where(Hold.id == hold_id)).one())


@router.post("/alarms/{alarm_id}/close", operation_id="close_alarm")
def close(alarm_id: UUID, body: CloseIn, db: Db, caller: Caller, now: Now) -> ClosedOut:
    """Close an alarm that has ended, with a disposition for every batch it holds; all or nothing."""
    dispositions = [
        BatchDisposition(
            batch_id=one.batch,
            disposition=one.disposition,
            decision=Decision(reason=one.reason, shake_test=one.shake_test, override=one.override),
        )
        for one in body.dispositions
    ]
    command = CloseAlarm(alarm_id=alarm_id, dispositions=dispositions, comment=body.comment)
    close_alarm(db, caller, command, now=now)
    alarm = db.execute(alarms_visible_to(caller).where(Alarm.id == alarm_id)).one()
    holds = db.execute(holds_visible_to(caller, alarm_id=alarm_id).order_by(Hold.placed_at, Hold.id)).all()
    return ClosedOut(alarm=alarm_out(alarm), holds=[_hold_out(row) for row in holds])


def _hold_out(row: Any) -> HoldOut:
    hold: Hold = row.Hold
    return HoldOut(
        id=hold.id,
        state=hold.state,
        harm=hold.harm,
        alarm=hold.alarm_id,
        episode=hold.episode_id,
        facility=row.facility_code,
        facility_name=row.facility_name,
        account=hold.account,
        place=row.place_code,
        batch=hold.batch_id,
        lot=row.lot,
        expiry=row.expiry,
        product=row.presentation_code,
        product_name=row.presentation_name,
        vials=hold.vials,
        doses=hold.vials * row.doses_per_vial,
        placed_at=hold.placed_at,
        evidence=hold.evidence,
        decided_at=hold.decided_at,
        decided_by=hold.decided_name,
        reason=hold.reason,
        shake_test=hold.shake_test,
        override=hold.override,
    )
