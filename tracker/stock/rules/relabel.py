"""The wrong lot was written: what of its ledger at a facility is taken back, and told again of the right lot. Pure.

The vials did what they did, whatever the label says: came, lay in a fridge, were held after a frost, were opened. So
everything that was told of the wrong lot since they came is told again of the right one, at its own place in time; and
taken back of the wrong one, but for what the house did (holds, recalls): that it does again by itself (`replay`).
A recall stops a lot, not these vials, so it is not told again: the right lot has its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from tracker.stock.errors import LotsMixed, SentOn, TooFewOfLot
from tracker.stock.rules.entries import Entry, Key
from tracker.stock.rules.words import Account, Status, is_spent

# In the facility's hands; what is on the road belongs to a shipment, whose papers name the lot that was sent.
HERE = frozenset({Account.PLACE, Account.OPEN})
_ROAD = frozenset({Account.TRANSIT, Account.LOST})
# In which status the right lot may lie where the wrong one lay in another: a hold or a recall of its own is why.
_LIVING = (Status.USABLE, Status.HELD, Status.RECALLED)

Place = tuple[datetime, int]
"""Instant and ordinal: where in time something stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry as it stands. `beside_id` is the event it stands beside, `act` whether the house did it, not people.

    `vial_id` is the opened vial that was used up.
    """

    at: Place
    beside_id: UUID
    entry: Entry
    act: bool
    vial_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stands of one lot at one place in time: what people told, and what the house did besides."""

    at: Place
    beside_id: UUID
    vial_id: str | None
    facts: tuple[Entry, ...]
    acts: tuple[Entry, ...]
    held: bool = False  # what came must be told as held: some of the lot was stopped since, and nobody can say which

    @property
    def change(self) -> int:
        """Vials that the facility had more after it."""
        return sum(entry.vials for entry in self.facts if entry.account in HERE)

    @property
    def moves(self) -> bool:
        """Whether vials that were here went anywhere."""
        return any(entry.vials < 0 for entry in self.facts if entry.account in HERE)

    @property
    def sends(self) -> bool:
        """Whether vials left with a shipment."""
        return any(entry.vials > 0 for entry in self.facts if entry.account is Account.TRANSIT)


def told_of(written: Iterable[Written]) -> list[Told]:
    """What stands of a lot at a facility, in the order of time; what was told and taken back is nothing."""
    found = []
    for at, group in groupby(sorted(written, key=lambda one: one.at), key=lambda one: one.at):
        here = list(group)
        facts = _net(one.entry for one in here if not one.act)
        acts = _net(one.entry for one in here if one.act)
        if not facts and not acts:
            continue
        told = Told(
            at=at,
            beside_id=here[0].beside_id,
            vial_id=here[0].vial_id,
            facts=facts,
            acts=acts,
        )
        found.append(told)
    return found


def to_tell_again(told: Sequence[Told], came: Place, vials: int | None) -> list[Told]:
    """What must be told again when `vials` (None: all) that came at `came` were another lot, in the order of time.

    Raises TooFewOfLot; LotsMixed where other vials of the lot lay here and some were moved or used, so that nobody can
    say which; SentOn.
    """
    inflow = next((one for one in told if one.at == came), None)
    arrived = 0 if inflow is None or inflow.moves else inflow.change
    wanted = arrived if vials is None else vials
    if inflow is None or not 1 <= wanted <= arrived:
        raise TooFewOfLot(vials=max(arrived, 0))
    before = sum(one.change for one in told if one.at < came)
    after = [one for one in told if one.at > came]
    mixed = before > 0 or wanted < arrived or any(one.change > 0 for one in after)
    moved = [one for one in after if one.moves]
    if mixed and moved:
        raise LotsMixed(at=moved[0].at[0].isoformat())
    if any(one.sends for one in moved):
        raise SentOn(at=next(one for one in moved if one.sends).at[0].isoformat())
    if not mixed:
        return [inflow, *after]
    stopped = any(entry.key.status is Status.HELD and entry.vials > 0 for one in after for entry in one.acts)
    return [replace(inflow if wanted == arrived else _part_of(inflow, wanted), held=stopped)]


