"""The stock card (kartu stok): each movement of closed vials at one facility, newest first, with what was there after it.

Reading back from what is there now, the newest page costs no history; an older one sums what came after it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.queries import batch_by_ref, presentation_by_ref
from tracker.edge.paging import BadCursor, decode_cursor, encode_cursor
from tracker.network.queries import facility_by_code_or_id
from tracker.stock.rules.words import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class CardKey:
    """Where a line stands in time: (occurred_at, ordinal, number) of its event, and the batch."""

    occurred_at: datetime
    ordinal: int
    number: int
    batch_id: UUID

    @classmethod
    def read(cls, cursor: str) -> CardKey:
        """From a cursor; raises BadCursor."""
        at, ordinal, number, batch = decode_cursor(cursor, 4)
        try:
            key = cls(
                occurred_at=datetime.fromisoformat(at), ordinal=int(ordinal), number=int(number), batch_id=UUID(batch)
            )
        except ValueError as error:
            raise BadCursor(field="cursor") from error
        if key.occurred_at.tzinfo is None or max(abs(key.ordinal), abs(key.number)) >= 2**63:
            raise BadCursor(field="cursor")
        return key

    def written(self) -> str:
        """As a cursor."""
        return encode_cursor([self.occurred_at.isoformat(), self.ordinal, self.number, self.batch_id])


@dataclass(frozen=True, slots=True, kw_only=True)
class CardQuery:
    """What is asked of a facility: a batch, a product or everything, from `since` (inclusive) to `until` (exclusive).

    `known_at`: by what was known then.
    """

    facility_id: UUID
    presentation_id: UUID | None = None
    batch_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    known_at: datetime | None = None

    def values(self, before: CardKey | None) -> dict[str, Any]:
        """Parameters of the statements below."""
        return {
            "facility": self.facility_id,
            "presentation": self.presentation_id,
            "batch_id": self.batch_id,
            "since": self.since or _EVER[0],
            "until": self.until or _EVER[1],
            "known": self.known_at or _EVER[1],
            "at": before.occurred_at if before else _EVER[1],
            "ordinal": before.ordinal if before else 0,
            "number": before.number if before else 0,
            "batch": before.batch_id if before else UUID(int=0),
        }

    def statement(self, sql: str) -> TextClause:
        """A statement of this file for the batches that are asked of."""
        if self.batch_id is not None:
            batches = "= :batch_id"
        elif self.presentation_id is not None:
            batches = "IN (SELECT id FROM batch WHERE presentation_id = :presentation)"
        else:
            return text(sql.format(of_batches="", of_counts="", found=_ALL_LINES))
        of_batches = f"AND e.batch_id {batches}"
        found = _LINES_OF.format(of_batches=of_batches)
        return text(sql.format(of_batches=of_batches, of_counts=f"AND c.batch_id {batches}", found=found))


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLine:
    """One movement of one batch. `change`: closed vials more (+) or fewer (−) at the facility; `moved`: vials it took in hand.

    `counted`: vials that a count found, null where nothing was counted. `balance` and `lot_balance`: closed vials of the
    product and of the batch at the facility after it.
    """

    key: CardKey
    event_id: UUID
    kind: Kind
    recorded_at: datetime
    recorded_by: str
    reason: str | None
    reference: str | None
    shipment_id: UUID | None
    reverses_id: UUID | None
    reversed_by: UUID | None
    product: str
    product_name: str
    lot: str
    change: int
    moved: int
    out_of: tuple[str, ...]
    into: tuple[str, ...]
    counted: int | None
    balance: int
    lot_balance: int

    @property
    def id(self) -> str:
        """What tells it apart on a page."""
        return f"{self.key.number}-{self.key.batch_id.hex}"


# Which lines are asked for is found by walking back in time until there are enough; only those are summed. Of a product or a
# batch each place is walked alone, so that neither what else lies there nor how long ago the first line was costs anything.
_WITHIN = """
    e.occurred_at >= :since AND e.occurred_at < :until AND e.occurred_at <= :at AND e.recorded_at <= :known
    AND (e.occurred_at, e.ordinal, e.number, e.batch_id) < (:at, :ordinal, :number, :batch)
