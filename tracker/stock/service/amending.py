"""What was typed wrong of an opened vial, set right: both versions stay, with who said why.

Also the dose that a vial should not have held: an eleventh of ten is a fact, and is written with a word.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.kit.ids import uuid7
from tracker.stock.errors import TooManyDoses
from tracker.stock.models import OpenVial, OpenVialChange
from tracker.stock.rules.vials import most_doses
from tracker.stock.service.commands import TakeBackDoses
from tracker.stock.service.opening import back_in_use, locked_vial
from tracker.stock.service.posting import checked_time


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
        back_in_use(db, principal, vial, facts, command.reason, now=now)
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
