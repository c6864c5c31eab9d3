"""PostgreSQL's own tools, run so that their words become progress or one sentence."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rantai.errors import AnswerIsNo, ServiceMissing
from rantai.local.system import postgres_folders

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The database that is backed up, as its replication protocol tells of it."""

    address: str
    environment: Mapping[str, str]
    line: str
    major: int


def source(database_url: str) -> Source:
    """Ask the server who it is, by the door that backups use. Raises ServiceMissing with the way out."""
    parts = {name: str(value) for name, value in conninfo_to_dict(database_url).items() if value is not None}
    password = parts.pop("password", None)
    # Replication is of the whole server; the name of a database would only be refused by some rules of pg_hba.conf.
    parts.pop("dbname", None)
    address = make_conninfo(**parts, application_name="rantai-backup", connect_timeout=10)
    try:
        with psycopg.connect(address, password=password, replication="true", autocommit=True) as connection:
            row = connection.execute("IDENTIFY_SYSTEM").fetchone()
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise ServiceMissing(f"the database lets no backup be made: {explained(str(error))}") from None
    if row is None:
        raise ServiceMissing("the database does not say who it is.")
    # Not on the command line: whoever lists processes would read it.
    environment = {**_environment(), **({"PGPASSWORD": password} if password else {})}
    return Source(
        address=address, environment=environment, line=f"database {row[0].decode()} on time line {row[1]}", major=major
    )


def tool(name: str, major: int) -> str:
    """The path of one of PostgreSQL's programs in the server's version."""
    for folder, found in postgres_folders():
        if found == major and os.access(folder / name, os.X_OK):
            return str(folder / name)
    raise ServiceMissing(
        f"{name} of PostgreSQL {major} is not on this machine, and that of another version cannot be used: "
        f"install the package postgresql-{major} (Debian, Ubuntu)."
    )


def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None, what: str, tell: Tell) -> None:
    """Run to the end; lines of progress are told, anything else is kept for the sentence of a failure."""
    with subprocess.Popen(
        list(command),
        env=dict(environment or _environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        said: list[str] = []
        told = -1
        for line in child.stderr or ():
            if (match := _PROGRESS.search(line)) is None:
                said = [*said[-20:], line.strip()]
            elif (percent := int(match[2])) // 10 > told // 10:
                told = percent
                tell(f"{what}: {percent} % of {int(match[1]) / 1024:,.0f} MB")
    if child.returncode != 0:
        raise AnswerIsNo(f"{what} failed: {explained(_last_error(said))}")


def become(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Be this program from now on; it is given the process, its signals and its log."""
    os.execve(command[0], list(command), dict(environment))  # noqa: S606 - no shell is wanted


# `  31337/65000 kB (48%), 0/1 tablespace`
_PROGRESS = re.compile(r"/(\d+) kB \((\d+)%\)")

# What the tools and the server say, and what whoever reads it can do.
_WAYS_OUT = (
    ("No space left on device", "The disk is full: make room, then run this again."),
    ("must be superuser or replication role", "Give the role the right: ALTER ROLE … REPLICATION."),
    ("permission denied to start WAL sender", "Give the role the right: ALTER ROLE … REPLICATION."),
    ("no pg_hba.conf entry for replication", "Add a line `host replication ROLE ADDRESS scram-sha-256` to pg_hba.conf and reload."),
    ("exceeds max_wal_senders", "Set wal_level = replica and max_wal_senders = 10 in postgresql.conf, then restart the server."),
    ("wal_level", "Set wal_level = replica in postgresql.conf, then restart the server."),
    ("could not access directory", "Who runs the server may not enter that folder or one above it: restore to a place it can reach."),
    ("is active for PID", "Another `rantai backup follow` takes this log; two need two slots (--slot)."),
    ("all replication slots are in use", "Raise max_replication_slots in postgresql.conf, then restart the server."),
    ("checksum mismatch", "The copy is not what the server wrote: look at this disk, and make another backup."),
    ("tablespace", "Backups of a database with tablespaces of its own are not made by this command; see pg_basebackup."),
)  # fmt: skip


def explained(words: str) -> str:
    """One sentence of a tool with the way out, where we know it."""
    line = " ".join(words.split()).removesuffix(".")
    way = next((way for sign, way in _WAYS_OUT if sign in line), "")
    return f"{line}. {way}".rstrip()


def _last_error(said: Sequence[str]) -> str:
    errors = [line for line in said if "error:" in line or "FATAL" in line]
    return (errors or list(said) or ["it said nothing"])[0 if errors else -1]


def _environment() -> dict[str, str]:
    """English words, and no PG* variable of the caller to steer the tools."""
    return {**{n: v for n, v in os.environ.items() if not n.startswith("PG")}, "LC_ALL": "C", "TZ": "UTC"}


def free_bytes(folder: Path) -> int:
    """Room on the disk where `folder` lies or will lie."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    found = os.statvfs(there)
    return found.f_bavail * found.f_frsize
