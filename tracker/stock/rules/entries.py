"""The entries that an event writes, from what is asked and what stands written. Pure.

Here is the trap the ledger must not fall into: it says 10, a count finds 7 at 10:00, and then a phone delivers
"3 taken at 09:30". The count saw the shelf after those 3 had gone, so it must stay 7: whatever is
recorded after a count and occurred before it also posts its opposite at the count's instant, naming the
count. The count's difference, once `lost`, is thereby explained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tracker.stock.errors import CountedTwice, CountNeedsStatus
from tracker.stock.rules.history import Move, Position, amended, balance_at, first_negative, lost_and_found
from tracker.stock.rules.words import BALANCED, SPOILABLE, Account, Status, is_spent


class Key(NamedTuple):
    """One balance: equipment, shipment or facility (opened vials), batch, status."""

    holder_id: UUID
    batch_id: UUID
    status: Status


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry: `vials` to (+) or from (−) an account. `line` is the request's line it came from."""

    account: Account
    key: Key
    vials: int
    vvm_stage: int | None = None
    reason: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A count's line: the total found at `key`, or with `of_shelf` at its batch and place, whatever the status there.

    `beside`: vials of other statuses there were counted, too, in another event.
    """

    key: Key
    vials: int
    vvm_stage: int | None
    line: int
    of_shelf: bool = False
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands at a key: vials, vial monitor stage (None: never read), newest event's instant, vials packed."""

    account: Account
    vials: int
    vvm_stage: int | None
    touched_at: datetime | None
    packed: int = 0
    packed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastCount:
    """A count, not reversed, that stands at a key."""

    event_id: UUID
    occurred_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Past:
    """What was recorded at a key from an instant on: every move and every standing count."""

    moves: Sequence[Move] = ()
    counts: Sequence[PastCount] = ()


