"""The drill: a house writes, is backed up, is destroyed, and comes back to the last row and to an instant before."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from rantai.cli import main
from rantai.local.folders import data_folder, remove_folders
from rantai.local.postgres import PrivatePostgres
from rantai.local.state import InstanceState
from rantai.local.system import find_postgres, server_account
from tests.support import databases
from tests.support.books import check_books
from tests.support.coldchain import new_channel, send
from tests.support.quota import Desk
from tests.support.running import ROOT, local_servers_missing
from tests.support.services import Services, folders_for_data
from tests.support.waiting import eventually
from tests.support.world import NOW, StandingWorld, small_world
from tracker.database import migrations
from tracker.database.backups import newest_backup
from tracker.database.engine import transaction
from tracker.edge.models import StoredAnswer
from tracker.feed.numbering import number_pending
from tracker.kit.ids import uuid7
from tracker.retention import let_go_next, rules_of
from tracker.settings import RetentionSettings

pytestmark = pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing())

PASSWORD = "only-for-this-drill"
KEPT = (
    *("stock_event", "stock_entry", "stock_balance", "availability", "feed_event", "reading", "booking", "person"),
    *("stored_answer", "forgotten"),
)
_CONTENT = (
    "SELECT count(*), md5(coalesce(string_agg(row, '|' ORDER BY row), '')) FROM (SELECT t::text AS row FROM {} t) r"
)
Content = dict[str, tuple[int, str]]
ANSWERS = 50


@dataclass
class House:
    """A database server of its own and what is in it."""

    folder: Path
    server: PrivatePostgres = field(init=False)

    def __post_init__(self) -> None:
        account = server_account("postgres")
        self.server = PrivatePostgres(
            programs=find_postgres(),
            folder=data_folder(self.folder, "postgres", account),
            account=account,
            password=PASSWORD,
            log=self.folder / "log",
            durable=False,
        )

    @property
    def data(self) -> Path:
        return data_folder(self.folder, "postgres", server_account("postgres")) / "data"

    def content(self) -> Content:
        with psycopg.connect(self.server.url()) as connection:
            rows = {name: connection.execute(_CONTENT.format(name).encode()).fetchone() for name in KEPT}
        return {name: (row[0], row[1]) for name, row in rows.items() if row}

    def last(self, table: str, number: str) -> int:
        with psycopg.connect(self.server.url()) as connection:
            row = connection.execute(f"SELECT max({number}) FROM {table}".encode()).fetchone()
        return int(row[0]) if row else 0

    def ask(self, query: bytes) -> object:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None


class Told(NamedTuple):
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Drill:
    """What is left after the house was destroyed, and what was in it when."""

    root: Path
    backups: Path
    standing: StandingWorld
    at: datetime = NOW
    then: Content = field(default_factory=dict)
    last: Content = field(default_factory=dict)
    made: str = ""

    def rantai(self, *words: str, url: str = "") -> Told:
        """A command as the command line runs it, within this process: starting one anew takes seconds."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            # Neither the secret key nor anything else: who copies a database needs its address only.
            for name in [name for name in os.environ if name.startswith("RANTAI_")]:
                patch.delenv(name)
            if url:
                patch.setenv("RANTAI_DATABASE_URL", url)
            code = main(words)
        return Told(code, out.getvalue(), err.getvalue())

    def refused(self, code: int, *words: str, url: str = "") -> str:
        """What is said when it is refused; always one sentence, and no word of success."""
        told = self.rantai(*words, url=url)
        assert (told.returncode, told.stdout) == (code, ""), told
        said = [line for line in told.stderr.splitlines() if line.startswith("rantai: ")]
        assert len(said) == 1, told.stderr
        return said[0]

    @contextmanager
    def restored(self, *words: str) -> Iterator[tuple[House, str]]:
        """A house on what was restored."""
        house = House(Path(tempfile.mkdtemp(dir=self.root, prefix="restored-")))
        house.folder.chmod(0o711)
        told = self.rantai("restore", str(self.backups), str(house.data), *words)
        assert told.returncode == 0, told.stderr
        house.server.start()
        try:
            yield house, told.stdout
        finally:
            house.server.kill()
            remove_folders(house.folder)


def work(house: House, standing: StandingWorld, day: int) -> None:
    """Vials come in, people book and are served, a fridge is measured, the feed is numbered."""
    with databases.engine_of(house.server.url()) as engine:
        with transaction(engine) as db:
            world = standing.joined(db)
            desk = Desk(db, world, world.now)
            desk.stock("az-10/AZ002", 10)
            session = desk.session(ahead=0)
            desk.vaccinate(desk.confirmed(session))
            desk.confirmed(session)
            send(db, new_channel(db, world, name=f"t{day}"), [(1440 * day + ten, 4.5) for ten in range(0, 600, 10)])
        number_pending(engine)


