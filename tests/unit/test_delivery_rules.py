"""Where webhooks may go, how they are signed, when they are tried again."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from tracker.delivery.rules.addresses import is_public, refusal_of_url
from tracker.delivery.rules.backoff import wait_after
from tracker.delivery.rules.signing import signature, verify
from tracker.delivery.rules.templates import TEMPLATES, render

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "url",
    [
        "http://jaki.example.id/hook",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://127.0.0.1./x",
        "https://0x7f.1/x",
        "https://0177.0.0.1/x",
        "https://10.0.257/x",
        "https://10.0.0.8/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[2002:7f00:1::]/x",
        "https://db.internal/x",
        "https://postgres/x",
        "https://user:geheim@example.id/x",
        "https://example.id:0/x",
        "https://example.id/hook#part",
        "https://example.id:99999/x",
        "https://exämple.id/",
        "https://example.id/a b",
        "https://",
        "ftp://example.id/x",
        "file:///etc/passwd",
        "https://[::1",
        "https://example.id/" + "x" * 500,
    ],
)
def test_webhooks_never_lead_into_ones_own_network(url: str) -> None:
    assert refusal_of_url(url, private_allowed=False)


def test_public_addresses_are_taken_and_private_ones_where_allowed() -> None:
    assert refusal_of_url("https://jaki.example.id:8443/hook?x=1", private_allowed=False) is None
    assert refusal_of_url("https://8.8.8.8/hook", private_allowed=False) is None
    assert refusal_of_url("http://127.0.0.1:9000/hook", private_allowed=True) is None
    assert refusal_of_url("ftp://127.0.0.1/", private_allowed=True)


@pytest.mark.parametrize(
    "address", ["100.64.0.1", "0.0.0.0", "224.0.0.1", "fe80::1", "fd00::1", "::", "192.0.0.8", "5f00::1", "3fff::1"]
)
def test_special_ranges_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


def test_a_signature_holds_for_one_body_and_one_secret() -> None:
    given = signature("rahasia", b'{"a":1}')
    # echo -n '{"a":1}' | openssl dgst -sha256 -hmac rahasia
    assert given == "sha256=08836e62b4f33c64dcda4ca602ea06519a05339dcda19c9f03451d6097a6083b"
    assert verify("rahasia", b'{"a":1}', given)
    assert not verify("rahasia", b'{"a":2}', given)
    assert not verify("lain", b'{"a":1}', given)


def test_waiting_doubles_up_to_an_hour() -> None:
    waits = [wait_after(n) for n in range(1, 15)]
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits == sorted(waits)
    assert wait_after(10**6) == timedelta(hours=1)


def test_texts_are_in_two_languages_and_survive_missing_parameters() -> None:
    for name, (indonesian, english) in TEMPLATES.items():
        assert set(re.findall(r"{(\w+)}", indonesian)) == set(re.findall(r"{(\w+)}", english)), name
    assert render("quota_confirmed", {"ticket": "https://x"}, "id").endswith("datang: https://x")
    assert "…" in render("quota_confirmed", {"facility": "Puskesmas Cipondoh"}, "en")
    with pytest.raises(KeyError):
        render("no_such", {}, "id")


def test_days_and_instants_are_written_as_people_write_them() -> None:
    params = {"day": "2026-03-03", "new_day": "2026-03-04", "answer_by": "2026-03-02T23:30:00+00:00"}
    text = render("quota_offer", {**params, "facility": "Puskesmas T", "new_facility": "20260101"}, "id")
    assert "tanggal 03-03-2026 di Puskesmas T" in text
    assert "20260101, 04-03-2026" in text
    assert "sebelum 03-03-2026 06.30 WIB" in text


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-03-02T23:30:00+09:00", "02-03-2026 23.30 WIT"),  # Jayapura's own clock, not the headquarters'
        ("2026-03-02T23:30:00+08:00", "02-03-2026 23.30 WITA"),
        ("2026-03-02T23:30:00+07:00", "02-03-2026 23.30 WIB"),
        ("2026-03-02T23:30:00Z", "03-03-2026 06.30 WIB"),
    ],
)
def test_an_hour_is_told_by_the_clock_of_its_place(at: str, told: str) -> None:
    params = {"day": "2026-03-03", "new_day": "2026-03-04", "answer_by": at, "facility": "A", "new_facility": "B"}
    assert f"sebelum {told}" in render("quota_offer", params, "id")


def test_every_template_other_rooms_name_exists() -> None:
    named = set()
    for file in (ROOT / "tracker").rglob("*.py"):
        named |= set(re.findall(r'template="([a-z_]+)"|_tell\(db, lost, "([a-z_]+)"', file.read_text(encoding="utf-8")))
    names = {name for pair in named for name in pair if name}
    assert names <= set(TEMPLATES)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::127.0.0.1",
        "::10.0.0.1",
        "fec0::1",
        "2002:a00:1::",
        "::ffff:0:7f00:1",
        "::ffff:0:10.0.0.1",
        "2606:4700::5efe:a00:1",
        "2606:4700::200:5efe:a00:1",
        "::ffff:10.0.0.1",
    ],
)
def test_an_address_that_carries_a_private_one_is_private(address: str) -> None:
    assert not is_public(ip_address(address))


def test_an_address_that_carries_a_public_one_is_public() -> None:
    assert is_public(ip_address("64:ff9b::808:808"))
