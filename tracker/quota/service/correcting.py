"""The way back from a state reached by mistake: with a reason, and both versions stay visible."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.kit.days import local_day
from tracker.people.models import Person
from tracker.quota.errors import AlreadyBooked, BadStep, CannotAwait, Exhausted
from tracker.quota.events import BookingMoved, DoseTakenBack
from tracker.quota.models import Booking, Displacement
from tracker.quota.rules.words import LIVE, SEATED, TAKEN_BACK, BookingState, OfferState, SessionState
from tracker.quota.service.asking import judged
from tracker.quota.service.booking import back
from tracker.quota.service.claims import give_back_and_fund, restore_claim, withdraw_claim
from tracker.quota.service.commands import CorrectDose, TakeBack, Vaccinate
from tracker.quota.service.dosing import Dose, end_others, in_session, lock_dose, lock_pools
from tracker.quota.service.pools import PoolFacts, pool_of, settle
from tracker.quota.service.seating import make_room, move
from tracker.quota.service.steps import keep_reason, write_step
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.quota.service.vaccinating import give
from tracker.quota.service.vials import is_inferred, judge_opening, vials_named
from tracker.stock.errors import NotAvailable
from tracker.stock.models import OpenVial
from tracker.stock.rules.vials import opened_by
from tracker.stock.service.amending import take_back_doses
from tracker.stock.service.commands import TakeBackDoses
from tracker.stock.service.posting import checked_time


def take_back(db: Session, principal: Principal, command: TakeBack, *, now: datetime) -> Booking:
    """Bring a booking from a state reached by mistake into the one that should have stood; there already changes nothing, and keeps the reason.

    A dose goes back into its vial and its claim is none; who waits again needs a place and a vial. Raises
    BookingNotFound, Forbidden, BadStep, CannotAwait (the session is closed), AlreadyBooked, Exhausted.
    """
    dose = lock_dose(db, principal, command.booking_id)
    booking, session, state = dose.booking, dose.session, command.state
    if booking.state is state:
        keep_reason(db, principal, booking, command.reason, now)
        return booking
    if state not in TAKEN_BACK.get(booking.state, frozenset()):
        raise BadStep(state=booking.state.value, to=state.value)
    awaited = state in LIVE
    if awaited and (session.state is SessionState.CLOSED or session.closes_at <= now):
        raise CannotAwait(session=str(session.id), to=state.value)
    again = awaited and booking.state not in LIVE
    if again and any(other.replaces_id != booking.id for _, other in dose.others):
        raise AlreadyBooked(person=str(booking.person_id), dose=booking.dose)
    pool = pool_of(db, session, now)
    lock_pools(db, dose, pool)
    write_step(db, principal, booking, state, command.reason, now)
    given = booking.state is BookingState.VACCINATED
    vial_id = booking.open_vial_id
    if given:
        _take_back_dose(db, principal, dose, command.reason, now)
    if again:
        # Whoever was offered another place has this one again.
        end_others(db, dose, pool, now)
        _displaced_no_more(db, booking, now)
    if state in SEATED and booking.state not in SEATED:
        _seat(dose, awaited=awaited)
    move(booking, session, dose.bucket, state, now)
    _judge_opening(db, principal, dose, pool, vial_id, now=now)
    if again:
        # A dose that was not given is in its vial again: a shortage elsewhere is no reason to leave the books wrong.
        back(db, booking, session, now, record=given)
    elif not awaited:
        restore_claim(db, booking, pool.today)
    give_back_and_fund(db, pool, now, None if given else {session.day})
    tell_booking(db, BookingMoved(**facts_of(session, booking)), now)
    db.flush()
    return booking


def correct_dose(db: Session, principal: Principal, command: CorrectDose, *, now: datetime) -> Booking:
    """A dose was given at another instant, or out of another vial, than was typed; what is left out stays. The same again changes nothing, and another reason is kept.

    A vial that was opened only after the right instant cannot stay: which it was is found as for any dose told late.
    Where the session's day or the schedule would not have it so, the reason of the correction is why they are set aside.

    Raises BookingNotFound, Forbidden, BadStep (no dose is recorded), and what giving a dose raises.
    """
    dose = lock_dose(db, principal, command.booking_id)
    booking, session = dose.booking, dose.session
    if booking.vaccinated_at is None:
        raise BadStep(state=booking.state.value, to=BookingState.VACCINATED.value)
    at = checked_time(command.occurred_at or booking.vaccinated_at, now)
    named = vials_named(db, command.open_vial_id)
    if at == booking.vaccinated_at and (named is None or booking.open_vial_id in named):
        keep_reason(db, principal, booking, command.reason, now)
        return booking
    pool = pool_of(db, session, now)
    given_on = local_day(at, pool.timezone)
    person = db.get_one(Person, booking.person_id)
    judgement = judged(db, person, session, booking.dose, given_on, now=now, but=booking.id)
    foreseen = in_session(session, at, given_on) and judgement.why is None
    lock_pools(db, dose, pool)
    write_step(db, principal, booking, BookingState.VACCINATED, command.reason, now)
    former = booking.open_vial_id
    stays = former if named is None or former in named else None
    keeps = stays is not None and (named is not None or at >= booking.vaccinated_at)
    _take_back_dose(db, principal, dose, command.reason, now)
    move(booking, session, dose.bucket, BookingState.FIT, now)
    _judge_opening(db, principal, dose, pool, former, also=at if keeps else None, now=now)
    vial_id = _vial_if_open(db, stays, at) if named is None else stays or command.open_vial_id
    override = None if foreseen or booking.override is not None else command.reason
    again = Vaccinate(booking_id=booking.id, open_vial_id=vial_id, override=override)
    give(db, principal, dose, pool, again, at=at, now=now)
    return booking


def _take_back_dose(db: Session, principal: Principal, dose: Dose, reason: str, now: datetime) -> None:
    """The dose was not given: it is in its vial again, and what it claimed is no claim."""
    booking = dose.booking
    if booking.open_vial_id is not None and booking.batch_id is not None:
        command = TakeBackDoses(open_vial_id=booking.open_vial_id, doses=1, reason=reason)
        take_back_doses(db, principal, command, now=now)
        told = DoseTakenBack(
            **facts_of(dose.session, booking), batch_id=booking.batch_id, open_vial_id=booking.open_vial_id
        )
        tell_booking(db, told, now)
    withdraw_claim(db, booking)
    booking.vaccinated_at = booking.open_vial_id = booking.batch_id = None
    booking.late = False


def _judge_opening(
    db: Session,
    principal: Principal,
    dose: Dose,
    pool: PoolFacts,
    vial_id: UUID | None,
    *,
    also: datetime | None = None,
    now: datetime,
) -> None:
    """A vial that was not opened after all serves nobody: whom it would have served need that vial, or another."""
    judge_opening(db, principal, vial_id, also=also, now=now)
    # Where it lies stopped by now they give way, as soon as somebody hears of it.
    with suppress(NotAvailable):
        settle(db, pool, now, {dose.session.day})


def _vial_if_open(db: Session, vial_id: UUID | None, at: datetime) -> UUID | None:
    """The vial, where it was open at that instant; one that the house itself opened must have been within its time, too."""
    vial = None if vial_id is None else db.get(OpenVial, vial_id, populate_existing=True)
    if vial is None or not opened_by(vial.opened_at, at) or (at >= vial.discard_by and is_inferred(db, vial)):
        return None
    return vial.id


def _displaced_no_more(db: Session, booking: Booking, now: datetime) -> None:
    if booking.state is BookingState.DISPLACED:
        db.execute(
            update(Displacement)
            .where(Displacement.booking_id == booking.id)
            .values(state=OfferState.REBOOKED, changed_at=now)
            .execution_options(synchronize_session=False)
        )


def _seat(dose: Dose, *, awaited: bool) -> None:
    """A place for who waits again, if there is one; who has been there had one."""
    session, bucket = dose.session, dose.bucket
    if not awaited:
        make_room(session, bucket)
    elif session.taken >= session.capacity:
        raise Exhausted(session=str(session.id), reason="capacity")
    elif bucket.taken >= bucket.places:
        raise Exhausted(session=str(session.id), reason="bucket")
