"""docker-compose.yml and Dockerfile: pinned, in order, without published secrets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rantai.cli import main
from tracker.settings import SettingsError, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = re.compile(r"^[\w./-]+:\d+[\w.-]*$")


def test_every_image_is_pinned_to_a_version() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert {name: image for name, image in images.items() if not PINNED.match(image)} == {}
    bases = re.findall(r"^(?:ARG \w+=|FROM )([^\s$]+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(bases) == 2
    assert PINNED.match(bases[0])
    assert len(set(bases)) == 1


def test_the_suite_uses_the_images_of_production() -> None:
    from tests.support.choice import BROKER_IMAGE, POSTGRES_IMAGE

    assert SERVICES["postgres"]["image"] == POSTGRES_IMAGE
    assert SERVICES["broker"]["image"] == BROKER_IMAGE


def test_who_is_waited_for_can_say_that_it_is_ready() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, (name, other)
            waited_for = SERVICES[other]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in waited_for, (name, other)
            else:
                assert how["condition"] == "service_completed_successfully", (name, other)
                assert waited_for["restart"] == "no", f"{other} would be started again and never complete"


def test_programs_start_after_the_schema_is_there() -> None:
    for program in ("api", "ingest", "worker", "broker-users"):
        assert SERVICES[program]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_only_the_profile_demo_brings_a_made_up_world() -> None:
    in_profile = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert in_profile == {"seed", "world-folder", "simulators", "gateway", "story"}
    ordinary = set(SERVICES) - in_profile
    for name in ordinary:
        assert not set(SERVICES[name].get("depends_on", {})) & in_profile


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)([^}]*)\}", text)
    simulated = ("RANTAI_DELIVERY__SMS_PASSWORD", ":-nobody-sends")
    secrets.remove(simulated)
    assert {name for name, _rest in secrets} == {
        "POSTGRES_PASSWORD", "INGEST_PASSWORD", "RANTAI_SECRET_KEY", "RANTAI_OTHER_SECRET_KEYS", simulated[0],
        "RANTAI_MOUTHS__WHATSAPP_SECRET", "RANTAI_MOUTHS__SMS_PASSWORD", "RANTAI_MOUTHS__USSD_PASSWORD",
    }  # fmt: skip
    assert all(rest == ":-" for _name, rest in secrets), "an empty default: valid to read, refused at start"
    example = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE) == [
        ("POSTGRES_PASSWORD", ""),
        ("INGEST_PASSWORD", ""),
        ("RANTAI_SECRET_KEY", ""),
    ]


def test_the_houses_own_containers_are_not_root_and_cannot_write_their_image() -> None:
    assert re.search(r"^USER rantai$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    for name, service in SERVICES.items():
        if service["image"].startswith("rantai:"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name


def test_the_commands_of_the_containers_exist() -> None:
    from typer.testing import CliRunner

    from rantai.cli.commands import app

    for name, service in SERVICES.items():
        if service["image"].startswith("rantai:") and "entrypoint" not in service:
            words = [word for word in service["command"] if not word.startswith(("/", "-"))]
            answer = CliRunner().invoke(app, [*words, "--help"])
            assert answer.exit_code == 0, (name, words, answer.output)


def test_the_image_of_the_house_is_built_once_and_before_all_who_take_it() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]
    assert SERVICES["migrate"]["image"].startswith("rantai:")


def test_nothing_is_kept_waiting_for_a_signal_it_does_not_hear() -> None:
    assert [
        name for name, service in SERVICES.items() if service["image"].startswith("rantai:") and not service["init"]
    ] == []


def test_a_clean_end_is_given_the_time_it_has_under_systemd() -> None:
    for name in ("postgres", "broker", "api", "ingest", "worker"):
        assert SERVICES[name]["stop_grace_period"] == "1m", name


SECRETS = {"POSTGRES_PASSWORD": "p@ss $word", "INGEST_PASSWORD": "b", "RANTAI_SECRET_KEY": "k" * 32}


@pytest.mark.parametrize(
    "missing", [[], ["POSTGRES_PASSWORD"], ["INGEST_PASSWORD", "RANTAI_SECRET_KEY"], list(SECRETS)]
)
def test_missing_secrets_are_named_before_anything_starts(missing: list[str]) -> None:
    assert SERVICES["secrets"]["environment"].keys() == SECRETS.keys()
    assert SERVICES["postgres"]["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
    given = {name: "" if name in missing else value for name, value in SECRETS.items()}
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "secrets.sh"], env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if missing else 0)
    assert [name for name in SECRETS if f" {name}" in done.stderr] == missing


def test_a_key_that_is_too_short_is_told_without_being_shown() -> None:
    short = {**SECRETS, "RANTAI_SECRET_KEY": "tooshort"}
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "secrets.sh"], env=short, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "32" in done.stderr, "tooshort" in done.stderr) == (2, True, False)


def test_docker_itself_finds_the_file_valid() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose on this machine; the tests above look at the file themselves")
    secrets = {"POSTGRES_PASSWORD": "a", "INGEST_PASSWORD": "b", "RANTAI_SECRET_KEY": "c" * 32}
    command = [docker, "compose", "--profile", "demo", "config", "--quiet"]
    told = subprocess.run(command, cwd=ROOT, env={**os.environ, **secrets}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_empty_secrets_are_refused_by_those_who_read_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANTAI_DATABASE_URL", "postgresql://rantai:@postgres:5432/rantai")
    monkeypatch.setenv("RANTAI_MQTT_URL", "mqtt://ingest:@broker:1883")
    monkeypatch.setenv("RANTAI_SECRET_KEY", "")
    with pytest.raises(SettingsError, match="RANTAI_SECRET_KEY"):
        load_settings()
    monkeypatch.setenv("RANTAI_SECRET_KEY", "k" * 32)
    assert main(["broker", "users", str(tmp_path)]) == 2
    assert "RANTAI_MQTT_URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
