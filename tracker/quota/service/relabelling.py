"""A correction of the lot with the people who had doses of it: what they were given names the right lot from then on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.quota.events import DoseGiven, DoseTakenBack
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.service.claims import give_back_and_fund
from tracker.quota.service.pools import PoolFacts, lock_pool, pool_facts, pools_beside
from tracker.quota.service.seating import lock_sessions
from tracker.quota.service.steps import write_step
from tracker.quota.service.telling import facts_of, tell_booking
from tracker.stock.errors import OtherContent
from tracker.stock.models import LotCorrection, OpenVial
from tracker.stock.service.commands import CorrectLot
from tracker.stock.service.relabelling import Foreseen, Meant, foresee, meant_by, write_correction
from tracker.stock.service.telling import tell_open_doses_fell

# After so many looks in a row, each of which found doses given meanwhile in other sessions, what is locked is taken.
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Corrected:
    """The correction; `fresh` is False on a repeat."""

    correction: LotCorrection
    fresh: bool


def foresee_correction(db: Session, principal: Principal, command: CorrectLot) -> tuple[Meant, Foreseen]:
    """What the correction would change, before it is confirmed; raises what `correct_lot` raises."""
    meant = meant_by(db, principal, command)
    return meant, foresee(db, meant, command.vials)


def correct_lot(db: Session, principal: Principal, command: CorrectLot, *, now: datetime) -> Corrected:
    """The wrong lot was written of what an event brought: the right one is told of it and of all that became of it.

    What was told stays, beside the correction; bookings keep a step with the lot they named. The same again answers the
    first. Raises OtherContent, EventNotFound, Forbidden, BatchNotFound, LotAmbiguous, OtherProduct, SameLot, TooFewOfLot,
    LotsMixed, SentOn, CountedSince, PackedVials, HistoryNegative.
    """
    first = _first_answer(db, principal, command)
    if first is not None:
        return first
    meant = meant_by(db, principal, command)
    pool = pool_facts(db, meant.event.facility_id, meant.wrong.presentation_id, now)
    sessions = _locked_sessions(db, pool, meant)
    first = _first_answer(db, principal, command)
    if first is not None:
        return first
    foreseen = foresee(db, meant, command.vials)
    given = _given(db, [vial.id for vial in foreseen.opened])
    for booking in given:
        write_step(db, principal, booking, booking.state, command.reason, now)
    made = write_correction(db, principal, meant, foreseen, command, now=now)
    for booking in given:
        session = sessions.get(booking.session_id) or db.get_one(VaccinationSession, booking.session_id)
        name_right_lot(db, booking, session, meant, now)
    db.flush()
    # Opened vials may be stopped now, or no more: what they bear of the day is another number.
    for each in pools_beside(db, pool):
        give_back_and_fund(db, each, now, None)
    if foreseen.opened:
        tell_open_doses_fell(
            db,
            facility_id=pool.facility_id,
            presentation_id=pool.presentation_id,
            occurred_at=meant.event.occurred_at,
            now=now,
        )
    return Corrected(made, True)


def name_right_lot(db: Session, booking: Booking, session: VaccinationSession, meant: Meant, now: datetime) -> None:
    """Let a dose that was given name the lot that it was; the feed hears it taken back and given."""
    if booking.open_vial_id is None:
        return
    facts, vial_id = facts_of(session, booking), booking.open_vial_id
    tell_booking(db, DoseTakenBack(**facts, batch_id=meant.wrong.id, open_vial_id=vial_id), now)
    booking.batch_id = meant.right.id
    tell_booking(db, DoseGiven(**facts, batch_id=meant.right.id, open_vial_id=vial_id), now)


def _first_answer(db: Session, principal: Principal, command: CorrectLot) -> Corrected | None:
    made = db.get(LotCorrection, command.id, populate_existing=True)
    if made is None:
        return None
    if (made.account_id, made.content) != (principal.account_id, command.words()):
        raise OtherContent(id=str(command.id))
    return Corrected(made, False)


def _locked_sessions(db: Session, pool: PoolFacts, meant: Meant) -> dict[UUID, VaccinationSession]:
    """The sessions of all doses given here of the wrong lot, then the pool, locked: in the house's order."""
    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        locked = lock_sessions(db, _sessions(db, meant))
        lock_pool(db, pool)
        if _sessions(db, meant) <= locked.keys():
            savepoint.commit()
            return locked
        savepoint.rollback()
    locked = lock_sessions(db, _sessions(db, meant))
    lock_pool(db, pool)
    return locked


def _sessions(db: Session, meant: Meant) -> set[UUID]:
    return set(
        db.scalars(
            select(Booking.session_id)
            .join(OpenVial, OpenVial.id == Booking.open_vial_id)
            .where(OpenVial.facility_id == meant.event.facility_id, OpenVial.batch_id == meant.wrong.id)
        )
    )


def _given(db: Session, vial_ids: Collection[UUID]) -> list[Booking]:
    return list(
        db.scalars(
            select(Booking)
            .where(Booking.open_vial_id.in_(vial_ids), Booking.vaccinated_at.is_not(None))
            .order_by(Booking.id)
            .execution_options(populate_existing=True)
        )
    )
