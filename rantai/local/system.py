"""What the machine offers: server programs, the accounts they run under, PostGIS."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rantai.errors import ServiceMissing

# Debian and Ubuntu keep each major version under its own folder, off PATH; the others are where
# Fedora, Homebrew (ARM and Intel) and the PostgreSQL packages for macOS put theirs.
_POSTGRES_HOMES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_BROKER_HOMES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")
_OLDEST_POSTGRES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAccount:
    """A Unix account that a server runs under."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """The folder with initdb and postgres, and the major version in it."""

    folder: Path
    major: int

    @property
    def initdb(self) -> str:
        """Path of initdb."""
        return str(self.folder / "initdb")

    @property
    def postgres(self) -> str:
        """Path of the server."""
        return str(self.folder / "postgres")


def is_root() -> bool:
    """Whether this process runs as root."""
    return os.geteuid() == 0


def find_account(*names: str) -> SystemAccount | None:
    """The first of the named accounts that exists."""
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemAccount(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    return None


def server_account(*names: str) -> SystemAccount | None:
    """Under which account a server must run: None means our own; root has to become somebody else.

    PostgreSQL refuses to run as root, and a broker that takes bytes from strangers should not.
    """
    if not is_root():
        return None
    account = find_account(*names, "nobody")
    if account is None:
        raise ServiceMissing(f"None of the accounts {', '.join(names)} exists, and a server cannot run as root.")
    return account


def find_postgres(wanted_major: int | None = None) -> PostgresPrograms:
    """The newest PostgreSQL here that also has PostGIS, or the one of `wanted_major`; else `ServiceMissing`.

    Data written by one major version can be read by that version only, hence `wanted_major`.
    """
    found = [
        (major, folder)
        for folder, major in postgres_folders()
        if major >= _OLDEST_POSTGRES and all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))
    ]
    if wanted_major is not None:
        found = [(major, folder) for major, folder in found if major == wanted_major]
        if not found:
            raise ServiceMissing(
                f"The private data was written by PostgreSQL {wanted_major}, which is no longer here; "
                "install it again, or forget the data with `make clean`."
            )
    if not found:
        raise ServiceMissing(
            "PostgreSQL 14 or newer was not found; `make setup` installs it on Debian and Ubuntu, "
            "elsewhere install PostgreSQL and PostGIS first."
        )
    for major, folder in sorted(found, reverse=True):
        if _has_postgis(folder):
            return PostgresPrograms(folder=folder, major=major)
    major = max(found)[0]
    raise ServiceMissing(
        f"PostgreSQL {major} is here but not its PostGIS; install postgresql-{major}-postgis-3 (Debian, Ubuntu) or postgis."
    )


def find_mosquitto() -> str:
    """Path of the broker; raises `ServiceMissing` with what to install."""
    search = os.pathsep.join([os.environ.get("PATH", ""), *_BROKER_HOMES])
    path = shutil.which("mosquitto", path=search)
    if path is None:
        raise ServiceMissing(
            "The MQTT broker Mosquitto was not found; `make setup` installs it on Debian and Ubuntu, "
            "elsewhere install mosquitto first."
        )
    return path


def postgres_folders() -> list[tuple[Path, int]]:
    """Where programs of PostgreSQL lie, servers or clients only, each folder with its major version."""
    folders = [folder for pattern in _POSTGRES_HOMES for folder in Path("/").glob(pattern.lstrip("/"))]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [(folder, major) for folder in folders if (major := _major_version(folder))]


def _major_version(folder: Path) -> int:
    """Major version of the programs in `folder`; 0 when there are none."""
    program = next((folder / name for name in ("postgres", "pg_basebackup") if os.access(folder / name, os.X_OK)), None)
    if program is None:
        return 0
    answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
    match = re.search(r"\(PostgreSQL\)\s+(\d+)", answer)
    return int(match.group(1)) if match else 0


def _has_postgis(folder: Path) -> bool:
    """Whether the extension's control file lies where this PostgreSQL looks for it."""
    share = [folder.parent / "share" / "extension", folder.parent / "share" / "postgresql" / "extension"]
    if folder.match("/usr/lib/postgresql/*/bin"):
        share.append(Path("/usr/share/postgresql") / folder.parent.name / "extension")
    pg_config = folder / "pg_config"
    if os.access(pg_config, os.X_OK):
        told = subprocess.run([str(pg_config), "--sharedir"], capture_output=True, text=True, check=False, timeout=20)
        if told.returncode == 0:
            share.append(Path(told.stdout.strip()) / "extension")
    return any((place / "postgis.control").is_file() for place in share)
