"""Giving a dose: one entry, two books. The vial's doses and the booking change in one transaction."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.catalog.models import Batch
from tracker.kit.days import local_day
from tracker.kit.ids import uuid7
from tracker.quota.errors import NoVial, SessionClosed
from tracker.quota.events import DoseGiven
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.queries.loads import session_loads
from tracker.quota.rules.need import Load, vials_for
from tracker.quota.rules.words import BookingState, SessionState
from tracker.quota.service.claims import give_back_and_fund, make_claim
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.moving import check_step, locked_booking
from tracker.quota.service.pools import PoolFacts, lock_pool, needed_by_day, pool_facts
from tracker.quota.service.seating import move
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.stock.errors import OpenVialNotFound
from tracker.stock.models import OpenVial
from tracker.stock.queries.availability import need_by_day
from tracker.stock.queries.stock import parcels_at
from tracker.stock.rules.fefo import pick
from tracker.stock.service.commands import GiveDoses, OpenForSession
from tracker.stock.service.opening import give_doses, open_for_session
from tracker.stock.service.posting import checked_time


def vaccinate(db: Session, principal: Principal, command: Vaccinate, *, now: datetime) -> Booking:
    """Book a dose as given, opening a vial where none is open; the same again changes nothing.

    Raises BookingNotFound, Forbidden, BadStep, ReservationLapsed, SessionClosed, NoVial, OpenVialNotFound (a named
    vial of another facility or product), TooFarAhead, TooOld, and what the stock room refuses of a named vial. Never fails for lack of
    a further dose.
    """
    booking, session, bucket = locked_booking(db, principal, command.booking_id)
    if booking.state is BookingState.VACCINATED:
        return booking
    if session.state is SessionState.CLOSED:
        raise SessionClosed(session=str(session.id))
    check_step(booking, BookingState.VACCINATED, now)
    at = checked_time(command.occurred_at or now, now)
    pool = pool_facts(db, session.facility_id, session.presentation_id, now)
    lock_pool(db, pool)
    if command.open_vial_id is None:
        vial_id = _open_vial(db, pool, session, now)
    else:
        vial_id = _named_vial(db, pool, command.open_vial_id)
    if vial_id is None:
        vial_id = _open(db, principal, pool, session, at=at, now=now)
    vial = give_doses(db, principal, GiveDoses(open_vial_id=vial_id, occurred_at=at), now=now)
    booking.vaccinated_at = at
    booking.open_vial_id = vial.id
    booking.batch_id = vial.batch_id
    booking.expires_at = None
    if session.state is SessionState.PLANNED:
        session.state = SessionState.OPEN
    move(booking, session, bucket, BookingState.VACCINATED, now)
    given_on = local_day(at, pool.timezone)
    give_back_and_fund(db, pool, now, {session.day})
    make_claim(db, pool, booking, given_on, now)
    told = DoseGiven(**facts_of(session, booking), batch_id=vial.batch_id, open_vial_id=vial.id)
    tell_booking(db, told, now)
    db.flush()
    return booking


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


# The session's own vials first; then such as were opened for nobody in particular, for a session that is
# over, or, where vials keep for days, for another session: doses promised to other people are left to them.
_FIND = text(
    """
    SELECT v.id FROM open_vial v
    JOIN batch b ON b.id = v.batch_id
    LEFT JOIN vaccination_session s ON s.id = v.session_id
    WHERE v.facility_id = :facility AND b.presentation_id = :presentation AND v.closed_at IS NULL
      AND v.status = 'usable' AND v.remaining > 0 AND v.discard_by > :now AND b.expiry >= :today
      AND (v.session_id = :session OR v.session_id IS NULL OR s.id IS NULL OR s.state = 'closed' OR s.day < :today
           OR (:whole_day AND s.day = :day))
    ORDER BY (v.session_id = :session) DESC NULLS LAST, v.discard_by, v.id
    LIMIT 1
    """
)


def _open_vial(db: Session, pool: PoolFacts, session: VaccinationSession, now: datetime) -> UUID | None:
    found: UUID | None = db.scalar(
        _FIND,
        {
            "facility": pool.facility_id,
            "presentation": pool.presentation_id,
            "session": session.id,
            "now": now,
            "today": pool.today,
            "day": session.day,
            "whole_day": pool.whole_day,
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
        need=_served(db, pool, session, now),
    )
    return open_for_session(db, principal, command, now=now)[0]


def _served(db: Session, pool: PoolFacts, session: VaccinationSession, now: datetime) -> dict[date, int]:
    """Vials fewer needed on the session's day once one more is open for it."""
    day = session.day
    noted = need_by_day(db, pool.facility_id, pool.presentation_id).get(day, 0)
    wanted = needed_by_day(db, pool, now, {day})[day]
    loads = [each for each in session_loads(db, {pool.key}, now, {day}) if each.session_id == session.id]
    mine = loads[0].load if loads else Load(0)
    per_vial = pool.doses_per_vial
    if pool.whole_day:
        spared = 1 if wanted else 0
    else:
        spared = vials_for(mine.persons, mine.open_doses, per_vial) - vials_for(
            mine.persons, mine.open_doses + per_vial, per_vial
        )
    fewer = max(0, min(noted, noted - (wanted - spared)))
    return {day: fewer} if fewer else {}
