"""Decisions of the pages that need no database: stock states, ways back, static files, what wakes a page."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import dashboard
from dashboard.frame.feed_kinds import FEED_KINDS
from dashboard.frame.security import POLICY
from dashboard.frame.statics import static_url
from dashboard.frame.viewer import safe_path
from dashboard.handsets.words import KIND as STEP_WORDS
from tracker.handsets.acting import ACTS
from tracker.stock.rules.states import WORST_FIRST, days_of_stock, product_state, worst

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
FRESH = NOW - timedelta(hours=2)


def test_never_reported_is_not_zero() -> None:
    assert product_state(usable=0, short=0, days=None, touched_at=None, now=NOW) == "unreported"
    assert product_state(usable=0, short=0, days=None, touched_at=FRESH, now=NOW) == "out"


def test_old_news_is_not_called_well_stocked() -> None:
    assert product_state(usable=90, short=0, days=20.0, touched_at=NOW - timedelta(days=15), now=NOW) == "stale"


def test_an_empty_shelf_stays_empty_however_old_the_news() -> None:
    assert product_state(usable=0, short=0, days=None, touched_at=NOW - timedelta(days=90), now=NOW) == "out"


@pytest.mark.parametrize(("days", "state"), [(6.9, "low"), (7.0, "ok"), (42.0, "ok"), (42.1, "over"), (None, "ok")])
def test_days_of_stock_decide_between_low_and_over(days: float | None, state: str) -> None:
    assert product_state(usable=90, short=0, days=days, touched_at=FRESH, now=NOW) == state


def test_a_promise_without_vials_is_low_whatever_lies_there() -> None:
    assert product_state(usable=900, short=1, days=90.0, touched_at=FRESH, now=NOW) == "low"


def test_without_use_days_of_stock_are_undefined_not_infinite() -> None:
    assert days_of_stock(100, 0, 28.0) is None
    assert days_of_stock(100, 10, 1.0) is None
    assert days_of_stock(100, 50, 25.0) == 50.0


def test_a_facility_is_as_its_worst_product() -> None:
    assert worst(["ok", "over", "low"]) == "low"
    assert worst([]) == "unreported"
    for better, worse in zip(WORST_FIRST[1:], WORST_FIRST, strict=False):
        assert worst([better, worse]) == worse


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        None,
        "/a\r\nSet-Cookie: x",
    ],
)
def test_the_way_back_never_leads_to_another_host(target: str | None) -> None:
    assert safe_path(target) == "/"


def test_the_way_back_keeps_path_and_query() -> None:
    assert safe_path("/suhu/7?rentang=7h") == "/suhu/7?rentang=7h"


def test_static_names_carry_the_content_s_hash() -> None:
    assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.css", static_url("app.css"))
    assert re.fullmatch(r"/static/plotly\.min\.[0-9a-f]{12}\.js", static_url("plotly.min.js"))
    with pytest.raises(KeyError):
        static_url("no-such-file.js")


def test_scripts_name_one_another_by_their_hashes_so_that_no_page_mixes_two_versions() -> None:
    from dashboard.frame.statics import static_body

    named = re.findall(rb'from "\./([^"]+)"', static_body("chart.js"))
    assert named
    assert all(re.fullmatch(rb"\w+\.[0-9a-f]{12}\.js", name) for name in named)


def test_plotly_is_small_enough_for_a_slow_line_once_compressed() -> None:
    from dashboard.frame.statics import _all

    plotly = _all()["plotly.min.js"]
    assert gzip.decompress(plotly.gzipped) == plotly.body
    assert len(plotly.gzipped) < 1_700_000


def test_the_policy_lets_nothing_inline_and_nothing_from_outside_run() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "default-src 'none'" in POLICY


def test_parts_of_pages_listen_to_rooms_that_tell_something() -> None:
    rooms = {kind.partition(".")[0] for kind in FEED_KINDS}
    heard = set()
    for path in Path(dashboard.__file__).parent.rglob("*.html"):
        for rooms_of_part in re.findall(r'data-kinds="([a-z ]+)"', path.read_text(encoding="utf-8")):
            heard |= set(rooms_of_part.split())
    assert heard
    assert heard <= rooms


def test_every_router_of_a_job_is_hung_on_the_application() -> None:
    from importlib import import_module

    from fastapi import APIRouter

    from dashboard.app import ROUTERS
    from dashboard.frame.folders import FOLDERS

    for file in sorted(path for folder in FOLDERS for path in folder.glob("*.py")):
        module = import_module(f"dashboard.{file.parent.name}.{file.stem}")
        router = getattr(module, "router", None)
        if isinstance(router, APIRouter):
            assert router in ROUTERS, module.__name__


def test_no_two_folders_have_a_static_file_of_one_name() -> None:
    from dashboard.frame.folders import FOLDERS

    names = [path.name for folder in FOLDERS for path in folder.glob("static/*")]
    assert sorted(names) == sorted(set(names))


def test_every_kind_of_step_has_a_word_and_no_word_is_of_none() -> None:
    assert set(STEP_WORDS) == set(ACTS)
