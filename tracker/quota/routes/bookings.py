"""The quota, bookings and what they become at the desk, claims and displacements."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, NoReturn
from uuid import UUID

from fastapi import Header, Query, Request, Response
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.database.turns import Wanted
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import enters_in_line, first_wants, once_undone
from tracker.edge.paging import MOST, Cursor, Limit, Page, page_of
from tracker.edge.tags import has_it, tag_of
from tracker.edge.values import Day
from tracker.feed.queries import last_position
from tracker.kit.days import earliest_day
from tracker.network.queries import facility_by_code_or_id
from tracker.people.routes import new_person
from tracker.people.service import read_person
from tracker.people.vault import NikVault
from tracker.quota.errors import BadPeriod, BookingNotFound, Exhausted
from tracker.quota.models import Booking, BookingStep, Bucket, Claim, Displacement, VaccinationSession
from tracker.quota.presenting import (
    booking_out,
    claim_out,
    displaced_out,
    history_out,
    quota_item_out,
    step_out,
)
from tracker.quota.queries import lists
from tracker.quota.queries.history import appointments_of, dues_of
from tracker.quota.queries.nearby import with_alternatives
from tracker.quota.queries.quota import QuotaAsked, quota_of, sessions_asked
from tracker.quota.routes.router import router
from tracker.quota.rules.last_booking import AT_THE_DESK
from tracker.quota.rules.words import BookingState
from tracker.quota.schemas import (
    ArriveIn,
    BookingIn,
    BookingOut,
    BookingStepOut,
    ChangeDayIn,
    ClaimOut,
    CorrectDoseIn,
    DisplacedOut,
    HistoryOut,
    MergeIn,
    QuotaItemOut,
    ScreenIn,
    TakeBackIn,
    VaccinateIn,
    WalkInIn,
)
from tracker.quota.service.arriving import arrive_at
from tracker.quota.service.booking import book
from tracker.quota.service.commands import (
    ArriveAt,
    Book,
    ChangeDay,
    CorrectDose,
    MergePersons,
    MoveBooking,
    TakeBack,
    Vaccinate,
    WalkIn,
)
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.quota.service.merging import merge_persons
from tracker.quota.service.moving import move_booking
from tracker.quota.service.rebooking import change_day
from tracker.quota.service.told import tell_of_desk
from tracker.quota.service.vaccinating import vaccinate
from tracker.quota.service.walking_in import walk_in

Ref = Annotated[str | None, Query(max_length=64, description="Id or code.")]
_LONGEST = timedelta(days=92)
USUAL_SESSIONS = 100
_AGAIN: dict[int | str, dict[str, Any]] = {200: {"description": "The same again."}}


_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing of it has changed since `If-None-Match`."}}


@router.get("/quota", response_model=Page[QuotaItemOut], responses=_UNCHANGED)
def quota(
    db: Db,
    caller: Caller,
    now: Now,
    response: Response,
    *,
    facility: Ref = None,
    area: Annotated[str | None, Query(max_length=64, description="Unit code or area code.")] = None,
    product: Annotated[str | None, Query(max_length=64, description="Presentation or vaccine.")] = None,
    from_: Annotated[
        Day | None, Query(alias="from", description="Inclusive; each place's today when left out.")
    ] = None,
    to: Annotated[Day | None, Query(description="Inclusive; a fortnight after `from` when left out.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=MOST, description="Sessions per page; the items of one are never parted.")
    ] = USUAL_SESSIONS,
    cursor: Cursor = None,
    if_none_match: Annotated[
        str | None, Header(max_length=1000, description="`ETag` of the same question before.")
    ] = None,
) -> Page[QuotaItemOut] | Response:
    """What may still be promised, by session, dose and bucket. `available` in persons; one pool is never summed.

    The next sessions first; where `next_cursor` is not null there are more. `ETag` is that of the numbers, whatever `as_of` says.
    `Rantai-Position` is a place in the feed: whatever these numbers do not know yet comes behind it (`GET /api/v1/feed?after=`).
    """
    # Read before the numbers: what is committed between the two is told again, and nothing is left out.
    position = last_position(db)
    if to is not None and not timedelta(0) <= to - (from_ or earliest_day(now)) <= _LONGEST:
        raise BadPeriod(field="to")
    asked = QuotaAsked(from_day=from_, to_day=to, facility=facility, area=area, product=product)
    page = page_of(
        db,
        sessions_asked(db, caller, asked, now),
        keys=[VaccinationSession.day, VaccinationSession.opens_at, VaccinationSession.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].day, row[0].opens_at, row[0].id],
        present=lambda row: row,
    )
    items = quota_of(db, page.items, now=now)
    found: Page[QuotaItemOut] = Page(items=[quota_item_out(item) for item in items], next_cursor=page.next_cursor)
    tag = tag_of(found.model_dump_json(exclude={"items": {"__all__": {"as_of"}}}).encode(), weak=True)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Rantai-Position": str(position)}
    if has_it(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found


@router.get("/bookings")
def list_bookings(
    db: Db,
    caller: Caller,
    *,
    session: UUID | None = None,
    state: BookingState | None = None,
    facility: Annotated[str | None, Query(max_length=64, description="Id or code.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BookingOut]:
    """Bookings of the caller's subtree, the newest first."""
    query = lists.bookings_visible_to(caller)
    if session is not None:
        query = query.where(Booking.session_id == session)
    if state is not None:
        query = query.where(Booking.state == state)
    if facility is not None:
        place = facility_by_code_or_id(db, caller, facility, Permission.BOOKING_READ)
        query = query.where(VaccinationSession.facility_id == place.id)
    return page_of(
        db,
        query,
        keys=[Booking.made_at, Booking.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].made_at, row[0].id],
        present=booking_out,
        descending=True,
    )


