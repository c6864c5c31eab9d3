"""Which pieces of a log belong together, from their names alone."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rantai.backups.folder import BackupFolder, Log, piece_of
from rantai.backups.restoring import chosen, instant
from rantai.backups.tools import explained
from rantai.errors import AnswerIsNo, WrongUse

SIZE = 0x100_0000


def pieces(folder: Path, *names: str) -> Log:
    """A log of empty pieces; their size stands for the server's usual one."""
    for name in names:
        with (folder / name).open("wb") as file:
            file.truncate(SIZE)
    return Log(folder)


def test_the_piece_after_the_last_of_a_file_number_is_the_first_of_the_next(tmp_path: Path) -> None:
    log = pieces(tmp_path, "0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000.partial")
    assert [path.name[-10:] for path in log.from_piece(0xFE)] == ["00000000FE", "00000000FF", "00.partial"]
    assert piece_of("1/28", SIZE) == 0x100 == max(log.pieces)


def test_a_whole_piece_counts_before_its_beginning_and_a_later_line_before_an_earlier(tmp_path: Path) -> None:
    log = pieces(
        tmp_path,
        "000000010000000000000001",
        "000000010000000000000001.partial",
        "000000010000000000000002.partial",
        "000000020000000000000002",
        "00000002.history",
    )
    assert [path.name for path in log.from_piece(1)] == ["000000010000000000000001", "000000020000000000000002"]
    assert [path.name for path in log.histories] == ["00000002.history"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["000000010000000000000003"], "it begins too late"),
        (["000000010000000000000001", "000000010000000000000003"], "the last piece before it came at"),
    ],
)
def test_a_hole_is_named_and_never_skipped(tmp_path: Path, names: list[str], words: str) -> None:
    log = pieces(tmp_path, *names)
    with pytest.raises(AnswerIsNo, match=f"a hole before 000000010000000000000003 .*{words}"):
        log.from_piece(1)


def test_an_empty_folder_holds_nothing_to_restore(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="there is no backup in"):
        chosen(BackupFolder(tmp_path), until=None, name=None)


def copied(folder: BackupFolder) -> BackupFolder:
    """A folder in which a copy waits for its name; its papers are what the server writes, as far as they are read."""
    (folder.making / "pg_wal").mkdir(parents=True)
    (folder.making / "PG_VERSION").write_text("15\n")
    papers = {"WAL-Ranges": [{"Start-LSN": "0/2000028", "End-LSN": "0/2000100"}], "Files": [{"Size": 7}]}
    (folder.making / "backup_manifest").write_text(json.dumps(papers))
    return folder


@given(microseconds=st.integers(0, 10**13), ms=st.integers(0, 3000))
def test_one_can_return_to_any_instant_from_the_end_of_a_copy_and_to_none_before(microseconds: int, ms: int) -> None:
    complete = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    with tempfile.TemporaryDirectory() as root:
        folder = copied(BackupFolder(Path(root)))
        made = folder.finish(complete)
        assert made.made_at == complete
        assert chosen(folder, until=complete + timedelta(milliseconds=ms), name=None) == made
        with pytest.raises(AnswerIsNo, match="none was complete"):
            chosen(folder, until=complete - timedelta(microseconds=1 + ms), name=None)


def test_a_backup_named_by_its_second_counts_from_the_next(tmp_path: Path) -> None:
    folder = copied(BackupFolder(tmp_path))
    folder.making.rename(folder.bases_folder / "20261127T111504Z")
    assert chosen(folder, until=datetime(2026, 11, 27, 11, 15, 5, tzinfo=UTC), name=None).bytes == 7
    with pytest.raises(AnswerIsNo, match="none was complete"):
        chosen(folder, until=datetime(2026, 11, 27, 11, 15, 4, 900_000, tzinfo=UTC), name=None)


def test_a_folder_belongs_to_one_line_of_one_database(tmp_path: Path) -> None:
    BackupFolder(tmp_path).prepare("database 1 on time line 1")
    BackupFolder(tmp_path).prepare("database 1 on time line 1")
    with pytest.raises(WrongUse, match=r"holds backups of database 1 on time line 1, .* Take a new folder"):
        BackupFolder(tmp_path).prepare("database 1 on time line 2")


def test_two_backups_at_once_are_one_too_many(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    with folder.alone(), pytest.raises(AnswerIsNo, match="another backup"), folder.alone():
        pass


@pytest.mark.parametrize("text", ["2026-03-01T10:00", "2026-03-01", "kemarin"])
def test_an_instant_names_its_zone(text: str) -> None:
    with pytest.raises(WrongUse, match=r"write it like .*\+07:00"):
        instant(text)


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("pg_basebackup: error: could not write to file: No space left on device", "The disk is full"),
        (
            "FATAL:  number of requested standby connections exceeds max_wal_senders (currently 0)",
            "wal_level = replica",
        ),
        ("FATAL:  no pg_hba.conf entry for replication connection from host", "scram-sha-256"),
        ('ERROR:  replication slot "rantai_backup" is active for PID 12', "two need two slots"),
    ],
)
def test_what_a_tool_says_comes_with_the_way_out(said: str, way_out: str) -> None:
    assert way_out in explained(said)
