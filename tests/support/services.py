"""A real PostgreSQL and a real Mosquitto for tests: containers or private servers, as `choice.py` decides.

`conftest.py` calls `start_services()` for the session's shared pair; a test that kills servers takes its own
pair (another `start_services()`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from rantai.errors import ServiceMissing
from rantai.local.folders import OWNER_NOTE, remove_folders
from rantai.local.services import LocalServices
from rantai.local.state import InstanceLock
from tests.support.choice import chosen

_PREFIX = "rantai-test-"
# A copy of a database is some 650 small files: in memory it costs the processor a fifth of what a disk's file system
# takes. Asked for is room for some four workers; where there is less, a disk does.
_MEMORY = Path("/dev/shm")
_MEMORY_WANTED_BYTES = 6_000_000_000


class Database(Protocol):
    """What tests may do to the database server."""

    @property
    def running(self) -> bool: ...
    def url(self, database: str = ...) -> str: ...
    def create_database(self, name: str, *, template: str | None = None) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Broker(Protocol):
    """What tests may do to the broker."""

    @property
    def running(self) -> bool: ...
    def url(self, username: str = ..., password: str | None = ...) -> str: ...
    def add_user(self, username: str, password: str, *, reader: bool = False, topics: Iterable[str] = ()) -> str: ...
    def set_users(self, hashes: Mapping[str, str], *, readers: Iterable[str] = ()) -> None: ...
    def start(self) -> None: ...
    def stop_clean(self) -> None: ...
    def kill(self) -> None: ...


class Services(Protocol):
    """A database server and a broker that belong together."""

    @property
    def postgres(self) -> Database: ...
    @property
    def broker(self) -> Broker: ...
    @property
    def database_url(self) -> str: ...
    @property
    def mqtt_url(self) -> str: ...
    def forget(self) -> None: ...


def start_services() -> Services:
    """Start a new pair; the caller ends it with `forget()`.

    Data of tests need not survive a power cut, so fsync is off. That is safe for tests that kill the server
    processes: what a killed process has written is the kernel's, and the kernel lives on. For the same reason the
    data may lie in memory.
    """
    if chosen().kind == "docker":
        from tests.support.containers import ContainerServices

        return ContainerServices().start()
    sweep_leftovers()
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folders_for_data()[0]))
    services = LocalServices(root, durable=False)
    try:
        return services.start()
    except BaseException:
        services.forget()
        raise


def folders_for_data() -> list[Path]:
    """Where the servers' data may lie, the quickest first: memory where there is plenty, then the disk."""
    disk = Path(tempfile.gettempdir())
    try:
        roomy = shutil.disk_usage(_MEMORY).free >= _MEMORY_WANTED_BYTES and os.access(_MEMORY, os.W_OK)
    except OSError:
        roomy = False
    return [_MEMORY, disk] if roomy else [disk]


def sweep_leftovers() -> None:
    """Remove this account's folders of earlier test runs that were killed: those whose lock nobody holds."""
    for root in (root for folder in folders_for_data() for root in folder.glob(f"{_PREFIX}*") if _is_ours(root)):
        # A run that is just starting has a folder but no lock file yet: leave it alone.
        if not (root / "lock").is_file():
            continue
        lock = InstanceLock(root)
        try:
            lock.take()
        except (ServiceMissing, OSError):
            continue
        remove_folders(root)
        lock.release()
    for note in (note for note in Path("/var/lib").glob(f"rantai-*/{OWNER_NOTE}") if _is_ours(note)):
        owner = Path(note.read_text(encoding="utf-8").strip())
        if not owner.exists() and "pytest-of-" in str(owner):
            remove_folders(owner)


def _is_ours(path: Path) -> bool:
    """Into others' folders we cannot even look; another run may remove one meanwhile."""
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return False
