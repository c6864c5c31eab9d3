"""Programs started by tests, with what they said, and the processes below them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rantai.errors import ServiceMissing
from rantai.local.process import is_alive
from rantai.local.system import find_mosquitto, find_postgres
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


def local_servers_missing() -> str:
    """Why private servers cannot run here (a machine with Docker only); empty when they can."""
    try:
        find_postgres()
        find_mosquitto()
    except ServiceMissing as problem:
        return str(problem)
    return ""


def descendants(pid: int) -> set[int]:
    """All processes below `pid`, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    wave = {pid}
    while wave:
        wave = {child for child, parent in parents.items() if parent in wave} - found
        found |= wave
    return found


def all_gone(pids: set[int]) -> bool:
    """Whether none of these processes lives."""
    return not any(is_alive(pid) for pid in pids)


class Running:
    """A started program with what it has said, kept in a file so that no full pipe can hold it up."""

    def __init__(self, arguments: list[str], heard: Path) -> None:
        self._heard = heard
        with heard.open("wb") as sink:
            self.process = subprocess.Popen(arguments, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self._heard.read_text(encoding="utf-8")

    def wait_for(self, words: str, timeout_s: float = 240) -> None:
        def heard() -> bool:
            ended = self.process.poll() is not None
            said = self.said
            assert words in said or not ended, said
            return words in said

        eventually(heard, timeout_s=timeout_s, every_s=0.02, what=words)

    def ends(self, timeout_s: float = 120) -> int:
        return self.process.wait(timeout_s)

    def end_hard(self) -> None:
        self.process.kill()
        self.process.wait()
