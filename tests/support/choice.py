"""Which servers the suite takes, and why: containers where an engine answers and has the images, else private ones.

RANTAI_TEST_SERVICES=docker|local forces one kind. The engine is asked before testcontainers is: what it starts half
and drops again would be some other test's warning.
"""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from rantai.errors import ServiceMissing

CHOICE = "RANTAI_TEST_SERVICES"
POSTGRES_IMAGE = "postgis/postgis:16-3.5"
BROKER_IMAGE = "eclipse-mosquitto:2.0.22"
_USUAL_SOCKET = "unix:///var/run/docker.sock"
_PATIENCE_S = 3.0
# An engine asks a registry for us, and looks the registry's name up first.
_REGISTRY_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of servers, and the reason, which the header of pytest says."""

    kind: Literal["docker", "local"]
    why: str

    def __str__(self) -> str:
        servers = {
            "docker": "containers through testcontainers",
            "local": "private PostgreSQL and Mosquitto of this machine",
        }
        return f"{servers[self.kind]} ({self.why})"


class Engine(Protocol):
    """What is asked of a Docker engine."""

    def trouble(self) -> str:
        """Why it cannot be used; empty when it answers."""
        ...

    def lacks(self, images: Iterable[str]) -> list[str]:
        """Those which are neither here nor to be pulled."""
        ...


def choose(environ: Mapping[str, str], engine: Engine, images: Callable[[], Iterable[str]]) -> Choice:
    """Decide; raises `ServiceMissing` when what the environment asks for cannot be had."""
    asked = environ.get(CHOICE, "").strip().lower()
    if asked not in {"", "docker", "local"}:
        raise ServiceMissing(f"{CHOICE} must be docker or local, not {asked!r}.")
    if asked == "local":
        return Choice("local", "as asked")
    problem = engine.trouble() or _without(engine.lacks(images()))
    if asked and problem:
        raise ServiceMissing(f"{CHOICE}=docker, but {problem}.")
    if problem:
        return Choice("local", problem)
    return Choice("docker", "as asked" if asked else "a Docker engine answers and has the images")


def _without(images: list[str]) -> str:
    if not images:
        return ""
    ryuk = any("ryuk" in image for image in images)
    way_out = "TESTCONTAINERS_RYUK_DISABLED=true does without ryuk" if ryuk else "`make images` builds stand-ins"
    return f"the Docker engine neither has nor can pull {' and '.join(images)}; {way_out}"


@lru_cache(maxsize=1)
def chosen() -> Choice:
    """The choice of this run. Whoever this process starts (pytest's workers) gets it with the environment."""
    choice = choose(os.environ, DockerEngine(), wanted_images)
    os.environ[CHOICE] = choice.kind
    return choice


def wanted_images() -> list[str]:
    """What a run on containers starts: both servers, and ryuk, which removes what a killed run leaves."""
    from testcontainers.core.config import TestcontainersConfiguration

    # Made anew: what the environment and ~/.testcontainers.properties say.
    ryuk = TestcontainersConfiguration()
    return [POSTGRES_IMAGE, BROKER_IMAGE, *([] if ryuk.ryuk_disabled else [ryuk.ryuk_image])]


class DockerEngine:
    """The engine that DOCKER_HOST, the current Docker context or the usual socket leads to."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address or engine_address()

    def trouble(self) -> str:
        """Why it cannot be used; asked on a socket of our own, since docker-py leaves its own open when it fails."""
        at = urlsplit(self._address)
        if at.scheme not in {"unix", "tcp", "http"}:
            return ""
        if at.scheme == "unix" and not Path(at.path).exists():
            return "no Docker engine answers"
        try:
            status = _ping(at.path if at.scheme == "unix" else (at.hostname or "", at.port or 2375))
        except PermissionError:
            return f"this user may not use the Docker engine at {self._address}"
        except (OSError, http.client.HTTPException) as error:
            return f"no Docker engine answers at {self._address} ({error})"
        # An engine behind TLS says 400 to what is not TLS: it answers.
        return "" if status in {200, 400} else f"the Docker engine at {self._address} answers {status}"

    def lacks(self, images: Iterable[str]) -> list[str]:
        """Those which are neither here nor, for this engine's processor, in their registry."""
        import docker
        from docker.errors import DockerException
        from testcontainers.core.docker_client import get_docker_host

        environment = {**os.environ, "DOCKER_HOST": get_docker_host() or ""}
        wanted = list(images)
        try:
            client = docker.from_env(
                timeout=_REGISTRY_PATIENCE_S,
                use_ssh_client=True,
                environment={k: v for k, v in environment.items() if v},
            )
        except DockerException:
            return wanted
        try:
            return [image for image in wanted if not _is_to_be_had(client, image)]
        finally:
            client.close()


def engine_address() -> str:
    """Where the engine is, as testcontainers will find it; nothing is loaded where no trace of Docker is."""
    if not (
        os.environ.keys() & {"DOCKER_HOST", "DOCKER_CONTEXT"}
        or Path(urlsplit(_USUAL_SOCKET).path).exists()
        or any((Path.home() / name).exists() for name in (".docker/config.json", ".testcontainers.properties"))
    ):
        return _USUAL_SOCKET
    from testcontainers.core.docker_client import get_docker_host

    return get_docker_host() or _USUAL_SOCKET


def _ping(at: str | tuple[str, int]) -> int:
    with socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET) as line:
        line.settimeout(_PATIENCE_S)
        line.connect(at)
        line.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        with http.client.HTTPResponse(line) as answer:
            answer.begin()
            return answer.status


def _is_to_be_had(client: object, image: str) -> bool:
    import docker
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    assert isinstance(client, docker.DockerClient)
    try:
        client.images.get(image)
    except ImageNotFound:
        pass
    else:
        return True
    try:
        processor = client.version()["Arch"]
        platforms = client.images.get_registry_data(image).attrs["Platforms"]
    except (DockerException, RequestException):
        return False
    return any(platform["architecture"] == processor and platform["os"] == "linux" for platform in platforms)
