"""`rantai device …` and `rantai logger import` as they are typed: what they do, say, and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from rantai.cli import main
from tests.ingest.trial import SECRET, database_url
from tests.support.logger_files import fridge_tag_2
from tests.support.world import World
from tracker.database.engine import transaction
from tracker.settings import settings
from tracker.telemetry.models import Assignment, Device, WatchCorrection
from tracker.telemetry.rules.credentials import matches

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Type a command; exit code, what it printed, what it complained about."""
    monkeypatch.setenv("RANTAI_DATABASE_URL", database_url(engine))
    monkeypatch.setenv("RANTAI_MQTT_URL", "mqtt://ingest:x@127.0.0.1:1")
    monkeypatch.setenv("RANTAI_SECRET_KEY", SECRET)

    settings.cache_clear()

    def type_in(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    yield type_in
    settings.cache_clear()


def device(engine: Engine, code: str) -> Device:
    with transaction(engine) as db:
        return db.scalars(select(Device).where(Device.code == code)).one()


def test_a_device_is_added_given_passwords_moved_retired_and_used_again(
    run: Run, engine: Engine, committed_world: World
) -> None:
    unit = committed_world.puskesmas.code
    code, out, _ = run("device", "add", "fridge-9", "--unit", unit, "--json")
    assert code == 0
    told = json.loads(out)
    assert matches(told["password"], device(engine, "fridge-9").password_hash)
    code, out, _ = run("device", "password", "fridge-9")
    assert code == 0
    renewed = out.removeprefix("password: ").strip()
    assert matches(renewed, device(engine, "fridge-9").password_hash)
    assert not matches(told["password"], device(engine, "fridge-9").password_hash)
    assert run("device", "revoke", "fridge-9")[:2] == (0, "fridge-9 is let in no more.\n")
    assert device(engine, "fridge-9").password_hash is None
    assert run("device", "move", "fridge-9", "--unit", committed_world.neighbour.code)[0] == 0
    assert device(engine, "fridge-9").unit_id == committed_world.neighbour.id
    for _ in range(2):
        assert run("device", "retire", "fridge-9")[0] == 0
    assert device(engine, "fridge-9").retired_at is not None
    code, _, err = run("device", "password", "fridge-9")
    assert code == 1
    assert "telemetry.device_retired" in err
    assert run("device", "reinstate", "fridge-9")[0] == 0
    assert device(engine, "fridge-9").retired_at is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("device", "add", "a/b", "--unit", "pkm-cipondoh"), "telemetry.bad_device_code"),
        (("device", "add", "x", "--unit", "nowhere"), "telemetry.unknown_unit"),
        (("device", "add", "x", "--unit", "pkm-cipondoh", "--gateway", "nobody", "--serial", "1"), "unknown_device"),
        (("device", "password", "nobody"), "telemetry.unknown_device"),
        (("device", "revoke", "nobody"), "telemetry.unknown_device"),
        (("device", "retire", "nobody"), "telemetry.unknown_device"),
        (("device", "reinstate", "nobody"), "telemetry.unknown_device"),
        (("device", "move", "nobody", "--unit", "pkm-cipondoh"), "telemetry.unknown_device"),
        (("device", "correct", "nobody", "t1", "--equipment", "x", "--reason", "y"), "telemetry.unknown_device"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    run: Run, engine: Engine, committed_world: World, words: tuple[str, ...], why: str
) -> None:
    del committed_world
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert why in err
    assert err.count("\n") == 1
    with transaction(engine) as db:
        assert db.scalars(select(Device)).all() == []


def test_a_file_is_imported_and_its_fridge_corrected(
    run: Run, engine: Engine, committed_world: World, tmp_path: Path
) -> None:
    file = tmp_path / "logger.txt"
    file.write_bytes(fridge_tag_2([("2026-01-09", "+3.0", "+5.0", 0, "", 0, "")]))
    wrong, right = committed_world.fridge, committed_world.equipment["pkm-cipondoh-k2"]
    code, out, _ = run("logger", "import", str(file), "--equipment", wrong.code)
    assert code == 0
    assert "1 of 1 days are new (device berlinger-910000000001)" in out
    code, _, err = run("logger", "import", str(file), "--equipment", right.code)
    assert code == 1
    assert "rantai device correct berlinger-910000000001 days --equipment" in err
    words = ("device", "correct", "berlinger-910000000001", "days", "--equipment", right.code)
    assert run(*words, "--reason", "  ")[0] == 1
    assert run(*words, "--reason", "label tertukar", "--at", "2020-01-01T00:00:00")[0] == 1
    assert run(*words, "--reason", "label tertukar")[0] == 0
    with transaction(engine) as db:
        assert [one.equipment_id for one in db.scalars(select(Assignment))] == [right.id]
        assert db.scalars(select(WatchCorrection)).one().reason == "label tertukar"
