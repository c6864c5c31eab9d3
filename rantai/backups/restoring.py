"""Bringing a database back: a whole copy into an empty folder, the log on top, up to the last row or an instant."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rantai.backups.folder import BackupFolder, Base
from rantai.backups.recovery import Recovery, Tail
from rantai.backups.tools import Tell, explained, free_bytes, tool
from rantai.errors import AnswerIsNo, WrongUse
from rantai.local.system import SystemAccount, server_account

# The server writes beside what is brought back: its own new log, sorted rows, a checkpoint.
_SPARE = 1.1
_TELL_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was brought back."""

    base: Base
    tail: Tail


def chosen(folder: BackupFolder, *, until: datetime | None, name: str | None) -> Base:
    """The backup to begin from: the one named, else the newest that was complete at `until`."""
    bases = folder.bases()
    if not bases:
        raise WrongUse(f"there is no backup in {folder.root}.")
    if name is not None:
        if (named := next((base for base in bases if base.name == name), None)) is None:
            raise WrongUse(f"there is no backup {name}; there are {', '.join(base.name for base in bases)}.")
        bases = [named]
    fit = [base for base in bases if until is None or base.made_at <= until]
    if not fit:
        raise AnswerIsNo(
            f"the oldest backup that may be used is of {bases[0].name}: none was complete at that instant."
        )
    return fit[-1]


def restore(
    folder: BackupFolder,
    base: Base,
    into: Path,
    *,
    until: datetime | None,
    database: str,
    role: str,
    tell: Tell,
) -> Restored:
    """Copy, replay, look at the last rows, stop. `into` must be empty, and is left empty when this fails."""
    into = into.absolute()
    postgres = tool("postgres", base.major)
    pieces = _pieces(folder, base, until)
    histories = folder.log(base).histories
    _make_sure_of_room(into, base.bytes + sum(path.stat().st_size for path in pieces))
    account = server_account("postgres")
    with _empty(into):
        _copy(base, into, tell)
        tell(f"copying {len(pieces)} pieces of log")
        for path in (*pieces, *histories):
            shutil.copyfile(path, into / "pg_wal" / path.name.removesuffix(".partial"))
        (into / "recovery.signal").touch()
        _hand_over(into, account)
        with tempfile.TemporaryDirectory(prefix="rantai-restore-") as beside:
            _hand_over(Path(beside), account)
            recovery = Recovery(postgres, base.major, into, Path(beside), account)
            tail = recovery.run(until=until, database=database, role=role, tell=tell)
    return Restored(base=base, tail=tail)


def _pieces(folder: BackupFolder, base: Base, until: datetime | None) -> list[Path]:
    """The log to replay. Up to an instant before a hole it can be done without what lies behind the hole."""
    log = folder.log(base)
    try:
        return log.from_piece(base.first)
    except AnswerIsNo:
        if until is None:
            raise
    pieces, number = [], base.first
    while number in log.pieces:
        pieces.append(log.pieces[number])
        number += 1
    return pieces


def _make_sure_of_room(into: Path, needed: int) -> None:
    if (free := free_bytes(into)) < needed * _SPARE:
        raise AnswerIsNo(
            f"the disk of {into} has {free / 1e6:,.0f} MB free, and the restored database needs {needed * _SPARE / 1e6:,.0f}."
        )


@contextmanager
def _empty(into: Path) -> Iterator[None]:
    """A folder that holds nothing, ours until the end; nothing that was there before is ever touched."""
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        living = " and a server runs on it" if (into / "postmaster.pid").exists() else ""
        what = f"there is a database in {into}{living}" if (into / "PG_VERSION").exists() else f"{into} is not empty"
        raise WrongUse(f"{what}: restore into an empty folder, nothing is ever overwritten.")
    was_there = into.exists()
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in into.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if not was_there:
            into.rmdir()
        raise


def _copy(base: Base, into: Path, tell: Tell) -> None:
    """The whole copy, with a word now and then."""
    done, told = 0, time.monotonic()
    for place, folders, files in os.walk(base.folder):
        here = into / Path(place).relative_to(base.folder)
        for name in folders:
            (here / name).mkdir(mode=0o700)
        for name in files:
            try:
                shutil.copy2(Path(place) / name, here / name)
            except OSError as error:
                raise AnswerIsNo(
                    f"copying the backup failed: {explained(f'{error.filename}: {error.strerror}')}"
                ) from None
            done += (here / name).stat().st_size
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                tell(f"copying the backup: {100 * done // max(1, base.bytes)} % of {base.bytes / 1e6:,.0f} MB")
    into.chmod(0o700)


def _hand_over(folder: Path, account: SystemAccount | None) -> None:
    """Root copies, and the server runs as somebody else."""
    if account is None:
        return
    os.chown(folder, account.uid, account.gid)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(place) / name, account.uid, account.gid, follow_symlinks=False)


def instant(text: str) -> datetime:
    """An instant with its zone. Raises WrongUse for a time that could be in three places of Indonesia."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"{text} is no time; write it like 2026-11-27T10:00+07:00.") from None
    if at.tzinfo is None:
        raise WrongUse(f"{text} names no zone; write it like {text}+07:00 (WIB), +08:00 (WITA) or +09:00 (WIT).")
    if at > datetime.now(UTC):
        raise WrongUse(f"{text} has not come yet.")
    return at.astimezone(UTC)
