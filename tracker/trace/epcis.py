"""Reading the ledger as EPCIS events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, column, func, literal, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from tracker.access.models import Unit
from tracker.access.principal import Principal
from tracker.access.queries import few_units, units_visible_to, visible_to
from tracker.access.rules import Permission
from tracker.catalog.models import Batch, Presentation
from tracker.database.types import any_of
from tracker.network.models import Equipment, Facility
from tracker.network.queries import as_id
from tracker.stock.models import LotCorrectionEvent, StockCount, StockEntry, StockEvent
from tracker.stock.rules.words import Account, Kind, Status
from tracker.trace.rules.epcis import Goods, LedgerEvent, object_event
from tracker.trace.rules.epcis_query import kinds_asked, passes


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: EPCIS query parameters GE_/LT_eventTime and GE_/LT_recordTime, and what else was `asked` of them."""

    event_from: datetime | None = None
    event_before: datetime | None = None
    record_from: datetime | None = None
    record_before: datetime | None = None
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def is_of_time(self) -> bool:
        """Whether times, and the ledger's own order, are all that says which events come next."""
        return not self.asked.keys() & {"EQ_eventID", "EQ_action", "EQ_bizStep"}

    @property
    def times(self) -> list[ColumnElement[bool]]:
        """The conditions on a StockEvent. What takes an event back or corrects its lot happened when that did, in the ledger, too."""
        happened, recorded = StockEvent.occurred_at, StockEvent.recorded_at
        return [
            *([happened >= self.event_from] if self.event_from else []),
            *([happened < self.event_before] if self.event_before else []),
            *([recorded >= self.record_from] if self.record_from else []),
            *([recorded < self.record_before] if self.record_before else []),
        ]


_T = TypeVar("_T")

# An event, what is told of it, its facility's code and zone, and the lot correction it belongs to.
_Row = tuple[StockEvent, StockEvent, str, str, LotCorrectionEvent | None]

# A rare event is looked for over so many pages of the ledger in one request; then the caller goes on from there.
_MOST_LOOKS = 20

# So many events are read in the order of record before those of a time are put in order.
_CLOSE = 10_000


