"""A folder of backups: whole copies under `base/`, the write-ahead log since then under `wal/`.

One folder holds one unbroken line of one database: a restored one, or one whose log has a hole, begins a new folder.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rantai.errors import AnswerIsNo, WrongUse

# What the server calls a piece of its log: time line, number in two halves; `.partial` while it is being received.
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_USUAL_SEGMENT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One whole copy, complete at `made_at` by this machine's clock.

    `first` and `last` are the log's pieces without which it cannot be used; it carries them itself.
    """

    folder: Path
    made_at: datetime
    bytes: int
    major: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """How the folder is called: when it was complete, in UTC."""
        return self.folder.name


class Log:
    """Pieces of the write-ahead log, by number; of two of one number the one of the later time line."""

    def __init__(self, *folders: Path) -> None:
        found = sorted(
            (path for folder in folders if folder.is_dir() for path in folder.iterdir()), key=lambda path: path.name
        )
        named = [(match, path) for path in found if (match := _SEGMENT.fullmatch(path.name))]
        self.segment_bytes = next((path.stat().st_size for _, path in named), _USUAL_SEGMENT_BYTES)
        # Sorted by name, a whole piece stands before its `.partial`, which is of use only where it is all there is.
        self.pieces: dict[int, Path] = {}
        for match, path in named:
            number = piece_number(int(match[2], 16), int(match[3], 16), self.segment_bytes)
            whole = self.pieces.get(number)
            if match[4] is None or whole is None or whole.name[:8] < match[1]:
                self.pieces[number] = path
        self.histories = [path for path in found if re.fullmatch(r"[0-9A-F]{8}\.history", path.name)]

    def from_piece(self, first: int) -> list[Path]:
        """The pieces from `first` on without a gap, in order. Raises AnswerIsNo at a hole."""
        numbers = sorted(number for number in self.pieces if number >= first)
        for place, number in enumerate(numbers):
            if number != first + place:
                before = self.pieces.get(number - 1 if place == 0 else numbers[place - 1])
                raise AnswerIsNo(_hole(before, self.pieces[number], first, number))
        return [self.pieces[number] for number in numbers]


def _hole(before: Path | None, after: Path, first: int, found: int) -> str:
    until = f"the last piece before it came at {_clock(before.stat().st_mtime)}" if before else "it begins too late"
    return (
        f"the archived log has a hole before {after.name} ({found - first} pieces after the backup's first; {until}). "
        "What came after cannot be brought back from here: return to an earlier instant with --until, and begin a new "
        "folder of backups."
    )


def piece_number(high: int, low: int, segment_bytes: int) -> int:
    """The running number of a piece from the two halves of its name."""
    return high * (0x1_0000_0000 // segment_bytes) + low


def piece_of(position: str, segment_bytes: int) -> int:
    """The number of the piece in which a position of the log (`0/3000028`) lies."""
    high, low = (int(part, 16) for part in position.split("/"))
    return ((high << 32) + low) // segment_bytes


class BackupFolder:
    """The folder, wherever it lies; readable by its owner only."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.bases_folder = self.root / "base"
        self.wal_folder = self.root / "wal"
        self.making = self.bases_folder / "making"
        self._line = self.root / "line"

    def prepare(self, line: str) -> None:
        """Make it where it is not, for one line of one database; refuse one that belongs to another."""
        for folder in (self.root, self.bases_folder, self.wal_folder):
            folder.mkdir(mode=0o700, parents=folder == self.root, exist_ok=True)
        if not self._line.exists():
            self._line.touch(mode=0o600)
            self._line.write_text(f"{line}\n", encoding="utf-8")
        if (of := self._line.read_text(encoding="utf-8").strip()) != line:
            raise WrongUse(
                f"{self.root} holds backups of {of}, and this is {line}: another database, or one that was restored or "
                "taken over since. Take a new folder."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who makes or removes backups here."""
        lock = self.root / "lock"
        lock.touch(mode=0o600)
        with lock.open("a", encoding="utf-8") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AnswerIsNo(f"another backup into {self.root} is being made; wait for it.") from None
            yield

    def bases(self) -> list[Base]:
        """Complete backups, oldest first."""
        if not self.bases_folder.is_dir():
            return []
        return [_read(path) for path in sorted(self.bases_folder.glob("2*Z")) if (path / "backup_manifest").is_file()]

    def finish(self, now: datetime) -> Base:
        """Give the copy that has just been made and verified its name."""
        done = self.bases_folder / now.astimezone(UTC).strftime(_STAMP)
        self.making.rename(done)
        return _read(done)

    def forget_making(self) -> None:
        """Remove what a backup left behind that did not come to its end."""
        if self.making.exists():
            shutil.rmtree(self.making)

    def log(self, base: Base) -> Log:
        """The log that came in, with what the copy itself carries."""
        return Log(base.folder / "pg_wal", self.wal_folder)


def _read(folder: Path) -> Base:
    """What the server's own papers in the copy say. Raises AnswerIsNo where they cannot be read."""
    try:
        made_at = _stamped(folder.name)
        manifest = json.loads((folder / "backup_manifest").read_text(encoding="utf-8"))
        (span, *_) = manifest["WAL-Ranges"]
        size = Log(folder / "pg_wal").segment_bytes
        return Base(
            folder=folder,
            made_at=made_at,
            bytes=sum(file["Size"] for file in manifest["Files"]),
            major=int((folder / "PG_VERSION").read_text(encoding="utf-8").strip()),
            first=piece_of(span["Start-LSN"], size),
            last=piece_of(span["End-LSN"], size),
        )
    except (ValueError, KeyError, OSError) as error:
        raise AnswerIsNo(f"the backup {folder} cannot be read ({error}): move it away.") from None


def _stamped(name: str) -> datetime:
    """When a backup of this name was complete. Older ones were named by the second in which they began to be made."""
    if "." in name:
        return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=1)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
