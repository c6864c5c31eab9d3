"""From ledger entries to a Sankey, and the bars of the quota."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from hypothesis import given
from hypothesis import strategies as st

from dashboard.batch.figures import sankey_figure
from dashboard.batch.flows import flows_of
from dashboard.frame.texts import texts_of
from dashboard.quota.figures import quota_figure

COLUMNS = ["event", "account", "facility_code", "vials"]


def entries(*rows: tuple[int, str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


def told(frame: pd.DataFrame) -> set[tuple[str, str, int]]:
    return set(rows_of(flows_of(frame)))


def rows_of(flows: pd.DataFrame) -> list[tuple[str, str, int]]:
    return list(zip(flows["source"], flows["target"], map(int, flows["vials"]), strict=True))


def test_what_is_supplied_and_opened_flows_from_the_supplier_to_use() -> None:
    frame = entries((1, "supplier", "a", -40), (1, "place", "a", 40), (2, "place", "a", -3), (2, "open", "a", 3))
    assert told(frame) == {("supplier", "@a", 40), ("@a", "used", 3)}


def test_an_opened_vial_that_is_used_up_is_no_second_flow() -> None:
    assert told(entries((1, "open", "a", -2), (1, "used", "a", 2))) == set()


def test_moving_within_a_facility_or_between_statuses_is_no_flow() -> None:
    assert told(entries((1, "place", "a", -5), (1, "place", "a", 5))) == set()


def test_what_came_back_is_taken_off_what_went() -> None:
    frame = entries(
        (1, "place", "a", -10), (1, "transit", "a", 10),
        (2, "transit", "a", -4), (2, "place", "a", 4),
    )  # fmt: skip
    assert told(frame) == {("@a", "transit", 6)}


def test_a_side_that_may_not_be_seen_is_named_so() -> None:
    assert told(entries((1, "place", "b", 7))) == {("unseen", "@b", 7)}
    assert told(entries((1, "place", "b", -7))) == {("@b", "unseen", 7)}


def test_no_entries_no_flows() -> None:
    assert flows_of(entries()).empty


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6), st.sampled_from(["place", "transit", "open", "wasted"]), st.sampled_from("abc"),
            st.integers(-50, 50).filter(bool),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_flows_are_positive_one_way_and_keep_every_node_s_balance(rows: list[tuple[int, str, str, int]]) -> None:
    frame = entries(*rows)
    flows = flows_of(frame)
    assert (flows["vials"] > 0).all()
    pairs = set(zip(flows["source"], flows["target"], strict=True))
    assert not any((target, source) in pairs for source, target in pairs)
    net: dict[str, int] = {}
    for source, target, vials in rows_of(flows):
        net[source] = net.get(source, 0) - vials
        net[target] = net.get(target, 0) + vials
    for node, account, code in (("@a", "place", "a"), ("wasted", "wasted", None)):
        mine = frame[(frame["account"] == account) & ((frame["facility_code"] == code) | (code is None))]
        assert net.get(node, 0) == int(mine["vials"].sum())


def test_the_sankey_points_to_nodes_by_place_in_the_list_and_carries_their_pages() -> None:
    nodes = pd.DataFrame(
        [("supplier", "Pemasok", "source", ""), ("@a", "Puskesmas A", "place", "/fasilitas/a")],
        columns=["key", "name", "kind", "href"],
    )
    flows = pd.DataFrame([("supplier", "@a", 40)], columns=["source", "target", "vials"])
    sankey = sankey_figure(flows, nodes, texts_of("id")).data[0]
    assert list(sankey.link.source) == [0]
    assert list(sankey.link.target) == [1]
    assert list(sankey.node.customdata) == ["", "/fasilitas/a"]


def quota(rows: list[tuple[str, int, int, int]]) -> go.Figure:
    frame = pd.DataFrame(rows, columns=["session", "capacity_left", "pool_available", "available"])
    return quota_figure(frame, texts_of("id"))


def test_the_quota_chart_has_a_bar_each_for_staff_vials_and_offer() -> None:
    figure = quota([("A", 40, 12, 12), ("B", 10, 90, 10)])
    assert [list(bar.x) for bar in figure.data] == [[40, 10], [12, 90], [12, 10]]
    # Told apart without colour too.
    assert figure.data[1].marker.pattern.shape == "/"
    assert figure.layout.height >= 300


def test_an_empty_quota_says_that_nothing_is_planned() -> None:
    assert quota([]).layout.annotations[0].text == "Belum ada sesi vaksinasi"
