"""What `make` does on a fresh machine: the set-up script with other programs in the place of apt."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "rantai" / "local" / "setup.sh"
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")

# A machine with nothing on it. What would change it is written down instead; `packages` makes "installed"
# programs appear for the questions that follow.
BARE = """
find_python() {{ [ -n "${{HAVE_PYTHON-}}" ] && echo /usr/bin/python3; }}
newest_postgres() {{ [ -n "${{HAVE_POSTGRES-}}" ] && echo "$HAVE_POSTGRES"; }}
has_postgis() {{ [ -n "${{HAVE_POSTGIS-}}" ]; }}
has_mosquitto() {{ [ -n "${{HAVE_MOSQUITTO-}}" ]; }}
has_chromium() {{ return 1; }}
has_initdb() {{ return 1; }}
id() {{ echo "${{ACCOUNT-0}}"; }}
has_docker() {{ {docker}; }}
as_root() {{
  # Whoever writes into tee's pipe must find a reader, or a quick machine ends with SIGPIPE.
  if [ "$1" = tee ]; then cat >/dev/null; fi
  [ "$1" = apt-get ] || echo "root: $*"
}}
apt_install() {{
  echo "install: $*"
  case " $* " in *" postgresql "*) HAVE_POSTGRES=15 ;; esac
  case " $* " in *postgis*) HAVE_POSTGIS=1 ;; esac
  case " $* " in *mosquitto*) HAVE_MOSQUITTO=1 ;; esac
  case " $* " in *python3-venv*) HAVE_PYTHON=1 ;; esac
}}
apt-cache() {{ return 0; }}
command() {{ {hide} builtin command "$@"; }}
"""


@pytest.fixture(params=["own", "nobody"], autouse=True)
def account(request: pytest.FixtureRequest) -> str:
    """Whoever runs these tests, they hold: root tries them under an account without rights, too."""
    name: str = request.param
    if name == "nobody":
        if os.geteuid() != 0:
            pytest.skip("only root can become somebody else")
        if not may_read(name, SCRIPT):
            pytest.skip("this checkout is not for others to read")
    ACCOUNT[:] = [name]
    return name


ACCOUNT: list[str] = []


def may_read(name: str, file: Path) -> bool:
    """Whether that account reaches the file."""
    nobody = pwd.getpwnam(name)
    looked = subprocess.run(["test", "-r", file], user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], check=False)
    return looked.returncode == 0


def run(purpose: str, script: str, *, docker: str = "return 1", hide: str = "") -> subprocess.CompletedProcess[str]:
    lines = f"source {SCRIPT} {purpose}\n{BARE.format(docker=docker, hide=hide)}\n{script}"
    return bash(lines)


def bash(lines: str) -> subprocess.CompletedProcess[str]:
    command = [BASH or "bash", "-c", lines]
    other = pwd.getpwnam(ACCOUNT[0]) if ACCOUNT[0] != "own" else None
    uid, gid = (other.pw_uid, other.pw_gid) if other else (None, None)
    groups: list[str | int] | None = [] if other else None
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, user=uid, group=gid, extra_groups=groups
    )


def installs(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("install: ") for line in done.stdout.splitlines() if line.startswith("install: ")]


def test_the_script_is_sound_bash() -> None:
    assert subprocess.run([BASH or "bash", "-n", str(SCRIPT)], check=False).returncode == 0


def test_on_a_bare_machine_everything_is_installed_without_a_question() -> None:
    done = run("tests", "install_missing")
    assert done.returncode == 0, done.stderr
    assert installs(done) == [
        "python3-venv",
        "chromium fonts-dejavu-core",
        "postgresql mosquitto",
        "postgresql-15-postgis-3",
    ]
    assert "Installing" in done.stderr


def test_the_demo_needs_no_browser() -> None:
    assert "chromium" not in " ".join(installs(run("demo", "install_missing")))


def test_what_starts_no_server_installs_none_and_no_browser() -> None:
    done = run("tools", "install_missing")
    assert done.returncode == 0, done.stderr
    assert installs(done) == ["python3-venv"]


def test_the_tools_of_development_come_for_tests_and_for_what_starts_no_server_but_not_for_the_demo() -> None:
    more = "install_requirements() { :; }; link_checkout() { :; }; venv_is_sound() { :; }"
    nodes = {
        purpose: run(purpose, f"{more}; install_node_packages() {{ echo npm; }}; make_venv").stdout
        for purpose in ("demo", "tests", "tools")
    }
    assert nodes == {"demo": "", "tests": "npm\n", "tools": "npm\n"}


def test_a_purpose_that_does_not_exist_is_a_wrong_use() -> None:
    done = run("toolz", "install_missing")
    assert done.returncode == 2
    assert done.stderr == "rantai: setup.sh takes demo, tests or tools, not toolz\n"


def test_the_postgis_of_the_postgresql_that_is_here_is_taken() -> None:
    done = run("demo", "HAVE_PYTHON=1; HAVE_MOSQUITTO=1; HAVE_POSTGRES=16; install_missing")
    assert installs(done) == ["postgresql-16-postgis-3"]


def test_a_machine_that_has_everything_is_left_alone() -> None:
    done = run("demo", "HAVE_PYTHON=1; HAVE_MOSQUITTO=1; HAVE_POSTGRES=15; HAVE_POSTGIS=1; install_missing")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_packages_make_no_cluster_and_start_no_server_and_the_rules_for_that_go_again() -> None:
    done = run("demo", "install_missing")
    rules = [
        line for line in done.stdout.splitlines() if "createcluster" in line or line.startswith("install: postgres")
    ]
    assert rules[0].startswith("root: mkdir")
    assert rules[1] == "install: postgresql mosquitto"
    assert rules[2] == "install: postgresql-15-postgis-3"
    assert rules[3].startswith("root: rm -f")


def test_the_rules_go_also_when_apt_fails() -> None:
    done = run("demo", 'HAVE_PYTHON=1; apt_install() { return 100; }; install_missing; echo "went on"')
    assert done.returncode == 3
    assert "apt could not install" in done.stderr
    assert "went on" not in done.stdout
    assert any(line.startswith("root: rm -f") and "createcluster" in line for line in done.stdout.splitlines())


def test_without_apt_who_needs_no_server_is_asked_for_python_only() -> None:
    done = run("tools", "install_missing", hide=NO_APT)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        "rantai: please install Python 3.11 or newer with its venv module, then try again."
    )


NO_APT = 'if [ "$2" = apt-get ]; then return 1; fi;'
NO_SUDO = 'if [ "$2" = sudo ]; then return 1; fi;'


def test_without_apt_a_sentence_says_what_to_install() -> None:
    done = run("demo", "install_missing", hide=NO_APT)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("rantai: please install Python 3.11 or newer, PostgreSQL")


def test_without_apt_but_with_docker_the_tests_need_no_servers_of_the_machine() -> None:
    done = run("tests", "HAVE_PYTHON=1; install_missing", docker="return 0", hide=NO_APT)
    assert done.returncode == 0
    assert "containers" in done.stderr


@pytest.mark.parametrize("machine", [NO_APT, NO_SUDO])
def test_with_docker_alone_the_tests_go_on_and_the_demo_says_which_door_is_open(machine: str) -> None:
    alone = "ACCOUNT=1000; HAVE_PYTHON=1; install_missing; echo went on"
    tests = run("tests", alone, docker="return 0", hide=machine)
    assert tests.stdout == "went on\n"
    assert "browser tests will be skipped" in tests.stderr
    assert "the tests take containers, since a Docker engine answers" in tests.stderr
    demo = run("demo", alone, docker="return 0", hide=machine)
    assert (demo.returncode, demo.stdout) == (3, "")
    assert "docker compose up" in demo.stderr


def test_a_browser_alone_is_missed_not_asked_for() -> None:
    everything_else = "ACCOUNT=1000; HAVE_PYTHON=1; HAVE_MOSQUITTO=1; HAVE_POSTGRES=15; HAVE_POSTGIS=1; install_missing"
    done = run("tests", everything_else, hide=NO_SUDO)
    assert (done.returncode, done.stdout) == (0, "")
    assert "browser tests will be skipped" in done.stderr


def test_nothing_in_it_is_too_new_for_the_bash_and_the_tools_of_a_mac() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    assert re.findall(r"\b(?:mapfile|readarray|declare -A|sed -u|\$\{\w+,,\})", script) == []
    there = 'docker() { [ "$1" = info ]; }; command() { if [ "$2" = timeout ]; then return 1; fi; true; }; has_docker && echo yes'
    lines = f"source {SCRIPT} tests\n{there}"
    assert bash(lines).stdout == "yes\n"


def test_who_is_not_root_and_has_no_sudo_is_told_the_command() -> None:
    done = run("demo", "ACCOUNT=1000; install_missing", hide=NO_SUDO)
    assert done.returncode == 3
    assert "sudo apt-get install python3-venv postgresql mosquitto" in done.stderr
    assert installs(done) == []


def run_npm(folder: Path, npm: str) -> subprocess.CompletedProcess[str]:
    """Install the npm packages into a folder with another npm; only bash's own tools otherwise."""
    (folder / ".venv/bin").mkdir(parents=True, exist_ok=True)
    ACCOUNT[:] = ["own"]  # it writes where the test does
    (folder / ".venv/bin/npm").write_text(f"#!/bin/sh\n{npm}\n")
    (folder / ".venv/bin/npm").chmod(0o755)
    (folder / "package-lock.json").write_text("{}")
    return run("tests", f"cd {folder}; install_node_packages")


def test_npm_packages_come_once_for_a_lock_and_again_for_another(tmp_path: Path) -> None:
    npm = f"mkdir -p node_modules; echo called >>{tmp_path}/calls"
    for _ in range(2):
        assert run_npm(tmp_path, npm).returncode == 0
    assert (tmp_path / "calls").read_text() == "called\n"
    (tmp_path / "node_modules/.package-lock.sha256").write_text("of another lock")
    assert run_npm(tmp_path, npm).returncode == 0
    assert (tmp_path / "calls").read_text() == "called\ncalled\n"


def test_npm_that_fails_ends_the_set_up_with_its_words_and_a_sentence(tmp_path: Path) -> None:
    done = run_npm(tmp_path, "echo no network >&2; exit 1")
    assert done.returncode == 3
    assert done.stderr.splitlines()[1:] == [
        "no network",
        "rantai: npm could not install its packages; its words are above.",
    ]
    assert not (tmp_path / "node_modules/.package-lock.sha256").exists()
