"""What gateways send is read as their makers write it, and nothing of it is ever too odd."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery.rules.plain import plain_signs
from tracker.delivery.rules.receipts import Fate
from tracker.delivery.rules.segments import segments
from tracker.delivery.rules.signing import signed_at, verify_at
from tracker.mouths.errors import BadDelivery
from tracker.mouths.rules import signing, sms, ussd
from tracker.mouths.whatsapp import read_delivery

PREFIX = "CON "


@given(st.lists(st.text(max_size=400), max_size=6), st.sampled_from(["id", "en"]))
def test_screens_fit_the_network_and_lose_no_word(replies: list[str], language: str) -> None:
    shown = ussd.screens(replies, language, PREFIX)
    assert shown
    assert all(len(PREFIX + screen) <= ussd.MOST for screen in shown)
    on = "\n0. Lanjut" if language == "id" else "\n0. More"
    assert all(screen.endswith(on) for screen in shown[:-1])
    whole = "".join([*(screen.removesuffix(on) for screen in shown[:-1]), shown[-1]])
    told = plain_signs("\n".join(replies))
    assert "".join(whole.split()) == "".join(told.split())


def test_known_answer_of_twilio_s_own_library_and_whatever_is_not_it() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
        ("Caller", "+14158675309"),
    ]
    right = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signing.signed_by_twilio(url, fields, right, "12345")
    assert not signing.signed_by_twilio(url, fields[1:], right, "12345")
    assert not signing.signed_by_twilio(url + "&x=", fields, right, "12345")
    assert not signing.signed_by_twilio(url, fields, right, "12346")
    assert not signing.signed_by_twilio(url, fields, None, "12345")


@pytest.mark.parametrize(
    ("timestamp", "now", "good"),
    [
        ("1000", 1000, True),
        ("1000", 1300, True),
        ("1000", 1301, False),
        ("1301", 1000, False),
        (None, 1000, False),
        ("-1000", 1000, False),
        ("1000.0", 1000, False),
        ("٣", 3, False),
    ],
)
def test_a_signature_with_the_time_is_good_for_five_minutes(timestamp: str | None, now: int, good: bool) -> None:
    signature = signed_at("rahasia", timestamp or "", b"{}")
    assert verify_at("rahasia", timestamp, b"{}", signature, now) is good
    assert not verify_at("rahasia", timestamp, b"{ }", signature, now)
    assert not verify_at("rahasia", timestamp, b"{}", None, now)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # an escape and its sign are never parted: it moves to the second part
        ("ü" * 160, 1),
        ("ש" * 70, 1),
        ("ש" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
    ],
)
def test_an_sms_has_as_many_parts_as_the_network_makes_of_it(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_keys_are_told_apart() -> None:
    assert ussd.pressed("") == []
    assert ussd.pressed("1") == ["1"]
    assert ussd.pressed("1**2") == ["1", "", "2"]


def test_known_answer_of_rfc_4231_and_whatever_is_not_it() -> None:
    body, secret = b"what do ya want for nothing?", "Jefe"
    good = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signing.signed_sha256(body, good, secret)
    for wrong in (None, "", good.removeprefix("sha256="), good.upper(), "sha1" + good[6:], good[:-1] + "é", "é"):
        assert not signing.signed_sha256(body, wrong, secret)
    assert not signing.signed_sha256(body + b" ", good, secret)


@pytest.mark.parametrize(
    ("header", "password"),
    [
        ("Basic " + base64.b64encode(b"kannel:ra:hasia").decode(), "ra:hasia"),
        ("basic " + base64.b64encode(b":x").decode(), "x"),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), None),
        ("Basic !!", None),
        ("Bearer abc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_password_is_taken_from_where_it_stands(header: str | None, password: str | None) -> None:
    assert signing.basic_password(header) == password


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("vaksin é".encode(), "text/plain; charset=UTF-8", "vaksin é"),
        ("vaksin 疫".encode("utf-16-be"), "text/plain; charset=UTF-16BE", "vaksin 疫"),
        ("vaksin é".encode("latin-1"), 'text/plain; charset="ISO-8859-1"', "vaksin é"),
        (b"ya", None, "ya"),
        (b"ya \xff", "text/plain; charset=no-such-set", "ya \ufffd"),
        (b"00", "text/plain; charset=hex", "00"),
    ],
)
def test_a_text_is_read_in_the_alphabet_it_names(body: bytes, content_type: str | None, text: str) -> None:
    assert sms.text_of(body, content_type) == text


def delivery(*messages: object, statuses: tuple[object, ...] = (), number: str = "77") -> bytes:
    value = {"metadata": {"phone_number_id": number}, "messages": list(messages), "statuses": list(statuses)}
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def says(text: str, at: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "from": "62811",
        "id": f"wamid.{at}",
        "timestamp": str(at),
        "type": "text",
        "text": {"body": text},
        **more,
    }


def test_what_is_not_understood_costs_the_others_nothing() -> None:
    odd: list[object] = [None, 7, {"from": "62811"}, says("x", id="a b"), says("x", timestamp="soon")]
    read = read_delivery(delivery(*odd, says("dua", 200), says("satu", 100)), "77")
    assert ([one.text for one in read.heard], read.unread) == (["satu", "dua"], 5)
    assert read.heard[0].phone == "+62811"


def test_a_message_to_another_number_of_the_account_is_not_ours() -> None:
    assert read_delivery(delivery(says("x"), number="78"), "77").heard == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"type": "button", "button": {"payload": "YA", "text": "Ya, saya datang"}}, "YA"),
        ({"type": "button", "button": {"text": "TIDAK"}}, "TIDAK"),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "2", "title": "2. Rabu"}}}, "2"),
        ({"type": "image", "image": {"id": "m1"}}, ""),
    ],
)
def test_what_is_pressed_says_what_was_agreed_on(content: dict[str, Any], text: str) -> None:
    one = says("") | content
    del one["text"]
    assert [heard.text for heard in read_delivery(delivery(one), "77").heard] == [text]


def test_a_sign_on_our_message_is_no_message() -> None:
    assert read_delivery(delivery(says("", type="reaction")), "77").heard == []


def test_a_receipt_is_of_our_message_and_names_only_a_number_of_error() -> None:
    told = {"id": "wamid.9", "status": "failed", "timestamp": "5", "errors": [{"code": 131026, "title": "62811 Budi"}]}
    (receipt,) = read_delivery(delivery(statuses=(told,)), "77").receipts
    assert (receipt.fate, receipt.ref, receipt.message, receipt.reason) == (
        Fate.FAILED,
        "wamid.9",
        None,
        "error 131026",
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[" * 100_000, b'{"object":"page"}', b"\xff"])
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(BadDelivery):
        read_delivery(body, "77")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@given(_JSON, _JSON)
def test_any_delivery_is_read_to_its_end(messages: object, statuses: object) -> None:
    value = {"metadata": {"phone_number_id": "77"}, "messages": messages, "statuses": statuses}
    entry = [{"changes": [{"field": "messages", "value": value}, value]}, statuses]
    read_delivery(json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode(), "77")
