"""Correcting a lot in tests: the wrong one was written, and what it has become since."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.quota import Desk
from tracker.access.principal import SYSTEM, Principal
from tracker.kit.ids import uuid7
from tracker.quota.models import Booking
from tracker.quota.service.commands import Vaccinate
from tracker.quota.service.relabelling import Corrected, correct_lot
from tracker.quota.service.vaccinating import vaccinate
from tracker.stock.models import OpenVial, StockBalance
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.changing_status import change_status
from tracker.stock.service.commands import CorrectLot, StatusChange, StatusLine
from tracker.trace.models import Recall
from tracker.trace.recalls import StartRecall, start_recall

WRONG, RIGHT = "az-10/AZ002", "az-10/AZ003"
WHY = "salah baca label"
PLACE, OPEN = Account.PLACE, Account.OPEN


def command(desk: Desk, event: UUID, *, wrong: str = WRONG, right: str = RIGHT, vials: int | None = None) -> CorrectLot:
    lots = {name: str(desk.world.batches[name].id) for name in (wrong, right)}
    return CorrectLot(id=uuid7(), event_id=event, wrong=lots[wrong], right=lots[right], reason=WHY, vials=vials)


def correct(
    desk: Desk,
    event: UUID,
    *,
    wrong: str = WRONG,
    right: str = RIGHT,
    vials: int | None = None,
    principal: Principal = SYSTEM,
) -> Corrected:
    return correct_lot(desk.db, principal, command(desk, event, wrong=wrong, right=right, vials=vials), now=desk.now)


def lying(db: Session, batch_id: UUID) -> dict[tuple[Account, Status], int]:
    """Vials of the lot by account and status, zeros left out."""
    rows = db.execute(
        select(StockBalance.account, StockBalance.status, func.sum(StockBalance.vials))
        .where(StockBalance.batch_id == batch_id, StockBalance.vials > 0)
        .group_by(StockBalance.account, StockBalance.status)
    )
    return {(account, status): int(vials) for account, status, vials in rows}


def hours(desk: Desk, ago: float) -> datetime:
    return desk.now - timedelta(hours=ago)


def supply(desk: Desk, vials: int = 10, *, ago: float = 20, lot: str = WRONG) -> UUID:
    return desk.ledger.post(Kind.SUPPLY, desk.ledger.line(lot, vials), at=hours(desk, ago)).event_id


def wrong(desk: Desk) -> dict[tuple[Account, Status], int]:
    return lying(desk.db, desk.world.batches[WRONG].id)


def right(desk: Desk) -> dict[tuple[Account, Status], int]:
    return lying(desk.db, desk.world.batches[RIGHT].id)


def hold(desk: Desk, ago: float, source: Status = Status.USABLE, target: Status = Status.HELD) -> UUID:
    """The house stops all vials of the lot that was written; answers the cause."""
    cause, batch_id, world = uuid7(), desk.world.batches[WRONG].id, desk.world
    lines = tuple(
        StatusLine(batch_id=batch_id, holder_id=holder, from_status=source, to_status=target, account=account)
        for account, holder in ((PLACE, world.fridge.id), (PLACE, world.fridge2.id), (OPEN, world.puskesmas.id))
    )
    change = StatusChange(id=uuid7(), facility_id=world.puskesmas.id, lines=lines, cause=cause, reason="hold:FRZE")
    change_status(desk.db, SYSTEM, change, now=hours(desk, ago))
    return cause


def recall(desk: Desk, lot: str) -> Recall:
    asked = StartRecall(id=uuid7(), batch=desk.world.batches[lot].id, reason="mutu")
    return start_recall(desk.db, SYSTEM, asked, now=desk.now)[0]


def given(desk: Desk, doses: int = 1) -> list[Booking]:
    session = desk.session(ahead=0)
    bookings = desk.booked(session, doses)
    return [vaccinate(desk.db, SYSTEM, Vaccinate(booking_id=each.id), now=desk.now) for each in bookings]


def vials(desk: Desk) -> list[OpenVial]:
    desk.db.flush()
    return list(desk.db.scalars(select(OpenVial).order_by(OpenVial.id).execution_options(populate_existing=True)))
