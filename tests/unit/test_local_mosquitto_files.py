"""The broker's files as text: what is written is what Mosquitto reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from rantai.local import mosquitto
from tracker.telemetry.rules.credentials import hash_password, matches

# Written by `mosquitto_passwd -b` of Mosquitto 2.0.11 for the password "hunter2".
REAL_HASH = (
    "$7$101$3jkE+RuD9JUSWixF$vjWLJOyP1aueq1hRIDX/GjD5NNkeP2gsqD07sILy2olD5VMpJj6qMTNSf0C8/JU8u4Te58ceFUYUA6RU9O4HdQ=="
)

FILES = mosquitto.BrokerFiles(
    data=Path("/data"), passwords=Path("/etc/passwords"), access=Path("/etc/access"), pid=Path("/run/pid")
)


def settings_of(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split(" ", 1) for line in lines if not line.startswith("log_type"))


def test_a_hash_made_by_mosquitto_itself_is_reproduced_from_its_salt() -> None:
    import base64

    salt = base64.b64decode(REAL_HASH.split("$")[3])
    assert hash_password("hunter2", salt=salt) == REAL_HASH
    assert matches("hunter2", REAL_HASH)
    assert not matches("hunter3", REAL_HASH)


@pytest.mark.parametrize("name", ["", "a/b", "a+b", "#", "a:b", "a\nuser admin", " a", "x" * 65])
def test_a_name_that_would_widen_topics_or_break_the_file_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        mosquitto.password_file({name: REAL_HASH})


def test_a_password_in_place_of_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="hash"):
        mosquitto.password_file({"device": "plain"})
    with pytest.raises(ValueError, match="hash"):
        mosquitto.password_file({"device": "$7$1$a$b\nadmin:x"})


def test_everyone_writes_below_the_own_name_and_only_readers_read() -> None:
    lines = mosquitto.access_file(readers=["ingest"], writers={"zigbee": ["zigbee2mqtt/#"]}).splitlines()
    reading = lines[lines.index("user ingest") + 1 : lines.index("user zigbee")]
    assert reading == ["topic read #", "topic read $SYS/#"]
    assert lines[lines.index("user zigbee") + 1] == "topic write zigbee2mqtt/#"
    assert [line for line in lines if line.startswith("pattern")] == [
        "pattern write rantai/v1/%u/readings",
        "pattern write rantai/v1/%u/status",
        "pattern write rantai/v1/%u/ems",
    ]


def test_nothing_acknowledged_is_dropped_in_silence_and_the_store_is_saved_by_time() -> None:
    settings = settings_of(mosquitto.configuration(FILES, port=1883))
    assert int(settings["max_queued_messages"]) >= 1_000_000_000
    assert settings["max_queued_bytes"] == "0"
    assert settings["persistence"] == "true"
    assert settings["autosave_interval"] == "1"
    assert settings["autosave_on_changes"] == "false"
    assert settings["allow_anonymous"] == "false"
    assert settings["use_username_as_clientid"] == "true"
    assert int(settings["memory_limit"]) > 0
    assert int(settings["max_packet_size"]) > 2 * 1_048_576
    assert "message_size_limit" not in settings


def test_the_production_file_differs_from_the_private_ones_in_address_and_paths_only() -> None:
    production = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"
    private = settings_of(mosquitto.configuration(FILES, port=1883))
    shipped = settings_of(production.read_text(encoding="utf-8"))
    paths = {"listener", "pid_file", "password_file", "acl_file", "persistence_location", "user"}
    assert {key: value for key, value in shipped.items() if key not in paths} == {
        key: value for key, value in private.items() if key not in paths
    }
