"""Child processes and what they leave behind."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from rantai.local.process import ServerProcess


def test_nobody_else_reads_what_a_server_logs(tmp_path: Path) -> None:
    fresh, older = tmp_path / "fresh.log", tmp_path / "older.log"
    older.write_text("from before\n", encoding="utf-8")
    older.chmod(0o644)
    for log in (fresh, older):
        child = ServerProcess([sys.executable, "-c", "print('said')"], log=log)
        child.stop(timeout_s=10.0)
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert older.read_text(encoding="utf-8").startswith("from before")
