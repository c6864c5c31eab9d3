"""Giving a dose: one entry, two books. The vial's doses and the booking change in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.kit.clock import AHEAD
from tracker.kit.days import local_day
from tracker.people.models import Person
from tracker.quota.errors import DoseDiffers
from tracker.quota.events import DoseGiven
from tracker.quota.models import Booking, BookingStep, VaccinationSession
from tracker.quota.rules.schedule import Why
from tracker.quota.rules.words import SEATED, BookingState, SessionState
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.claims import claim_of, give_back_and_fund, make_claim, use_claim
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.dosing import Dose, check_came, check_day, end_others, lock_dose, lock_pools
from tracker.quota.service.pools import PoolFacts, pool_facts, pool_of
from tracker.quota.service.seating import make_room, move
from tracker.quota.service.steps import write_step
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.quota.service.vials import emptied_vial, vial_for_dose, vials_named
from tracker.stock.models import OpenVial
from tracker.stock.service.amending import give_extra_dose
from tracker.stock.service.commands import GiveDoses
from tracker.stock.service.opening import give_doses
from tracker.stock.service.posting import checked_time


def vaccinate(db: Session, principal: Principal, command: Vaccinate, *, now: datetime) -> Booking:
    """Book a dose as given, opening a vial where none was open then; the same again changes nothing.

    A dose given before the booking came into its state (displaced, lapsed, closed) is recorded as it happened. Raises
    BookingNotFound, Forbidden, NoVial, OpenVialNotFound (a named vial of another facility or product), TooFarAhead, TooOld,
    what the stock room refuses of a named vial, and, unless somebody says why: BadStep, OtherDay, DoseGiven, NotDue,
    DoseNotForeseen. What says another instant, vial or reason than was ever recorded raises DoseDiffers. Never fails for lack of a further dose.
    """
    dose = lock_dose(db, principal, command.booking_id)
    booking, session = dose.booking, dose.session
    if booking.state is BookingState.VACCINATED:
        return _repeated(db, booking, command)
    at = checked_time(command.occurred_at or now, now)
    pool = pool_of(db, session, now)
    given_on = local_day(at, pool.timezone)
    if command.override is None:
        check_came(booking, at)
        check_day(session, at, given_on)
        person = db.get_one(Person, booking.person_id)
        judgement = judged(db, person, session, booking.dose, given_on, now=now, but=booking.id)
        # Where the schedule was set aside when they were given the place, that word stands; nobody has a dose twice for it.
        if booking.override is None or judgement.why is Why.GIVEN:
            check_due(judgement, person, booking.dose)
    lock_pools(db, dose, pool)
    write_step(db, principal, booking, BookingState.VACCINATED, command.override, now)
    end_others(db, dose, pool, now)
    give(db, principal, dose, pool, command, at=at, now=now)
    return booking


def _repeated(db: Session, booking: Booking, command: Vaccinate) -> Booking:
    """The booking as it stands where the same was told before, set right since or not; raises DoseDiffers."""
    steps = db.scalars(select(BookingStep).where(BookingStep.booking_id == booking.id)).all()
    told = [(booking.vaccinated_at, booking.open_vial_id)]
    told += [
        (datetime.fromisoformat(was["vaccinated_at"]), UUID(was["open_vial"]))
        for was in (step.before for step in steps)
        if was and "vaccinated_at" in was
    ]
    doses = [step for step in steps if step.to_state is BookingState.VACCINATED]
    recorded = {step.recorded_at for step in doses}
    said, named = command.occurred_at, vials_named(db, command.open_vial_id)
    why = {None, booking.override, *(step.reason for step in doses)}
    if command.override not in why or not any(
        # A clock ahead of ours was taken for now when it was first told.
        (said in {None, at} or (at in recorded and at < said <= at + AHEAD))
        and (named is None or vial in named or command.extra is not None)
        for at, vial in told
    ):
        raise DoseDiffers(given_at=cast("datetime", booking.vaccinated_at).isoformat())
    return booking


def give(
    db: Session, principal: Principal, dose: Dose, pool: PoolFacts, command: Vaccinate, *, at: datetime, now: datetime
) -> None:
    """The vial's book and the booking's, under the locks of both."""
    booking, session = dose.booking, dose.session
    vial = _take(db, principal, pool, session, command, at=at, now=now)
    given_on = local_day(at, pool.timezone)
    booking.vaccinated_at = at
    booking.late = session.state is SessionState.CLOSED or given_on < pool.today
    booking.override = command.override or booking.override
    booking.open_vial_id = vial.id
    booking.batch_id = vial.batch_id
    booking.expires_at = None
    if session.state is SessionState.PLANNED:
        session.state = SessionState.OPEN
    if booking.state not in SEATED:
        make_room(session, dose.bucket)
    move(booking, session, dose.bucket, BookingState.VACCINATED, now)
    claim = claim_of(db, booking.person_id, booking.vaccine_id, booking.dose)
    if claim is not None:
        use_claim(db, claim, booking)
        give_back_and_fund(db, pool_facts(db, claim.facility_id, claim.presentation_id, now), now, {claim.due_day})
    give_back_and_fund(db, pool, now, {session.day})
    make_claim(db, pool, booking, given_on, now)
    told = DoseGiven(**facts_of(session, booking), batch_id=vial.batch_id, open_vial_id=vial.id)
    tell_booking(db, told, now)
    db.flush()


def _take(
    db: Session,
    principal: Principal,
    pool: PoolFacts,
    session: VaccinationSession,
    command: Vaccinate,
    *,
    at: datetime,
    now: datetime,
) -> OpenVial:
    """One dose out of the vial named, of an open one, of one opened for it, or more than a vial should have held."""
    if command.extra is not None:
        vial_id = emptied_vial(db, pool, session, command.open_vial_id, at)
        return give_extra_dose(db, principal, vial_id, command.extra, occurred_at=at, now=now)
    chosen = vial_for_dose(db, principal, pool, session, command.open_vial_id, at=at, now=now)
    return give_doses(db, principal, GiveDoses(open_vial_id=chosen, occurred_at=at), now=now)
