"""Administrative commands against a real database."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rantai.cli import main
from tracker.access.keys import principal_of_key
from tracker.access.service import check_password
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.settings import settings


@pytest.fixture
def commands(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The environment of a command points to a fresh, migrated database."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("RANTAI_DATABASE_URL", url)
    monkeypatch.setenv("RANTAI_SECRET_KEY", "for tests of commands, 32 characters")
    settings.cache_clear()
    return engine


@pytest.fixture(autouse=True)
def forget_settings() -> object:
    yield
    settings.cache_clear()


def test_the_first_account_of_a_new_house_can_be_made_and_used(
    commands: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough word\n"))
    assert main(["user", "add", "Siti", "--role", "national", "--unit", "indonesia", "--password-stdin"]) == 0
    assert "password" not in capsys.readouterr().out
    with transaction(commands) as db:
        assert check_password(db, "siti", "a long enough word").username == "siti"


def test_a_password_that_was_made_is_printed_once_and_works(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    assert main(["user", "add", "budi", "--role", "auditor", "--unit", "indonesia"]) == 0
    password = capsys.readouterr().out.rpartition("password: ")[2].strip()
    with transaction(commands) as db:
        assert check_password(db, "budi", password).username == "budi"


def test_what_is_refused_changes_nothing_and_is_said_in_a_sentence(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "add", "budi", "--role", "auditor", "--unit", "nowhere"]) == 1
    told = capsys.readouterr().err
    assert "access." in told
    assert told.count("\n") == 1
    with transaction(commands) as db:
        assert db.scalar(text("SELECT count(*) FROM account")) == 0


def test_a_device_is_added_with_credentials_for_the_broker(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    from rantai.broker_users import device_hashes
    from tracker.telemetry.rules.credentials import matches

    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    capsys.readouterr()
    assert main(["device", "add", "fridge-1", "--unit", "indonesia", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with transaction(commands) as db:
        hashes = device_hashes(db)
    assert list(hashes) == ["fridge-1"]
    assert matches(told["password"], hashes["fridge-1"])


def test_a_row_that_would_break_the_brokers_file_locks_nobody_else_out(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    from rantai.broker_users import device_hashes

    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    for code in ("good", "bad"):
        assert main(["device", "add", code, "--unit", "indonesia"]) == 0
    with transaction(commands) as db:
        db.execute(text("UPDATE device SET password_hash = E'$7$1$a$b\\nadmin:x' WHERE code = 'bad'"))
    with transaction(commands) as db:
        assert list(device_hashes(db)) == ["good"]


def test_the_schema_at_head_is_answered_with_yes_and_an_older_one_with_no(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "check"]) == 0
    with commands.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001_foundation'"))
    assert main(["db", "check"]) == 1
    assert "rantai db upgrade" in capsys.readouterr().err


def test_the_brokers_files_are_written_from_the_devices(
    commands: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path
    monkeypatch.setenv("RANTAI_MQTT_URL", "mqtt://rantai-ingest:secret@127.0.0.1:1883")
    settings.cache_clear()
    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    main(["device", "add", "fridge-1", "--unit", "indonesia"])
    assert main(["broker", "users", str(folder)]) == 0
    users = [line.partition(":")[0] for line in (folder / "passwords").read_text(encoding="utf-8").splitlines()]
    assert users == ["fridge-1", "rantai-health", "rantai-ingest"]
    assert "user rantai-ingest\ntopic read #" in (folder / "access").read_text(encoding="utf-8")
    assert (folder / "passwords").stat().st_mode & 0o007 == 0


SQUARE = {
    "type": "Polygon",
    "coordinates": [[[106.6, -6.2], [106.7, -6.2], [106.7, -6.1], [106.6, -6.1], [106.6, -6.2]]],
}


def test_areas_are_imported_from_geojson_and_refreshed_the_second_time(
    commands: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "areas.geojson"
    feature = {"type": "Feature", "properties": {"kode": "36.71", "nama": "Kota Tangerang"}, "geometry": SQUARE}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    assert main(["areas", "import", str(file)]) == 0
    assert "1 areas added, 0 refreshed" in capsys.readouterr().out
    assert main(["areas", "import", str(file)]) == 0
    assert "0 areas added, 1 refreshed" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", "{", '{"type": "Feature"}', "[" * 100_000])
def test_a_file_that_is_no_geojson_is_refused_in_a_sentence(
    commands: Engine, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "areas.geojson"
    file.write_text(content, encoding="utf-8")
    assert main(["areas", "import", str(file)]) in {1, 2}
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "unforeseen" not in told


def test_a_new_house_is_filled_by_the_example_twice_without_a_difference(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).resolve().parents[2] / "deploy/catalog.json"
    assert [main(["catalog", "import", str(example)]) for _ in range(2)] == [0, 0]
    assert "1 vaccines, 1 storage classes, 1 products" in capsys.readouterr().out
    with transaction(commands) as db:
        assert db.scalar(text("SELECT count(*) FROM presentation")) == 1
        assert db.scalar(text("SELECT count(*) FROM feed_pending")) == 3


def test_a_key_is_printed_once_and_proves_its_account(commands: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    main(["user", "add", "jaki", "--role", "integrator", "--unit", "indonesia"])
    capsys.readouterr()
    assert main(["key", "add", "jaki", "--label", "quota"]) == 0
    key = capsys.readouterr().out.strip()
    with transaction(commands) as db:
        caller = principal_of_key(db, key, now=utc_now())
    assert caller is not None
    assert caller.name == "jaki"
    assert main(["key", "add", "nobody", "--label", "quota"]) == 1


def test_an_account_is_locked_its_password_reset_and_its_key_revoked_by_command(
    commands: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["unit", "add", "indonesia", "--name", "Indonesia", "--kind", "national"])
    main(["user", "add", "budi", "--role", "auditor", "--unit", "indonesia"])
    assert main(["user", "lock", "budi"]) == 0
    assert main(["user", "list"]) == 0
    assert "budi locked" in capsys.readouterr().out
    assert main(["user", "unlock", "budi"]) == 0
    assert main(["user", "password", "budi"]) == 0
    password = capsys.readouterr().out.rpartition("password: ")[2].strip()
    with transaction(commands) as db:
        assert check_password(db, "budi", password).username == "budi"
    assert main(["user", "logout", "budi"]) == 0
    assert main(["key", "add", "budi", "--label", "JAKI"]) == 0
    key = capsys.readouterr().out.split()[-1]
    with transaction(commands) as db:
        assert principal_of_key(db, key, now=utc_now()) is not None
    assert main(["key", "list", "budi"]) == 0
    assert main(["key", "revoke", capsys.readouterr().out.split()[0]]) == 0
    with transaction(commands) as db:
        assert principal_of_key(db, key, now=utc_now()) is None
    assert main(["user", "lock", "nobody"]) == 1
