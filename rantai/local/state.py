"""What a private set of servers remembers between starts, and who may use it now.

`state.json` in the folder of the instance holds ports, passwords and the place of the data. It names
the folder it was written for: a copy of a checkout therefore never runs on the data of the original.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import TextIO, TypeAlias

from rantai.errors import ServiceMissing

StateValues: TypeAlias = dict[str, str | int]


class InstanceState:
    """The file `state.json` under `root`; reading an alien or broken file gives an empty state."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._file = self.root / "state.json"
        self._values = self._read()

    def text(self, key: str) -> str | None:
        """A remembered text."""
        value = self._values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """A remembered number."""
        value = self._values.get(key)
        return value if isinstance(value, int) else None

    def remember(self, **values: str | int) -> None:
        """Add values and write the file, all or nothing."""
        self._values = {**self._values, **values, "root": str(self.root)}
        beside = self._file.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(self._values, indent=2) + "\n", encoding="utf-8")
        beside.replace(self._file)

    def _read(self) -> StateValues:
        try:
            values = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(values, dict) or values.get("root") != str(self.root):
            return {}
        return {key: value for key, value in values.items() if isinstance(key, str) and isinstance(value, str | int)}


class InstanceLock:
    """One user of an instance at a time; the kernel lets go when the process ends, however it ends."""

    def __init__(self, root: Path) -> None:
        self._file = root / "lock"
        self._held: TextIO | None = None

    def take(self) -> None:
        """Raise `ServiceMissing` naming the process that has it."""
        held = self._file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.seek(0)
            owner = held.read().strip() or "unknown"
            held.close()
            raise ServiceMissing(
                f"Rantai already runs from this folder (process {owner}); stop it first, or use another checkout."
            ) from None
        held.seek(0)
        held.truncate()
        held.write(f"{os.getpid()}\n")
        held.flush()
        self._held = held

    def release(self) -> None:
        """Let the next one in."""
        if self._held is not None:
            self._held.close()
            self._held = None


def outside_place(root: Path) -> Path:
    """A folder for data of an account that cannot enter `root`: one for each path, so checkouts do not meet."""
    return Path("/var/lib") / f"rantai-{hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:12]}"