@dataclass
class Rounds:
    """What retention let go meanwhile."""

    gone: int = 0


@contextmanager
def retention_beside(url: str) -> Iterator[Rounds]:
    """Answers too old to keep come to light and go, over and over; in the last round they came and are still there."""
    rule = next(rule for rule in rules_of(RetentionSettings()) if rule.setting == "answers_days")
    rounds, over = Rounds(), threading.Event()

    def old_answers_come(db: Session) -> None:
        old = {"account_id": uuid7(), "fingerprint": "", "answer": None, "created_at": NOW - timedelta(days=400)}
        db.execute(insert(StoredAnswer), [{**old, "key": str(number)} for number in range(ANSWERS)])

    def go_round() -> None:
        with databases.engine_of(url) as engine:
            while not over.is_set():
                now = datetime.now(UTC)
                with transaction(engine) as db:
                    old_answers_come(db)
                more = True
                while more:
                    with transaction(engine) as db:
                        more = let_go_next(db, rule, due_since=now, now=now)
                rounds.gone += ANSWERS
            with transaction(engine) as db:
                old_answers_come(db)

    beside = threading.Thread(target=go_round)
    beside.start()
    try:
        yield rounds
    finally:
        over.set()
        beside.join()


def follows(house: House) -> bool:
    """Whether all that is written down is also on the other side."""
    query = (
        b"SELECT bool_and(flush_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication WHERE flush_lsn IS NOT NULL"
    )
    return house.ask(query) is True


@pytest.fixture(scope="module")
def drill() -> Iterator[Drill]:
    root = Path(tempfile.mkdtemp(prefix="rantai-test-drill-", dir=folders_for_data()[0]))
    root.chmod(0o711)
    try:
        yield _destroyed(root)
    finally:
        remove_folders(root)


def _destroyed(root: Path) -> Drill:
    """Write, copy, write more and remember when, make a mistake; then the machine is lost."""
    house = House(root / "house")
    house.folder.chmod(0o711)
    house.server.initialise()
    with (house.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write((ROOT / "deploy" / "postgresql.conf").read_text(encoding="utf-8"))
    house.server.start()
    try:
        return _written_and_killed(root, house)
    finally:
        house.server.kill()
        remove_folders(house.folder)


def _written_and_killed(root: Path, house: House) -> Drill:
    assert house.ask(b"SHOW max_slot_wal_keep_size") == "20GB", "the server reads the settings we ship"
    house.server.create_database("rantai")
    url, backups = house.server.url(), root / "backups"
    with databases.engine_of(url) as engine:
        migrations.upgrade(engine)
        with transaction(engine) as db:
            standing = StandingWorld(database="rantai", kept=pickle.dumps(small_world(db)))
    work(house, standing, 0)
    command = [sys.executable, "-m", "rantai", "backup", "follow", str(backups)]
    with subprocess.Popen(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "RANTAI_DATABASE_URL": url}) as follower:
        try:
            eventually(lambda: follows(house), timeout_s=120, what="somebody who takes the log")
            drill = Drill(root=root, backups=backups, standing=standing)
            # As somebody who runs it with `rantai up` says it; the log is taken by the address.
            InstanceState(house.folder).remember(postgres_port=house.server.port, postgres_password=PASSWORD)
            with retention_beside(url) as rounds:
                made = drill.rantai("backup", "make", str(backups), "--house", str(house.folder))
            assert made.returncode == 0, made.stderr
            assert rounds.gone > ANSWERS, "retention deleted all the while that the backup was made"
            work(house, standing, 1)
            at, then = house.ask(b"SELECT clock_timestamp()"), house.content()
            assert isinstance(at, datetime)
            house.ask(b"SELECT pg_switch_wal()")
            work(house, standing, 2)
            eventually(lambda: follows(house), what="the last row on the other side")
            drill = replace(drill, at=at, then=then, last=house.content(), made=made.stdout)
            house.server.kill()
        finally:
            follower.send_signal(signal.SIGTERM)
    return drill


