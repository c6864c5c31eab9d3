"""A morning at one puskesmas with frost, heat and a recall, whose facts may be recorded in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.coldchain import new_channel
from tests.support.stock import Ledger
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.coldchain.models import Alarm, Episode, Limit
from tracker.coldchain.rules.limits import Severity
from tracker.kit.ids import uuid7
from tracker.network.models import Equipment
from tracker.passport.models import Hold
from tracker.passport.rules.harm import Disposition, HoldState
from tracker.passport.service.closing import close_alarm
from tracker.passport.service.commands import BatchDisposition, CloseAlarm, Decision
from tracker.passport.service.entering import hold_entering
from tracker.passport.service.holding import hold_for_episode
from tracker.quota.service.relabelling import correct_lot
from tracker.shipments.models import Shipment
from tracker.shipments.rules.words import Difference, ShipmentKind, ShipmentState
from tracker.shipments.service.commands import Received, ReceiveShipment
from tracker.shipments.service.outstanding import on_road
from tracker.shipments.service.receiving import receive_shipment
from tracker.stock.errors import (
    AlreadyReversed,
    CountedSince,
    HistoryNegative,
    LotsMixed,
    NotReversible,
    SentOn,
    TooFewOfLot,
    TooManyDoses,
    VialInUse,
    VialStopped,
)
from tracker.stock.models import OpenVial, StockBalance, StockEvent
from tracker.stock.rules.words import Kind, OpenWaste, Status
from tracker.stock.service.commands import CorrectLot, DiscardDoses, GiveDoses, ReverseEvent
from tracker.stock.service.opening import discard_doses, give_doses
from tracker.stock.service.reversing import reverse_event
from tracker.telemetry.models import Channel
from tracker.trace.recalls import StartRecall, start_recall, sweep_recalls
from tracker.trace.withdrawing import withdraw_recall

BATCHES = ("penta-5/PB001", "az-10/AZ003", "penta-5/PB002")  # frost spoils them all


class Differs(NamedTuple):
    """What of a receipt was otherwise than sent, in vials; `other_lot`: they were of another lot, and those sent are missing."""

    missing: int = 0
    rejected: int = 0
    surplus: int = 0
    other_lot: int = 0
    reason: Difference = Difference.OTHER


@dataclass(frozen=True, slots=True)
class Fact:
    """What somebody did at `hour`, of usable vials of a batch (index) in a fridge (0, 1), told `late` hours after.

    A count finds so many `vials` more than lay there had all been told at once, and says each status. A relabel says that
    what `undoes` brought is of the first lot; what is told of the other lot afterwards names the first, too.
    """

    hour: float
    kind: Kind
    batch: int
    place: int
    vials: int
    late: float = 0
    opened: float | None = (
        None  # of doses (Kind.USE given, else thrown away): when the vial was opened that they came from
    )
    undoes: float | None = None  # of a reversal: the hour of what it takes back; of a relabel: of what it is about
    sent: float | None = None  # of a receipt: when what arrives had left
    differs: Differs | None = None


NotNow = (
    TooManyDoses,
    VialStopped,
    VialInUse,
    AlreadyReversed,
    NotReversible,
    TooFewOfLot,
    LotsMixed,
    SentOn,
    CountedSince,
)
"""What somebody could not have done as things stood then."""


class Untold(Exception):
    """What a fact builds on has not been told yet."""


@dataclass(frozen=True, slots=True)
class Act:
    """What the house did at `hour`: a hold for the episode at a fridge, or (None) a recall of the first batch.

    `closing`: a person closed the fridge's alarm and discarded (or `freed`) what it held; or withdrew the recall.
    """

    hour: float
    place: int | None
    closing: bool = False
    freed: bool = False


Step = Fact | Act

FROST, HEAT, RECALL = Act(10.2, 0), Act(13.2, 1), Act(14.2, None)
CLOSING = Act(14.5, 0, closing=True)
FREEING = Act(14.5, 0, closing=True, freed=True)
EARLY_RECALL = Act(9.2, None)  # before anybody knew of the frost
WITHDRAWAL = Act(15.2, None, closing=True)
_RIGHT, _WRONG = 0, 2  # the lots of a relabel
_OTHER = {0: 2, 1: 0, 2: 0}  # what came instead of a lot
SPANS = {0: (7.1, 8.6), 1: (11.1, 12.1)}  # the first fridge freezes, the second is warm

Books = dict[tuple[UUID, UUID], dict[Status, int]]
Found = dict[float, dict[Status, int]]
"""What counts found, by their hour."""


@dataclass(slots=True)
class Morning:
    """Records facts and carries out acts as the house would, its reactions included."""

    db: Session
    world: World
    channels: dict[int, int] = field(default_factory=dict)
    recalls: list[UUID] = field(default_factory=list)
    told: dict[float, UUID] = field(default_factory=dict)
    found: Found = field(default_factory=dict)
    relabelled: bool = False

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
        alarm = Alarm(
            id=uuid7(),
            rule=rule,
            severity=Severity.ALARM,
            unit_id=self.world.puskesmas.id,
            equipment_id=equipment.id,
            device_id=self.db.get_one(Channel, self.channels[index]).device_id,
            channel_id=self.channels[index],
            started_at=self.at(began),
            alarmed_at=self.at(ended),
            ended_at=self.at(ended),
            raised_at=self.at(ended),
        )
        self.db.add(alarm)
        self.db.flush()
        episode = Episode(
            id=uuid7(),
            alarm_id=alarm.id,
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
        if self.relabelled and fact.batch == _WRONG and fact.kind is not Kind.SUPPLY:
            fact = replace(fact, batch=_RIGHT)
        if fact.kind is Kind.RELABEL or fact.differs is not None:
            self.record_several(fact, now)
            return
        event_id = self.post(fact, now)
        if event_id is not None:
            self.told[fact.hour] = event_id
            hold_entering(self.db, SYSTEM, event_id, now=now)
        sweep_recalls(self.db, self.world.batches[BATCHES[fact.batch]].id, now=now, moved_by=event_id)

    def record_several(self, fact: Fact, now: datetime) -> None:
        """What is written as more than one event, of two lots."""
        newest = self.db.scalar(select(func.max(StockEvent.number))) or 0
        with self.db.begin_nested():
            self.post_several(fact, now)
        written = select(StockEvent.id).where(StockEvent.number > newest, StockEvent.because_id.is_(None))
        for event_id in self.db.scalars(written.order_by(StockEvent.number)).all():
            hold_entering(self.db, SYSTEM, event_id, now=now)
            for lot in BATCHES:
                sweep_recalls(self.db, self.world.batches[lot].id, now=now, moved_by=event_id)

    def post_several(self, fact: Fact, now: datetime) -> None:
        if fact.kind is not Kind.RELABEL:
            self.told[fact.hour] = self.receive(fact, now)
            return
        assert fact.undoes is not None
        if fact.undoes not in self.told:
            raise Untold(fact)
        lots = [str(self.world.batches[BATCHES[index]].id) for index in (_WRONG, _RIGHT)]
        correct_lot(
            self.db,
            SYSTEM,
            CorrectLot(id=uuid7(), event_id=self.told[fact.undoes], wrong=lots[0], right=lots[1], reason="salah baca"),
            now=now,
        )
        self.relabelled = True

    def receive(self, fact: Fact, now: datetime) -> UUID:
        """What came of a shipment, with what was otherwise. Raises Untold."""
        differs, shipment = fact.differs or Differs(), self.shipment_of(fact)
        missing = differs.missing + differs.other_lot
        if fact.sent not in self.told:
            raise Untold(fact)
        there = on_road(self.db, shipment, self.at(fact.hour)).get(self.world.batches[BATCHES[fact.batch]].id, {})
        if sum(there.values()) < fact.vials + missing + differs.rejected:
            raise Untold(fact)
        place = self.fridge(fact.place).code
        line = Received(
            batch=BATCHES[fact.batch],
            place=place,
            accepted=fact.vials,
            rejected=differs.rejected,
            missing=missing,
            surplus=differs.surplus,
            reason=differs.reason,
        )
        other = Received(
            batch=BATCHES[_OTHER[fact.batch]], place=place, surplus=differs.other_lot, reason=Difference.WRONG_LOT
        )
        lines = (line, other) if differs.other_lot else (line,)
        receipt = ReceiveShipment(id=uuid7(), occurred_at=self.at(fact.hour), lines=lines, returned=True)
        receive_shipment(self.db, SYSTEM, shipment, receipt, now=now)
        return receipt.id

    def count(self, fact: Fact, now: datetime) -> UUID:
        """A person says of each status how many lie there."""
        batch, place = BATCHES[fact.batch], self.fridge(fact.place)
        if fact.hour not in self.found:
            lying = dict(self.books().get((place.id, self.world.batches[batch].id), {}))
            first = next((status for status in Status if lying.get(status)), Status.USABLE)
            lying[first] = max(0, lying.get(first, 0) + fact.vials)
            self.found[fact.hour] = lying
        lines = [
            self.ledger.line(batch, self.found[fact.hour].get(status, 0), place=place, status=status, status_said=True)
            for status in Status
        ]
        return self.ledger.post(Kind.COUNT, *lines, at=self.at(fact.hour), now=now).event_id

    def post(self, fact: Fact, now: datetime) -> UUID | None:
        """The ledger's part alone; doses have no event. Raises Untold, and what the ledger refuses it with."""
        if fact.opened is not None:
            with self.db.begin_nested():
                self.take(fact, now)
            return None
        if fact.undoes is not None:
            if fact.undoes not in self.told:
                raise Untold(fact)
            undo = ReverseEvent(id=uuid7(), event_id=self.told[fact.undoes], reason="salah ketuk")
            with self.db.begin_nested():
                return reverse_event(self.db, SYSTEM, undo, now=now).event_id
        if fact.kind in {Kind.DISPATCH, Kind.RECEIPT, Kind.COUNT}:
            with self.db.begin_nested():
                return self.count(fact, now) if fact.kind is Kind.COUNT else self.on_the_road(fact, now)
        places = {"place": self.fridge(fact.place)}
        if fact.kind is Kind.TRANSFER:
            places["to_place"] = self.fridge(1 - fact.place)
        reason = "broken" if fact.kind is Kind.WASTE else None
        line = self.ledger.line(BATCHES[fact.batch], fact.vials, reason=reason, **places)
        with self.db.begin_nested():
            return self.ledger.post(fact.kind, line, at=self.at(fact.hour), now=now).event_id

    def on_the_road(self, fact: Fact, now: datetime) -> UUID:
        """Vials leave for the road, or arrive in the state in which the books had them there at that instant. Raises Untold."""
        shipment = self.shipment_of(fact)
        batch, place = BATCHES[fact.batch], self.fridge(fact.place)
        lines = [self.ledger.line(batch, fact.vials, place=place)]
        if fact.sent is None:
            self.db.add(self.shipment(shipment, now))
        else:
            if fact.sent not in self.told:
                raise Untold(fact)
            there = on_road(self.db, shipment, self.at(fact.hour)).get(self.world.batches[batch].id, {})
            if sum(there.values()) < fact.vials:
                raise Untold(fact)
            lines, left = [], fact.vials
            for status, vials in there.items():
                if taken := min(vials, left):
                    lines.append(self.ledger.line(batch, taken, place=place, status=status))
                left -= taken
        return self.ledger.post(fact.kind, *lines, at=self.at(fact.hour), now=now, shipment_id=shipment).event_id

    def shipment_of(self, fact: Fact) -> UUID:
        return UUID(int=int(2 * (fact.hour if fact.sent is None else fact.sent)))

    def shipment(self, shipment_id: UUID, now: datetime) -> Shipment:
        """Whose road it is: to the city, from which a truck may turn round."""
        return Shipment(
            id=shipment_id,
            code=f"SJ-{shipment_id.int}",
            kind=ShipmentKind.RETURN,
            state=ShipmentState.IN_TRANSIT,
            from_facility_id=self.world.puskesmas.id,
            to_facility_id=self.world.city.id,
            sideways=False,
            content="",
            created_at=now,
            created_by="test",
        )

    def take(self, fact: Fact, now: datetime) -> None:
        """Doses out of the first vial that was opened at an hour, given or thrown away. Raises Untold."""
        assert fact.opened is not None
        batch_id = self.world.batches[BATCHES[fact.batch]].id
        query = select(OpenVial.id).where(OpenVial.batch_id == batch_id, OpenVial.opened_at == self.at(fact.opened))
        vial = self.db.scalars(query.order_by(OpenVial.id).limit(1)).first()
        if vial is None:
            raise Untold(fact)
        at = self.at(fact.hour)
        if fact.kind is Kind.USE:
            give_doses(self.db, SYSTEM, GiveDoses(open_vial_id=vial, occurred_at=at, doses=fact.vials), now=now)
        else:
            rest = DiscardDoses(open_vial_id=vial, occurred_at=at, reason=OpenWaste.SESSION_END, doses=fact.vials)
            discard_doses(self.db, SYSTEM, rest, now=now)

    def close(self, now: datetime, disposition: Disposition) -> None:
        """Decide about all that the first fridge's alarm holds, and close it. Raises Untold."""
        alarm = self.db.scalars(select(Alarm).where(Alarm.equipment_id == self.fridge(0).id)).first()
        if alarm is None:
            raise Untold
        held = select(Hold.batch_id).where(Hold.alarm_id == alarm.id, Hold.state == HoldState.HELD).distinct()
        decision = Decision(reason="beku", override=disposition is Disposition.RELEASE)
        decided = [
            BatchDisposition(batch_id=one, disposition=disposition, decision=decision)
            for one in sorted(self.db.scalars(held))
        ]
        close_alarm(self.db, SYSTEM, CloseAlarm(alarm_id=alarm.id, dispositions=decided), now=now)

    def carry_out(self, act: Act) -> None:
        now = self.at(act.hour)
        if act.closing and act.place is None:
            withdraw_recall(self.db, SYSTEM, self.recalls.pop(), reason="lot keliru", now=now)
        elif act.closing:
            self.close(now, Disposition.RELEASE if act.freed else Disposition.DISCARD)
        elif act.place is None:
            command = StartRecall(id=uuid7(), batch=BATCHES[0], reason="uji")
            start_recall(self.db, SYSTEM, command, now=now)
            self.recalls.append(command.id)
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
        except (HistoryNegative, Untold, *NotNow):
            return False
        return True

    def doses(self) -> dict[UUID, int]:
        """Doses given, by batch."""
        given = select(OpenVial.batch_id, func.sum(OpenVial.given)).group_by(OpenVial.batch_id)
        return {batch_id: int(doses) for batch_id, doses in self.db.execute(given) if doses}

    def unheld(self) -> list[tuple[UUID, UUID]]:
        """Where vials are held that no hold covers, so nobody could lift it."""
        covered = select(Hold.id).where(
            Hold.holder_id == StockBalance.holder_id,
            Hold.batch_id == StockBalance.batch_id,
            Hold.state == HoldState.HELD,
        )
        rows = select(StockBalance.holder_id, StockBalance.batch_id).where(
            StockBalance.status == Status.HELD, StockBalance.vials > 0, ~covered.exists()
        )
        return [(row.holder_id, row.batch_id) for row in self.db.execute(rows)]

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
