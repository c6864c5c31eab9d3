"""The manifest for the simulators (`.rantai/world.json`): who exists, and the keys they were given.

Its shape is described where it is read, in `simulators/manifest.py`. Passwords live only here and, hashed, in
the database; whoever loses the file gets new ones at the next start.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

_WORDS = [
    "melati",
    "mawar",
    "kenanga",
    "cempaka",
    "anggrek",
    "teratai",
    "dahlia",
    "seruni",
    "bakung",
    "kamboja",
    "flamboyan",
    "bugenvil",
    "gunung",
    "sungai",
    "danau",
    "pantai",
    "telaga",
    "lembah",
    "ladang",
    "kebun",
    "pulau",
    "teluk",
    "rimba",
    "padang",
    "merah",
    "biru",
    "hijau",
    "kuning",
    "ungu",
    "jingga",
    "putih",
    "perak",
    "nila",
    "toska",
]


class Manifest:
    """What was told so far; survives restarts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old: dict[str, Any] = _read(path)
        self.devices: list[dict[str, Any]] = []
        self.staff: list[dict[str, Any]] = []
        self.facilities: list[dict[str, Any]] = []
        self.presentations: list[dict[str, Any]] = []

    @property
    def seed(self) -> str:
        """What the simulators' chance begins with; the same for the life of this world."""
        return str(self._old.setdefault("seed", secrets.token_hex(8)))

    def device_password(self, code: str) -> str | None:
        """The password of a device as told before; None when it was never told, or the file was lost."""
        return _password(self._old.get("devices"), "code", code)

    def staff_password(self, username: str) -> str | None:
        """The password of an account as told before."""
        return _password(self._old.get("staff"), "username", username)

    def write(self) -> None:
        """Replace the file at once, readable by its owner only."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "seed": self.seed,
            "devices": self.devices,
            "staff": self.staff,
            "facilities": self.facilities,
            "presentations": self.presentations,
        }
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(body, file, indent=1, ensure_ascii=False)
        fresh.replace(self._path)


def new_staff_password() -> str:
    """Three words and two digits: 21 bits, enough for a demo on one's own machine, and typeable."""
    return "-".join([*(secrets.choice(_WORDS) for _ in range(3)), f"{secrets.randbelow(100):02d}"])


def _password(entries: object, key: str, value: str) -> str | None:
    if not isinstance(entries, list):
        return None
    return next((str(entry["password"]) for entry in entries if entry.get(key) == value), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
