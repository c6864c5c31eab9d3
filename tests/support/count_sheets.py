"""People around a fridge who count it together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import Principal
from tracker.access.rules import Role
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.stock.count_models import CountSheet
from tracker.stock.models import StockEvent
from tracker.stock.queries.counting import SheetLine, lines_of
from tracker.stock.rules.lines import NamedLine, Reference
from tracker.stock.rules.words import Kind
from tracker.stock.service.commands import OpenSheet, PostSheet, RecordTally
from tracker.stock.service.counting import open_sheet, post_sheet, record_tally

AZ, PB = "az-10/AZ003", "penta-5/PB001"


class Counting:
    """People around the fridge of the puskesmas."""

    def __init__(self, db: Session, world: World) -> None:
        self.db, self.world, self.ledger = db, world, Ledger(db, world)
        self.siti, self.head = world.who(Role.VACCINATOR), world.who(Role.MANAGER)
        self.city = world.who(Role.CITY)

    def supply(self, **vials: int) -> None:
        for lot, count in vials.items():
            batch = next(code for code in self.world.batches if code.endswith(f"/{lot}"))
            self.ledger.post(Kind.SUPPLY, self.ledger.line(batch, count), at=self.at(-600))

    def at(self, minutes: float) -> datetime:
        return self.world.now + timedelta(minutes=minutes)

    def open(self, who: Principal | None = None) -> CountSheet:
        command = OpenSheet(id=uuid7(), facility="pkm-cipondoh", place="pkm-cipondoh-k1")
        return open_sheet(self.db, who or self.siti, command, now=self.world.now)[0]

    def tally(self, sheet: CountSheet, who: Principal, minutes: float = 0, **vials: int) -> UUID:
        command = RecordTally(id=uuid7(), sheet_id=sheet.id, counted_at=self.at(minutes), lines=found(**vials))
        return record_tally(self.db, who, command, now=self.at(max(minutes, 0)))[0].id

    def post(self, sheet: CountSheet, who: Principal, *, approve: bool = False, why: str = "hilang dari rak") -> bool:
        reasons = {line.key: why for line in self.lines(sheet).values()}
        command = PostSheet(sheet_id=sheet.id, reasons=reasons, approve=approve)
        return post_sheet(self.db, who, command, now=self.at(60))[1]

    def lines(self, sheet: CountSheet) -> dict[str, SheetLine]:
        return {line.lot: line for line in lines_of(self.db, sheet)}

    def counts(self) -> int:
        query = select(func.count()).select_from(StockEvent).where(StockEvent.kind == Kind.COUNT)
        return self.db.scalar(query) or 0


def found(**vials: int) -> tuple[NamedLine, ...]:
    return tuple(NamedLine(batch_id=Reference(lot), vials=count) for lot, count in vials.items())


def together(work: list[Callable[[], object]]) -> list[object]:
    """All at once, each on a connection of its own."""
    gate = threading.Barrier(len(work))

    def run(each: Callable[[], object]) -> object:
        gate.wait(10)
        try:
            return each()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result(60) for future in [pool.submit(run, each) for each in work]]
