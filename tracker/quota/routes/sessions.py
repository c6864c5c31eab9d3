"""Sessions: planning, changing, ending, and what is left in their vials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now
from tracker.edge.paging import Cursor, Limit, Page, page_of
from tracker.edge.values import Day
from tracker.edge.versions import Versioned, shows, versioned
from tracker.network.queries import facility_by_code_or_id, path_of
from tracker.quota.errors import SessionNotFound
from tracker.quota.models import Booking, SessionChange, VaccinationSession
from tracker.quota.presenting import bucket_of, change_out, copies_out, leftovers_out, session_out, untold_out
from tracker.quota.queries import lists
from tracker.quota.queries.untold import untold, untold_of
from tracker.quota.routes.router import router
from tracker.quota.schemas import (
    LeftoversOut,
    ReasonIn,
    SessionChangeIn,
    SessionChangeOut,
    SessionCopiesOut,
    SessionCopyIn,
    SessionIn,
    SessionOut,
    UntoldOut,
)
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, CopySessions, PlanSession
from tracker.quota.service.copying import copy_sessions
from tracker.quota.service.ending import cancel_session, close_session, reopen_session
from tracker.quota.service.leftovers import leftovers, throw_leftovers_away
from tracker.quota.service.seating import lock_sessions
from tracker.quota.service.sessions import plan_session, session_for

Ref = Annotated[str | None, Query(max_length=64, description="Id or code.")]
AGAIN: dict[int | str, dict[str, Any]] = {200: {"description": "The same again."}}


@router.get("/sessions")
def list_sessions(
    db: Db,
    caller: Caller,
    *,
    facility: Ref = None,
    from_: Annotated[Day | None, Query(alias="from", description="Inclusive.")] = None,
    to: Annotated[Day | None, Query(description="Inclusive.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SessionOut]:
    """Sessions of the caller's subtree, by day."""
    query = lists.sessions_visible_to(caller)
    if facility is not None:
        query = query.where(VaccinationSession.facility_id == facility_by_code_or_id(db, caller, facility).id)
    if from_ is not None:
        query = query.where(VaccinationSession.day >= from_)
    if to is not None:
        query = query.where(VaccinationSession.day <= to)
    page = page_of(
        db,
        query,
        keys=[VaccinationSession.day, VaccinationSession.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].day, row[0].id],
        present=lambda row: row,
    )
    buckets = lists.buckets_by_session(db, [row[0].id for row in page.items])
    return Page(items=[session_out(row, buckets[row[0].id]) for row in page.items], next_cursor=page.next_cursor)


@router.post("/sessions", status_code=201, responses=AGAIN)
def add_session(body: SessionIn, db: Db, caller: Caller, now: Now, response: Response) -> SessionOut:
    """Plan a session; the same again answers the first with 200."""
    command = PlanSession(
        id=body.id,
        facility=body.facility,
        day=body.date,
        opens=body.opens,
        closes=body.closes,
        presentation=body.presentation,
        doses=tuple(body.doses),
        capacity=body.capacity,
        buckets=tuple(map(bucket_of, body.buckets)),
        place=body.place,
        areas=tuple(body.areas),
    )
    session_id, fresh = plan_session(db, caller, command, now=now)
    response.status_code = 201 if fresh else 200
    return one_session(db, caller, session_id)


@router.post("/sessions/copies", status_code=201)
def copy(body: SessionCopyIn, db: Db, caller: Caller, now: Now) -> SessionCopiesOut:
    """Plan sessions again some weeks later, all or none; asked for again, the first copies are answered."""
    command = CopySessions(sessions=tuple(body.sessions), weeks=body.weeks)
    return copies_out(copy_sessions(db, caller, command, now=now))


def changeable(shown: SessionOut) -> object:
    """What somebody changes of a session; who books changes the rest."""
    buckets = [(one.kind, one.places, one.release_at) for one in shown.buckets]
    return {
        **shown.model_dump(include={"opens", "closes", "capacity", "place", "state", "cancelled"}),
        "buckets": buckets,
    }


def _lock(db: Session, caller: Principal, values: Mapping[str, Any]) -> object:
    session_for(db, caller, values["session_id"], Permission.SESSION_WRITE)
    return lock_sessions(db, [values["session_id"]])


