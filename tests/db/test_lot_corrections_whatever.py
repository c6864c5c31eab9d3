"""Whatever has become of vials of the wrong lot: corrected, the books are those of the right lot from the start, or as before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.books import books
from tests.support.quota import Desk
from tests.support.relabel import RIGHT, WRONG, command, hours
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.quota.service.relabelling import correct_lot
from tracker.stock.errors import HistoryNegative, LotsMixed, TooFewOfLot, VialStopped
from tracker.stock.models import OpenVial, StockBalance, StockEntry
from tracker.stock.queries.books import contradictions
from tracker.stock.rules.words import BALANCED, Kind
from tracker.stock.service.commands import GiveDoses
from tracker.stock.service.opening import give_doses

CAME, VIALS = 10, 6  # hours ago, vials


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody told, of so many hours ago; `doses` were given out of the opened vial half an hour later."""

    ago: int
    kind: Kind
    lot: str
    place: int
    vials: int
    doses: int = 0


@st.composite
def told(draw: st.DrawFn) -> list[Step]:
    """Up to eight facts at different hours, in any order: supplies of either lot, and what was done with the wrong one."""
    times = draw(st.lists(st.integers(1, 19).filter(lambda ago: ago != CAME), unique=True, max_size=8))
    steps = []
    for ago in times:
        kind = draw(st.sampled_from([Kind.SUPPLY, Kind.TRANSFER, Kind.WASTE, Kind.OPENING, Kind.OPENING]))
        lot = draw(st.sampled_from([RIGHT, RIGHT, RIGHT, WRONG])) if kind is Kind.SUPPLY else WRONG
        doses = draw(st.sampled_from([0, 1, 10])) if kind is Kind.OPENING else 0
        vials = 1 if kind is Kind.OPENING else draw(st.integers(1, 3))
        steps.append(Step(ago, kind, lot, draw(st.integers(0, 1)), vials, doses))
    return steps


def record(desk: Desk, step: Step, lot: str) -> None:
    ledger, places = desk.ledger, (desk.world.fridge, desk.world.fridge2)
    more: dict[str, Any] = {"to_place": places[1 - step.place]} if step.kind is Kind.TRANSFER else {}
    more |= {"reason": "broken"} if step.kind is Kind.WASTE else {}
    line = ledger.line(lot, step.vials, place=places[step.place], **more)
    with desk.db.begin_nested():
        ledger.post(step.kind, line, at=hours(desk, step.ago))
        if step.doses:
            opened = select(OpenVial.id).where(OpenVial.opened_at == hours(desk, step.ago))
            dose = GiveDoses(
                open_vial_id=desk.db.scalars(opened).one(), occurred_at=hours(desk, step.ago - 0.5), doses=step.doses
            )
            give_doses(desk.db, SYSTEM, dose, now=desk.now)


def end_of(db: Session) -> tuple[Any, ...]:
    """What lies where, what left the house for where, and what became of each opened vial, by lot."""
    lying = select(StockBalance.holder_id, StockBalance.batch_id, StockBalance.status, StockBalance.vials)
    outside = (
        select(StockEntry.account, StockEntry.batch_id, func.sum(StockEntry.vials))
        .where(StockEntry.account.not_in(sorted(BALANCED)))
        .group_by(StockEntry.account, StockEntry.batch_id)
        .having(func.sum(StockEntry.vials) != 0)
    )
    vials = select(
        OpenVial.batch_id, OpenVial.place_id, OpenVial.opened_at, OpenVial.given, OpenVial.remaining, OpenVial.closed_at
    )
    found = (lying.where(StockBalance.vials > 0), outside, vials)
    return tuple(sorted(map(repr, db.execute(query).all())) for query in found)


@settings(max_examples=25, deadline=None)
@given(told(), st.sampled_from([None, None, None, 2]))
@example([Step(5, Kind.OPENING, WRONG, 0, 1, 10), Step(8, Kind.TRANSFER, WRONG, 0, 3)], None)
@example(
    [Step(15, Kind.SUPPLY, WRONG, 0, 2), Step(12, Kind.WASTE, WRONG, 0, 2), Step(4, Kind.OPENING, WRONG, 0, 1)], None
)
@example(
    [
        Step(9, Kind.TRANSFER, WRONG, 0, 2),
        Step(7, Kind.OPENING, WRONG, 0, 1, 1),
        Step(8, Kind.WASTE, WRONG, 0, 1),
        Step(5, Kind.TRANSFER, WRONG, 1, 1),
        Step(3, Kind.OPENING, WRONG, 1, 1, 10),
    ],
    None,
)
@example([Step(14, Kind.SUPPLY, RIGHT, 0, 2), Step(3, Kind.WASTE, WRONG, 0, 3)], None)
@example([Step(3, Kind.SUPPLY, WRONG, 0, 2)], 2)
def test_a_corrected_lot_leaves_the_books_of_the_right_one_or_nothing_changed(
    db: Session, world: World, steps: list[Step], part: int | None
) -> None:
    outer = db.begin_nested()
    try:
        desk = Desk(db, world, world.now)
        inner = db.begin_nested()
        event = desk.ledger.post(Kind.SUPPLY, desk.ledger.line(WRONG, VIALS), at=hours(desk, CAME)).event_id
        accepted = [step for step in steps if could(desk, step)]
        before = books(db)
        asked = command(desk, event, vials=part)
        try:
            with db.begin_nested():
                assert correct_lot(db, SYSTEM, asked, now=desk.now).fresh
        except (LotsMixed, TooFewOfLot):
            assert books(db) == before
            moved = [step for step in accepted if step.kind is not Kind.SUPPLY and step.ago < CAME]
            others = [step for step in accepted if step.kind is Kind.SUPPLY and step.lot == WRONG]
            assert moved, "what only lies there can always be corrected"
            assert others or part is not None, "and so can what was moved, where no other vials of the lot were"
            return
        assert contradictions(db) == []
        corrected, after = end_of(db), books(db)
        assert not correct_lot(db, SYSTEM, asked, now=desk.now).fresh
        assert books(db) == after, "said again, nothing more happens"
        inner.rollback()
        db.expire_all()
        for lot, vials in ((RIGHT, part or VIALS), (WRONG, VIALS - (part or VIALS))):
            if vials:
                desk.ledger.post(Kind.SUPPLY, desk.ledger.line(lot, vials), at=hours(desk, CAME))
        for step in accepted:
            record(desk, step, RIGHT if step.kind is not Kind.SUPPLY and step.ago < CAME else step.lot)
        assert end_of(db) == corrected
    finally:
        outer.rollback()
        db.expire_all()


def could(desk: Desk, step: Step) -> bool:
    """Tell it, if it could have been."""
    try:
        record(desk, step, step.lot)
    except (HistoryNegative, VialStopped):
        return False
    return True
