"""Facts and acts: what a fact that is learnt late does to what the house did since. Pure (docs/adr, "Facts and acts").

A fact is what people did: vials came, went, were opened, were counted. An act is what the house did about what lay
there: a hold, a release, a recall moved all vials of a batch at one account from one status to another. So did whoever
stopped or freed vials by hand, but said how many: with fewer there it is fewer, and never more than was said. A fact is judged
by its own time, so one that happened before an act and is recorded after it changes how many vials the act found: the act
is done again, with as many vials as lay there. Whoever holds a standing order (a recall) acts also where it found nothing.
One that was withdrawn acts from its start to its end, and there gives vials back the status that it took them from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tracker.stock.rules.entries import (
    Balance,
    Broken,
    Entry,
    Key,
    Opposite,
    Past,
    PastCount,
    check_history,
    opposite_of,
)
from tracker.stock.rules.history import Move, Position, balance_at
from tracker.stock.rules.words import BALANCED, Account, Status

_NO_PAST = Past()
# What is unusable already stays so.
RECALLED_FROM = frozenset({Status.USABLE, Status.HELD})
_RECALLED = frozenset({Status.RECALLED})


class Pair(NamedTuple):
    """A batch at one account, in whatever status."""

    holder_id: UUID
    batch_id: UUID


@dataclass(frozen=True, slots=True)
class Act:
    """Vials of a batch at one account were moved from the statuses `sources` to `target`: for a hold or a recall, or by hand."""

    occurred_at: datetime
    number: int
    event_id: UUID | None  # None: a standing order that found nothing here yet
    facility_id: UUID
    account: Account
    cause: UUID | None  # None: by hand
    reason: str | None
    sources: frozenset[Status]
    target: Status

    @property
    def frees(self) -> bool:
        """Whether it gives back what a recall took that was withdrawn."""
        return self.cause is not None and self.sources == _RECALLED


@dataclass(frozen=True, slots=True)
class Stop:
    """A standing order: vials of the batch are recalled from `since` on, and free again at `until` (None: never).

    `ended_by` is the one that ended last, where several overlapped.
    """

    cause: UUID
    since: datetime
    reason: str | None = None
    until: datetime | None = None
    ended_by: UUID | None = None


def as_spans(stops: Iterable[Stop]) -> tuple[Stop, ...]:
    """Orders that overlap as one, in the order of time: vials are stopped as long as any of them stands."""
    spans: list[Stop] = []
    for stop in sorted(stops, key=lambda stop: (stop.since, stop.cause)):
        last = spans[-1] if spans else None
        if last is None or (last.until is not None and last.until < stop.since):
            spans.append(stop)
        elif last.until is not None and (stop.until is None or stop.until > last.until):
            spans[-1] = replace(last, until=stop.until, ended_by=stop.cause)
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class History:
    """What was recorded of some batches at some accounts from an instant on, and what stands there now."""

    pasts: Mapping[Key, Past] = field(default_factory=dict)
    acts: Mapping[Pair, Sequence[Act]] = field(default_factory=dict)
    balances: Mapping[Key, Balance] = field(default_factory=dict)

    def past(self, key: Key) -> Past:
        """What was recorded at a key."""
        return self.pasts.get(key, _NO_PAST)

    def vials(self, key: Key) -> int:
        """What stands at a key."""
        balance = self.balances.get(key)
        return balance.vials if balance is not None else 0


@dataclass(frozen=True, slots=True)
class Amended:
    """An act that is done again with more or fewer vials: entries at the act's own place in time."""

    act: Act
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Reapplied:
    """All that follows from a late fact."""

    opposites: Sequence[Opposite]
    amended: Sequence[Amended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is written now: vials by which each key changes, where in time, by which line; `facility_id` whose it is."""

    position: Position
    facility_id: UUID
    changes: Mapping[Key, int]
    accounts: Mapping[Key, Account]
    lines: Mapping[Key, int | None]


@dataclass(slots=True)
class _Deltas:
    """How many vials more lie at an account, by status; of the recalled ones, how many were on hold before."""

    by: dict[Status, int]
    held: int = 0

    def end(self, status: Status) -> int:
        """What a count finds of them: nothing goes on behind it."""
        if status is Status.RECALLED:
            self.held = 0
        return self.by.pop(status, 0)

    def of(self, act: Act, status: Status, *, last: bool) -> int:
        """How many of a status an act concerns. What was on hold is given back to the hold, all else as usable; the last takes what is left."""
        left = self.by[status]
        if not act.frees or (last and left < 0):
            return left
        return left - self.held if act.target is Status.USABLE else self.held

    def move(self, act: Act, status: Status, vials: int) -> None:
        self.by[status] -= vials
        self.by[act.target] = self.by.get(act.target, 0) + vials
        if act.target is Status.RECALLED and status is Status.HELD:
            self.held += vials
        elif act.frees:
            self.held -= 0 if act.target is Status.USABLE else vials
            # No more of them can have been on hold than are still recalled: where the hold was lifted meanwhile, they went as usable.
            left = self.by[status]
            self.held = min(max(self.held, min(left, 0)), max(left, 0))


def reapply(fact: Fact, history: History, stops: Mapping[UUID, Sequence[Stop]]) -> Reapplied:
    """Carry each change through the counts and acts that stand after it, in the order of time.

    A count asserts what it found, so the change ends there (domain.md §3). An act takes what comes to it along: a change
    of what it left untouched goes on behind it, one of what it found goes on in the status it gave.
    """
    opposites: list[Opposite] = []
    amended: list[Amended] = []
    # What goes on as recalled is what it had been before where it came from: the accounts that lose it are asked first.
    given_back: dict[UUID, int] = defaultdict(int)
    for pair, by_status in sorted(_by_pair(fact.changes).items(), key=lambda one: one[1].get(Status.RECALLED, 0)):
        came = by_status.get(Status.RECALLED, 0)
        deltas = _Deltas(by_status, held=max(0, min(came, given_back[pair.batch_id])))
        steps = list(_later(pair, fact, history, stops))
        freeing = [step for step in steps if isinstance(step, Act) and step.frees and step.event_id]
        for step in steps:
            if isinstance(step, Act):
                last = step.frees and (not freeing or step is freeing[-1])
                found = _act_again(step, pair, deltas, fact, history, last=last)
                if found is not None:
                    amended.append(found)
                    given_back[pair.batch_id] += _less_given_back(found)
            else:
                key, count = step
                opposite = opposite_of(
                    key,
                    deltas.end(key.status),
                    Past(history.past(key).moves, (count,)),
                    position=fact.position,
                    facility_id=fact.facility_id,
                    line=fact.lines.get(key),
                )
                if opposite is not None:
                    opposites.append(opposite)
    return Reapplied(opposites, amended)


def _less_given_back(again: Amended) -> int:
    """By how many vials fewer the end of a recall gives back to a hold now."""
    if not again.act.frees or again.act.target is Status.USABLE:
        return 0
    return max(0, -sum(entry.vials for entry in again.entries if entry.key.status is again.act.target))


def status_at(acts: Sequence[Act], opened_at: datetime, at: datetime) -> Status:
    """What state a vial opened at `opened_at` was in at `at`, by the acts on its account."""
    status = before = Status.USABLE
    for act in sorted(acts, key=lambda act: (act.occurred_at, act.number)):
        if act.cause is None:
            continue  # of some vials, and nobody says which
        if opened_at <= act.occurred_at <= at and status in act.sources:
            # A withdrawn recall gives back what it took, however many others of the account were on hold.
            before, status = status, before if act.frees else act.target
    return status


def broken_by(fact: Fact, again: Reapplied, history: History, number: int) -> list[Broken]:
    """The keys that would fall below zero at some instant, with the first such; `number` is the fact's."""
    moves: dict[Key, list[Move]] = defaultdict(list)
    for key, change in fact.changes.items():
        moves[key].append(Move(fact.position, change))
    for opposite in again.opposites:
        at = (opposite.count.occurred_at, opposite.count.number, number)
        for entry in opposite.entries:
            if entry.account in BALANCED:
                moves[entry.key].append(Move(at, entry.vials))
    for each in again.amended:
        for entry in each.entries:
            moves[entry.key].append(Move((each.act.occurred_at, each.act.number, number), entry.vials))
    checked = (
        check_history(key, history.balances.get(key), history.past(key), new, fact.lines.get(key))
        for key, new in moves.items()
    )
    return [found for found in checked if found is not None]


def _by_pair(changes: Mapping[Key, int]) -> dict[Pair, dict[Status, int]]:
    found: dict[Pair, dict[Status, int]] = defaultdict(dict)
    for key, vials in changes.items():
        if vials:
            found[Pair(key.holder_id, key.batch_id)][key.status] = vials
    return found


def _later(
    pair: Pair, fact: Fact, history: History, stops: Mapping[UUID, Sequence[Stop]]
) -> Iterator[Act | tuple[Key, PastCount]]:
    """Counts and acts behind the fact, in their order."""
    steps: list[tuple[Position, Act | tuple[Key, PastCount]]] = []
    for status in Status:
        key = Key(pair.holder_id, pair.batch_id, status)
        steps += [((c.occurred_at, c.number, c.number), (key, c)) for c in history.past(key).counts]
    steps += [((act.occurred_at, act.number, act.number), act) for act in history.acts.get(pair, ())]
    steps = [(at, step) for at, step in steps if at > fact.position]
    for stop in stops.get(pair.batch_id, ()):
        if stop.until is None or stop.until > fact.position[0]:
            steps += _standing(stop, pair, fact)
    steps.sort(key=lambda step: step[0])
    return (step for _, step in steps)


def _standing(stop: Stop, pair: Pair, fact: Fact) -> Iterator[tuple[Position, Act]]:
    """A standing order stands at its own instant, behind whatever else happened then; later facts meet it at once.

    Its end stands at its instant alike: first what was usable is given back, then what was on hold.
    """
    number = fact.position[2]
    at = max(stop.since, fact.position[0])
    account = next(a for key, a in fact.accounts.items() if (key.holder_id, key.batch_id) == pair)
    act = Act(at, number, None, fact.facility_id, account, stop.cause, stop.reason, RECALLED_FROM, Status.RECALLED)
    yield fact.position if at == fact.position[0] else (at, number, number), act
    if stop.until is not None:
        end = replace(act, occurred_at=stop.until, cause=stop.ended_by or stop.cause, sources=_RECALLED)
        for target in (Status.USABLE, Status.HELD):
            yield (stop.until, number, number), replace(end, target=target)


def _act_again(act: Act, pair: Pair, deltas: _Deltas, fact: Fact, history: History, *, last: bool) -> Amended | None:
    """Take the changes that reach an act along into the status it gave."""
    entries: list[Entry] = []
    for status in sorted(act.sources & deltas.by.keys()):
        key = Key(pair.holder_id, pair.batch_id, status)
        vials = _taken(act, key, deltas.of(act, status, last=last), history)
        if not vials:
            continue
        line = fact.lines.get(key)
        entries.append(Entry(act.account, key, -vials, None, act.reason, line))
        entries.append(Entry(act.account, key._replace(status=act.target), vials, None, act.reason, line))
        deltas.move(act, status, vials)
    return Amended(act, tuple(entries)) if entries else None


def _taken(act: Act, key: Key, change: int, history: History) -> int:
    """How many vials more (or, below zero, fewer) the act moves from `key` when `change` more had been there.

    An act that left nothing takes everything, so it takes more; with fewer there it takes what there is. One that gives
    back what was recalled gives back no more than it did (the end of the standing order does), and never what is not there.
    """
    if act.event_id is None:
        return max(change, 0)
    moves = history.past(key).moves
    moved = max(0, -sum(move.vials for move in moves if move.at[1] == act.number))
    if act.frees:
        return -min(moved, max(0, -change))
    after = balance_at(history.vials(key), (move for move in moves if move.at[:2] > (act.occurred_at, act.number)))
    # Where facts are told together, one may leave less than nothing there until the next has filled it up.
    more = max(0, change + min(after, 0))
    if change > 0 and act.cause is None:
        said = max(0, -sum(move.vials for move in moves if move.at[1:] == (act.number, act.number)))
        return min(more, said - moved)
    if change > 0:
        return more if after <= 0 else 0
    return -min(moved, max(0, -(after + change)))
