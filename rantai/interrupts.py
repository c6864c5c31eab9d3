"""Ctrl-C, SIGTERM and what `make` does with them."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType


class Interrupts:
    """Says whether somebody wants us to end; the handlers are set even where SIGINT was ignored at start.

    A shell starts its background jobs with SIGINT ignored, and children inherit that. Nothing is raised from
    a handler: long steps ask `wanted` between their parts, so that no half-started child is lost.
    """

    _NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parent = os.getppid()
        self._under_make = _name_of(self._parent) == "make"
        for number in self._NUMBERS:
            signal.signal(number, self._handle)

    @property
    def wanted(self) -> bool:
        """Whether to end."""
        if self._under_make and not self._event.is_set() and self._make_is_ending():
            self._event.set()
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when somebody wants us to end; True then."""
        return self.wanted or self._event.wait(seconds) or self.wanted

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    def _make_is_ending(self) -> bool:
        """Make that alone got SIGINT (`kill -INT`, not Ctrl-C) tells its children nothing and waits for them.

        It puts the signal back to its default before it waits, which Linux shows; and if it was killed, we
        have another parent now.
        """
        if os.getppid() != self._parent:
            return True
        masks = _signal_masks(self._parent)
        if masks is None:
            return False
        caught, ignored = masks
        bit = 1 << (signal.SIGINT - 1)
        return not caught & bit and not ignored & bit


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _signal_masks(pid: int) -> tuple[int, int] | None:
    """(caught, ignored) signals of a process as bit masks; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    masks = {
        line[:6]: int(line.partition(":")[2], 16) for line in status.splitlines() if line[:6] in {"SigCgt", "SigIgn"}
    }
    if len(masks) != 2:
        return None
    return masks["SigCgt"], masks["SigIgn"]
