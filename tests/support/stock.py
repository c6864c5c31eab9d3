"""Posting stock events in tests, and reading what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from tests.support.world import World
from tracker.access.principal import SYSTEM, Principal
from tracker.feed.models import FeedPending
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment, Facility
from tracker.stock.models import StockBalance, StockEntry, StockEvent
from tracker.stock.rules.lines import Line
from tracker.stock.rules.words import Account, Kind, Status
from tracker.stock.service.commands import Posted, PostEvent
from tracker.stock.service.opening import open_vials
from tracker.stock.service.posting import post_event


@dataclass(slots=True)
class Ledger:
    """The ledger of the world's puskesmas, at the world's time, by the system unless told otherwise."""

    db: Session
    world: World

    @property
    def now(self) -> datetime:
        return self.world.now

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.world.puskesmas.timezone)).date()

    def line(
        self,
        batch: str,
        vials: int = 1,
        *,
        place: Equipment | None = None,
        to_place: Equipment | None = None,
        **more: Any,
    ) -> Line:
        return Line(
            batch_id=self.world.batches[batch].id,
            vials=vials,
            place_id=(place or self.world.fridge).id,
            to_place_id=to_place.id if to_place else None,
            **more,
        )

    def post(
        self,
        kind: Kind,
        *lines: Line,
        at: datetime | None = None,
        now: datetime | None = None,
        event_id: UUID | None = None,
        facility: Facility | None = None,
        principal: Principal = SYSTEM,
        shipment_id: UUID | None = None,
    ) -> Posted:
        command = PostEvent(
            id=event_id or uuid7(),
            kind=kind,
            facility_id=(facility or self.world.puskesmas).id,
            occurred_at=at or self.now,
            lines=lines,
            shipment_id=shipment_id,
        )
        door = open_vials if kind is Kind.OPENING else post_event
        return door(self.db, principal, command, now=now or self.now)

    def balance(
        self, batch: str, *, place: Equipment | None = None, status: Status = Status.USABLE
    ) -> StockBalance | None:
        return self.db.scalars(
            select(StockBalance)
            .where(
                StockBalance.holder_id == (place or self.world.fridge).id,
                StockBalance.batch_id == self.world.batches[batch].id,
                StockBalance.status == status,
            )
            .execution_options(populate_existing=True)
        ).one_or_none()

    def vials(self, batch: str, *, place: Equipment | None = None, status: Status = Status.USABLE) -> int:
        balance = self.balance(batch, place=place, status=status)
        return 0 if balance is None else balance.vials

    def open_vials(self, batch: str) -> int:
        total = self.db.scalar(
            select(func.sum(StockBalance.vials)).where(
                StockBalance.account == Account.OPEN, StockBalance.batch_id == self.world.batches[batch].id
            )
        )
        return int(total or 0)

    def vials_at(self, batch: str, as_of: datetime, known_at: datetime | None = None) -> int:
        query = select(func.coalesce(func.sum(StockEntry.vials), 0)).where(
            StockEntry.holder_id == self.world.fridge.id,
            StockEntry.batch_id == self.world.batches[batch].id,
            StockEntry.status == Status.USABLE,
            StockEntry.occurred_at <= as_of,
        )
        if known_at is not None:
            query = query.where(StockEntry.recorded_at <= known_at)
        return int(self.db.scalar(query) or 0)

    def world_total(self, account: Account, batch: str) -> int:
        total = self.db.scalar(
            select(func.sum(StockEntry.vials)).where(
                StockEntry.account == account, StockEntry.batch_id == self.world.batches[batch].id
            )
        )
        return int(total or 0)

    def entries(self, event_id: UUID) -> list[StockEntry]:
        return list(self.db.scalars(select(StockEntry).where(StockEntry.event_id == event_id).order_by(StockEntry.seq)))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of what was said on the feed, in order."""
        return list(self.db.scalars(select(FeedPending.data).where(FeedPending.kind == kind).order_by(FeedPending.id)))

    def bare_event(self) -> UUID:
        """A supply event without entries, written past the use case."""
        event_id = uuid7()
        self.db.execute(
            insert(StockEvent).values(
                id=event_id,
                kind=Kind.SUPPLY,
                facility_id=self.world.puskesmas.id,
                occurred_at=self.now,
                recorded_at=self.now,
                recorded_by="test",
                content="",
            )
        )
        return event_id

    def bare_entries(self, event_id: UUID, entries: list[tuple[Account, Status, int]], *, first_seq: int = 0) -> None:
        """Entries of one statement, written past the use case."""
        number = self.db.scalar(select(StockEvent.number).where(StockEvent.id == event_id))
        place, facility = self.world.fridge.id, self.world.puskesmas.id
        self.db.execute(
            insert(StockEntry).values(
                [
                    {
                        "event_id": event_id,
                        "seq": seq,
                        "account": account,
                        "holder_id": place if account is Account.PLACE else facility,
                        "place_id": place if account is Account.PLACE else None,
                        "facility_id": facility,
                        "batch_id": self.world.batches["az-10/AZ002"].id,
                        "status": status,
                        "vials": vials,
                        "occurred_at": self.now,
                        "recorded_at": self.now,
                        "number": number,
                        "ordinal": number,
                    }
                    for seq, (account, status, vials) in enumerate(entries, start=first_seq)
                ]
            )
        )
