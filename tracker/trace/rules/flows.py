"""From the entries of one batch to what flowed where. Pure.

An event's entries sum to zero, so each event moves vials from the accounts that lost to those that gained;
with several on both sides they are matched in order, which keeps totals and invents no pair of places.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tracker.stock.rules.words import Account, Kind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An account of the ledger at one facility; in transit `holder_id` is the shipment."""

    account: Account
    holder_id: UUID
    facility_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One entry: so many vials to (+) or from (−) a node."""

    event_id: UUID
    kind: Kind
    occurred_at: datetime
    node: Node
    status: Status
    vials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Vials that went from one node to another in one event."""

    event_id: UUID
    kind: Kind
    occurred_at: datetime
    source: Node
    target: Node
    from_status: Status
    to_status: Status
    vials: int


def moves_of(sides: Iterable[Side]) -> list[Move]:
    """The moves of all events, in the order the events first appear."""
    by_event: dict[UUID, list[Side]] = defaultdict(list)
    for side in sides:
        by_event[side.event_id].append(side)
    return [move for group in by_event.values() for move in _matched(group)]


def _matched(group: Sequence[Side]) -> Iterator[Move]:
    losing = deque(side for side in group if side.vials < 0)
    gaining = deque(side for side in group if side.vials > 0)
    while losing and gaining:
        source, target = losing.popleft(), gaining.popleft()
        vials = min(-source.vials, target.vials)
        yield Move(
            event_id=source.event_id,
            kind=source.kind,
            occurred_at=source.occurred_at,
            source=source.node,
            target=target.node,
            from_status=source.status,
            to_status=target.status,
            vials=vials,
        )
        # What is left of either side goes back to the head of its queue.
        if -source.vials > vials:
            losing.appendleft(replace(source, vials=source.vials + vials))
        if target.vials > vials:
            gaining.appendleft(replace(target, vials=target.vials - vials))


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Vials that arrived at one facility from another, by whatever shipments."""

    source: UUID
    target: UUID
    vials: int


def roads_between(moves: Iterable[Move]) -> list[Road]:
    """Sums per pair of facilities; a shipment counts by what arrived from it, its origin by who dispatched it."""
    origin: dict[UUID, UUID] = {}
    sums: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for move in moves:
        if move.target.account is Account.TRANSIT and move.source.account is Account.PLACE:
            origin.setdefault(move.target.holder_id, move.source.facility_id)
        if move.source.account is Account.TRANSIT and move.target.account is Account.PLACE:
            start = origin.get(move.source.holder_id, move.source.facility_id)
            if start != move.target.facility_id:
                sums[start, move.target.facility_id] += move.vials
    return [Road(source=source, target=target, vials=vials) for (source, target), vials in sums.items()]


def upstream(roads: Iterable[Road], facility_id: UUID) -> set[UUID]:
    """The facilities vials of this batch at `facility_id` may have come through, itself included."""
    into: dict[UUID, set[UUID]] = defaultdict(set)
    for road in roads:
        into[road.target].add(road.source)
    seen, waiting = {facility_id}, [facility_id]
    while waiting:
        for source in into[waiting.pop()] - seen:
            seen.add(source)
            waiting.append(source)
    return seen


OUTER = (Account.SUPPLIER, Account.USED, Account.WASTED, Account.LOST, Account.FOUND, Account.DESTROYED)


def totals(moves: Iterable[Move]) -> dict[str, int]:
    """Vials that crossed into the outer world and back, by account, net; reversals cancel what they reverse."""
    net = dict.fromkeys(OUTER, 0)
    for move in moves:
        if move.target.account in net:
            net[move.target.account] += move.vials
        if move.source.account in net:
            net[move.source.account] -= move.vials
    return told_totals(net)


def told_totals(net: Mapping[Account, int]) -> dict[str, int]:
    """What became of vials, of what stands at the accounts of the outer world.

    What came in from suppliers and was found left those accounts, so it stands there with a minus.
    """
    return {
        account.value: -net.get(account, 0) if account in (Account.SUPPLIER, Account.FOUND) else net.get(account, 0)
        for account in OUTER
    }