def taken_back(told: Told, facility_id: UUID, *, road: bool = False) -> list[Entry]:
    """The entries that take the wrong lot out of what people told. `road`: as of `told_again`."""
    facts = told.facts if road else _without_road(told.facts, facility_id)
    return [replace(entry, vials=-entry.vials, vvm_stage=None) for entry in facts]


def told_again(told: Told, facility_id: UUID, batch_id: UUID, *, road: bool = False) -> Iterator[list[Entry]]:
    """The entries that tell it of the right lot, in each status in which that may have lain, the likeliest first.

    An empty list at the end: what changed a status finds nothing where the right lot was stopped otherwise. `road`: what
    was on it is the right lot, too, for all of the wrong one is told again wherever it was.
    """
    recalled = any(entry.key.status is Status.RECALLED for entry in told.acts)
    plain = [*(told.facts if road else _without_road(told.facts, facility_id)), *(() if recalled else told.acts)]
    entries = [
        replace(
            entry,
            key=entry.key._replace(batch_id=batch_id),
            vvm_stage=None if is_spent(entry.vvm_stage) or entry.vials < 0 else entry.vvm_stage,
        )
        for entry in plain
    ]
    if not entries:
        return
    sources = {entry.key.status for entry in entries if entry.account in HERE and entry.vials < 0}
    if not sources:
        # What came recalled may have been on hold before: until a person looks, it is.
        stopped = (Status.RECALLED, Status.USABLE) if told.held else (Status.RECALLED,)
        yield [_with_status(entry, Status.HELD) if entry.key.status in stopped else entry for entry in entries]
        return
    yield entries
    if {entry.key.status for entry in entries if entry.vials > 0} - sources:
        yield []
        return
    for status in _LIVING:
        yield [_with_status(entry, status) for entry in entries]


def _with_status(entry: Entry, status: Status) -> Entry:
    return replace(entry, key=entry.key._replace(status=status))


def _net(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    sums: dict[tuple[Account, Key, str | None], int] = defaultdict(int)
    stages: dict[tuple[Account, Key, str | None], int | None] = {}
    for entry in entries:
        name = (entry.account, entry.key, entry.reason)
        sums[name] += entry.vials
        stages[name] = max((s for s in (stages.get(name), entry.vvm_stage) if s is not None), default=None)
    return tuple(
        Entry(account, key, vials, stages[account, key, reason], reason)
        for (account, key, reason), vials in sums.items()
        if vials
    )


def _without_road(entries: Sequence[Entry], facility_id: UUID) -> list[Entry]:
    """The same, where what came off the road is found: a shipment brought what it was told to bring, by its papers."""
    if not any(entry.account in _ROAD and entry.vials < 0 for entry in entries):
        return list(entries)
    here = [entry for entry in entries if entry.account in HERE]
    sums: dict[tuple[UUID, Status], int] = defaultdict(int)
    for entry in here:
        sums[entry.key.batch_id, entry.key.status] += entry.vials
    found = [
        Entry(Account.FOUND, Key(facility_id, batch_id, status), -vials)
        for (batch_id, status), vials in sums.items()
        if vials
    ]
    return [*found, *here]


def _part_of(told: Told, vials: int) -> Told:
    """Some of what came, where it came to one place in one status; raises LotsMixed."""
    here = [entry for entry in told.facts if entry.account in HERE]
    if len(here) != 1:
        raise LotsMixed(at=told.at[0].isoformat())
    whole = here[0].vials
    others = [entry for entry in told.facts if entry.account not in HERE and entry.account is not Account.LOST]
    if len(others) != 1 or others[0].vials != -whole:
        # Some of what was sent never came, or surplus did: the road side is told anew as found.
        others = [Entry(Account.FOUND, here[0].key, -whole)]
    return replace(told, facts=(replace(here[0], vials=vials), replace(others[0], vials=-vials)), acts=())
