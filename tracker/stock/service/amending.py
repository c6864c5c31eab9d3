"""What was typed wrong of an opened vial, set right: both versions stay, with who said why.

Also the dose that a vial should not have held: an eleventh of ten is a fact, and is written with a word.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from tracker.access.principal import Principal
from tracker.kit.ids import uuid7
from tracker.stock.errors import TooManyDoses
from tracker.stock.models import OpenVial, OpenVialChange, StockEntry, StockEvent
from tracker.stock.rules.entries import Entry, Key
from tracker.stock.rules.vials import most_doses
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import TakeBackDoses
from tracker.stock.service.opening import locked_vial
from tracker.stock.service.posting import carry_out, checked_time
from tracker.stock.service.reading import Facts
from tracker.stock.service.work import Work


def take_back_doses(db: Session, principal: Principal, command: TakeBackDoses, *, now: datetime) -> OpenVial:
    """Doses were not given, or not thrown away, after all; they are in the vial again.

    A dose not given out of a vial whose rest was thrown away went the way of the rest; one beyond the label leaves none. Raises OpenVialNotFound,
    Forbidden, TooManyDoses (more than were told), and what the ledger refuses of taking a used vial back.
    """
    vial, facts = locked_vial(db, principal, command.open_vial_id)
    told = vial.discarded if command.thrown_away else vial.given
    if not 1 <= command.doses <= told:
        raise TooManyDoses(open_vial=str(vial.id), doses=command.doses, remaining=told)
    _keep(db, principal, vial, command.reason, now)
    if command.thrown_away:
        vial.discarded -= command.doses
        vial.remaining += command.doses
    else:
        vial.given -= command.doses
        # A dose more than the label says was never in it for anybody else.
        beyond = min(command.doses, vial.doses_per_vial - facts.batches[vial.batch_id].doses_per_vial)
        vial.doses_per_vial -= beyond
        back = command.doses - beyond
        if vial.closed_at is not None and vial.discarded:
            vial.discarded += back
        else:
            vial.remaining += back
    if vial.discarded == 0:
        vial.discard_reason = None
    if vial.closed_at is not None and vial.remaining:
        vial.closed_at = None
        _unuse(db, principal, vial, facts, command.reason, now)
    db.flush()
    return vial


def give_extra_dose(
    db: Session, principal: Principal, open_vial_id: UUID, word: str, *, occurred_at: datetime, now: datetime
) -> OpenVial:
    """A dose more than the vial should hold went into somebody: its row says one more, and nothing else is opened.

    Raises OpenVialNotFound, Forbidden, TooFarAhead, TooManyDoses (doses are left in it, or it gave too many for any
    overfill).
    """
    vial, facts = locked_vial(db, principal, open_vial_id)
    checked_time(occurred_at, now)
    most = most_doses(facts.batches[vial.batch_id].doses_per_vial)
    if vial.remaining or vial.discarded or vial.doses_per_vial >= most:
        raise TooManyDoses(open_vial=str(vial.id), doses=vial.doses_per_vial + 1, remaining=vial.remaining)
    _keep(db, principal, vial, word, now)
    vial.doses_per_vial += 1
    vial.given += 1
    db.flush()
    return vial


def _keep(db: Session, principal: Principal, vial: OpenVial, reason: str, now: datetime) -> None:
    db.add(
        OpenVialChange(
            id=uuid7(),
            open_vial_id=vial.id,
            doses_per_vial=vial.doses_per_vial,
            given=vial.given,
            discarded=vial.discarded,
            remaining=vial.remaining,
            discard_reason=vial.discard_reason,
            reason=reason,
            recorded_by=principal.name,
            recorded_at=now,
        )
    )


def _unuse(db: Session, principal: Principal, vial: OpenVial, facts: Facts, reason: str, now: datetime) -> None:
    """The vial is not empty after all: used → open, at the instant it was said to be."""
    reversal = aliased(StockEvent)
    used = db.scalars(
        select(StockEvent)
        .outerjoin(reversal, reversal.reverses_id == StockEvent.id)
        .where(
            StockEvent.facility_id == vial.facility_id,
            StockEvent.kind == Kind.USE,
            StockEvent.reference == str(vial.id),
            reversal.id.is_(None),
        )
    ).one()
    entries = db.scalars(select(StockEntry).where(StockEntry.event_id == used.id).order_by(StockEntry.seq)).all()
    work = Work(
        id=uuid7(),
        kind=Kind.REVERSAL,
        facility_id=vial.facility_id,
        occurred_at=used.occurred_at,
        content=f"not emptied: {vial.id}",
        facts=facts,
        reason=reason,
        reference=str(vial.id),
        reverses_id=used.id,
        ordinal=used.number,
        entries=[Entry(each.account, _key_now(each, vial), -each.vials) for each in entries],
    )
    carry_out(db, principal, work, now=now)
    # A hold or a recall that came after the vial was said to be empty has found it too.
    vial.status = next(key.status for key, vials in work.moved.items() if vials > 0)


def _key_now(entry: StockEntry, vial: OpenVial) -> Key:
    """Of the lot that the vial has by now: it may have been corrected since, and was then told in a status of its own."""
    status = entry.status if vial.batch_id == entry.batch_id else vial.status
    return Key(entry.holder_id, vial.batch_id, status)
