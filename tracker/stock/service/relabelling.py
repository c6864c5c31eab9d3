"""A correction of the lot: the right one is told first, from the earliest, then the wrong one taken back, from the latest.

So no balance of either falls below zero on the way, and no promise falls that stands in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.catalog.queries import batch_by_ref
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.stock.errors import CountedSince, EventNotFound, HistoryNegative, OtherProduct, PackedVials, SameLot
from tracker.stock.models import (
    Availability,
    LotCorrection,
    LotCorrectionEvent,
    OpenVial,
    StockBalance,
    StockCount,
    StockEntry,
    StockEvent,
)
from tracker.stock.rules.entries import Entry, Key
from tracker.stock.rules.relabel import Told, Written, taken_back, to_tell_again, told_again, told_of
from tracker.stock.rules.vials import discard_by
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import CorrectLot
from tracker.stock.service.posting import carry_out
from tracker.stock.service.reading import Facts, read_facts
from tracker.stock.service.stopping import STOPPED
from tracker.stock.service.telling import tell_available
from tracker.stock.service.work import Work


@dataclass(frozen=True, slots=True)
class Meant:
    """What a correction is about: the event that brought the vials, and the two lots, of one product."""

    event: StockEvent
    wrong: Batch
    right: Batch
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a correction changes. `vials` came; of these `on_hand` lie there, `vials_opened` were opened, the rest is gone."""

    told: Sequence[Told]
    opened: Sequence[OpenVial]
    vials: int
    on_hand: int

    @property
    def doses(self) -> int:
        """Doses given out of those opened."""
        return sum(vial.given for vial in self.opened)


def meant_by(db: Session, principal: Principal, command: CorrectLot) -> Meant:
    """Read what the command names; raises EventNotFound, Forbidden, BatchNotFound, LotAmbiguous, OtherProduct, SameLot.

    Stopped vials are freed of what stopped the wrong lot, so who may release holds must do it.
    """
    row = db.execute(
        select(StockEvent, Unit.path)
        .join(Unit, Unit.id == StockEvent.facility_id)
        .where(StockEvent.id == command.event_id)
    ).one_or_none()
    if row is None or not principal.sees(row[1]):
        raise EventNotFound(event=str(command.event_id))
    event, path = row
    principal.require(Permission.STOCK_WRITE, path)
    wrong = batch_by_ref(db, command.wrong)
    right = batch_by_ref(db, command.right)
    if right.presentation_id != wrong.presentation_id:
        raise OtherProduct(field="right")
    if right.id == wrong.id:
        raise SameLot(field="right")
    batches = [wrong.id, right.id]
    facts = read_facts(db.connection(), event.facility_id, batches, [None, None], [None, None])
    stopped = db.scalar(
        select(func.coalesce(func.sum(StockBalance.vials), 0)).where(
            StockBalance.facility_id == event.facility_id,
            StockBalance.batch_id == wrong.id,
            StockBalance.status.in_(STOPPED),
        )
    )
    if stopped or any(stop.until is None for stop in facts.batches[wrong.id].stops):
        principal.require(Permission.HOLD_RELEASE, path)
    return Meant(event, wrong, right, facts)


def foresee(db: Session, meant: Meant, vials: int | None) -> Foreseen:
    """What the correction would change as things stand; under the pool's lock, what it will.

    Raises TooFewOfLot, LotsMixed, SentOn, CountedSince, PackedVials.
    """
    event, came = meant.event, (meant.event.occurred_at, meant.event.number)
    told = to_tell_again(told_of(written_of(db, meant.event.facility_id, meant.wrong.id)), came, vials)
    counted = _counted(db, meant)
    if counted is not None:
        raise CountedSince(at=counted.isoformat())
    packed = db.scalar(
        select(func.coalesce(func.sum(StockBalance.packed), 0)).where(
            StockBalance.facility_id == event.facility_id, StockBalance.batch_id == meant.wrong.id
        )
    )
    if packed:
        raise PackedVials(field="vials", vials=0)
    opened = db.scalars(
        select(OpenVial)
        .where(
            OpenVial.facility_id == event.facility_id,
            OpenVial.batch_id == meant.wrong.id,
            OpenVial.event_id.in_([one.beside_id for one in told]),
        )
        .order_by(OpenVial.opened_at, OpenVial.id)
        .execution_options(populate_existing=True)
    ).all()
    places = [e.vials for one in told for e in (*one.facts, *one.acts) if e.account is Account.PLACE]
    return Foreseen(told=told, opened=opened, vials=told[0].change, on_hand=sum(places))


