"""The suite tells where its time goes, and its budget is one that can be kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path

from tests.support.times import ROOT, Budget, FileTimes, longest_first, read_budget

BUDGET = Budget(whole_suite_s=100, workers=2, file_s=10, folders={"tests/db": 30}, files={"tests/db/test_long.py": 25})


def test_a_file_over_its_own_or_the_common_ceiling_a_folder_and_the_whole_are_named() -> None:
    times = {
        "tests/db/test_long.py": FileTimes(setup=4, call=20),
        "tests/db/test_short.py": FileTimes(setup=6, call=3, teardown=2),
        "tests/api/test_other.py": FileTimes(call=170),
    }
    assert list(BUDGET.over(times)) == [
        "tests/api/test_other.py took 170 s of 10",
        "tests/db/test_short.py took 11 s of 10",
        "tests/api took 170 s of 0",
        "tests/db took 35 s of 30",
        "the suite took 102 s of 100 on 2 workers",
    ]
    assert list(BUDGET.over({"tests/db/test_long.py": FileTimes(call=25)})) == []


def test_files_that_may_take_longest_come_first_and_others_stay_as_shuffled() -> None:
    ids = [
        "tests/db/test_b.py::one",
        "tests/db/test_long.py::one",
        "tests/db/test_a.py::one",
        "tests/db/test_b.py::two",
    ]
    assert longest_first(ids, BUDGET) == [1, 0, 2, 3]


def test_files_that_share_what_is_dear_have_one_scope_and_all_others_their_own() -> None:
    budget = replace(BUDGET, together=[["tests/db/test_a.py", "tests/db/test_b.py"]])
    files = ["tests/db/test_a.py", "tests/db/test_b.py", "tests/db/test_long.py"]
    assert [budget.scope(file) for file in files] == ["tests/db/test_a.py", "tests/db/test_a.py", files[2]]


def test_without_a_note_a_sentence_says_how_to_get_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.times", str(tmp_path / "none.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "No times were noted yet: `make test` notes them.\n")


def test_the_budget_names_every_folder_of_tests_and_fits_into_the_whole() -> None:
    budget = read_budget()
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/test_*.py")}
    assert set(budget.folders) == folders
    assert [
        name for name in [*budget.files, *chain.from_iterable(budget.together)] if not (ROOT / name).is_file()
    ] == []
    assert sum(budget.folders.values()) <= budget.whole_suite_s * budget.workers
    assert max(budget.files.values(), default=0) < budget.whole_suite_s / 4
