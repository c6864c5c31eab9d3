"""Which servers the suite takes: as asked, else containers where an engine has them, else this machine's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rantai.errors import ServiceMissing
from tests.support import choice
from tests.support.choice import BROKER_IMAGE, CHOICE, POSTGRES_IMAGE, DockerEngine, choose

RYUK = "testcontainers/ryuk:1"
IMAGES = (POSTGRES_IMAGE, BROKER_IMAGE, RYUK)
CONTAINERS = "containers through testcontainers"
PRIVATE = "private PostgreSQL and Mosquitto of this machine"


@dataclass
class Engine:
    """One that answers as it is told."""

    refuses: str = ""
    missing: tuple[str, ...] = ()

    def trouble(self) -> str:
        return self.refuses

    def lacks(self, images: Iterable[str]) -> list[str]:
        return [image for image in images if image in self.missing]


ABSENT = Engine(refuses="no Docker engine answers")
BARE = Engine(missing=(POSTGRES_IMAGE, BROKER_IMAGE))


@pytest.mark.parametrize(
    ("engine", "asked", "line"),
    [
        (Engine(), "", f"{CONTAINERS} (a Docker engine answers and has the images)"),
        (Engine(), "Docker", f"{CONTAINERS} (as asked)"),
        (Engine(), "local", f"{PRIVATE} (as asked)"),
        (ABSENT, "", f"{PRIVATE} (no Docker engine answers)"),
        (
            BARE,
            "",
            (
                f"{PRIVATE} (the Docker engine neither has nor can pull {POSTGRES_IMAGE} and {BROKER_IMAGE}; "
                "`make images` builds stand-ins)"
            ),
        ),
        (
            Engine(missing=(RYUK,)),
            "",
            (
                f"{PRIVATE} (the Docker engine neither has nor can pull {RYUK}; "
                "TESTCONTAINERS_RYUK_DISABLED=true does without ryuk)"
            ),
        ),
    ],
)
def test_the_choice_and_why(engine: Engine, asked: str, line: str) -> None:
    assert str(choose({CHOICE: asked}, engine, lambda: IMAGES)) == line


@pytest.mark.parametrize(("engine", "why"), [(ABSENT, "no Docker engine answers"), (BARE, "neither has nor can pull")])
def test_containers_asked_for_in_vain_are_an_error_not_something_else(engine: Engine, why: str) -> None:
    with pytest.raises(ServiceMissing, match=why):
        choose({CHOICE: "docker"}, engine, lambda: IMAGES)


def test_an_unknown_choice_is_an_error() -> None:
    with pytest.raises(ServiceMissing, match="docker or local"):
        choose({CHOICE: "podman"}, Engine(), lambda: IMAGES)


def test_ryuk_is_wanted_unless_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "false")
    assert [image.partition(":")[0] for image in choice.wanted_images()][2:] == ["testcontainers/ryuk"]
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    assert choice.wanted_images() == [POSTGRES_IMAGE, BROKER_IMAGE]


def test_an_address_where_no_engine_is_counts_as_no_engine() -> None:
    assert DockerEngine("tcp://127.0.0.1:1").trouble().startswith("no Docker engine answers at tcp://127.0.0.1:1 (")
    assert DockerEngine("unix:///nowhere/docker.sock").trouble() == "no Docker engine answers"


def test_a_socket_that_nobody_listens_on_any_more_is_said_and_leaves_nothing_open(tmp_path: Path) -> None:
    stale = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    # A socket left open would be a ResourceWarning, which is an error here.
    assert "Connection refused" in DockerEngine(f"unix://{stale}").trouble()


@contextmanager
def speaking(path: Path, answer: bytes) -> Iterator[str]:
    """A socket whose other end says this to the first who comes."""

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(1000)
            line.sendall(answer)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", ""),
        (b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", "answers 503"),
        (b"SSH-2.0-not-docker\r\n", "no Docker engine answers at"),
        (b"", "no Docker engine answers at"),
    ],
)
def test_only_an_engine_counts_as_an_engine(answer: bytes, trouble: str, tmp_path: Path) -> None:
    with speaking(tmp_path / "s", answer) as address:
        said = DockerEngine(address).trouble()
    assert trouble in said
    assert bool(said) == bool(trouble)


@pytest.mark.parametrize("told", [{"Gateway": "172.17.0.1"}, {}], ids=["as told", "before its second start"])
def test_the_engines_machine_is_known_to_its_containers_from_the_first_start_on(told: dict[str, str]) -> None:
    from tests.support.containers import bridge_gateway

    assert bridge_gateway([{"Subnet": "172.17.0.0/16", **told}]) == "172.17.0.1"
