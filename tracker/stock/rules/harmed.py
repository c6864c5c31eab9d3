"""Which vials of one batch a hold stops, and at what instant: the same in whatever order facts are told. Pure.

Vials of a batch are told apart only by where they lie and in what status. What was at a place between two instants is
followed through the ledger; where it met others of the batch, all of them count. From the instant the hold acted, what it
stopped lies there as held: usable vials that come later are others. So where a late fact shows that harmed vials had come
somewhere, what lay there when the hold acted is stopped, as of that instant, or of the later one at which they came in.
What has left since as usable cannot be stopped there any more: it is followed to where it went, with all it met.
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
        self.due: dict[Node, datetime] = {}
        self.stoppings: list[Stopping] = []

    def begin(self, at: datetime) -> None:
        """What lies at the start is harmed, whatever its status."""
        for node, vials in list(self.balances.items()):
            if node.holder == self.start and vials > 0:
                self._mark(node, at)

    def pass_on(self, step: _Step, *, follow: bool, entering: bool) -> None:
        lost = {node for node, vials in step.changes.items() if vials < 0}
        gained = [node for node, vials in step.changes.items() if vials > 0]
        for node, vials in step.changes.items():
            self.balances[node] += vials
        if follow:
            reached = [node for node in gained if self._reaches(step, lost & self.marked, node)]
            reached += [node for node in gained if entering and node.holder == self.start]
            for node in reached:
                self._mark(node, step.at)
        self.marked = {node for node in self.marked if self.balances[node] > 0}
        self.due = {node: at for node, at in self.due.items() if node in self.marked}

    def _reaches(self, step: _Step, sources: set[Node], node: Node) -> bool:
        if step.kind is not Kind.STATUS:
            return bool(sources)
        released = self.known.released.get(node.holder)
        if node.status is Status.USABLE and released is not None and step.at >= released:
            return False  # a person has judged them
        return any(source.holder == node.holder for source in sources)

    def _mark(self, node: Node, at: datetime) -> None:
        self.marked.add(node)
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
        vials = self._least(node, index)
        apart = node.holder.account is Account.OPEN and self.known.since is not None
        if apart:
            stopped = sum(one.vials for one in self.stoppings if one.holder == node.holder)
            still_open = sum(opened <= due for opened in self.known.opened.get(node.holder, ()))
            vials = max(0, min(vials, still_open - stopped))
        if vials:
            # Opened vials are told apart, so theirs stands now: doses given meanwhile came from a vial nobody had stopped.
            self.stoppings.append(Stopping(node.holder, None if apart or due == _END else due, vials))
            held = node._replace(status=Status.HELD)
            self.balances[node] -= vials
            self.balances[held] += vials
            self.marked.add(held)
        if apart or self.balances[node] <= 0:
            self.marked.discard(node)

    def _least(self, node: Node, index: int) -> int:
        """As many as lie there now and are still there after each later step."""
        balance = least = self.balances[node]
        for step in self.steps[index:]:
            balance += step.changes.get(node, 0)
            least = min(least, balance)
        return max(0, least)
