"""Settings come from the environment or from files, and say clearly what is missing or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tracker.settings import SettingsError, load_settings

GOOD = {"RANTAI_DATABASE_URL": "postgresql://u:p@h/n", "RANTAI_SECRET_KEY": "k" * 32}


@pytest.fixture(autouse=True)
def _only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("RANTAI_"):
            monkeypatch.delenv(name)


def _set(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, RANTAI_SECRET_KEY="k" * 32)
    with pytest.raises(SettingsError, match="RANTAI_DATABASE_URL is not set"):
        load_settings()


def test_a_short_secret_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, RANTAI_DATABASE_URL="postgresql://h/n", RANTAI_SECRET_KEY="tooshort")
    with pytest.raises(SettingsError, match="RANTAI_SECRET_KEY") as caught:
        load_settings()
    assert "tooshort" not in str(caught.value)


def test_a_nested_setting_is_named_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **GOOD, RANTAI_API__PORT="eighty")
    with pytest.raises(SettingsError, match="RANTAI_API__PORT"):
        load_settings()


def test_bindings_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **GOOD, RANTAI_INGEST__BINDINGS='[{"filter":"zigbee2mqtt/+","dialect":"zigbee2mqtt"}]')
    (binding,) = load_settings().ingest.bindings
    assert (binding.filter, binding.dialect) == ("zigbee2mqtt/+", "zigbee2mqtt")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("f" * 40 + "\n")
    _set(monkeypatch, RANTAI_DATABASE_URL="postgresql://h/n", RANTAI_SECRET_KEY_FILE=str(file))
    assert load_settings().secret_key.get_secret_value() == "f" * 40


@pytest.mark.parametrize("secret", ["sms_password", "whatsapp_token"])
def test_a_secret_of_a_group_may_come_from_a_file_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_text("from-the-file\n")
    variable = f"RANTAI_DELIVERY__{secret.upper()}"
    _set(monkeypatch, **GOOD, RANTAI_DELIVERY__SMS_SENDER="DINKES", **{f"{variable}_FILE": str(file)})
    delivery = load_settings().delivery
    assert getattr(delivery, secret).get_secret_value() == "from-the-file"
    assert delivery.sms_sender == "DINKES"
    _set(monkeypatch, **{variable: "from-the-variable"})
    assert getattr(load_settings().delivery, secret).get_secret_value() == "from-the-variable"


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _set(monkeypatch, RANTAI_DATABASE_URL="postgresql://h/n", RANTAI_SECRET_KEY_FILE=str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="RANTAI_SECRET_KEY_FILE points to"):
        load_settings()


def test_no_secret_shows_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **GOOD)
    shown = repr(load_settings())
    assert "u:p@h" not in shown
    assert "k" * 32 not in shown


@pytest.mark.parametrize("word", ["p@ss/$1:%? #", "plain", "di antara:titik"])
def test_a_password_beside_its_address_may_hold_any_sign(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.parse import unquote, urlsplit

    _set(monkeypatch, RANTAI_SECRET_KEY="k" * 32, RANTAI_DATABASE_URL="postgresql://rantai@db:5432/n")
    _set(monkeypatch, RANTAI_MQTT_URL="mqtt://ingest@broker:1883", RANTAI_DATABASE_PASSWORD=word)
    _set(monkeypatch, RANTAI_MQTT_PASSWORD=word)
    told = load_settings()
    for address in (told.database_url, told.mqtt_url):
        parts = urlsplit(address.get_secret_value())
        assert (parts.hostname, unquote(parts.password or "")) in {("db", word), ("broker", word)}
    assert make_url(told.database_url.get_secret_value()).password == word


def test_a_password_in_the_address_counts_and_no_user_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **GOOD, RANTAI_DATABASE_PASSWORD="other", RANTAI_MQTT_PASSWORD="other")
    told = load_settings()
    assert told.database_url.get_secret_value() == GOOD["RANTAI_DATABASE_URL"]
    assert told.mqtt_url.get_secret_value() == "mqtt://127.0.0.1:1883"
