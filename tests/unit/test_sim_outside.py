"""The outside services' fakes check signatures as the real ones do: held against published known answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from simulators.gateway import outbox_app, tell_counts
from simulators.outside import lzstring, pcare
from simulators.outside.pcare import FakePCare
from simulators.outside.sms import FakeKannel, Sms, UssdCall, twilio_signature
from simulators.outside.whatsapp import FakeWhatsApp, sign

NOW = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))


class Clock:
    """A clock that tests can move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


# BPJS's documentation of its signature and encryption: these values are printed there.
DOCUMENTED_ANSWER = (
    "u0AsR6/ahAOwBY5r+Nb0zk7/w3cJ89yevRzkO8OQ0sUrxkfVnVjL2dwGjwofUNJnfi08isU34aVY994aasyeyOcOw3pCkcEPoAWTCaEUBX8bm"
    "/5AxhZFjtROtAaBUHb4"
)
DOCUMENTED_KEYS = {"cons_id": "1234", "secret": "pwd", "timestamp": "433223232"}


def test_bpjs_signature_of_the_documented_values() -> None:
    assert pcare.signature("1234", "pwd", "433223232") == "eXMtvX2r7e7CLCIu3kpEpCrvciZgK8FuOhKv06NDAHk="
    plain = base64.b64encode(pcare._hmac("aaa", "bbb")).decode()
    assert plain == "20BKS3PWnD3XU4JbSSZvVlGi2WWnDa8Sv9uHJ+wsELA="


def test_bpjs_documented_answer_is_decrypted_and_reproduced() -> None:
    answer = {"count": 1, "list": [{"kdProvider": "0114A026"}]}
    assert pcare.decrypt(DOCUMENTED_ANSWER, **DOCUMENTED_KEYS) == answer
    assert pcare.encrypt(answer, **DOCUMENTED_KEYS) == DOCUMENTED_ANSWER


def test_an_answer_for_another_request_cannot_be_read() -> None:
    with pytest.raises(ValueError):
        pcare.decrypt(DOCUMENTED_ANSWER, **(DOCUMENTED_KEYS | {"timestamp": "433223233"}))


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=400))
def test_lzstring_gives_back_any_text(text: str) -> None:
    assert lzstring.decompress(lzstring.compress(text)) == text


@pytest.mark.parametrize("packed", ["", "N4Ig", "é", "N4Igxg9grgd!"])
def test_lzstring_refuses_what_is_torn_or_foreign(packed: str) -> None:
    with pytest.raises(ValueError):
        lzstring.decompress(packed)


def a_pcare() -> tuple[FakePCare, TestClient]:
    fake = FakePCare(cons_id="1234", secret="pwd", user_key="uk", username="u", password="p", clock=lambda: NOW)
    return fake, TestClient(fake.app())


def signed(**changed: str) -> dict[str, str]:
    headers = {
        "X-cons-id": "1234",
        "X-timestamp": STAMP,
        "X-signature": pcare.signature("1234", "pwd", STAMP),
        "X-authorization": "Basic " + base64.b64encode(b"u:p:095").decode(),
        "user_key": "uk",
    }
    return headers | changed


def test_pcare_answers_a_signed_request_with_an_encrypted_page() -> None:
    _, client = a_pcare()
    answer = client.get("/pcare-rest/provider/0/10", headers=signed())
    assert answer.status_code == 200
    page = pcare.decrypt(answer.json()["response"], cons_id="1234", secret="pwd", timestamp=STAMP)
    assert page == {"count": 1, "list": [{"kdProvider": "0114A026"}]}


@pytest.mark.parametrize(
    "changed",
    [
        {"X-signature": pcare.signature("1234", "other", STAMP)},
        {"X-signature": ""},
        {"X-timestamp": str(int(STAMP) - 301), "X-signature": pcare.signature("1234", "pwd", str(int(STAMP) - 301))},
        {"X-timestamp": "today"},
        {"X-cons-id": "9"},
        {"user_key": ""},
        {"X-authorization": "Basic " + base64.b64encode(b"u:p:094").decode()},
    ],
)
def test_pcare_refuses_whatever_is_not_signed_right(changed: dict[str, str]) -> None:
    fake, client = a_pcare()
    body = json.dumps({"kdProviderPeserta": "0114A026", "tglDaftar": "03-03-2026", "noKartu": "1"})
    answer = client.post("/pcare-rest/pendaftaran", content=body, headers=signed(**changed))
    assert answer.status_code == answer.json()["metaData"]["code"] == 401
    assert fake.registrations == []


