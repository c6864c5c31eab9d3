"""docker-compose.yml as people run it, in a project of the test's own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rantai.local.ports import HOST, free_port
from tests.support.running import ROOT

_LONGEST_S = 900


def run(*words: str, environment: Mapping[str, str] | None = None, folder: Path = ROOT) -> str:
    """What a program says; what it complains about when it fails."""
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_S,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def _program() -> list[str]:
    """Compose 2 as Docker's own command, or whatever version stands alone."""
    told = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if told.returncode == 0:
        return ["docker", "compose"]
    alone = shutil.which("docker-compose")
    assert alone, "neither `docker compose` nor docker-compose is here"
    return [alone]


class Project:
    """One project: its own name, ports and secrets; the files of `checkout`, and the image named."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.name = f"rantai-test-{secrets.token_hex(3)}"
        self.began = datetime.now(UTC)
        self.people_told = False
        self.http, self.mqtt, self.sms = free_port(), free_port(), free_port()
        self.settings = {
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "INGEST_PASSWORD": secrets.token_hex(16),
            "RANTAI_SECRET_KEY": secrets.token_hex(24),
            "HTTP_PORT": f"{HOST}:{self.http}",
            "MQTT_PORT": f"{HOST}:{self.mqtt}",
            "SMS_PORT": str(self.sms),
            "RANTAI_API__PUBLIC_URL": f"http://{HOST}:{self.http}",
            **settings,
        }
        self._program = _program()
        self._folder = folder
        self.takes(ROOT)

    def takes(self, checkout: Path, *, image: str = "") -> None:
        """From now on the compose file of this checkout, with another image of the house where one is named."""
        text = (checkout / "docker-compose.yml").read_text(encoding="utf-8")
        # Compose 1 gives a project its name by another way only.
        lines = [line for line in text.splitlines() if not line.startswith("name:")]
        if image:
            lines = [
                f"{line.partition('image:')[0]}image: {image}" if "image: rantai:" in line else line for line in lines
            ]
        self._file = self._folder / "docker-compose.yml"
        self._file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._checkout = checkout

    def __call__(self, *words: str) -> str:
        """`docker compose` with these words."""
        project = ["--project-name", self.name, "--project-directory", str(self._checkout), "--file", str(self._file)]
        # An empty file: a .env of whoever runs this must not count.
        nothing = self._folder / "none.env"
        nothing.touch()
        return run(*self._program, *project, "--env-file", str(nothing), *words, environment=self.settings)

    def sql(self, statement: str) -> str:
        """One value from the database."""
        asked = ("psql", "--host=/var/run/postgresql", "--username=rantai", "--dbname=rantai", "-XtAc", statement)
        return self("exec", "-T", "postgres", *asked).strip()

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.sql(f"SELECT count(*) FROM {table}"))

    def inspect(self, service: str, what: str) -> str:
        """A property of a service's container, in Docker's words for it."""
        container = run(
            "docker", "ps", "--all", "--quiet", *self._filter, f"--filter=label=com.docker.compose.service={service}"
        )
        return run("docker", "inspect", "--format", what, *container.split()).strip()

    @property
    def containers(self) -> list[str]:
        """Those of this project that exist, running or not."""
        return run("docker", "ps", "--all", "--quiet", *self._filter).split()

    @property
    def _filter(self) -> list[str]:
        return [f"--filter=label=com.docker.compose.project={self.name}"]

    def get(self, path: str, port: int | None = None) -> tuple[int, str]:
        """Status and body of an address of the house; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port or self.http}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def lets_in(self, username: str, password: str) -> bool:
        """Whether the API gives a token."""
        body = json.dumps({"username": username, "password": password}).encode()
        asked = urllib.request.Request(
            f"http://{HOST}:{self.http}/api/v1/tokens", data=body, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status in {200, 201}
        except urllib.error.HTTPError:
            return False

    def forget(self) -> None:
        """Containers, networks and data."""
        self("down", "--volumes", "--remove-orphans", "--timeout", "20")
