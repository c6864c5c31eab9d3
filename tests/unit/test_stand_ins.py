"""The scripts behind `make images` and `make test-containers`: every image has a stand-in, and pip's ways are this machine's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "deploy" / "stand-ins" / "images.sh"
BASH = shutil.which("bash") or "bash"


def told(script: str, **environment: str) -> str:
    lines = f"source {IMAGES}\n{script}"
    done = subprocess.run(
        [BASH, "-c", lines], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("script", [IMAGES, ROOT / "tests" / "containers" / "run.sh"])
def test_the_scripts_are_sound_bash(script: Path) -> None:
    assert subprocess.run([BASH, "-n", script], check=False).returncode == 0


def test_the_script_of_backups_is_sound_and_says_no_to_what_it_does_not_know() -> None:
    done = subprocess.run(["sh", ROOT / "deploy" / "backup.sh", "mend"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "backup: say follow, make [NUMBER] or restore [UNTIL], not mend.\n")


def test_every_image_that_is_named_has_a_stand_in() -> None:
    named = told("named").split()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    wanted = {service["image"] for service in services if not service["image"].startswith("rantai:")}
    assert wanted < set(named)
    assert [image for image in named if image.startswith("python:")]
    for recipe in told('named | while read -r image; do recipe_of "$image"; done').splitlines():
        assert (ROOT / recipe).is_file(), recipe
    assert len(told('named | while read -r image; do recipe_of "$image"; done').splitlines()) == len(named)


def test_pip_in_the_build_hears_what_holds_in_a_container_and_nothing_else(tmp_path: Path) -> None:
    certificates = tmp_path / "own.crt"
    certificates.write_text("a certificate\n")
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\ncat <<'END'\n"
        ":env:.find-links='/opt/wheels'\n"
        f"global.cert='{certificates}'\n"
        "global.constraint='/etc/constraints.txt'\n"
        "global.extra-index-url='file:///opt/simple'\n"
        "global.index-url='https://mirror.example/simple'\n"
        "END\n"
    )
    python.chmod(0o755)
    assert told("pip_of_this_machine", PYTHON=str(python)) == "[global]\nindex-url = https://mirror.example/simple\n"
    assert told("certificates_of_this_machine", PYTHON=str(python)) == "a certificate\n"


def test_without_an_engine_it_says_so() -> None:
    lines = "docker() { return 1; }; sudo() { :; }; main"
    done = subprocess.run([BASH, "-c", f"source {IMAGES}\n{lines}"], capture_output=True, text=True, check=False)
    assert (done.returncode, "no Docker engine answers" in done.stderr) == (3, True)