def test_a_backup_says_what_it_is_and_is_its_owners_alone(drill: Drill) -> None:
    assert "is made and verified" in drill.made
    assert "you can return to any instant from now on" in drill.made
    open_to_others = [path for path in drill.backups.rglob("*") if path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert PASSWORD.encode() not in b"".join(p.read_bytes() for p in drill.backups.rglob("*") if p.is_file())
    told = drill.rantai("backup", "list", str(drill.backups), "--older-than-h", "1")
    assert told.returncode == 0, told.stderr
    assert "without a hole" in told.stdout


def test_what_was_destroyed_comes_back_to_its_last_row_and_its_books_agree(drill: Drill) -> None:
    with drill.restored() as (house, said):
        assert house.content() == drill.last
        assert drill.last["stored_answer"][0] == ANSWERS, "what retention let go while it was copied stays gone"
        assert f"feed event {house.last('feed_event', 'position')}, which the house learnt at" in said
        assert f"stock event {house.last('stock_event', 'number')}, which" in said
        assert "reading of 2026-03-03T09:50:00Z" in said
        with databases.engine_of(house.server.url()) as engine:
            migrations.check(engine)
            with transaction(engine) as db:
                check_books(db)
                assert newest_backup(db) is not None, "the backup was told to the house, and what is told is restored"
        work(house, drill.standing, 3)  # it is a house like any other


def test_it_comes_back_to_an_instant_before_a_mistake(drill: Drill) -> None:
    with drill.restored("--until", drill.at.isoformat()) as (house, _):
        assert house.content() == drill.then
        with databases.engine_of(house.server.url()) as engine, transaction(engine) as db:
            check_books(db)
        # Its log has parted from the old one: the two must not lie in one folder.
        said = drill.refused(2, "backup", "make", str(drill.backups), url=house.server.url())
        assert "on time line 2: another database, or one that was restored" in said


def test_nothing_is_ever_overwritten(drill: Drill, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("15\n")
    (tmp_path / "postmaster.pid").write_text("1\n")
    said = drill.refused(2, "restore", str(drill.backups), str(tmp_path))
    assert "there is a database" in said
    assert "a server runs on it" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PG_VERSION", "postmaster.pid"]


def test_an_instant_that_cannot_be_reached_is_refused_and_leaves_nothing(drill: Drill) -> None:
    into = drill.root / "nowhere"
    for until, code, words in (
        ("2026-03-01T10:00", 2, "names no zone"),
        ("yesterday", 2, "is no time"),
        ("2020-01-01T00:00+07:00", 1, "none was complete at that instant"),
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), 2, "has not come yet"),
        (datetime.now(UTC).isoformat(), 1, "the log ends before that instant"),
    ):
        assert words in drill.refused(code, "restore", str(drill.backups), str(into), "--until", until), until
        assert not into.exists()


def test_a_hole_in_the_log_is_found_by_list_and_restore(drill: Drill) -> None:
    wal = drill.backups / "wal"
    lost = max(piece for piece in wal.iterdir() if len(piece.name) == 24)
    aside = drill.root / lost.name
    lost.rename(aside)
    try:
        for words in (
            ("backup", "list", str(drill.backups)),
            ("restore", str(drill.backups), str(drill.root / "nowhere")),
        ):
            told = drill.rantai(*words)
            assert told.returncode == 1
            assert "the archived log has a hole before" in told.stderr
        assert not (drill.root / "nowhere").exists()
    finally:
        aside.rename(lost)


def test_a_spoilt_backup_is_found(drill: Drill) -> None:
    victim = next((drill.backups / "base").glob("2*/PG_VERSION"))
    good = victim.read_bytes()
    victim.write_bytes(b"16\n"[: len(good)])
    try:
        told = drill.rantai("backup", "verify", str(drill.backups))
        assert told.returncode != 0
        victim.write_bytes(good)
        assert drill.rantai("backup", "verify", str(drill.backups)).returncode == 0
    finally:
        victim.write_bytes(good)


def test_a_folder_in_which_no_house_ever_ran_is_named(drill: Drill, tmp_path: Path) -> None:
    said = drill.refused(2, "backup", "make", str(drill.backups), "--house", str(tmp_path))
    assert f"{tmp_path} is not the folder of a house" in said


def test_who_may_not_copy_is_told_what_to_ask_for(drill: Drill, services: Services, tmp_path: Path) -> None:
    url = services.postgres.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS drill_nobody")
        connection.execute("CREATE ROLE drill_nobody LOGIN PASSWORD 'x'")
    try:
        parts = url.partition("@")[2]
        said = drill.refused(3, "backup", "make", str(tmp_path), url=f"postgresql://drill_nobody:x@{parts}")
        assert "ALTER ROLE … REPLICATION" in said
        assert "holds backups of" in drill.refused(2, "backup", "make", str(drill.backups), url=url)
        assert "does not exist" not in drill.refused(3, "backup", "make", str(tmp_path), url=f"{url[:-9]}x:1/rantai")
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP ROLE drill_nobody")
