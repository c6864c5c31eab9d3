"""The state of many facilities' stock: as it is kept where that still holds, reckoned anew where it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    SelectBase,
    String,
    Uuid,
    column,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
    values,
)
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockMark, StockStanding
from tracker.stock.queries.books import Contradiction
from tracker.stock.queries.products import products_at
from tracker.stock.rules.states import steady, worst

# A page reckons so many itself; when more are due (a day has begun, the worker was away), it tells how many are not done yet.
MOST_LIVE = 100
TRUTH = "a facility's state is not what its books say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """The state of one facility, and between which instants time alone does not change it."""

    facility_id: UUID
    state: str
    holds_from: datetime
    holds_until: datetime


def reckoned(db: Session, facilities: Collection[UUID], now: datetime) -> list[Reckoned]:
    """The state of those of these facilities that keep stock, from the books."""
    keeps = select(Equipment.id).where(Equipment.facility_id == Facility.id).exists()
    zones = db.execute(select(Facility.id, Facility.timezone).where(Facility.id.in_(facilities), keeps)).all()
    products = defaultdict(list)
    for product in products_at(db, facilities, now):
        products[product.facility_id].append(product)
    found = []
    for facility_id, zone in zones:
        here = products[facility_id]
        holds_from, holds_until = steady(now, zone, (p.touched_at for p in here if p.touched_at))
        state = worst(product.state for product in here)
        found.append(Reckoned(facility_id=facility_id, state=state, holds_from=holds_from, holds_until=holds_until))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The states of all facilities in sight that keep stock, as a select to join; `waiting`: how many of them may have changed
    since they were reckoned (or were never), because the worker is behind.
    """

    states: SelectBase
    waiting: int


def standings(db: Session, seen: ColumnElement[bool], now: datetime) -> Standings:
    """`seen`: a condition on Unit. The select has the columns `facility_id` and `state`."""
    over = or_(StockStanding.holds_until <= now, StockStanding.holds_from > now)
    due = union(
        select(StockStanding.facility_id).join(Unit, Unit.id == StockStanding.facility_id).where(over, seen),
        select(StockMark.facility_id).join(Unit, Unit.id == StockMark.facility_id).where(seen),
    ).subquery()
    ids = db.scalars(select(due.c.facility_id).limit(MOST_LIVE)).all()
    waiting = 0
    if len(ids) == MOST_LIVE:
        waiting = (db.scalar(select(func.count()).select_from(due)) or 0) - MOST_LIVE
    live = {one.facility_id: one.state for one in reckoned(db, ids, now)} if ids else {}
    return Standings(states=_states(ids, live, seen), waiting=waiting)


def _states(due: Sequence[UUID], live: Mapping[UUID, str], seen: ColumnElement[bool]) -> SelectBase:
    kept = select(StockStanding.facility_id, StockStanding.state)
    if not due:
        return kept
    # Asked here, too: the planner takes no condition of the outside into one half of a union, and would read the nation's.
    kept = kept.join(Unit, Unit.id == StockStanding.facility_id).where(seen, StockStanding.facility_id.not_in(due))
    if not live:
        return kept
    now = values(column("facility_id", Uuid), column("state", String), name="live").data(list(live.items()))
    return union_all(kept, select(now.c.facility_id, now.c.state))


def contradictions(db: Session, now: datetime) -> list[Contradiction]:
    """Facilities whose kept state is believed at `now` and is not what the books say."""
    marked = select(literal(1)).where(StockMark.facility_id == StockStanding.facility_id).exists()
    query = select(StockStanding.facility_id, StockStanding.state).where(
        StockStanding.holds_from <= now, StockStanding.holds_until > now, ~marked
    )
    kept = {row[0]: row[1] for row in db.execute(query.order_by(StockStanding.facility_id))}
    ids = list(kept)
    wrong = []
    for first in range(0, len(ids), MOST_LIVE):
        some = ids[first : first + MOST_LIVE]
        books = {one.facility_id: one.state for one in reckoned(db, some, now)}
        wrong += [f"({i},{kept[i]},{books.get(i)})" for i in some if kept[i] != books.get(i)]
    return [Contradiction(what=TRUTH, rows=len(wrong), first=tuple(wrong[:3]))] if wrong else []