def test_pcare_takes_json_that_calls_itself_a_form_and_names_what_is_missing() -> None:
    fake, client = a_pcare()
    oddity = signed() | {"Content-Type": "application/x-www-form-urlencoded"}
    body = {"kdProviderPeserta": "0114A026", "tglDaftar": "03-03-2026", "noKartu": "1"}
    answer = client.post("/pcare-rest/pendaftaran", content=json.dumps(body), headers=oddity)
    assert answer.json()["metaData"] == {"code": 201, "message": "CREATED"}
    assert fake.registrations == [body]
    assert client.post("/pcare-rest/pendaftaran", content="{}", headers=oddity).status_code == 412
    assert client.post("/pcare-rest/pendaftaran", content="x=1", headers=oddity).status_code == 412


def test_pcare_can_be_made_to_fail_and_then_recovers() -> None:
    fake, client = a_pcare()
    fake.fail_next = 1
    assert client.get("/pcare-rest/provider/0/1", headers=signed()).status_code == 500
    assert client.get("/pcare-rest/provider/0/1", headers=signed()).status_code == 200


def test_pcare_knows_participants_by_nik_and_says_so_when_it_does_not() -> None:
    fake, client = a_pcare()
    fake.participants["3671014203900001"] = {"nama": "Siti"}
    found = client.get("/pcare-rest/peserta/nik/3671014203900001", headers=signed()).json()
    assert pcare.decrypt(found["response"], cons_id="1234", secret="pwd", timestamp=STAMP) == {"nama": "Siti"}
    absent = client.get("/pcare-rest/peserta/nik/3671014203900002", headers=signed()).json()
    assert absent == {"metaData": {"code": 204, "message": "No Content"}, "response": None}


def a_whatsapp(clock: Clock | None = None) -> tuple[FakeWhatsApp, TestClient]:
    fake = FakeWhatsApp(phone_number_id="77", token="t", app_secret="s", clock=clock or Clock())
    return fake, TestClient(fake.app(), headers={"Authorization": "Bearer t"})


def text_to(phone: str, body: str = "Halo") -> dict[str, object]:
    return {"messaging_product": "whatsapp", "to": phone, "type": "text", "text": {"body": body}}


def test_whatsapp_signs_the_raw_body_it_delivers() -> None:
    fake, _ = a_whatsapp()
    delivery = fake.says("62811", "Vaksin", message_id="wamid.1")
    expected = "sha256=" + hmac.new(b"s", delivery.body, hashlib.sha256).hexdigest()
    assert delivery.headers["X-Hub-Signature-256"] == expected == sign(delivery.body, "s")
    message = json.loads(delivery.body)["entry"][0]["changes"][0]["value"]["messages"][0]
    assert message == {
        "from": "62811",
        "id": "wamid.1",
        "timestamp": STAMP,
        "type": "text",
        "text": {"body": "Vaksin"},
    }


def test_hmac_sha256_known_answer_of_rfc_4231() -> None:
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == f"sha256={digest}"


def test_whatsapp_lets_free_text_through_only_within_a_day_of_the_persons_own_message() -> None:
    clock = Clock()
    fake, client = a_whatsapp(clock)
    refused = client.post("/v20.0/77/messages", json=text_to("62811"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 131047)
    fake.presses("62811", "yes", "Ya", message_id="wamid.2")
    assert client.post("/v20.0/77/messages", json=text_to("62811")).status_code == 200
    clock.now += timedelta(hours=24, seconds=1)
    assert client.post("/v20.0/77/messages", json=text_to("62811")).status_code == 400
    template = {"messaging_product": "whatsapp", "to": "62811", "type": "template", "template": {"name": "ingat"}}
    assert client.post("/v20.0/77/messages", json=template).status_code == 200
    assert [message["type"] for message in fake.sent] == ["text", "template"]


def interactive(titles: list[str], kind: str) -> dict[str, object]:
    if kind == "button":
        action: dict[str, object] = {"buttons": [{"reply": {"id": t, "title": t}} for t in titles]}
    else:
        action = {"sections": [{"rows": [{"id": t, "title": t} for t in titles]}]}
    content = {"type": kind, "action": action}
    return {"messaging_product": "whatsapp", "to": "62811", "type": "interactive", "interactive": content}


@pytest.mark.parametrize(
    ("titles", "kind", "status"),
    [
        (["Ya", "Tidak", "Nanti"], "button", 200),
        (["Ya", "Tidak", "Nanti", "Lain"], "button", 400),
        (["x" * 21], "button", 400),
        ([f"Puskesmas {n}" for n in range(10)], "list", 200),
        ([f"Puskesmas {n}" for n in range(11)], "list", 400),
        (["x" * 25], "list", 400),
        ([], "list", 400),
    ],
)
def test_whatsapp_keeps_the_limits_of_buttons_and_lists(titles: list[str], kind: str, status: int) -> None:
    fake, client = a_whatsapp()
    fake.says("62811", "Vaksin", message_id="1")
    assert client.post("/v20.0/77/messages", json=interactive(titles, kind)).status_code == status
    assert len(fake.sent) == (1 if status == 200 else 0)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"messaging_product":"whatsapp","to":"+62 811","type":"text"}'])
