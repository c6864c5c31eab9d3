"""A morning at one puskesmas with frost, heat and a recall, whose facts may be recorded in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.coldchain import new_channel
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.models import Episode, Limit
from tracker.coldchain.rules.limits import Severity
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.stock.errors import HistoryNegative
from tracker.stock.models import StockBalance
from tracker.stock.rules.words import Kind, Status
from tracker.trace.recalls import StartRecall, start_recall, sweep_recalls

BATCHES = ("penta-5/PB001", "az-10/AZ003")  # frost spoils both


@dataclass(frozen=True, slots=True)
class Fact:
    """What somebody did at `hour`, of usable vials of a batch (index) in a fridge (0, 1), told `late` hours after."""

    hour: float
    kind: Kind
    batch: int
    place: int
    vials: int
    late: float = 0


@dataclass(frozen=True, slots=True)
class Act:
    """What the house did at `hour`: a hold for the episode at a fridge, or (None) a recall of the first batch."""

    hour: float
    place: int | None


Step = Fact | Act

FROST, HEAT, RECALL = Act(10.2, 0), Act(13.2, 1), Act(14.2, None)
SPANS = {0: (7.1, 8.6), 1: (11.1, 12.1)}  # the first fridge freezes, the second is warm

Books = dict[tuple[UUID, UUID], dict[Status, int]]


@dataclass(slots=True)
class Morning:
    """Records facts and carries out acts as the house would, its reactions included."""

    db: Session
    world: World
    channels: dict[int, int] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.db, self.world)

    def at(self, hour: float) -> datetime:
        return self.world.now.replace(hour=0, minute=0) + timedelta(hours=hour)

    def fridge(self, index: int) -> Equipment:
        return (self.world.fridge, self.world.fridge2)[index]

    def begin(self) -> None:
        """A sensor in each fridge, and some stock of the day before."""
        for index in SPANS:
            name = f"t{index}"
            self.channels[index] = new_channel(self.db, self.world, equipment=self.fridge(index).code, name=name).id
            self.record(Fact(-9.0 + index / 10, Kind.SUPPLY, index, index, 6))

    def episode(self, index: int) -> UUID:
        """What evaluation learns of a fridge when its readings come."""
        rule, (began, ended) = ("FRZE", "HEAT")[index], SPANS[index]
        equipment = self.fridge(index)
        limit = self.db.scalars(
            select(Limit).where(Limit.rule == rule, Limit.severity == Severity.ALARM).limit(1)
        ).one()
        episode = Episode(
            id=uuid7(),
            channel_id=self.channels[index],
            limit_id=limit.id,
            assignment_id=uuid7(),
            rule=rule,
            severity=Severity.ALARM,
            unit_id=self.world.puskesmas.id,
            equipment_id=equipment.id,
            started_at=self.at(began),
            alarmed_at=self.at(ended),
            ended_at=self.at(ended),
            peak=-2.0,
            exposed_s=3600.0,
            known_s=3600.0,
            first_known_at=self.at(ended),
            changed_at=self.at(ended),
        )
        self.db.add(episode)
        self.db.flush()
        return episode.id

    def record(self, fact: Fact) -> None:
        """Post it, and react as the house would. Raises HistoryNegative."""
        now = self.at(fact.hour + fact.late)
        event_id = self.post(fact, now)
        hold_entering(self.db, SYSTEM, event_id, now=now)
        sweep_recalls(self.db, self.world.batches[BATCHES[fact.batch]].id, now=now)

    def post(self, fact: Fact, now: datetime) -> UUID:
        """The ledger's part alone. Raises HistoryNegative."""
        places = {"place": self.fridge(fact.place)}
        if fact.kind is Kind.TRANSFER:
            places["to_place"] = self.fridge(1 - fact.place)
        reason = "broken" if fact.kind is Kind.WASTE else None
        line = self.ledger.line(BATCHES[fact.batch], fact.vials, reason=reason, **places)
        with self.db.begin_nested():
            return self.ledger.post(fact.kind, line, at=self.at(fact.hour), now=now).event_id

    def carry_out(self, act: Act) -> None:
        now = self.at(act.hour)
        if act.place is None:
            command = StartRecall(id=uuid7(), batch=BATCHES[0], reason="uji")
            start_recall(self.db, SYSTEM, command, now=now)
        else:
            hold_for_episode(self.db, SYSTEM, self.episode(act.place), now=now)

    def play(self, steps: Iterable[Step]) -> list[Fact]:
        """All steps in their order; what the floor of zero refuses is told again after what comes next. Answers what stays refused."""
        waiting: list[Fact] = []
        for step in chain(steps, (None,)):
            if isinstance(step, Act):
                self.carry_out(step)
                continue
            again = [*waiting, *([step] if step is not None else [])]
            waiting = []
            while again:
                refused = [fact for fact in again if not self.tell(fact)]
                if len(refused) == len(again):
                    waiting = refused
                    break
                again = refused
        return waiting

    def tell(self, fact: Fact) -> bool:
        try:
            self.record(fact)
        except HistoryNegative:
            return False
        return True

    def books(self) -> Books:
        """Vials by account and batch, and status."""
        found: Books = defaultdict(dict)
        rows = self.db.scalars(
            select(StockBalance).where(StockBalance.vials > 0).execution_options(populate_existing=True)
        )
        for row in rows:
            found[row.holder_id, row.batch_id][row.status] = row.vials
        return dict(found)


def in_order_of_time(steps: Sequence[Step]) -> list[Step]:
    """As everybody should have told it."""
    return sorted(steps, key=lambda step: step.hour)


def in_order_of_telling(steps: Sequence[Step]) -> list[Step]:
    """As it was told."""
    return sorted(steps, key=lambda step: step.hour + (step.late if isinstance(step, Fact) else 0))