def _elsewhere(refused: Exhausted, *, request: Request, db: Session, now: datetime, **_: object) -> NoReturn:
    state = request.app.state
    raise with_alternatives(db, refused, now=now, lately=state.lately if state.line.is_rush else None)


@router.post("/bookings", status_code=201, responses=_AGAIN)
@enters_in_line(lambda values: values["body"].medium not in AT_THE_DESK)
@first_wants(lambda values: (Wanted.SESSION, (values["body"].session,)))
@once_undone(Exhausted, _elsewhere)
def add_booking(
    *, body: BookingIn, request: Request, db: Db, caller: Caller, now: Now, response: Response
) -> BookingOut:
    """Reserve a place for ten minutes; 409 `quota.exhausted` names the nearest alternatives.

    In a rush who does not stand at the desk enters in order: 429 `api.in_line` says how many are before them, and when to send the
    same again with its `place` in the header `Rantai-Place`.
    """
    del request  # a refusal asks it whether there is a rush
    command = Book(
        id=body.id,
        person_id=body.person,
        session_id=body.session,
        dose=body.dose,
        medium=body.medium,
        override=body.override,
    )
    done = book(db, caller, command, now=now)
    response.status_code = 201 if done.fresh else 200
    return _out(db, done.booking)


@router.get("/bookings/{booking_id}")
def read_booking(booking_id: UUID, db: Db, caller: Caller) -> BookingOut:
    """One booking."""
    row = db.execute(lists.bookings_visible_to(caller).where(Booking.id == booking_id)).one_or_none()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    return booking_out(row)