def write_correction(
    db: Session, principal: Principal, meant: Meant, foreseen: Foreseen, command: CorrectLot, *, now: datetime
) -> LotCorrection:
    """Write both passes and let the opened vials follow. The pool is locked, and `foreseen` was read under that lock.

    Raises HistoryNegative (the right lot was stopped then in a way that what was told cannot have happened).
    """
    made = LotCorrection(
        id=command.id,
        facility_id=meant.event.facility_id,
        event_id=meant.event.id,
        from_batch_id=meant.wrong.id,
        to_batch_id=meant.right.id,
        vials=foreseen.vials,
        on_hand=foreseen.on_hand,
        opened=len(foreseen.opened),
        doses=foreseen.doses,
        reason=command.reason,
        content=command.words(),
        account_id=principal.account_id,
        recorded_by=principal.name,
        recorded_at=now,
    )
    db.add(made)
    db.flush()
    corrected = _corrected(db, [told.beside_id for told in foreseen.told])
    before = usable_of(db, meant)
    used: dict[str, Status] = {}
    for told in foreseen.told:
        done = tell_right(db, principal, meant, made, told, corrected, now)
        if done is not None and told.vial_id is not None:
            used[told.vial_id] = next(e.key.status for e in done.entries if e.account is Account.OPEN)
    for told in reversed(foreseen.told):
        entries = taken_back(told, made.facility_id)
        if entries:
            write_told(db, principal, meant, made, told, entries, corrected, right=False, now=now)
    db.flush()
    follow_opened(db, meant, foreseen.opened, used)
    rose = {pool_id: vials - before.get(pool_id, 0) for pool_id, vials in usable_of(db, meant).items()}
    tell_available(
        db, made.facility_id, meant.wrong.presentation_id, rose, occurred_at=meant.event.occurred_at, now=now
    )
    return made


def written_of(db: Session, facility_id: UUID, batch_id: UUID) -> list[Written]:
    """All that stands written of a lot at a facility."""
    own, beside = aliased(StockEvent), aliased(StockEvent)
    rows = db.execute(
        select(
            StockEntry,
            own.kind,
            own.cause,
            beside.id.label("beside_id"),
            beside.kind.label("beside_kind"),
            beside.cause.label("beside_cause"),
            beside.reference,
        )
        .join(own, own.id == StockEntry.event_id)
        .join(beside, beside.number == StockEntry.ordinal)
        .where(StockEntry.facility_id == facility_id, StockEntry.batch_id == batch_id)
        .order_by(StockEntry.occurred_at, StockEntry.ordinal, StockEntry.number, StockEntry.seq)
    )
    return [
        Written(
            at=(row.StockEntry.occurred_at, row.StockEntry.ordinal),
            beside_id=row.beside_id,
            entry=_entry(row.StockEntry),
            act=row.cause is not None or (row.kind is Kind.REVERSAL and row.beside_cause is not None),
            vial_id=row.reference if row.beside_kind is Kind.USE else None,
        )
        for row in rows
    ]


def _entry(row: StockEntry) -> Entry:
    key = Key(row.holder_id, row.batch_id, row.status)
    return Entry(row.account, key, row.vials, row.vvm_stage, row.reason)


def _counted(db: Session, meant: Meant) -> datetime | None:
    """When one of the lots was counted here since, in a count that stands."""
    reversal = aliased(StockEvent)
    return db.scalar(
        select(func.min(StockCount.occurred_at))
        .join(Equipment, Equipment.id == StockCount.holder_id)
        .outerjoin(reversal, reversal.reverses_id == StockCount.event_id)
        .where(
            Equipment.facility_id == meant.event.facility_id,
            StockCount.batch_id.in_((meant.wrong.id, meant.right.id)),
            tuple_(StockCount.occurred_at, StockCount.number) >= (meant.event.occurred_at, meant.event.number),
            reversal.id.is_(None),
        )
    )