"""
_BACKWARD = "occurred_at DESC, ordinal DESC, number DESC, batch_id DESC LIMIT :limit"
_ALL_LINES = f"""
    SELECT DISTINCT e.occurred_at, e.ordinal, e.number, e.batch_id, e.event_id FROM stock_entry e
    WHERE e.facility_id = :facility AND e.account = 'place' AND {_WITHIN} ORDER BY {_BACKWARD}
"""
_LINES_OF = f"""
    SELECT DISTINCT one.* FROM (
        SELECT DISTINCT e.batch_id, e.holder_id FROM stock_balance e
        WHERE e.facility_id = :facility AND e.account = 'place' {{of_batches}}
    ) lot CROSS JOIN LATERAL (
        SELECT DISTINCT e.occurred_at, e.ordinal, e.number, e.batch_id, e.event_id FROM stock_entry e
        WHERE e.batch_id = lot.batch_id AND e.holder_id = lot.holder_id AND {_WITHIN} ORDER BY {_BACKWARD}
    ) one ORDER BY {_BACKWARD}
"""
# What an event moved is read by the event, never by its batch: OFFSET keeps the planner from the batch's whole history there.
# A count without a difference wrote no entry; it is a line all the same: somebody looked.
_LINES = """
    WITH found AS MATERIALIZED ({found}), moved AS (
        SELECT e.event_id, e.batch_id, e.occurred_at, e.ordinal, e.number,
               sum(e.vials) AS change, sum(greatest(e.vials, 0)) AS came, -sum(least(e.vials, 0)) AS went,
               array_agg(DISTINCT q.code) FILTER (WHERE e.vials < 0) AS out_of,
               array_agg(DISTINCT q.code) FILTER (WHERE e.vials > 0) AS into_
        FROM (SELECT DISTINCT event_id FROM found) of_lines
        CROSS JOIN LATERAL (SELECT * FROM stock_entry e WHERE e.event_id = of_lines.event_id OFFSET 0) e
        JOIN found ON found.event_id = e.event_id AND found.batch_id = e.batch_id
        JOIN equipment q ON q.id = e.place_id
        WHERE e.facility_id = :facility AND e.account = 'place' AND e.recorded_at <= :known
        GROUP BY e.event_id, e.batch_id, e.occurred_at, e.ordinal, e.number
), agreed AS (
        SELECT c.event_id, c.batch_id, c.occurred_at, c.number AS ordinal, c.number,
               0 AS change, 0 AS came, 0 AS went, CAST(NULL AS text[]) AS out_of, array_agg(DISTINCT q.code) AS into_
        FROM equipment q JOIN stock_count c ON c.holder_id = q.id JOIN stock_event s ON s.id = c.event_id
        WHERE q.facility_id = :facility {of_counts}
          AND c.occurred_at >= :since AND c.occurred_at < :until AND c.occurred_at <= :at AND s.recorded_at <= :known
          AND NOT EXISTS (SELECT FROM stock_entry e WHERE e.event_id = c.event_id AND e.batch_id = c.batch_id)
        GROUP BY c.event_id, c.batch_id, c.occurred_at, c.number
    ), line AS (
        SELECT * FROM (SELECT * FROM moved UNION ALL SELECT * FROM agreed) l
        WHERE (l.occurred_at, l.ordinal, l.number, l.batch_id) < (:at, :ordinal, :number, :batch)
        ORDER BY l.occurred_at DESC, l.ordinal DESC, l.number DESC, l.batch_id DESC
        LIMIT :limit
    )
    SELECT line.*, s.kind, s.recorded_at, s.recorded_by, s.reason, s.reference, s.shipment_id, s.reverses_id,
           r.id AS reversed_by, b.presentation_id, p.code AS product, p.name AS product_name, b.lot,
           (SELECT sum(c.vials) FROM stock_count c WHERE c.event_id = line.event_id AND c.batch_id = line.batch_id) AS counted
    FROM line
    JOIN stock_event s ON s.id = line.event_id
    JOIN batch b ON b.id = line.batch_id
    JOIN presentation p ON p.id = b.presentation_id
    LEFT JOIN stock_event r ON r.reverses_id = line.event_id AND r.recorded_at <= :known
    ORDER BY line.occurred_at DESC, line.ordinal DESC, line.number DESC, line.batch_id DESC
