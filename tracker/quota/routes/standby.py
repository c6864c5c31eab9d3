"""The standby list of a session: asking to be called, the draw, and what each said."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Limit
from tracker.quota.presenting import call_list_out, standby_out
from tracker.quota.routes.router import router
from tracker.quota.service.commands import AskStandby, NoteCall
from tracker.quota.service.sessions import session_for
from tracker.quota.service.standby import ask_standby, call_list, draw_standby, end_standby, note_call
from tracker.quota.standby_schemas import CallIn, CallListOut, StandbyIn, StandbyOut


@router.get("/sessions/{session_id}/standby", operation_id="read_standby")
def read_standby(session_id: UUID, db: Db, caller: Caller, limit: Limit = 50) -> CallListOut:
    """Whom to call when doses are left, the first ones of the order that was drawn; before the draw nobody."""
    return _list(db, caller, session_id, limit)


@router.post("/sessions/{session_id}/standby", operation_id="ask_standby")
def add_standby(session_id: UUID, body: StandbyIn, db: Db, caller: Caller, now: Now) -> StandbyOut:
    """Somebody wants to be called when doses of this vaccine are left there; who is on the list stays on it."""
    command = AskStandby(id=body.id, session_id=session_id, person_id=body.person, dose=body.dose)
    return standby_out(ask_standby(db, caller, command, now=now))


@router.post("/sessions/{session_id}/standby/draw", operation_id="draw_standby")
def draw(session_id: UUID, db: Db, caller: Caller, now: Now) -> CallListOut:
    """Draw the order, once; its seed is answered, so anybody can reckon the order again."""
    draw_standby(db, caller, session_id, now=now)
    return _list(db, caller, session_id, 50)


@router.post("/sessions/{session_id}/standby/{standby_id}/call", operation_id="note_standby_call")
def add_call(session_id: UUID, standby_id: UUID, body: CallIn, db: Db, caller: Caller, now: Now) -> CallListOut:
    """What somebody said who was called."""
    note_call(db, caller, NoteCall(session_id=session_id, standby_id=standby_id, said=body.said), now=now)
    return _list(db, caller, session_id, 50)


@router.post("/sessions/{session_id}/standby/{standby_id}/end", operation_id="end_standby", status_code=204)
def end(session_id: UUID, standby_id: UUID, db: Db, caller: Caller, now: Now) -> None:
    """Somebody wants to be called no more."""
    end_standby(db, caller, session_id, standby_id, now=now)


def _list(db: Session, caller: Principal, session_id: UUID, limit: int) -> CallListOut:
    session = session_for(db, caller, session_id, Permission.BOOKING_SERVE)
    return call_list_out(call_list(db, session), limit)
