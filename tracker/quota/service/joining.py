"""Two lots that are one, joined with all that hangs on them: stock, opened vials, doses given, holds, labels."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.catalog.queries import batch_by_ref
from tracker.catalog.unlike import note_joined
from tracker.network.models import Facility
from tracker.passport.models import Hold
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.service.claims import give_back_and_fund
from tracker.quota.service.commands import JoinLots
from tracker.quota.service.pools import pool_facts, pools_beside
from tracker.quota.service.relabelling import name_right_lot
from tracker.quota.service.seating import lock_sessions
from tracker.quota.service.steps import write_step
from tracker.shipments.models import Shipment, ToldLine
from tracker.shipments.rules.words import ShipmentState
from tracker.stock.errors import NotJoined, OtherProduct, SameLot
from tracker.stock.models import StockKeep
from tracker.stock.rules.words import JoinHindrance
from tracker.stock.service.joining import Part, hindrance, lock_product, tell_all_again
from tracker.stock.service.telling import tell_open_doses_fell

# After so many looks in a row, each of which found doses given meanwhile in other sessions, what is locked is taken.
_LOOKS = 5


def join_lots(db: Session, principal: Principal, command: JoinLots, *, now: datetime) -> Batch:
    """Let one spelling of a lot be the other from now on, and tell all that was told of it again of that (national level).

    Its labels, and whoever names it, mean the other from then on. Both versions stay in the ledger, and in the history of
    both lots. The same again changes nothing. Raises Forbidden, BatchNotFound, LotAmbiguous, OtherProduct, SameLot,
    NotJoined, HistoryNegative, CorrectionIncomplete.
    """
    principal.require(Permission.CATALOG_WRITE)
    one, into = batch_by_ref(db, command.lot), _standing(db, batch_by_ref(db, command.into))
    if one.presentation_id != into.presentation_id:
        raise OtherProduct(field="into")
    if one.joined_into_id == into.id or (one.id == into.id and _was_joined(db, command.lot, into)):
        return into
    if one.id == into.id or one.joined_into_id is not None:
        raise SameLot(field="into")
    sessions = _locked(db, one)
    if db.scalar(select(Batch.joined_into_id).where(Batch.id == one.id)) is not None:
        return into
    _check(db, one, into)
    given = db.scalars(
        select(Booking).where(Booking.batch_id == one.id).order_by(Booking.id).execution_options(populate_existing=True)
    ).all()
    for booking in given:
        write_step(db, principal, booking, booking.state, command.reason, now)
    parts = tell_all_again(db, principal, one, into, command.reason, now=now)
    meant = {part.made.facility_id: part.meant for part in parts}
    for booking in given:
        session = sessions.get(booking.session_id) or db.get_one(VaccinationSession, booking.session_id)
        name_right_lot(db, booking, session, meant[session.facility_id], now)
        booking.batch_id = into.id
    db.flush()
    _follow_holds(db, one.id, into.id)
    note_joined(db, principal, one, into, command.reason, now=now)
    for part in parts:
        _settle(db, part, now)
    return into


def _standing(db: Session, batch: Batch) -> Batch:
    return batch if batch.joined_into_id is None else db.get_one(Batch, batch.joined_into_id)


def _was_joined(db: Session, ref: str, into: Batch) -> bool:
    lot = ref.rpartition("/")[2]
    return db.scalar(select(Batch.id).where(Batch.joined_into_id == into.id, Batch.lot == lot)) is not None


def _check(db: Session, one: Batch, into: Batch) -> None:
    found = hindrance(db, one, into)
    if found is None:
        waiting = db.scalar(
            select(Facility.code)
            .join(Shipment, Shipment.to_facility_id == Facility.id)
            .join(ToldLine, ToldLine.shipment_id == Shipment.id)
            .where(ToldLine.batch_id == one.id, Shipment.state == ShipmentState.UNCONFIRMED)
            .order_by(Facility.code)
            .limit(1)
        )
        found = None if waiting is None else (JoinHindrance.ROAD, waiting)
    if found is not None:
        raise NotJoined(field="lot", lot=one.lot, why=found[0].value, facility=found[1])


def _locked(db: Session, one: Batch) -> dict[UUID, VaccinationSession]:
    """The sessions of all doses given of the lot, then all of the product, locked: in the house's order."""

    def sessions() -> set[UUID]:
        return set(db.scalars(select(Booking.session_id).where(Booking.batch_id == one.id)))

    for _ in range(_LOOKS):
        savepoint = db.begin_nested()
        locked = lock_sessions(db, sessions())
        lock_product(db, one.presentation_id)
        if sessions() <= locked.keys():
            savepoint.commit()
            return locked
        savepoint.rollback()
    locked = lock_sessions(db, sessions())
    lock_product(db, one.presentation_id)
    return locked


def _follow_holds(db: Session, one_id: UUID, into_id: UUID) -> None:
    """A hold of the one is the other's; where that has one of the same episode there, it says the vials of both."""
    other = aliased(Hold)
    same = and_(Hold.episode_id == other.episode_id, Hold.holder_id == other.holder_id)
    db.execute(
        update(Hold)
        .where(Hold.batch_id == into_id, same, other.batch_id == one_id)
        .values(vials=Hold.vials + other.vials)
        .execution_options(synchronize_session=False)
    )
    db.execute(
        update(Hold)
        .where(Hold.batch_id == one_id, ~exists().where(same, other.batch_id == into_id))
        .values(batch_id=into_id)
        .execution_options(synchronize_session=False)
    )
    followed = StockKeep.cause.in_(select(Hold.id).where(Hold.batch_id == into_id))
    db.execute(update(StockKeep).where(StockKeep.batch_id == one_id, followed).values(batch_id=into_id))


def _settle(db: Session, part: Part, now: datetime) -> None:
    """Opened vials may be stopped now, or no more: what they bear of the day is another number."""
    facility_id, presentation_id = part.made.facility_id, part.meant.wrong.presentation_id
    for each in pools_beside(db, pool_facts(db, facility_id, presentation_id, now)):
        give_back_and_fund(db, each, now, None)
    if part.opened:
        tell_open_doses_fell(
            db, facility_id=facility_id, presentation_id=presentation_id, occurred_at=part.told[0].at[0], now=now
        )