"""
_NOW = """
    SELECT e.batch_id, b.presentation_id, sum(e.vials) AS vials FROM stock_balance e JOIN batch b ON b.id = e.batch_id
    WHERE e.facility_id = :facility AND e.account = 'place' {of_batches} GROUP BY e.batch_id, b.presentation_id
"""
# What stands at the edge or behind it, or from `until` on: taken from what is there now.
_AFTER = """
    SELECT e.batch_id, b.presentation_id, sum(e.vials) AS vials FROM stock_entry e JOIN batch b ON b.id = e.batch_id
    WHERE e.facility_id = :facility AND e.account = 'place' {of_batches} AND e.occurred_at >= least(:until, :at)
      AND (e.occurred_at >= :until OR (e.occurred_at, e.ordinal, e.number, e.batch_id) >= (:at, :ordinal, :number, :batch))
    GROUP BY e.batch_id, b.presentation_id
"""
_KNOWN = """
    SELECT e.batch_id, b.presentation_id, sum(e.vials) AS vials FROM stock_entry e JOIN batch b ON b.id = e.batch_id
    WHERE e.facility_id = :facility AND e.account = 'place' {of_batches} AND e.recorded_at <= :known
      AND e.occurred_at < :until AND (e.occurred_at, e.ordinal, e.number, e.batch_id) < (:at, :ordinal, :number, :batch)
    GROUP BY e.batch_id, b.presentation_id
"""
_EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def card_of(
    db: Session,
    principal: Principal,
    *,
    facility: str,
    product: str | None = None,
    batch: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    known_at: datetime | None = None,
) -> CardQuery:
    """What is asked, by codes; raises FacilityNotFound, PresentationNotFound, BatchNotFound, LotAmbiguous."""
    found = facility_by_code_or_id(db, principal, facility, Permission.STOCK_READ)
    presentation_id = presentation_by_ref(db, product).id if product else None
    return CardQuery(
        facility_id=found.id,
        presentation_id=presentation_id,
        batch_id=batch_by_ref(db, batch, presentation_id).id if batch else None,
        since=since,
        until=until,
        known_at=known_at,
    )


def card_lines(db: Session, asked: CardQuery, *, limit: int, before: CardKey | None = None) -> list[CardLine]:
    """At most `limit` lines, newest first, of those that stand before `before`."""
    rows = db.execute(asked.statement(_LINES), {**asked.values(before), "limit": limit}).all()
    lots = vials_by_batch(db, asked, before) if rows else {}
    products: Counter[UUID] = Counter()
    for (presentation_id, _), vials in lots.items():
        products[presentation_id] += vials
    lines = []
    for row in rows:
        lot = (row.presentation_id, row.batch_id)
        lines.append(_line(row, balance=products[row.presentation_id], lot_balance=lots[lot]))
        lots[lot] -= row.change
        products[row.presentation_id] -= row.change
    return lines


def vials_by_batch(db: Session, asked: CardQuery, before: CardKey | None = None) -> Counter[tuple[UUID, UUID]]:
    """Closed vials by (presentation, batch) at the end of what is asked, or just before a line of it."""
    values = asked.values(before)
    vials: Counter[tuple[UUID, UUID]] = Counter()

    def add(sql: str, sign: int) -> None:
        for row in db.execute(asked.statement(sql), values):
            vials[row.presentation_id, row.batch_id] += sign * int(row.vials)

    if asked.known_at is not None:
        add(_KNOWN, 1)
        return vials
    add(_NOW, 1)
    if asked.until is not None or before is not None:
        add(_AFTER, -1)
    return vials


def _line(row: Any, *, balance: int, lot_balance: int) -> CardLine:
    return CardLine(
        key=CardKey(occurred_at=row.occurred_at, ordinal=row.ordinal, number=row.number, batch_id=row.batch_id),
        event_id=row.event_id,
        kind=Kind(row.kind),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        reason=row.reason,
        reference=row.reference,
        shipment_id=row.shipment_id,
        reverses_id=row.reverses_id,
        reversed_by=row.reversed_by,
        product=row.product,
        product_name=row.product_name,
        lot=row.lot,
        change=int(row.change),
        moved=int(max(row.came, row.went)),
        out_of=tuple(row.out_of or ()),
        into=tuple(row.into_ or ()),
        counted=None if row.counted is None else int(row.counted),
        balance=balance,
        lot_balance=lot_balance,
    )
