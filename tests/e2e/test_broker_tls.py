"""The broker's file without containers, run by this machine's Mosquitto: devices come in with TLS, and only so."""

from __future__ import annotations

import ssl
import subprocess
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from rantai.local import mosquitto
from rantai.local.broker import connect_code, speaks_mqtt
from rantai.local.ports import HOST, free_port
from rantai.local.system import find_mosquitto
from tests.support.running import ROOT, local_servers_missing
from tests.support.waiting import eventually
from tracker.telemetry.rules.credentials import hash_password

pytestmark = pytest.mark.skipif(bool(local_servers_missing()), reason=local_servers_missing())


def test_a_device_comes_in_with_tls_and_its_password_and_in_no_other_way(tmp_path: Path) -> None:
    plain, secured = free_port(), free_port()
    (tmp_path / "passwords").write_text(mosquitto.password_file({"one": hash_password("secret")}), encoding="utf-8")
    (tmp_path / "access").write_text(mosquitto.access_file(readers=[]), encoding="utf-8")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    made = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "privkey.pem", "-out", "fullchain.pem"]
    subprocess.run([*make, *made], cwd=tmp_path, check=True, capture_output=True)
    text = (ROOT / "deploy" / "mosquitto.debian.conf").read_text(encoding="utf-8")
    for place in ("/var/lib/mosquitto", "/var/lib/rantai-broker", "/etc/ssl/rantai"):
        text = text.replace(place, str(tmp_path))
    text = text.replace("listener 1883", f"listener {plain}").replace("listener 8883", f"listener {secured} {HOST}")
    (tmp_path / "mosquitto.conf").write_text(f"{text}user root\n", encoding="utf-8")
    with subprocess.Popen(
        [find_mosquitto(), "-c", str(tmp_path / "mosquitto.conf")], stderr=subprocess.DEVNULL
    ) as broker:
        try:
            eventually(lambda: connect_code(plain, username="one", password="secret") == 0, what="the broker")
            assert not speaks_mqtt(secured), "without TLS nobody is understood there"
            assert answer(secured, tmp_path / "fullchain.pem", "secret") == "Success"
            assert answer(secured, tmp_path / "fullchain.pem", "wrong") == "Not authorized"
        finally:
            broker.terminate()


def answer(port: int, authority: Path, password: str) -> str:
    """What the broker says to a device that checks its certificate."""
    heard, said = threading.Event(), []

    def hear(_client: mqtt.Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
        said.append(str(reason))
        heard.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="one")
    client.username_pw_set("one", password)
    client.tls_set(ca_certs=str(authority), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.on_connect = hear
    client.connect("localhost", port)
    client.loop_start()
    try:
        assert heard.wait(30)
    finally:
        client.disconnect()
        client.loop_stop()
    return said[0]
