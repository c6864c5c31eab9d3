"""The house's own programs as children of `rantai demo` and `rantai up`: started, tended, stopped together."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rantai.local.process import ServerProcess

_RESTART_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
# A program that ran this long before it fell starts again with the shortest pause.
_STEADY_S = 60.0
_STOP_TIMEOUT_S = 10.0


@dataclass(slots=True, kw_only=True)
class _Program:
    name: str
    arguments: Sequence[str]
    child: ServerProcess
    started_at: float
    falls: int = 0
    again_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Programs:
    """Child processes with their logs in `logs`. Use it from the main thread: children die with their starter."""

    logs: Path
    environment: Mapping[str, str]
    folder: Path
    tell: Callable[[str], None] = field(default=lambda _line: None)
    _programs: dict[str, _Program] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """Start `python -m` with these arguments."""
        self._programs[name] = _Program(
            name=name, arguments=arguments, child=self._spawn(name, arguments), started_at=time.monotonic()
        )

    def tend(self) -> None:
        """Start again what has ended by itself, later and later while it keeps falling. Call it often."""
        now = time.monotonic()
        for program in self._programs.values():
            if program.child.running:
                continue
            if program.again_at is None:
                program.falls = 1 if now - program.started_at > _STEADY_S else program.falls + 1
                program.again_at = now + _RESTART_PAUSES_S[min(program.falls, len(_RESTART_PAUSES_S)) - 1]
                self.tell(f"{program.name} ended (exit code {program.child.exit_code}): {program.child.tail(2)}")
            elif now >= program.again_at:
                program.child = self._spawn(program.name, program.arguments)
                program.started_at, program.again_at = now, None
                self.tell(f"{program.name} is started again")

    def running(self, name: str) -> bool:
        """Whether the named program lives."""
        return name in self._programs and self._programs[name].child.running

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: program.child.pid for name, program in self._programs.items()}

    def last_words(self, name: str) -> str:
        """The end of a program's log."""
        return self._programs[name].child.tail(3)

    def stop(self) -> None:
        """Ask all to end at once, wait for each, kill what does not end."""
        for program in self._programs.values():
            program.child.ask_to_stop()
        for program in reversed(self._programs.values()):
            program.child.stop(timeout_s=_STOP_TIMEOUT_S)
        self._programs.clear()

    def _spawn(self, name: str, arguments: Sequence[str]) -> ServerProcess:
        return ServerProcess(
            [sys.executable, "-m", *arguments],
            log=self.logs / f"{name}.log",
            folder=self.folder,
            environment={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
        )
