"""Which vials of one batch a hold stops, and at what instant: the same in whatever order facts are told. Pure.

Vials of a batch are told apart only by where they lie and in what status. What was at a place between two instants is
followed through the ledger; where it met others of the batch, all of them count. From the instant the hold acted, what it
stopped lies there as held: usable vials that come later are others. So where a late fact shows that harmed vials had come
somewhere, what lay there when the hold acted is stopped, as of that instant, or of the later one at which they came in.
What has left since as usable cannot be stopped there any more: it is followed to where it went, with all it met.
A recall in between takes what is stopped from the hold, and gives it back to it when it is withdrawn: what lay there as
held is told from what lay there as usable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from tracker.stock.rules.tracing import Holder, TracedEntry
from tracker.stock.rules.words import BALANCED, Account, Kind, Status

_END = datetime.max.replace(tzinfo=UTC)


class Node(NamedTuple):
    """Vials of the batch at one holder in one status."""

    holder: Holder
    status: Status


@dataclass(frozen=True, slots=True)
class Stopping:
    """Usable vials to stop at a holder, as of `at` (None: now); of opened ones the oldest."""

    holder: Holder
    at: datetime | None
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the batch besides its entries, each by holder.

    `since`: when the hold acted first (None: it acts now for the first time). `released`: since when this hold's vials there
    are free by a person's word. `counted`: the last count, which asserts what it found, so nothing is stopped before it.
    `opened`: when the usable vials that are still open were opened; one opened vial is told from another.
    """

    since: datetime | None = None
    released: Mapping[Holder, datetime] = field(default_factory=dict)
    counted: Mapping[Holder, datetime] = field(default_factory=dict)
    opened: Mapping[Holder, Sequence[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Harmed:
    """The holders that may have harmed vials now, in any status, and what is to be stopped, in order of time."""

    holders: frozenset[Holder]
    stoppings: tuple[Stopping, ...]


class _Step(NamedTuple):
    """What happened at one place in time, an event with whatever was done beside it later: vials by which nodes changed."""

    at: datetime
    kind: Kind
    changes: dict[Node, int]


def harmed(
    entries: Iterable[TracedEntry], start: Holder, from_at: datetime, to_at: datetime | None, known: Known
) -> Harmed:
    """Follow what was at `start` between the two instants (`to_at` None: until now)."""
    walk = _Walk(list(_steps(entries)), start, known)
    begun = False
    for index, step in enumerate(walk.steps):
        if not begun and step.at > from_at:
            begun = True
            walk.begin(from_at)
        walk.stop_before(step.at, index)
        walk.pass_on(step, follow=begun or step.at >= from_at, entering=to_at is None or step.at <= to_at)
    if not begun:
        walk.begin(from_at)
    walk.stop_before(None, len(walk.steps))
    walk.stop_opened()
    return Harmed(frozenset(node.holder for node in walk.marked), tuple(walk.stoppings))


def _steps(entries: Iterable[TracedEntry]) -> Iterator[_Step]:
    ordered = sorted(entries, key=lambda entry: entry.at)
    for (at, _), group in groupby(ordered, key=lambda entry: entry.at[:2]):
        changes: dict[Node, int] = defaultdict(int)
        beside = list(group)
        for entry in beside:
            changes[Node(entry.holder, entry.status)] += entry.vials
        yield _Step(at, beside[0].kind, {node: vials for node, vials in changes.items() if vials})


class _Walk:
    """Balances as they would have been with what is stopped now, and which of them may be harmed vials."""

    def __init__(self, steps: Sequence[_Step], start: Holder, known: Known) -> None:
        self.steps, self.start, self.known = steps, start, known
        self.balances: dict[Node, int] = defaultdict(int)
        self.marked: set[Node] = set()
        self.missed: set[Node] = set()  # of the marked, recalled ones that no hold had stopped when they were recalled
        self.due: dict[Node, datetime] = {}
        self.recalled: dict[Holder, int] = defaultdict(int)  # of what is stopped here, how many a recall took since
        self.opened_until: dict[Holder, datetime] = {}
        self.stoppings: list[Stopping] = []

    def begin(self, at: datetime) -> None:
        """What lies at the start is harmed, whatever its status."""
        for node, vials in list(self.balances.items()):
            if node.holder == self.start and vials > 0:
                self._mark(node, at, missed=True)

    def pass_on(self, step: _Step, *, follow: bool, entering: bool) -> None:
        changes = self._with_stopped(step) if step.kind is Kind.STATUS else step.changes
        lost = {node for node, vials in changes.items() if vials < 0} & self.marked
        if step.kind is not Kind.STATUS:  # a hold does not follow recalled vials, so what of them goes on is free of it
            self.missed |= {node for node in lost if node.status is Status.RECALLED and self.recalled[node.holder]}
        for node, vials in changes.items():
            self.balances[node] += vials
        for node in [node for node, vials in changes.items() if vials > 0] if follow else []:
            sources = self._sources(step, lost, node)
            enters = entering and node.holder == self.start
            if sources or enters:
                self._mark(node, step.at, missed=enters or any(self._unheld(source) for source in sources))
        self.marked = {node for node in self.marked if self.balances[node] > 0}
        self.missed &= self.marked
        self.due = {node: at for node, at in self.due.items() if node in self.marked}

    def _with_stopped(self, step: _Step) -> dict[Node, int]:
        """The step as the ledger tells it again: what is stopped here a recall takes from the hold, and gives back to it."""
        changes = dict(step.changes)
        for node, vials in step.changes.items():
            if node.status is not Status.USABLE or not step.changes.get(node._replace(status=Status.RECALLED)):
                continue
            taken, given_back = max(0, -(self.balances[node] + vials)), min(vials, self.recalled[node.holder])
            shift = taken if vials < 0 else -given_back
            self.recalled[node.holder] += shift
            held = node._replace(status=Status.HELD)
            changes[node] += shift
            changes[held] = changes.get(held, 0) - shift
        return changes

    def _sources(self, step: _Step, lost: set[Node], node: Node) -> set[Node]:
        """The harmed vials that may be among those which a node gained."""
        if step.kind is not Kind.STATUS:
            return lost
        released = self.known.released.get(node.holder)
        if node.status is Status.USABLE and released is not None and step.at >= released:
            return set()  # a person has judged them
        here = {source for source in lost if source.holder == node.holder}
        # A recall that is withdrawn gives back as held what was on hold: what it frees is harmed where no hold had stopped it.
        given_back = {source for source in here if source.status is Status.RECALLED and source not in self.missed}
        return here - given_back if node.status is Status.USABLE else here

    def _unheld(self, node: Node) -> bool:
        return node.status is Status.USABLE or node in self.missed

    def _mark(self, node: Node, at: datetime, *, missed: bool) -> None:
        self.marked.add(node)
        if node.status is Status.RECALLED and missed:
            self.missed.add(node)
        if node.status is Status.USABLE and node.holder.account in BALANCED:
            since, counted = self.known.since, self.known.counted.get(node.holder)
            self.due[node] = _END if since is None else max(at, since, counted or at)

    def stop_before(self, at: datetime | None, index: int) -> None:
        """Stop what was due before `at`, where the steps from `index` on are still to come."""
        for node, due in sorted(self.due.items(), key=lambda item: (item[1], item[0])):
            if at is None or due < at:
                del self.due[node]
                self._stop(node, due, index)

    def _stop(self, node: Node, due: datetime, index: int) -> None:
        if node.holder.account is Account.OPEN and self.known.since is not None:
            self.opened_until[node.holder] = due
            self.marked.discard(node)
            return
        vials = self._least(node, index)
        if vials:
            self.stoppings.append(Stopping(node.holder, None if due == _END else due, vials))
            held = node._replace(status=Status.HELD)
            self.balances[node] -= vials
            self.balances[held] += vials
            self.marked.add(held)
        if self.balances[node] <= 0:
            self.marked.discard(node)

    def stop_opened(self) -> None:
        """Opened vials are told apart, so theirs is stopped now: doses given meanwhile came from a vial nobody had stopped."""
        for holder, until in self.opened_until.items():
            if vials := sum(opened <= until for opened in self.known.opened.get(holder, ())):
                self.stoppings.append(Stopping(holder, None, vials))
                self.marked.add(Node(holder, Status.HELD))

    def _least(self, node: Node, index: int) -> int:
        """As many as lie there now and are still there after each later step; a recall takes them from the hold."""
        balance = least = self.balances[node]
        recalled, away = node._replace(status=Status.RECALLED), False
        for step in self.steps[index:]:
            change = step.changes.get(node, 0)
            balance += change
            if step.kind is Kind.STATUS and change and step.changes.get(recalled):
                away = change < 0
            if not away:
                least = min(least, balance)
        return max(0, least)