@router.get("/sessions/{session_id}")
@shows(changeable)
def read_session(session_id: UUID, db: Db, caller: Caller) -> SessionOut:
    """One session."""
    return one_session(db, caller, session_id)


@router.patch("/sessions/{session_id}")
@shows(changeable)
@versioned(Versioned(read=read_session, lock=_lock, part=changeable))
def change(session_id: UUID, body: SessionChangeIn, *, db: Db, caller: Caller, now: Now) -> SessionOut:
    """Change hours, capacity, shares or place; who keeps a place at other hours is told, for whom none is left is offered another."""
    command = ChangeSession(
        session_id=session_id,
        reason=body.reason,
        opens=body.opens,
        closes=body.closes,
        capacity=body.capacity,
        place=body.place,
        buckets=None if body.buckets is None else tuple(map(bucket_of, body.buckets)),
    )
    return one_session(db, caller, change_session(db, caller, command, now=now).id)


@router.post("/sessions/{session_id}/cancel")
def cancel(session_id: UUID, body: ReasonIn, *, db: Db, caller: Caller, now: Now) -> SessionOut:
    """The session does not take place: everybody booked is offered another place and told."""
    return one_session(db, caller, cancel_session(db, caller, session_id, body.reason, now=now).id)


@router.post("/sessions/{session_id}/reopen")
def reopen(session_id: UUID, body: ReasonIn, *, db: Db, caller: Caller, now: Now) -> SessionOut:
    """It was closed or cancelled by mistake; who gave way and waits is offered a place in it again."""
    return one_session(db, caller, reopen_session(db, caller, session_id, body.reason, now=now).id)


@router.post("/sessions/{session_id}/close")
def close(session_id: UUID, *, db: Db, caller: Caller, now: Now) -> SessionOut:
    """Close a session: who has not come by its end is a no-show; before its end they are offered another place."""
    return one_session(db, caller, close_session(db, caller, session_id, now=now).id)


@router.get("/sessions/{session_id}/changes")
def list_changes(
    session_id: UUID, db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None
) -> Page[SessionChangeOut]:
    """How a session stood before each change, the earliest first, with who changed it and why."""
    one_session(db, caller, session_id)
    return page_of(
        db,
        lists.session_changes_visible_to(caller).where(SessionChange.session_id == session_id),
        keys=[SessionChange.recorded_at, SessionChange.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=change_out,
    )


@router.get("/sessions/{session_id}/untold")
def list_untold(
    session_id: UUID, db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None
) -> Page[UntoldOut]:
    """Who keeps a place and was not reached by the hours the session has now, the earliest booking first."""
    session = session_for(db, caller, session_id, Permission.BOOKING_READ)
    path = path_of(db, session.facility_id)
    return page_of(
        db,
        untold_of(session),
        keys=[Booking.made_at, Booking.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row.made_at, row.id],
        present=lambda row: untold_out(untold(caller, path, row)),
    )


@router.get("/sessions/{session_id}/leftovers")
def read_leftovers(session_id: UUID, db: Db, caller: Caller, now: Now) -> LeftoversOut:
    """Doses in opened vials that are of no more use to the session: proposed as waste."""
    session = session_for(db, caller, session_id, Permission.QUOTA_READ)
    return leftovers_out(leftovers(db, session, now))


@router.post("/sessions/{session_id}/leftovers/waste")
def waste_leftovers(session_id: UUID, *, db: Db, caller: Caller, now: Now) -> LeftoversOut:
    """Record what is proposed as thrown away, and answer what is left."""
    throw_leftovers_away(db, caller, session_id, now=now)
    session = session_for(db, caller, session_id, Permission.QUOTA_READ)
    return leftovers_out(leftovers(db, session, now))


def one_session(db: Session, caller: Principal, session_id: UUID) -> SessionOut:
    row = db.execute(lists.sessions_visible_to(caller).where(VaccinationSession.id == session_id)).one_or_none()
    if row is None:
        raise SessionNotFound(session=str(session_id))
    return session_out(row, lists.buckets_by_session(db, [session_id])[session_id])
