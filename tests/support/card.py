"""The stock card, reckoned once more from all entries in the order of the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.models import Batch
from tracker.stock.models import StockCount, StockEntry, StockEvent
from tracker.stock.queries.card import CardKey, CardLine, CardQuery, card_lines
from tracker.stock.rules.words import Account

Told = tuple[datetime, int, int, UUID, int, int, int]


def _told(line: CardLine) -> Told:
    key = line.key
    return (key.occurred_at, key.ordinal, key.number, key.batch_id, line.change, line.balance, line.lot_balance)


def whole_card(db: Session, asked: CardQuery, *, by: int = 3) -> list[Told]:
    """Every line, read page by page."""
    told: list[Told] = []
    before: CardKey | None = None
    while lines := card_lines(db, asked, limit=by, before=before):
        told += [_told(line) for line in lines]
        before = lines[-1].key
    return told


def reckoned_card(db: Session, asked: CardQuery) -> list[Told]:
    """The same by brute force: the whole ledger from its beginning, then cut to what is asked."""
    presentation_of = {row.id: row.presentation_id for row in db.execute(select(Batch.id, Batch.presentation_id))}
    changes: dict[tuple[datetime, int, int, UUID], int] = defaultdict(int)
    for entry in db.scalars(select(StockEntry).where(StockEntry.facility_id == asked.facility_id)):
        if entry.account is Account.PLACE and (asked.known_at is None or entry.recorded_at <= asked.known_at):
            changes[entry.occurred_at, entry.ordinal, entry.number, entry.batch_id] += entry.vials
    counts = db.execute(
        select(StockCount, StockEvent.recorded_at)
        .join(StockEvent, StockEvent.id == StockCount.event_id)
        .where(StockEvent.facility_id == asked.facility_id)
    )
    for count, recorded_at in counts:
        if asked.known_at is None or recorded_at <= asked.known_at:
            changes[count.occurred_at, count.number, count.number, count.batch_id] += 0
    products: Counter[UUID] = Counter()
    lots: Counter[UUID] = Counter()
    told: list[Told] = []
    for key, change in sorted(changes.items()):
        at, batch_id = key[0], key[3]
        product = presentation_of[batch_id]
        products[product] += change
        lots[batch_id] += change
        wanted = (
            asked.batch_id in (None, batch_id)
            and asked.presentation_id in (None, product)
            and (asked.since is None or at >= asked.since)
            and (asked.until is None or at < asked.until)
        )
        if wanted:
            balance = lots[batch_id] if asked.batch_id else products[product]
            told.append((*key, change, balance, lots[batch_id]))
    return told[::-1]
