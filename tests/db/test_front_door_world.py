"""What containers run for the demo: users written until told to end, the doors and the story, a seeding begun again."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from rantai.world.people import shown_log_ins
from rantai.world.seed import repeated
from tests.support.running import ROOT
from tests.support.waiting import eventually


class AsFirstProcess:
    """A command of rantai as a container's first process has it: SIGTERM without a handler of its own does nothing."""

    def __init__(self, engine: Engine, heard: Path, *words: str) -> None:
        self._heard = heard
        environment = {
            **os.environ,
            "RANTAI_DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
            "RANTAI_SECRET_KEY": "for tests of commands, 32 characters",
            "RANTAI_MQTT_URL": "mqtt://rantai-ingest@broker",
            "RANTAI_MQTT_PASSWORD": "p@ss",
        }
        deaf = "import signal,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        start = "from rantai.cli import main; sys.exit(main(sys.argv[1:]))"
        with heard.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-c", deaf + start, *words],
                cwd=ROOT,
                env=environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    def says(self, words: str) -> str:
        eventually(
            lambda: words in self._heard.read_text() or self.process.poll() is not None, timeout_s=60, what=words
        )
        assert words in self._heard.read_text(), self._heard.read_text()
        return self._heard.read_text()

    def ends_when_told(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()


def test_the_writer_of_the_brokers_users_ends_when_it_is_told(engine: Engine, tmp_path: Path) -> None:
    writer = AsFirstProcess(engine, tmp_path / "said", "broker", "users", str(tmp_path), "--watch", "--every-s", "3600")
    writer.says("2 users written")
    assert writer.ends_when_told() == 0


def test_the_story_begins_with_the_doors_and_ends_when_it_is_told(engine: Engine, tmp_path: Path) -> None:
    manifest = tmp_path / "world.json"
    told = [{"username": "kota", "password": "biru-01"}, {"username": "gondrong", "password": "hijau-02"}]
    manifest.write_text(json.dumps({"staff": told}), encoding="utf-8")
    assert shown_log_ins(manifest) == [("kota", "biru-01", "city, dinkes-kota-tangerang")]
    story = AsFirstProcess(
        engine, tmp_path / "said", "world", "story", str(manifest), "--gateway", "http://127.0.0.1:8013"
    )
    said = story.says("Times are WIB")
    assert "Pages:  http://127.0.0.1:8000/" in said
    assert "SMS:    http://127.0.0.1:8013/" in said
    assert "kota / biru-01   city, dinkes-kota-tangerang" in said
    assert "hijau" not in said
    assert story.ends_when_told() == 0


def ended_by_the_database(engine: Engine, times: int) -> Callable[[], int]:
    """Work whose connection the database ends so often, as it does with who is silent too long."""
    ends = [True] * times

    def work() -> int:
        with engine.begin() as connection:
            if ends:
                ends.pop()
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
                raw = connection.connection.driver_connection
                assert isinstance(raw, psycopg.Connection)
                line = raw.fileno()
                connection.execute(text("SELECT 1"))
                eventually(lambda: bool(select.select([line], [], [], 0)[0]), what="the database ends it")
            return int(connection.scalar(text("SELECT 42")) or 0)

    return work


def test_a_seeding_that_the_database_ended_is_begun_again(engine: Engine) -> None:
    said: list[str] = []
    assert repeated(ended_by_the_database(engine, 2), said.append, pauses_s=(0, 0)) == 42
    assert len(said) == 2
    assert said[0].startswith("The database ended the work (")


def test_it_is_given_up_after_the_last_pause(engine: Engine) -> None:
    with pytest.raises((OperationalError, DBAPIError)):
        repeated(ended_by_the_database(engine, 2), lambda _line: None, pauses_s=(0,))


def test_what_the_database_refuses_is_not_tried_again(engine: Engine) -> None:
    said: list[str] = []

    def wrong() -> None:
        with engine.begin() as connection:
            connection.execute(text("SELECT nonsense"))

    with pytest.raises(ProgrammingError):
        repeated(wrong, said.append, pauses_s=(0,))
    assert said == []