def test_whatsapp_refuses_malformed_messages(body: str) -> None:
    _, client = a_whatsapp()
    assert client.post("/v20.0/77/messages", content=body).status_code == 400


def test_whatsapp_refuses_a_wrong_token_and_takes_media() -> None:
    fake, client = a_whatsapp()
    wrong = client.post("/v20.0/77/messages", json=text_to("62811"), headers={"Authorization": "Bearer no"})
    assert wrong.status_code == 401
    uploaded = client.post(
        "/v20.0/77/media", data={"messaging_product": "whatsapp"}, files={"file": ("t.png", b"PNG", "image/png")}
    )
    assert fake.media == {uploaded.json()["id"]: b"PNG"}
    assert client.post("/v20.0/77/media", data={"messaging_product": "whatsapp"}).status_code == 400


def test_twilio_signature_of_the_example_in_its_documentation() -> None:
    parameters = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    signature = twilio_signature("https://mycompany.com/myapp.php?foo=1&bar=2", parameters, "12345")
    assert signature == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_kannel_takes_a_message_with_the_right_password_only() -> None:
    fake = FakeKannel(username="u", password="p")
    client = TestClient(fake.app())
    query = {"username": "u", "password": "p", "to": "+62811", "from": "1199", "text": "Halo"}
    assert client.get("/cgi-bin/sendsms", params=query).status_code == 202
    assert client.get("/cgi-bin/sendsms", params=query | {"password": "x"}).status_code == 403
    assert client.get("/cgi-bin/sendsms", params=query | {"to": "somebody"}).status_code == 400
    fake.fail_next = 1
    assert client.get("/cgi-bin/sendsms", params=query).status_code == 503
    assert fake.sent == [Sms(sender="1199", to="+62811", text="Halo")]


def test_the_gateways_page_shows_what_it_took_newest_first_and_no_whole_number() -> None:
    fake = FakeKannel(username="u", password="p", most=2, clock=lambda: NOW)
    client = TestClient(outbox_app(fake))
    assert "Belum ada pesan" in client.get("/").text
    for text in ("pertama", "second <b>", "third http://127.0.0.1:8000/daftar/tiket/x"):
        query = {"username": "u", "password": "p", "to": "+6286000000123", "from": "R", "text": text}
        assert client.post("/cgi-bin/sendsms", params=query).status_code == 202
    page = client.get("/").text
    assert "3 pesan diterima" in page
    assert "pertama" not in page, "two are kept"
    assert page.index("third") < page.index("second &lt;b&gt;")
    assert '<a href="http://127.0.0.1:8000/daftar/tiket/x">' in page
    assert "+628…123" in page
    assert "08.00.00 WIB" in page
    assert "+6286000000123" not in page
    assert client.post("/cgi-bin/sendsms", params={"username": "u", "password": "x"}).status_code == 403
    assert "3 pesan diterima" in client.get("/").text


def test_the_gateways_log_has_counts_and_no_word_of_a_message() -> None:
    fake = FakeKannel(username="u", password="p")
    client = TestClient(outbox_app(fake))
    heard: list[str] = []

    class Thrice(threading.Event):
        """Ends the telling after three looks; between the first and the second two messages come."""

        looks = 0

        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            self.looks += 1
            if self.looks == 2:
                for text in ("Halo", "Budi"):
                    query = {"username": "u", "password": "p", "to": "+6286000000123", "text": text}
                    client.post("/cgi-bin/sendsms", params=query)
            return self.looks > 3

    tell_counts(fake, Thrice(), heard.append)
    assert len(heard) == 1
    assert heard[0].endswith("gateway: took 2 SMS, 2 in all")


def test_a_ussd_call_carries_all_inputs_so_far() -> None:
    call = UssdCall("s1", "+62811")
    assert call.form()["text"] == ""
    call.form("1")
    assert call.form("123456")["text"] == "1*123456"
