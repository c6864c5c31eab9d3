"""Entries to moves to roads, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tracker.stock.rules.words import Account, Kind, Status
from tracker.trace.rules.epcis import Goods, class_of, offset_text
from tracker.trace.rules.flows import Node, Road, Side, moves_of, roads_between, totals, upstream

NOW = datetime(2026, 3, 2, tzinfo=UTC)
A, B, C, D = (UUID(int=n) for n in range(1, 5))


def node(account: Account, holder: int, facility: UUID = A) -> Node:
    return Node(account=account, holder_id=UUID(int=holder), facility_id=facility)


def side(event: int, where: Node, vials: int, kind: Kind = Kind.TRANSFER) -> Side:
    return Side(event_id=UUID(int=event), kind=kind, occurred_at=NOW, node=where, status=Status.USABLE, vials=vials)


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=8))
def test_moves_keep_what_every_node_lost_and_gained(changes: list[int]) -> None:
    changes = [*changes, -sum(changes)] if sum(changes) else changes
    nodes = [node(Account.PLACE, 100 + index) for index in range(len(changes))]
    moves = moves_of(side(1, where, vials) for where, vials in zip(nodes, changes, strict=True))
    net = dict.fromkeys(nodes, 0)
    for move in moves:
        assert move.vials > 0
        net[move.source] -= move.vials
        net[move.target] += move.vials
    assert list(net.values()) == changes


def test_a_shipment_counts_by_what_arrived() -> None:
    start, transit, end = node(Account.PLACE, 10), node(Account.TRANSIT, 20), node(Account.PLACE, 30, B)
    lost = node(Account.LOST, 40, B)
    moves = moves_of(
        [
            side(1, start, -30, Kind.DISPATCH),
            side(1, transit, 30, Kind.DISPATCH),
            side(2, node(Account.TRANSIT, 20, B), -28, Kind.RECEIPT),
            side(2, end, 28, Kind.RECEIPT),
            side(3, node(Account.TRANSIT, 20, B), -2, Kind.RECEIPT),
            side(3, lost, 2, Kind.RECEIPT),
        ]
    )
    assert roads_between(moves) == [Road(source=A, target=B, vials=28)]
    assert totals(moves)["lost"] == 2


def test_upstream_follows_every_road_and_survives_circles() -> None:
    roads = [Road(source=x, target=y, vials=1) for x, y in ((A, B), (B, C), (C, B), (D, A))]
    assert upstream(roads, C) == {A, B, C, D}
    assert upstream(roads, D) == {D}


def test_a_reversed_supply_cancels_in_the_totals() -> None:
    supplier, place = node(Account.SUPPLIER, 1), node(Account.PLACE, 10)
    there = [side(1, supplier, -9, Kind.SUPPLY), side(1, place, 9, Kind.SUPPLY)]
    back = [side(2, place, -9, Kind.REVERSAL), side(2, supplier, 9, Kind.REVERSAL)]
    assert totals(moves_of(there))["supplier"] == 9
    assert totals(moves_of(there + back))["supplier"] == 0


def test_classes_are_links_or_names_of_our_own() -> None:
    assert class_of(Goods(gtin="08990000000016", nie=None, lot="A/1", vials=1)).endswith("/01/08990000000016/10/A%2F1")
    assert class_of(Goods(gtin=None, nie="DKL1", lot="X", vials=1)) == "urn:rantai:nie:DKL1:lot:X"


def test_offsets_are_written_with_sign_and_minutes() -> None:
    assert offset_text(timedelta(hours=7)) == "+07:00"
    assert offset_text(timedelta(hours=-3, minutes=-30)) == "-03:30"
    assert offset_text(timedelta(0)) == "+00:00"