@dataclass(frozen=True, slots=True)
class Opposite:
    """What a late event posts against a count: entries at the count's own position."""

    count: PastCount
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The balance of `key` would be negative first at `at`."""

    key: Key
    at: datetime
    line: int | None


def statuses_of_shelf(key: Key) -> list[Key]:
    """The keys of all vials of one batch in one place."""
    return [key._replace(status=status) for status in Status]


def of_status(counted: Sequence[Counted], vials_at: Callable[[Key], int]) -> list[Counted]:
    """The counts with the status of what lay there (`vials_at` their instant) for those that named none.

    Where vials of one status lie, a count of the shelf is a count of them; what another line of the same count names
    is left to that line. Raises CountNeedsStatus where several remain, and where more are found of one while vials of
    another lie there that nobody counted: they may be the same ones. Raises CountedTwice.
    """
    named = {count.key for count in counted if not count.of_shelf}
    found: list[Counted] = []
    for count in counted:
        if count.of_shelf:
            lying = [key for key in statuses_of_shelf(count.key) if key not in named and vials_at(key) > 0]
            if len(lying) > 1:
                statuses = [key.status.value for key in lying]
                raise CountNeedsStatus(line=count.line, field="status", statuses=statuses)
            key = lying[0] if lying else count.key
            if key in named:
                raise CountedTwice(line=count.line, field="batch")
            named.add(key)
            count = replace(count, key=key, of_shelf=False)  # noqa: PLW2901  # the same line, now with its status
        found.append(count)
    for count in found:
        if count.beside or count.vials <= vials_at(count.key):
            continue
        lying = [key for key in statuses_of_shelf(count.key) if vials_at(key) > 0]
        if not named.issuperset(lying):
            raise CountNeedsStatus(line=count.line, field="status", statuses=[key.status.value for key in lying])
    return found


def counted_entries(counted: Counted, on_ledger: int, facility_id: UUID) -> list[Entry]:
    """The entries of one counted line: the difference against lost or found. None when there is no difference."""
    difference = counted.vials - on_ledger
    if difference == 0:
        return []
    sides = lost_and_found(difference)
    return _with_lost_and_found(
        counted.key, difference, sides, facility_id=facility_id, line=counted.line, stage=counted.vvm_stage
    )


def vials_at_position(balance: Balance | None, past: Past, position: Position) -> int:
    """The vials that the ledger says were at a key at `position`."""
    now = balance.vials if balance is not None else 0
    return balance_at(now, (move for move in past.moves if move.at > position))


def opposite_of(
    key: Key, change: int, past: Past, *, position: Position, facility_id: UUID, line: int | None
) -> Opposite | None:
    """What a change of `change` vials at `position` posts at the next count of `key`; None without a later count."""
    later = [c for c in past.counts if (c.occurred_at, c.number, c.number) > position]
    if change == 0 or not later:
        return None
    count = min(later, key=lambda c: (c.occurred_at, c.number))
    difference = sum(move.vials for move in past.moves if move.at[1] == count.number)
    entries = _with_lost_and_found(
        key, -change, amended(difference, -change), facility_id=facility_id, line=line, stage=None
    )
    return Opposite(count, tuple(entries))


def check_history(
    key: Key, balance: Balance | None, past: Past, new: Sequence[Move], line: int | None
) -> Broken | None:
    """Whether the running balance of `key` stays at or above zero from the first new move to now."""
    if not new:
        return None
    start = min(move.at for move in new)
    later = [move for move in past.moves if move.at > start]
    before = balance_at(balance.vials if balance is not None else 0, later)
    at = first_negative(before, [*new, *later])
    return None if at is None else Broken(key, at, line)


def vvm_follow_up(entries: Iterable[Entry], counted: Iterable[Counted]) -> list[Entry]:
    """The status change that a spent monitor asks for: what arrived or was counted in use becomes unusable."""
    spent: list[tuple[Key, int, int, int | None]] = [
        (d.key, d.vials, d.vvm_stage, d.line)
        for d in entries
        if d.vials > 0 and d.account is Account.PLACE and d.vvm_stage is not None
    ] + [(c.key, c.vials, c.vvm_stage, c.line) for c in counted if c.vvm_stage is not None]
    follow: list[Entry] = []
    for key, vials, stage, line in spent:
        if is_spent(stage) and key.status in SPOILABLE and vials > 0:
            follow.append(Entry(Account.PLACE, key, -vials, stage, "vvm", line))
            follow.append(Entry(Account.PLACE, key._replace(status=Status.UNUSABLE), vials, stage, "vvm", line))
    return follow


def net(entries: Iterable[Entry]) -> dict[Key, int]:
    """Vials by which each balance changes."""
    sums: dict[Key, int] = defaultdict(int)
    for entry in entries:
        if entry.account in BALANCED:
            sums[entry.key] += entry.vials
    return dict(sums)


def new_balances(
    balances: Mapping[Key, Balance], entries: Iterable[Entry], occurred_at: datetime, counted: Iterable[Counted]
) -> dict[Key, Balance]:
    """The balances after `entries`, for every key they touch, monitors merged to the worse.

    What arrives brings the stage somebody read on it, else the stage of where it came from. A spent monitor is
    said of the vials that came, and they go on to the unusable at once: it taints nothing that lies there.
    """
    result: dict[Key, Balance] = {}
    listed = [d for d in entries if d.account in BALANCED]
    sources = {(d.key.batch_id, d.line): d.key for d in listed if d.vials < 0 and d.key in balances}
    for entry in listed:
        old = result.get(entry.key) or balances.get(entry.key) or Balance(entry.account, 0, None, None)
        stage = old.vvm_stage
        if entry.vials > 0:
            brought = _brought(entry, sources.get((entry.key.batch_id, entry.line)), balances)
            stage = worse(stage if old.vials > 0 else None, brought)
        result[entry.key] = replace(old, vials=old.vials + entry.vials, vvm_stage=stage)
    for count in counted:
        old = result.get(count.key) or balances.get(count.key) or Balance(Account.PLACE, 0, None, None)
        # A spent one ends use at once (`vvm_follow_up`); recalled vials stay recalled, so it is kept for when they are not.
        read = None if is_spent(count.vvm_stage) and count.key.status in SPOILABLE else count.vvm_stage
        # A count looks at every vial, so what it reads replaces what was known.
        result[count.key] = replace(old, vvm_stage=read or old.vvm_stage)
    return {
        key: replace(
            balance,
            vvm_stage=balance.vvm_stage if balance.vials > 0 else None,
            touched_at=max(occurred_at, balance.touched_at) if balance.touched_at else occurred_at,
        )
        for key, balance in result.items()
    }


def _brought(entry: Entry, source: Key | None, balances: Mapping[Key, Balance]) -> int | None:
    """The monitor stage that vials bring to the balance they come to."""
    if entry.key.status in SPOILABLE and is_spent(entry.vvm_stage):
        return None
    if entry.vvm_stage is not None or source is None:
        return entry.vvm_stage
    # Unusable vials come back into use only when what made them so is taken back: it was a misreading.
    taken_back = source.status is Status.UNUSABLE and entry.key.status in SPOILABLE
    return None if taken_back else balances[source].vvm_stage


def carried_along(before: Mapping[Key, Balance], after: Mapping[Key, Balance]) -> dict[Key, Balance]:
    """The balances, with what was packed gone along where vials of its batch went to another place or status.

    What was lost stays packed where it was: its shipment lacks it.
    """
    result = dict(after)
    for source, left in after.items():
        was = before.get(source)
        if left.account is not Account.PLACE or was is None or was.vials <= left.vials or not was.packed:
            continue
        gone = 0
        for target in _targets(source, after):
            came, stood = after[target], before.get(target)
            rise = came.vials - (stood.vials if stood is not None else 0)
            moved = min(
                _packed_gone(was, left, source.status, target.status) - gone,
                rise - (result[target].packed - came.packed),
            )
            if moved > 0:
                gone += moved
                result[source] = replace(result[source], packed=result[source].packed - moved)
                packed_at = max(filter(None, (left.packed_at, result[target].packed_at)), default=None)
                result[target] = replace(result[target], packed=result[target].packed + moved, packed_at=packed_at)
    return result


def _targets(source: Key, after: Mapping[Key, Balance]) -> list[Key]:
    """Where vials of a key can have gone: what stayed in its status is looked for first, then what became usable."""
    found = [
        key
        for key, balance in after.items()
        if key != source and key.batch_id == source.batch_id and balance.account is Account.PLACE
    ]
    return sorted(found, key=lambda key: (key.status is not source.status, key.status is not Status.USABLE))


def _packed_gone(was: Balance, left: Balance, status: Status, to_status: Status) -> int:
    """How many of the vials that went are packed: free ones go first, packed ones after.

    Of those that become usable again the packed ones come first: what may be packed must not be promised.
    """
    if to_status is Status.USABLE and status is not Status.USABLE:
        return min(was.packed, was.vials - left.vials)
    return max(0, was.packed - left.vials) - max(0, was.packed - was.vials)


def unpacked(balances: Mapping[Key, Balance], entries: Iterable[Entry]) -> dict[Key, Balance]:
    """The balances once vials have been dispatched: what left is no longer set aside.

    One that is told late has left before what stopped its vials, and takes what lies packed as stopped now.
    """
    result = dict(balances)
    for key, vials in net(entry for entry in entries if entry.account is Account.PLACE).items():
        wanted = -vials
        for each in sorted(statuses_of_shelf(key), key=lambda one: one != key):
            if each in result:
                taken = min(wanted, result[each].packed)
                wanted -= taken
                result[each] = replace(result[each], packed=result[each].packed - taken)
    return result


def worse(one: int | None, other: int | None) -> int | None:
    """The later of two monitor stages; None is "never read"."""
    return max((stage for stage in (one, other) if stage is not None), default=None)


def _with_lost_and_found(
    key: Key, change: int, against: tuple[int, int], *, facility_id: UUID, line: int | None, stage: int | None
) -> list[Entry]:
    entries = [Entry(Account.PLACE, key, change, stage, None, line)]
    for account, vials in zip((Account.LOST, Account.FOUND), against, strict=True):
        if vials:
            entries.append(Entry(account, key._replace(holder_id=facility_id), vials, None, "count", line))
    return entries
