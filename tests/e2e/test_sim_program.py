"""`python -m simulators` as a program: says what is wrong, plays, ends at once and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulators.cli import app
from tests.support.clearing import clear_broker
from tests.support.services import Services
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simulators", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


@pytest.mark.parametrize(
    ("manifest", "arguments", "sentence"),
    [
        (None, [], "cannot be read"),
        ("not json", [], "is not a world manifest"),
        ('{"devices": [{"code": "A"}]}', [], "is not a world manifest"),
        ('{"devices": [{"code": "A", "password": "p"}]}', ["--mqtt-url", "localhost"], "is not a broker address"),
        ("{}", [], "nothing to play"),
    ],
)
def test_wrong_use_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], manifest: str | None, arguments: list[str], sentence: str
) -> None:
    path = tmp_path / "world.json"
    if manifest is not None:
        path.write_text(manifest)
    # Within this process: that the program is this command line, the tests below see.
    with pytest.raises(SystemExit) as ended:
        app(["--manifest", str(path), *arguments])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_plays_until_told_to_stop_and_then_ends_at_once(
    services: Services, tmp_path: Path, number: signal.Signals
) -> None:
    services.broker.add_user("D1", "key-of-d1")
    broker = urlsplit(services.mqtt_url)
    manifest = tmp_path / "world.json"
    device = {"code": "D1", "password": "key-of-d1", "interval_s": 1, "scenario": "fresh"}
    # The API is not there: people try and try again, which must not delay the end.
    person = {"username": "u", "password": "p", "role": "vaccinator", "facility": "x"}
    manifest.write_text(json.dumps({"seed": "s", "devices": [device], "staff": [person]}))
    heard: list[bytes] = []
    listener = mqtt.Client(CallbackAPIVersion.VERSION2)
    listener.username_pw_set(broker.username or "", broker.password or "")
    listener.on_message = lambda _c, _u, message: heard.append(bytes(message.payload))
    listener.on_connect = lambda client, *_: client.subscribe("rantai/v1/D1/#", 1)
    listener.connect(broker.hostname or "", broker.port or 1883)
    listener.loop_start()
    program = subprocess.Popen(
        command(
            "--manifest", str(manifest),
            "--mqtt-url", f"mqtt://{broker.hostname}:{broker.port}",
            "--api-url", "http://127.0.0.1:9",
        ),
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        eventually(lambda: sum(b"temperature_c" in one for one in heard) >= 2, timeout_s=30)
        began = monotonic()
        program.send_signal(number)
        said, _ = program.communicate(timeout=10)
        assert monotonic() - began < 3
        assert program.returncode == 0, said
        eventually(lambda: b"offline" in heard, timeout_s=5)
        assert json.loads((tmp_path / "flash.json").read_text())["devices"]["D1"]["began"]
    finally:
        if program.poll() is None:
            program.kill()
            program.communicate()
        listener.disconnect()
        listener.loop_stop()
        clear_broker(services)
