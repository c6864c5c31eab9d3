"""The phone's sender where the house says no to more than a step: the book is never held up without a word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[1] / "support" / "send_book.mjs"


def told(situation: str) -> Any:
    """What came of it."""
    node = Path(sys.executable).with_name("node")
    done = subprocess.run([node, SCRIPT, situation], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_book_begun_where_its_account_works_no_more_is_begun_where_it_works_now() -> None:
    assert told("moved") == {"begun": ["pkm-lama", "pkm-baru"], "states": ["done"]}


def test_what_was_done_where_one_worked_before_is_sent_before_the_book_goes_on_elsewhere() -> None:
    assert told("elsewhere") == ["steps of pkm-lama", "home pkm-baru", "steps of pkm-baru"]


def test_a_backlog_of_long_steps_is_sent_in_requests_the_house_reads() -> None:
    assert told("heavy") == {"states": ["done"] * 60}


def test_a_clock_that_falls_back_never_writes_before_what_the_house_said_last() -> None:
    found = told("back")
    assert found["at"] >= found["told"]


def test_what_the_house_refuses_of_the_phone_itself_is_said() -> None:
    assert told("refused") == {"ours": True, "why": "refused", "said": "Terlalu banyak ponsel."}


def test_a_phone_learns_that_it_was_cut_off_though_its_log_in_ended_with_that() -> None:
    assert told("cut") == {"cut": True, "loggedOut": False}
