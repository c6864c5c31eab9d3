"""Where the suite's time goes, by file and phase, held against the budget in `tests/budget.toml`.

`pytest --times=FILE` (as `make test` calls it) notes how long every test was set up, called and torn down, and says
at the end what is over budget. `python -m tests.support.times FILE` (`make test-times`) shows such a note in full.
Nothing fails because of it: a busy machine makes everything slow.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[2]
BUDGET = ROOT / "tests" / "budget.toml"
PHASES = ("setup", "call", "teardown")


@dataclass(slots=True)
class FileTimes:
    """Seconds of one file by phase, as a clock on the wall saw them, and of the processor.

    `cpu_s` is what the test process and its ended children used: not the servers, which live on.
    """

    tests: int = 0
    setup: float = 0.0
    call: float = 0.0
    teardown: float = 0.0
    cpu_s: float = 0.0

    @property
    def whole(self) -> float:
        """Seconds in which this file kept a worker busy."""
        return self.setup + self.call + self.teardown

    def add(self, phase: str, seconds: float, cpu_s: float) -> None:
        """Count one phase of one test."""
        setattr(self, phase, getattr(self, phase) + seconds)
        self.tests += phase == "call"
        self.cpu_s += cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the suite may cost. Seconds are those of a worker on a quiet machine with `workers` cores."""

    whole_suite_s: float
    workers: int
    file_s: float
    folders: Mapping[str, float]
    files: Mapping[str, float]
    together: Sequence[Sequence[str]] = ()

    def scope(self, file: str) -> str:
        """What goes to one worker as a whole: the file, or the files that share what is dear to make."""
        return next((files[0] for files in self.together if file in files), file)

    def over(self, times: Mapping[str, FileTimes]) -> Iterator[str]:
        """A sentence for every file and folder that took more than it may, and for the whole."""
        for name, took in sorted(times.items()):
            allowed = self.files.get(name, self.file_s)
            if took.whole > allowed:
                yield f"{name} took {took.whole:.0f} s of {allowed:.0f}"
        for folder, took in by_folder(times).items():
            allowed = self.folders.get(folder, 0.0)
            if took.whole > allowed:
                yield f"{folder} took {took.whole:.0f} s of {allowed:.0f}"
        worked = sum(took.whole for took in times.values()) / self.workers
        if worked > self.whole_suite_s:
            yield f"the suite took {worked:.0f} s of {self.whole_suite_s:.0f} on {self.workers} workers"


def longest_first(node_ids: Iterable[str], budget: Budget) -> list[int]:
    """Places of the tests in the order to run them: files that may take longest first, else as they came.

    A long file that comes last keeps one worker busy while the others have nothing left to do.
    """
    allowed = [budget.files.get(node.partition("::")[0], budget.file_s) for node in node_ids]
    return sorted(range(len(allowed)), key=lambda place: -allowed[place])


@cache
def read_budget(path: Path = BUDGET) -> Budget:
    """The written budget."""
    return Budget(**tomllib.loads(path.read_text(encoding="utf-8")))


def by_folder(times: Mapping[str, FileTimes]) -> dict[str, FileTimes]:
    """The sums of the folders in which the files lie."""
    sums: dict[str, FileTimes] = {}
    for name, took in sorted(times.items()):
        total = sums.setdefault(name.rpartition("/")[0], FileTimes())
        for each in ("tests", *PHASES, "cpu_s"):
            setattr(total, each, getattr(total, each) + getattr(took, each))
    return sums


def table(times: Mapping[str, FileTimes]) -> Iterator[str]:
    """Lines for people: the slowest first."""
    yield f"{'seconds':>8} {'setup':>7} {'call':>7} {'teardown':>8} {'cpu':>7} {'tests':>6}"
    for name, took in sorted(times.items(), key=lambda item: -item[1].whole):
        yield (
            f"{took.whole:8.1f} {took.setup:7.1f} {took.call:7.1f} {took.teardown:8.1f}"
            f" {took.cpu_s:7.1f} {took.tests:6d}  {name}"
        )


class Together(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file goes to one worker as a whole, with those it shares something dear with."""

    def _split_scope(self, nodeid: str) -> str:
        return read_budget().scope(super()._split_scope(nodeid))


# Pytest keeps its plugins in sets, hence compared by identity.
@dataclass(slots=True, eq=False)
class Timing:
    """The plugin: workers measure the processor, the process that collects their reports writes the note."""

    note: Path
    times: dict[str, FileTimes] = field(default_factory=dict)
    _cpu_before: float = 0.0

    def pytest_collection_finish(self) -> None:
        self._cpu_before = _cpu_used()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        outcome: Any = yield
        report: pytest.TestReport = outcome.get_result()
        cpu = _cpu_used()
        # Goes from a worker to the collecting process with the report.
        report.user_properties.append(("cpu_s", cpu - self._cpu_before))
        self._cpu_before = cpu

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cpu_s = next((float(str(value)) for name, value in report.user_properties if name == "cpu_s"), 0.0)
        took = self.times.setdefault(report.nodeid.partition("::")[0], FileTimes())
        took.add(report.when, report.duration, cpu_s)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.times:
            return
        self.note.parent.mkdir(exist_ok=True)
        write_note(self.times, self.note)
        terminalreporter.section("where the time went (make test-times says more)")
        for line in table(by_folder(self.times)):
            terminalreporter.write_line(line)
        for line in read_budget().over(self.times):
            terminalreporter.write_line(f"over budget: {line}", yellow=True)


def _cpu_used() -> float:
    """Seconds of the processor that this process and its ended children have used so far."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def write_note(times: Mapping[str, FileTimes], path: Path) -> None:
    """Keep the times for `make test-times`."""
    rows = {name: {each: getattr(took, each) for each in ("tests", *PHASES, "cpu_s")} for name, took in times.items()}
    path.write_text(json.dumps(rows, indent=1, sort_keys=True), encoding="utf-8")


def read_note(path: Path) -> dict[str, FileTimes]:
    """The times of the last run."""
    return {name: FileTimes(**row) for name, row in json.loads(path.read_text(encoding="utf-8")).items()}


def main(arguments: list[str]) -> int:
    """Show a note, by file, by folder, and what is over budget; 1 when there is none."""
    note = Path(arguments[0])
    if not note.is_file():
        print("No times were noted yet: `make test` notes them.", file=sys.stderr)
        return 1
    times = read_note(note)
    over = [f"over budget: {line}" for line in read_budget().over(times)]
    for line in [*table(times), "", *table(by_folder(times)), "", *(over or ["Nothing is over budget."])]:
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
