"""HTTP of this room: holds, releases, and the closing of alarms."""

from __future__ import annotations

from uuid import UUID

from tracker.access.rules import Permission
from tracker.catalog.queries import batch_by_ref
from tracker.coldchain.models import Alarm
from tracker.coldchain.queries import alarms_visible_to
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.hop import Router
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.network.queries import facility_by_code_or_id
from tracker.passport.models import Hold
from tracker.passport.presenting import closed_out, hold_out, passport_out
from tracker.passport.queries.holds import holds_visible_to
from tracker.passport.queries.passport import passport_of
from tracker.passport.rules.harm import HoldState
from tracker.passport.schemas import ClosedOut, CloseIn, DecisionIn, HoldOut, PassportOut
from tracker.passport.service.closing import close_alarm
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, Decision
from tracker.passport.service.releasing import release_hold

router = Router(prefix="/api/v1", tags=["passport"])


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
        present=hold_out,
        descending=True,
    )


@router.post("/holds/{hold_id}/release", operation_id="release_hold")
def release(hold_id: UUID, body: DecisionIn, *, db: Db, caller: Caller, now: Now) -> HoldOut:
    """Free held vials: a person's act with a reason; after freezing with a shake test or an override."""
    decision = Decision(reason=body.reason, shake_test=body.shake_test, override=body.override)
    release_hold(db, caller, hold_id, decision, now=now)
    return hold_out(db.execute(holds_visible_to(caller).where(Hold.id == hold_id)).one())


@router.post("/alarms/{alarm_id}/close", operation_id="close_alarm")
def close(alarm_id: UUID, body: CloseIn, *, db: Db, caller: Caller, now: Now) -> ClosedOut:
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
    return closed_out(alarm, holds)


@router.get("/batches/{batch:path}/passport", operation_id="read_passport")
def read_passport(batch: str, facility: str, db: Db, caller: Caller, now: Now) -> PassportOut:
    """What a batch was exposed to on its road to one facility: stays, minutes outside, MKT, VVM life, holds."""
    place = facility_by_code_or_id(db, caller, facility, Permission.STOCK_READ)
    return passport_out(db, caller, passport_of(db, batch_by_ref(db, batch), place, now=now))