def events_asked_for(
    db: Session, principal: Principal, wanted: EventFilter, *, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """At most `limit` events as they are told, and where to go on (None: no more). May be fewer, and more follow."""
    found: list[dict[str, Any]] = []
    following: int | None = after
    for _ in range(_MOST_LOOKS):
        events, following = ledger_events(db, principal, wanted, after=following or 0, limit=limit - len(found))
        found += [said for event in events if passes(said := object_event(event), wanted.asked)]
        if following is None or len(found) == limit:
            break
    return found, following


def ledger_events(
    db: Session, principal: Principal, wanted: EventFilter, *, after: int, limit: int
) -> tuple[list[LedgerEvent], int | None]:
    """The next events of the caller's subtree behind the one with the ledger number `after`, and where to go on (None: no more)."""
    # What is told: the event itself; of a reversal, the event that it takes back; of a lot correction, what people told there.
    said = aliased(StockEvent)
    query = (
        select(StockEvent, said, Facility.code, Facility.timezone, LotCorrectionEvent)
        .outerjoin(LotCorrectionEvent, LotCorrectionEvent.event_id == StockEvent.id)
        .join(said, said.id == func.coalesce(StockEvent.reverses_id, LotCorrectionEvent.beside_id, StockEvent.id))
        .join(Facility, Facility.id == said.facility_id)
        .join(Unit, Unit.id == StockEvent.facility_id)
        .where(visible_to(principal, Unit.path, Permission.STOCK_READ), *wanted.times)
        .limit(limit + 1)
    )
    few = few_units(db, principal, Permission.STOCK_READ) if wanted.is_of_time else None
    if wanted.is_of_time and few is None and wanted.times:
        numbers = _next_in_time(db, principal, wanted, after, limit + 1)
        query = query.where(StockEvent.number.in_(numbers)).order_by(StockEvent.recorded_at, StockEvent.number)
    else:
        query = query.where(StockEvent.number > after).order_by(StockEvent.number)
    if few is not None:
        query = query.where(StockEvent.number.in_(_next_of(few, wanted, after, limit + 1)))
    if "EQ_eventID" in wanted.asked:
        ids = _ids(wanted.asked["EQ_eventID"])
        query = query.where(
            StockEvent.id.in_(ids) | StockEvent.reverses_id.in_(ids) | LotCorrectionEvent.of_event_id.in_(ids)
        )
    if wanted.asked.keys() & {"EQ_action", "EQ_bizStep"}:
        query = query.where(said.kind.in_(kinds_asked(wanted.asked)))
    rows: list[_Row] = [(row[0], row[1], row[2], row[3], row.LotCorrectionEvent) for row in db.execute(query)]
    more = len(rows) > limit
    rows = rows[:limit]
    shown = {row[0].id: _shown_by(row) for row in rows}
    goods = _goods(db, set(shown.values()))
    instead = _instead(db, {row[4].correction_id for row in rows if row[4] is not None})
    # An event that moved nothing (a count that found what was expected, of zero) has no goods and no event.
    events = [_ledger_event(row, goods[shown[row[0].id]], instead) for row in rows if goods[shown[row[0].id]].lines]
    return events, rows[-1][0].number if more else None


def _next_of(facilities: Collection[UUID], wanted: EventFilter, after: int, most: int) -> Select[int]:
    """The next numbers of the ledger at a few facilities, each of which has its own in order by an index."""
    one = (
        func.unnest(literal(list(facilities), ARRAY(Uuid()))).table_valued(column("facility", Uuid())).render_derived()
    )
    own = (
        select(StockEvent.number)
        .where(StockEvent.facility_id == one.c.facility, StockEvent.number > after, *wanted.times)
        .order_by(StockEvent.number)
        .limit(most)
        .lateral("own")
    )
    return select(own.c.number).select_from(one).join(own, true()).order_by(own.c.number).limit(most)


def _next_in_time(db: Session, principal: Principal, wanted: EventFilter, after: int, most: int) -> Sequence[int]:
    """The next numbers of the caller's subtree within the times, in the order of record; `after` stands for its event's place in it.

    Nothing is recorded before it happened, so what happened from an instant on is found among what was recorded from then on. Where
    it must have happened before some instant, too, later pages hold ever fewer of them: then all of that time are put in order.
    """
    order = StockEvent.recorded_at, StockEvent.number
    last = select(*order).where(StockEvent.number <= after).order_by(StockEvent.number.desc()).limit(1)
    place = db.execute(last).first()
    since = [bound for bound in (wanted.event_from, wanted.record_from) if bound is not None]
    ahead = [
        *([tuple_(*order) > (place.recorded_at, place.number)] if place else []),
        *([StockEvent.recorded_at >= max(since)] if since else []),
    ]
    theirs = [*wanted.times, StockEvent.facility_id.in_(units_visible_to(principal, Permission.STOCK_READ))]
    walk = select(StockEvent.number).where(*theirs).order_by(*order).limit(most)
    if wanted.event_before is None:
        return db.scalars(walk.where(*ahead)).all()
    close = select(StockEvent.id).where(*ahead).order_by(*order).limit(_CLOSE)
    found = db.scalars(walk.where(StockEvent.id.in_(close))).all()
    if len(found) == most:
        return found
    of_time = select(*order).where(*theirs, *ahead).cte("of_time").prefix_with("MATERIALIZED")
    return db.scalars(select(of_time.c.number).order_by(of_time.c.recorded_at, of_time.c.number).limit(most)).all()


def _shown_by(row: _Row) -> UUID:
    """The event whose goods are told: a lot correction takes back what it corrects, and tells its own."""
    event, said, _, _, correction = row
    if correction is None:
        return said.id
    return event.id if correction.right_lot else correction.of_event_id


def _instead(db: Session, corrections: Collection[UUID]) -> dict[tuple[UUID, UUID], UUID]:
    """(correction, event it corrects) → the event that tells the right lot."""
    rows = db.execute(
        select(LotCorrectionEvent.correction_id, LotCorrectionEvent.of_event_id, LotCorrectionEvent.event_id).where(
            LotCorrectionEvent.correction_id.in_(corrections),
            LotCorrectionEvent.right_lot,
        )
    )
    return {(row.correction_id, row.of_event_id): row.event_id for row in rows}


def _ids(names: Iterable[str]) -> list[UUID]:
    """The ledger's ids among event ids; others are nobody's here."""
    texts = (name.removeprefix("urn:uuid:") for name in names)
    return [found for text in texts if (found := as_id(text)) is not None]


@dataclass(slots=True)
class _Told:
    """What the entries of one event say."""

    lines: list[Goods] = field(default_factory=list)
    came_to: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    statuses: set[Status] = field(default_factory=set)

    def place(self, kind: Kind) -> str | None:
        """Where all of the goods are after it; None where they are in several places, or gone from all of ours."""
        return _only(self.came_to if self.came_to or kind in _GONE else self.left)


# What neither came to a place nor was destroyed, and yet is no longer where it was.
_GONE = frozenset({Kind.DISPATCH, Kind.RETURN})


def _only(found: Collection[_T]) -> _T | None:
    """What all have in common, if they do."""
    return next(iter(found)) if len(found) == 1 else None


def _right_lots() -> Select[UUID]:
    return select(LotCorrectionEvent.event_id).where(LotCorrectionEvent.right_lot)


def _goods(db: Session, event_ids: Collection[UUID]) -> dict[UUID, _Told]:
    told: dict[UUID, _Told] = defaultdict(_Told)
    goods = (Batch.lot, Presentation.gtin, Presentation.nie)
    entries = db.execute(
        select(
            StockEntry.event_id,
            StockEntry.batch_id,
            StockEntry.vials,
            StockEntry.status,
            StockEntry.place_id,
            *goods,
        )
        .join(Batch, Batch.id == StockEntry.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(StockEntry.event_id.in_(event_ids), StockEntry.event_id.not_in(_right_lots()))
        .order_by(StockEntry.event_id, StockEntry.seq)
    ).all()
    # What tells the right lot tells the whole event that was declared wrong anew: all lots, as they stood from then on.
    beside, written = aliased(StockEvent), aliased(StockEvent)
    one, all_of = aliased(LotCorrectionEvent), aliased(LotCorrectionEvent)
    last = (
        select(func.max(written.number))
        .join(all_of, all_of.event_id == written.id)
        .where(all_of.correction_id == one.correction_id, all_of.beside_id == one.beside_id)
        .scalar_subquery()
    )
    anew = db.execute(
        select(
            one.event_id, StockEntry.batch_id, func.sum(StockEntry.vials), StockEntry.status, StockEntry.place_id,
            *goods,
        )
        .join(beside, beside.id == one.beside_id)
        .join(
            StockEntry,
            (StockEntry.facility_id == beside.facility_id)
            & (StockEntry.occurred_at == beside.occurred_at)
            & (StockEntry.ordinal == beside.number),
        )
        .join(Batch, Batch.id == StockEntry.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .where(
            one.event_id.in_(event_ids),
            one.right_lot,
            StockEntry.number <= last,
            StockEntry.account != Account.FOUND,
        )
        .group_by(
            one.event_id, StockEntry.account, StockEntry.holder_id, StockEntry.batch_id, StockEntry.status,
            StockEntry.place_id, *goods,
        )
        .having(func.sum(StockEntry.vials) != 0)
        .order_by(one.event_id, Batch.lot)
    ).all()  # fmt: skip
    # Of the places told alone: joined, all the nation's fridges are read for the codes of some hundred.
    places = {row.place_id for row in (*entries, *anew) if row.place_id is not None}
    codes = {
        one.id: one.code for one in db.execute(select(Equipment.id, Equipment.code).where(any_of(Equipment.id, places)))
    }
    sums: dict[tuple[UUID, UUID], int] = defaultdict(int)
    names: dict[UUID, tuple[str | None, str | None, str]] = {}
    for event_id, batch_id, vials, status, place_id, lot, gtin, nie in (*entries, *anew):
        if vials > 0:
            sums[event_id, batch_id] += vials
            told[event_id].statuses.add(status)
        if place_id is not None:
            (told[event_id].came_to if vials > 0 else told[event_id].left).add(codes[place_id])
        names[batch_id] = (gtin, nie, lot)
    counts = db.execute(
        select(StockCount, Batch.lot, Presentation.gtin, Presentation.nie, Equipment.code)
        .join(Batch, Batch.id == StockCount.batch_id)
        .join(Presentation, Presentation.id == Batch.presentation_id)
        .join(Equipment, Equipment.id == StockCount.holder_id)
        .where(StockCount.event_id.in_(event_ids))
    )
    counted: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for count, lot, gtin, nie, place in counts:
        # A count says what is there, not by how much the books were wrong.
        counted[count.event_id, count.batch_id] += count.vials
        told[count.event_id].came_to.add(place)
        names[count.batch_id] = (gtin, nie, lot)
    for (event_id, batch_id), vials in {**sums, **counted}.items():
        gtin, nie, lot = names[batch_id]
        told[event_id].lines.append(Goods(gtin=gtin, nie=nie, lot=lot, vials=vials))
    return told


def _ledger_event(
    row: _Row,
    told: _Told,
    instead: Mapping[tuple[UUID, UUID], UUID],
) -> LedgerEvent:
    event, said, facility, timezone, correction = row
    wrong = None if correction is None or correction.right_lot else correction
    return LedgerEvent(
        id=event.id,
        kind=said.kind,
        facility=facility,
        place=told.place(said.kind),
        occurred_at=said.occurred_at,
        recorded_at=event.recorded_at,
        utc_offset=said.occurred_at.astimezone(ZoneInfo(timezone)).utcoffset() or timedelta(0),
        goods=told.lines,
        shipment=said.shipment_id,
        status=_only(told.statuses),
        reversed_as=wrong.of_event_id if wrong else event.reverses_id,
        corrected_by=instead.get((wrong.correction_id, wrong.of_event_id)) if wrong else None,
    )
