"""A run of pytest through its workers leaves the note that `make test-times` shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.times import PHASES, ROOT, by_folder, read_note, table


def test_a_run_notes_the_phases_of_every_file_through_its_workers(tmp_path: Path) -> None:
    note = tmp_path / "times.json"
    # No file is named, as in `make test`: what to run comes from the settings.
    # tests/browser has a conftest.py of its own, and pytest then keeps its plugins in sets.
    where = ["-o", "testpaths=tests/unit/test_kit_ids.py tests/browser", "-k", "test_kit_ids"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", f"--times={note}", *where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "where the time went" in done.stdout
    (row,) = json.loads(note.read_text()).values()
    assert row["tests"] == 3
    assert all(row[phase] > 0 for phase in PHASES)
    assert row["cpu_s"] > 0
    shown = subprocess.run(
        [sys.executable, "-m", "tests.support.times", str(note)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [
        *table(read_note(note)),
        "",
        *table(by_folder(read_note(note))),
        "",
        "Nothing is over budget.",
    ]
