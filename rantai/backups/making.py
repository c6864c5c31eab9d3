"""Making a backup, following the log, and keeping no more than was asked for."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from rantai.backups.folder import BackupFolder, Base, Log
from rantai.backups.tools import Source, Tell, become, explained, run, tool
from rantai.errors import AnswerIsNo, ServiceMissing
from tracker.database.backups import TELL

SLOT = "rantai_backup"
# The receiver writes what it gets at once; what a copy ends with may be a moment on its way.
_FOLLOWS_WITHIN_S = 15.0


def make_base(folder: BackupFolder, of: Source, *, tell: Tell) -> Base:
    """Copy the whole database, verify every file of the copy by its checksum, and only then call it a backup."""
    folder.prepare(of.line)
    with folder.alone():
        folder.forget_making()
        command = [
            tool("pg_basebackup", of.major),
            f"--dbname={of.address}",
            f"--pgdata={folder.making}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--manifest-checksums=SHA256",
            "--no-password",
            "--progress",
        ]
        try:
            run(command, environment=of.environment, what="copying", tell=tell)
            # Only from here on can one return to an instant: what came before lies within the copying.
            complete_at = datetime.now(UTC)
            verify(folder.making, of.major, tell=tell)
        except BaseException:
            folder.forget_making()
            raise
        return folder.finish(complete_at)


def verify(copy: Path, major: int, *, tell: Tell) -> None:
    """Read a copy again and compare each file with the checksum it was made with."""
    tell(f"verifying {copy}")
    command = [tool("pg_verifybackup", major), "--quiet", *_without_log(major), str(copy)]
    run(command, what="verifying", tell=tell)


def _without_log(major: int) -> list[str]:
    """The log inside is read, too, where the program for that is there (it comes with the server, not the client)."""
    try:
        tool("pg_waldump", major)
    except ServiceMissing:
        return ["--no-parse-wal"]
    return []


def tell_house(address: str, base: Base, *, tell: Tell) -> None:
    """Let the house know of it, for whom it is a figure of its health; that it cannot be told spoils no backup."""
    try:
        with psycopg.connect(address, application_name="rantai-backup", connect_timeout=10) as connection:
            connection.execute(TELL, [base.made_at])
    except psycopg.Error as error:
        tell(f"the house was not told of this backup, and counts on from the one before: {explained(str(error))}")


def keep(folder: BackupFolder, number: int, *, tell: Tell) -> None:
    """Remove backups but the newest `number`, and the log from before the oldest that stays."""
    with folder.alone():
        bases = folder.bases()
        for old in bases[:-number]:
            # Renamed first: one that is half removed must not look like a backup.
            old.folder.rename(folder.making)
            shutil.rmtree(folder.making)
            tell(f"removed the backup {old.name}")
        if not (kept := bases[-number:]):
            return
        log = Log(folder.wal_folder)
        gone = [path for piece, path in log.pieces.items() if piece < kept[0].first]
        for path in gone:
            path.unlink()
        if gone:
            tell(f"removed {len(gone)} pieces of log from before {kept[0].name}")


def await_log(folder: BackupFolder, base: Base) -> bool:
    """Whether the log that came in reaches the end of the copy; False when nobody follows it.

    Raises AnswerIsNo when it was followed once and does not come this far, or has a hole.
    """
    until = time.monotonic() + _FOLLOWS_WITHIN_S
    while True:
        pieces = Log(folder.wal_folder).pieces
        if not pieces:
            return False
        if max(pieces) >= base.last:
            break
        if time.monotonic() > until:
            raise AnswerIsNo(
                f"the backup {base.name} is made and verified, but the log that comes in ends before it: "
                "`rantai backup follow` is not at work. Until it is, you can return to the end of this backup only."
            )
        time.sleep(0.2)
    folder.log(base).from_piece(base.first)
    return True


def follow(folder: BackupFolder, of: Source, slot: str) -> None:
    """Become pg_receivewal: it takes the log as it is written, and ends when the server goes away.

    It is started again from here, for the server that comes back may be a restored one.
    """
    folder.prepare(of.line)
    _ensure_slot(of, slot, anew=not Log(folder.wal_folder).pieces)
    command = [
        tool("pg_receivewal", of.major),
        f"--dbname={of.address}",
        f"--directory={folder.wal_folder}",
        f"--slot={slot}",
        "--synchronous",
        "--no-loop",
        "--no-password",
    ]
    os.umask(0o077)
    become(command, of.environment)


def _ensure_slot(of: Source, slot: str, *, anew: bool) -> None:
    """The server keeps for a slot what was not fetched yet. A new folder begins with a new one: it needs nothing old."""
    name = sql.Identifier(slot)
    password = of.environment.get("PGPASSWORD")
    try:
        with psycopg.connect(of.address, password=password, replication="true", autocommit=True) as connection:
            row = connection.execute(sql.SQL("READ_REPLICATION_SLOT {}").format(name)).fetchone()
            there = row is not None and row[0] is not None
            if there and not anew and row is not None and row[1] is None:
                raise AnswerIsNo(
                    "the server has let go of log that was not fetched yet, for nobody took it for too long: the line is "
                    "broken. Take a new folder, and make a backup into it."
                )
            if there and anew:
                connection.execute(sql.SQL("DROP_REPLICATION_SLOT {}").format(name))
            if anew or not there:
                connection.execute(sql.SQL("CREATE_REPLICATION_SLOT {} PHYSICAL RESERVE_WAL").format(name))
    except psycopg.Error as error:
        raise ServiceMissing(f"the log cannot be followed: {explained(str(error))}") from None