def usable_of(db: Session, meant: Meant) -> dict[UUID, int]:
    """Pool → usable vials, of the product at the facility."""
    rows = db.execute(
        select(Availability.pool_id, Availability.vials).where(
            Availability.facility_id == meant.event.facility_id,
            Availability.presentation_id == meant.wrong.presentation_id,
            Availability.step == date.min,
        )
    )
    return {row.pool_id: row.vials for row in rows}


def _corrected(db: Session, beside: Sequence[UUID]) -> dict[UUID, UUID]:
    """Event → what tells it since it was last corrected."""
    rows = db.execute(
        select(LotCorrectionEvent.beside_id, LotCorrectionEvent.event_id)
        .join(StockEvent, StockEvent.id == LotCorrectionEvent.event_id)
        .where(LotCorrectionEvent.beside_id.in_(beside), LotCorrectionEvent.right_lot)
        .order_by(StockEvent.number)
    )
    return {row.beside_id: row.event_id for row in rows}


def tell_right(
    db: Session,
    principal: Principal,
    meant: Meant,
    made: LotCorrection,
    told: Told,
    corrected: Mapping[UUID, UUID],
    now: datetime,
    *,
    road: bool = False,
) -> Work | None:
    """Tell it of the right lot in the status in which that lay then; None where there is nothing to tell.

    `road`: as of `told_again`.
    """
    refused: HistoryNegative | None = None
    for entries in told_again(told, made.facility_id, made.to_batch_id, road=road):
        if not entries:
            return None
        try:
            with db.begin_nested():
                return write_told(db, principal, meant, made, told, entries, corrected, right=True, now=now)
        except HistoryNegative as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return None


def write_told(
    db: Session,
    principal: Principal,
    meant: Meant,
    made: LotCorrection,
    told: Told,
    entries: list[Entry],
    corrected: Mapping[UUID, UUID],
    *,
    right: bool,
    now: datetime,
) -> Work:
    """Write entries beside what was told, and that they are the correction's. Raises HistoryNegative."""
    at, ordinal = told.at
    work = Work(
        id=uuid7(),
        kind=Kind.RELABEL,
        facility_id=made.facility_id,
        occurred_at=at,
        content=f"lot correction {made.id}",
        facts=meant.facts,
        reason=made.reason,
        ordinal=ordinal,
        entries=entries,
    )
    carry_out(db, principal, work, now=now, locked=True)
    db.add(
        LotCorrectionEvent(
            event_id=work.id,
            correction_id=made.id,
            of_event_id=corrected.get(told.beside_id, told.beside_id),
            beside_id=told.beside_id,
            right_lot=right,
        )
    )
    db.flush()
    return work


def follow_opened(db: Session, meant: Meant, opened: Sequence[OpenVial], used: Mapping[str, Status]) -> None:
    """The opened vials are of the right lot: used up, or in the status and for as long as that lot's are."""
    if not opened:
        return
    facility_id, batch = meant.event.facility_id, meant.facts.batches[meant.right.id]
    balances = db.execute(
        select(StockBalance.status, StockBalance.vials).where(
            StockBalance.account == Account.OPEN,
            StockBalance.holder_id == facility_id,
            StockBalance.batch_id == meant.right.id,
        )
    )
    free = Counter({row.status: row.vials for row in balances})
    of_right = select(OpenVial.status).where(
        OpenVial.facility_id == facility_id, OpenVial.batch_id == meant.right.id, OpenVial.closed_at.is_(None)
    )
    free -= Counter(db.scalars(of_right))
    for vial in opened:
        vial.batch_id = meant.right.id
        if vial.closed_at is not None:
            vial.status = used.get(str(vial.id), vial.status)
            continue
        status = vial.status if free[vial.status] > 0 else next(one for one in Status if free[one] > 0)
        free[status] -= 1
        vial.status = status
        vial.discard_by = discard_by(
            vial.opened_at, batch.open_vial_hours, batch.open_vial_days, batch.expiry, meant.facts.timezone
        )
    db.flush()
