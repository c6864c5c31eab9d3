"""The real program on a real port: `rantai api` starts, answers, survives hostile bytes, and ends when told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rantai.local.ports import free_port
from tests.conftest import SECRET
from tests.support.services import Services
from tests.support.waiting import eventually
from tests.support.world import PASSWORD, World

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Program:
    """A running `rantai api`."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            content = None if body is None else json.dumps(body)
            connection.request(method, path, body=content, headers=headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        is_json = "json" in answer.getheader("content-type", "")
        return answer.status, json.loads(raw) if is_json and raw else raw

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/livez")[0] == 200
        except OSError:
            return False

    def throw(self, data: bytes) -> bytes:
        """Raw bytes at the socket; whatever comes back until the other side closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=3) as connection:
            heard = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(4096):
                    heard += chunk
            except OSError:
                # Being cut off is an answer, too.
                pass
            return heard


@pytest.fixture
def program(engine: Engine, services: Services, committed_world: World) -> Iterator[Program]:
    port = free_port()
    environment = {
        **os.environ,
        "RANTAI_DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "RANTAI_MQTT_URL": services.mqtt_url,
        "RANTAI_SECRET_KEY": SECRET,
        "RANTAI_API__PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "rantai", "api"], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    running = Program(process, port)
    try:
        eventually(lambda: running.answers() or process.poll() is not None, timeout_s=60, what="rantai api answers")
        assert process.poll() is None, process.communicate()[0]
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_answers_logs_in_and_lists_and_ends_when_told(program: Program) -> None:
    status, ready = program.ask("GET", "/readyz")
    assert isinstance(ready, dict)
    # Alone: neither ingester nor worker runs beside it.
    checks = {
        "database": True,
        "migrations": True,
        "secret_key": True,
        "broker": True,
        "ingest": False,
        "worker": False,
    }
    assert (status, ready["checks"]) == (503, checks)
    status, described = program.ask("GET", "/openapi.json")
    assert status == 200
    assert isinstance(described, dict)
    assert described["info"]["title"] == "Rantai"
    status, told = program.ask("POST", "/api/v1/tokens", {"username": "pusat", "password": PASSWORD})
    assert status == 200
    assert isinstance(told, dict)
    status, page = program.ask("GET", "/api/v1/facilities?limit=2", token=told["access_token"])
    assert status == 200
    assert isinstance(page, dict)
    assert len(page["items"]) == 2
    assert page["next_cursor"]
    program.process.send_signal(signal.SIGTERM)
    said, _ = program.process.communicate(timeout=15)
    assert program.process.returncode == 0, said


HOSTILE = {
    "no HTTP at all": b"\x00\xff\xfe" * 1000,
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
    "an endless header": b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * 300_000 + b"\r\n\r\n",
    "many headers": b"GET /livez HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(20_000)) + b"\r\n",
    "two lengths": b"POST /api/v1/tokens HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "a length that lies": b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n{}",
    "a negative length": b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    "broken chunks": b"POST /api/v1/ems HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
    "NUL in the path": b"GET /api/v1/facilities/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes that are no UTF-8": b"GET /api/v1/facilities/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a gzip that is none": b"POST /api/v1/ems HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
    b"Connection: close\r\n\r\n\x1f\x8bxx",
}


def test_hostile_bytes_get_no_5xx_and_stop_nothing(program: Program) -> None:
    for what, data in HOSTILE.items():
        heard = program.throw(data)
        for line in heard.split(b"\r\n"):
            assert not line.startswith(b"HTTP/1.1 5"), f"{what}: {line!r}"
        assert program.answers(), what
