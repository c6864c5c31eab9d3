"""The files an operator copies: units of systemd, the broker's and the proxy's configuration, settings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from rantai.cli.commands import app
from tests.support.doc_tables import setting_names
from tests.unit.test_local_mosquitto_files import settings_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
RANTAI = "/opt/rantai/.venv/bin/rantai"


def values(unit: Path, name: str) -> list[str]:
    """What a unit says of a setting, its own lines before those of the common file."""
    common = DEPLOY / "systemd" / "rantai-.service.d" / "hardened.conf"
    text = unit.read_text(encoding="utf-8") + common.read_text(encoding="utf-8")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_a_command_that_is_there_as_an_account_of_its_own_and_hardened(unit: Path) -> None:
    assert unit.stem.startswith("rantai-"), "the common file is for these"
    (user,), (command,) = values(unit, "User"), values(unit, "ExecStart")
    assert user in {"rantai", "rantai-backup", "mosquitto"}
    for name, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("CapabilityBoundingSet", "")):
        assert values(unit, name) == [value]
    if command.startswith(RANTAI):
        below = typer.main.get_command(app)
        for word in command.removeprefix(RANTAI).split():
            if word in getattr(below, "commands", {}):
                below = getattr(below, "commands")[word]  # noqa: B009 - groups only have it
        assert not hasattr(below, "commands"), command
        (settings,) = values(unit, "EnvironmentFile")
        assert (DEPLOY / f"{Path(settings).name}.example").is_file()
    else:
        script = next(word for word in command.split() if word.startswith("/opt/rantai/"))
        assert (ROOT / script.removeprefix("/opt/rantai/")).is_file()


def test_who_makes_backups_does_not_hold_the_key() -> None:
    assert "SECRET_KEY" not in (DEPLOY / "backup.env.example").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["rantai.env.example", "backup.env.example"])
def test_settings_in_the_examples_exist(name: str) -> None:
    found = re.findall(r"^(RANTAI_\w+)=", (DEPLOY / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    assert {variable.removesuffix("_FILE") for variable in found} <= set(setting_names())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_understands_every_line_of_the_units(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    for unit in tmp_path.glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        unit.write_text(text.replace(RANTAI, "/bin/true").replace("/opt/rantai/deploy", "/bin"), encoding="utf-8")
    units = [path.name for path in sorted(tmp_path.iterdir()) if path.is_file()]
    told = subprocess.run(
        ["systemd-analyze", "verify", *units],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in told.stderr.splitlines() if line.startswith((*units, str(tmp_path), "rantai-"))]
    assert (told.returncode, said) == (0, []), told.stderr


def test_the_brokers_file_without_containers_is_that_of_the_containers_but_for_paths_and_tls() -> None:
    paths = {"listener", "password_file", "acl_file", "persistence_location"}
    tls = {"certfile", "keyfile", "tls_version"}
    shipped = settings_of((DEPLOY / "mosquitto.conf").read_text(encoding="utf-8"))
    debian = settings_of((DEPLOY / "mosquitto.debian.conf").read_text(encoding="utf-8"))
    assert debian.keys() - shipped.keys() == tls
    assert {k: v for k, v in debian.items() if k not in paths | tls} == {
        k: v for k, v in shipped.items() if k not in paths
    }
    text = (DEPLOY / "mosquitto.debian.conf").read_text(encoding="utf-8")
    assert re.findall(r"^listener (.*)$", text, re.MULTILINE) == ["1883 127.0.0.1", "8883"], (
        "without TLS from here only"
    )


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here")
def test_nginx_finds_its_file_valid(tmp_path: Path) -> None:
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rantai.example.id"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    ours = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for folder in ("/etc/ssl/rantai", "/var/log/nginx"):
        ours = ours.replace(folder, str(tmp_path))
    whole = tmp_path / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{folders}{ours}\n}}\n", encoding="utf-8")
    told = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