@router.post("/bookings/{booking_id}/confirm")
def confirm(booking_id: UUID, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """Confirm a reservation, or take an offer."""
    return _moved(db, caller, MoveBooking(booking_id=booking_id, state=BookingState.CONFIRMED), now)


@router.post("/bookings/{booking_id}/cancel")
def cancel(booking_id: UUID, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """Give a place back."""
    return _moved(db, caller, MoveBooking(booking_id=booking_id, state=BookingState.CANCELLED), now)


@router.post("/bookings/{booking_id}/change-day", operation_id="change_day_of_booking")
@once_undone(Exhausted, _elsewhere)
def change(booking_id: UUID, body: ChangeDayIn, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """Another session of the same vaccine, confirmed there; where it has no place, the booking stays where it was."""
    command = ChangeDay(booking_id=booking_id, session_id=body.session)
    return _out(db, change_day(db, caller, command, now=now))


@router.post("/bookings/{booking_id}/arrive")
def arrive(booking_id: UUID, *, db: Db, caller: Caller, now: Now, body: ArriveIn | None = None) -> BookingOut:
    """The person is there; from now on nobody takes their dose. With `session`: there, wherever it was booked."""
    told = body or ArriveIn()
    if told.session is None:
        command = MoveBooking(booking_id=booking_id, state=BookingState.ARRIVED)
        return _moved(db, caller, command, now, occurred_at=told.occurred_at)
    here = ArriveAt(
        booking_id=booking_id,
        session_id=told.session,
        record=told.occurred_at is not None,
        occurred_at=told.occurred_at,
    )
    return _out(db, arrive_at(db, caller, here, now=now))


@router.post("/sessions/{session_id}/walk-ins", operation_id="walk_in")
@first_wants(lambda values: (Wanted.SESSION, (values["session_id"],)))
@once_undone(Exhausted, _elsewhere)
def add_walk_in(session_id: UUID, body: WalkInIn, *, db: Db, caller: Caller, now: Now, shared: Shared) -> BookingOut:
    """Somebody came without a place: found by their number or registered, given a place here, and arrived."""
    command = WalkIn(
        id=body.id,
        session_id=session_id,
        person=new_person(db, caller, body.person),
        dose=body.dose,
        override=body.override,
        occurred_at=body.occurred_at,
    )
    return _out(db, walk_in(db, caller, command, vault=NikVault.of(shared.settings), now=now))


@router.post("/bookings/{booking_id}/screen")
def screen(booking_id: UUID, body: ScreenIn, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """What screening said: fit, deferred (until a day, where one is known) or refused."""
    command = MoveBooking(booking_id=booking_id, state=BookingState(body.result), note=body.note, until=body.until)
    return _moved(db, caller, command, now, occurred_at=body.occurred_at)


@router.post("/bookings/{booking_id}/vaccinate")
def give_dose(
    booking_id: UUID,
    *,
    db: Db,
    caller: Caller,
    now: Now,
    body: VaccinateIn | None = None,
) -> BookingOut:
    """A dose was given, from the vial named, from the session's open ones, or from one opened for it."""
    told = body or VaccinateIn()
    command = Vaccinate(
        booking_id=booking_id,
        occurred_at=told.occurred_at,
        open_vial_id=told.open_vial,
        override=told.override,
        extra=told.extra,
    )
    return _out(db, vaccinate(db, caller, command, now=now))


@router.post("/bookings/{booking_id}/take-back")
def undo(booking_id: UUID, body: TakeBackIn, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """Bring a booking back from a state reached by mistake, with the reason; a dose goes back into its vial."""
    command = TakeBack(booking_id=booking_id, state=BookingState(body.state), reason=body.reason)
    return _out(db, take_back(db, caller, command, now=now))


@router.post("/bookings/{booking_id}/correct-dose")
def correct(booking_id: UUID, body: CorrectDoseIn, *, db: Db, caller: Caller, now: Now) -> BookingOut:
    """Set the instant or the vial of a dose right, with the reason; what stood before stays visible in its steps."""
    command = CorrectDose(
        booking_id=booking_id, reason=body.reason, occurred_at=body.occurred_at, open_vial_id=body.open_vial
    )
    return _out(db, correct_dose(db, caller, command, now=now))


@router.get("/bookings/{booking_id}/steps")
def list_steps(
    booking_id: UUID, db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None
) -> Page[BookingStepOut]:
    """What was told at the desk of one booking, the earliest first: every version of it."""
    read_booking(booking_id, db, caller)
    return page_of(
        db,
        lists.steps_visible_to(caller).where(BookingStep.booking_id == booking_id),
        keys=[BookingStep.recorded_at, BookingStep.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].recorded_at, row[0].id],
        present=step_out,
    )


@router.get("/claims")
def list_claims(db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None) -> Page[ClaimOut]:
    """Claims for further doses, by due day."""
    return page_of(
        db,
        lists.claims_visible_to(caller),
        keys=[Claim.due_day, Claim.id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].due_day, row[0].id],
        present=claim_out,
    )


@router.get("/persons/{person_id}/history", operation_id="read_person_history")
def read_history(person_id: UUID, db: Db, caller: Caller, now: Now) -> HistoryOut:
    """Doses a person was given wherever, bookings that stand and what is due; that it was read is kept."""
    person = read_person(db, caller, person_id, now=now)
    return history_out(person.id, appointments_of(db, person.id), dues_of(db, person.id))


@router.post("/persons/{person_id}/merge", operation_id="merge_persons")
def merge(person_id: UUID, body: MergeIn, db: Db, caller: Caller, now: Now, shared: Shared) -> HistoryOut:
    """Make another record part of this person: bookings, doses and claims of both are one person's then."""
    vault = NikVault.of(shared.settings)
    command = MergePersons(person_id=person_id, duplicate_id=body.duplicate, reason=body.reason)
    person = merge_persons(db, caller, command, vault=vault, now=now)
    return history_out(person.id, appointments_of(db, person.id), dues_of(db, person.id))


@router.get("/displacements")
def list_displacements(db: Db, caller: Caller, *, limit: Limit = 50, cursor: Cursor = None) -> Page[DisplacedOut]:
    """Bookings that had to give way, the newest first, and what was offered instead."""
    return page_of(
        db,
        lists.displacements_visible_to(caller),
        keys=[Displacement.displaced_at, Displacement.booking_id],
        limit=limit,
        cursor=cursor,
        key_of=lambda row: [row[0].displaced_at, row[0].booking_id],
        present=displaced_out,
        descending=True,
    )


def _moved(
    db: Session, caller: Principal, command: MoveBooking, now: Now, *, occurred_at: datetime | None = None
) -> BookingOut:
    if occurred_at is not None:
        return _out(db, tell_of_desk(db, caller, command, occurred_at, now=now))
    return _out(db, move_booking(db, caller, command, now=now))


def _out(db: Session, booking: Booking) -> BookingOut:
    return booking_out((booking, db.get_one(Bucket, booking.bucket_id)))
