"""Giving a dose: one entry, two books. The vial's doses and the booking change in one transaction."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.models import Batch
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.people.models import Person
from tracker.quota.errors import NoVial
from tracker.quota.events import DoseGiven
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.loads import promised
from tracker.quota.rules.sharing import Opened
from tracker.quota.rules.words import SEATED, BookingState, SessionState
from tracker.quota.service.asking import check_due, judged
from tracker.quota.service.claims import claim_of, give_back_and_fund, make_claim, use_claim
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.dosing import Dose, check_came, check_day, end_others, lock_dose, lock_pools
from tracker.quota.service.pools import PoolFacts, needed_by_day, pool_facts
from tracker.quota.service.seating import make_room, move
from tracker.quota.service.steps import write_step
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.stock.errors import OpenVialNotFound
from tracker.stock.models import OpenVial
from tracker.stock.queries.availability import need_by_day
from tracker.stock.queries.stock import parcels_at
from tracker.stock.rules.fefo import pick
from tracker.stock.rules.vials import discard_by
from tracker.stock.service.amending import give_extra_dose
from tracker.stock.service.commands import GiveDoses, OpenForSession
from tracker.stock.service.opening import give_doses, open_for_session
from tracker.stock.service.posting import checked_time


def vaccinate(db: Session, principal: Principal, command: Vaccinate, *, now: datetime) -> Booking:
    """Book a dose as given, opening a vial where none is open; the same again changes nothing.

    A dose given before the booking came into its state (displaced, lapsed, closed) is recorded as it happened. Raises
    BookingNotFound, Forbidden, NoVial, OpenVialNotFound (a named vial of another facility or product), TooFarAhead, TooOld,
    what the stock room refuses of a named vial, and, unless somebody says why: BadStep, OtherDay, DoseGiven, NotDue,
    DoseNotForeseen. Never fails for lack of a further dose.
    """
    dose = lock_dose(db, principal, command.booking_id)
    booking, session = dose.booking, dose.session
    if booking.state is BookingState.VACCINATED:
        return booking
    at = checked_time(command.occurred_at or now, now)
    pool = pool_facts(db, session.facility_id, session.presentation_id, now)
    given_on = local_day(at, pool.timezone)
    if command.override is None:
        check_came(booking, at)
        check_day(session, at, given_on)
        person = db.get_one(Person, booking.person_id)
        check_due(judged(db, person, session, booking.dose, given_on, now=now, but=booking.id), person, booking.dose)
    lock_pools(db, dose, pool)
    write_step(db, principal, booking, BookingState.VACCINATED, command.override, now)
    end_others(db, dose, pool, now)
    give(db, principal, dose, pool, command, at=at, now=now)
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
    claim = claim_of(db, booking.person_id, booking.vaccine_id, booking.dose) if booking.dose > 1 else None
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
        vial_id = _emptied_vial(db, pool, session, command.open_vial_id, at)
        return give_extra_dose(db, principal, vial_id, command.extra, occurred_at=at, now=now)
    found = (
        _open_vial(db, pool, session, now)
        if command.open_vial_id is None
        else _named_vial(db, pool, command.open_vial_id)
    )
    chosen = found or _open(db, principal, pool, session, at=at, now=now)
    return give_doses(db, principal, GiveDoses(open_vial_id=chosen, occurred_at=at), now=now)


def _emptied_vial(db: Session, pool: PoolFacts, session: VaccinationSession, named: UUID | None, at: datetime) -> UUID:
    """The vial that gave more than it should have held: the one named, else the session's last one that is used up."""
    if named is not None:
        return _named_vial(db, pool, named)
    found = db.scalar(
        select(OpenVial.id)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            OpenVial.facility_id == pool.facility_id,
            OpenVial.session_id == session.id,
            Batch.presentation_id == pool.presentation_id,
            OpenVial.remaining == 0,
            OpenVial.discarded == 0,
            OpenVial.opened_at <= at,
            OpenVial.discard_by > at,
        )
        .order_by(OpenVial.opened_at.desc(), OpenVial.id.desc())
        .limit(1)
    )
    if found is None:
        raise NoVial(facility=str(pool.facility_id), presentation=str(pool.presentation_id))
    return found


def _named_vial(db: Session, pool: PoolFacts, open_vial_id: UUID) -> UUID:
    """The vial somebody names, which must be of this facility and of what was booked; raises OpenVialNotFound."""
    found = db.scalar(
        select(OpenVial.id)
        .join(Batch, Batch.id == OpenVial.batch_id)
        .where(
            OpenVial.id == open_vial_id,
            OpenVial.facility_id == pool.facility_id,
            Batch.presentation_id == pool.presentation_id,
        )
    )
    if found is None:
        raise OpenVialNotFound(open_vial=str(open_vial_id))
    return found


# The session's own vials first, as they are shared out; doses counted for other people are left to them.
_FIND = text(
    """
    SELECT v.id FROM open_vial v
    JOIN batch b ON b.id = v.batch_id
    WHERE v.facility_id = :facility AND b.presentation_id = :presentation AND v.closed_at IS NULL
      AND v.status = 'usable' AND v.remaining > 0 AND v.discard_by > :now AND b.expiry >= :today
      AND (v.session_id = :session OR NOT v.id = ANY(CAST(:kept AS uuid[])))
    ORDER BY (v.session_id = :session) DESC NULLS LAST, v.discard_by, v.id
    LIMIT 1
    """
)


def _open_vial(db: Session, pool: PoolFacts, session: VaccinationSession, now: datetime) -> UUID | None:
    db.flush()
    shared = promised(db, {pool.key}, now, {session.day}).shared[pool.key]
    found: UUID | None = db.scalar(
        _FIND,
        {
            "facility": pool.facility_id,
            "presentation": pool.presentation_id,
            "session": session.id,
            "now": now,
            "today": pool.today,
            "kept": list(shared.kept_from(session.id)),
        },
    )
    return found


def _open(
    db: Session, principal: Principal, pool: PoolFacts, session: VaccinationSession, *, at: datetime, now: datetime
) -> UUID:
    """Open the vial that is first to be used, and take it and the bookings it serves out of the rule together."""
    chosen = pick(parcels_at(db, *pool.key), 1, pool.today)
    if chosen.missing:
        raise NoVial(facility=str(pool.facility_id), presentation=str(pool.presentation_id))
    parcel = chosen.lines[0].parcel
    command = OpenForSession(
        id=uuid7(),
        facility_id=pool.facility_id,
        session_id=session.id,
        batch_id=parcel.batch_id,
        place_id=parcel.place_id,
        occurred_at=at,
        need=_served(db, pool, session, parcel.expiry, at=at, now=now),
    )
    return open_for_session(db, principal, command, now=now)[0]


def _served(
    db: Session, pool: PoolFacts, session: VaccinationSession, expiry: date, *, at: datetime, now: datetime
) -> dict[date, int]:
    """Vials fewer needed, by day, once one more is open for the session."""
    until = discard_by(at, pool.open_vial_hours, pool.open_vial_days, expiry, pool.timezone)
    # Of a vial whose time is over by now the dose at hand is given all the same.
    opened = Opened(
        id=session.id,
        session_id=session.id,
        doses=pool.doses_per_vial,
        discard_by=max(until, now + timedelta(seconds=1)),
    )
    noted = need_by_day(db, pool.facility_id, pool.presentation_id)
    needed = needed_by_day(db, pool, now, {session.day}, also=opened)
    return {day: noted[day] - vials for day, vials in needed.items() if noted.get(day, 0) > vials}
