"""People register by message, over the wire of each medium: signatures, repeats, outages, and the ticket as a picture."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
import zxingcpp
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import func, select, text

from rantai.outgoing import outgoing_loops
from simulators.gateway import outbox_app
from simulators.outside.sms import FakeJsonGateway, FakeKannel, FakeTwilio, UssdCall
from simulators.outside.whatsapp import Delivery, FakeWhatsApp, sign
from simulators.phone.app import House
from tests.support.page_site import SECRET, app_services, made, site, world
from tests.support.quota import VAULT
from tests.support.server import served
from tracker.access.principal import SYSTEM
from tracker.api.app import create_app
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.service import queue_message
from tracker.edge.services import Services
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState, Medium
from tracker.registration.models import Conversation
from tracker.registration.service.tickets import TicketOffice
from tracker.settings import SmsShape

__all__ = ["app_services", "made", "site", "world"]

NIK, PHONE, WA = "3671015506920051", "+6281234567851", "6281234567851"
APP_SECRET, VERIFY, PASSWORD = "the app's secret", "the-word-agreed-on", "kata sandi gerbang"
BASIC = {"Authorization": "Basic " + base64.b64encode(f"gerbang:{PASSWORD}".encode()).decode()}


@dataclass
class Outside:
    """The outside services and the house between them."""

    site: TestClient
    services: Services
    whatsapp: FakeWhatsApp
    kannel: FakeKannel
    client: httpx2.Client
    later: timedelta = timedelta()
    count: int = 0

    def clock(self) -> datetime:
        return self.services.clock() + self.later

    def post(self, delivery: Delivery) -> int:
        return self.site.post("/webhooks/whatsapp", content=delivery.body, headers=delivery.headers).status_code

    def deliver(self) -> None:
        """What the worker does next; only the gateway's clock may be slow."""

        def clock() -> datetime:
            return max(self.clock(), self.services.clock())

        loops = outgoing_loops(self.services.engine, self.services.settings, clock, self.client)
        next(loop for loop in loops if loop.name == "messages").step()

    def hears(self, delivery: Delivery) -> list[dict[str, Any]]:
        """What comes back for a message."""
        before = len(self.whatsapp.sent)
        assert self.post(delivery) == 200
        self.deliver()
        return cast("list[dict[str, Any]]", self.whatsapp.sent[before:])

    def says(self, text: str) -> list[dict[str, Any]]:
        self.count += 1
        return self.hears(self.whatsapp.says(WA, text, message_id=f"wamid.{self.count}"))

    def presses(self, answer: str) -> list[dict[str, Any]]:
        self.count += 1
        return self.hears(self.whatsapp.presses(WA, answer, "Tombol", message_id=f"wamid.{self.count}"))

    def dials(self, call: UssdCall, *keys: str) -> str:
        answer = self.site.post("/webhooks/ussd", data=call.form(*keys), headers=BASIC)
        assert answer.status_code == 200, answer.text
        return answer.text

    def texts(self, words: str, message_id: str) -> int:
        headers = BASIC | {"X-Kannel-From": PHONE, "Content-Type": "text/plain; charset=UTF-8"}
        return self.site.post(f"/webhooks/sms?id={message_id}", content=words.encode(), headers=headers).status_code


@pytest.fixture
def outside(site: TestClient, app_services: Services) -> Iterator[Outside]:
    kannel = FakeKannel(username="u", password="p")
    whatsapp = FakeWhatsApp(phone_number_id="77", token="t", app_secret=APP_SECRET, clock=app_services.clock)
    own, mouths = app_services.settings.delivery, app_services.settings.mouths
    with served(whatsapp.app()) as meta, served(kannel.app()) as smsbox, httpx2.Client() as client:
        house = Outside(site, app_services, whatsapp, kannel, client)
        whatsapp.clock = house.clock
        own.whatsapp_url, own.whatsapp_token = f"{meta}/v20.0/77/messages", SecretStr("t")
        own.sms_url, own.sms_username, own.sms_password = f"{smsbox}/cgi-bin/sendsms", "u", SecretStr("p")
        mouths.whatsapp_secret, mouths.whatsapp_verify_token = SecretStr(APP_SECRET), SecretStr(VERIFY)
        mouths.sms_password = mouths.ussd_password = SecretStr(PASSWORD)
        with transaction(app_services.engine) as db:
            somebody = NewPerson(id=uuid7(), nik=NIK, name="Siti Rekaan", phone=PHONE)
            register_person(db, SYSTEM, somebody, vault=VAULT, now=app_services.clock())
        yield house


def text_in(message: dict[str, Any]) -> str:
    kind = message["type"]
    content = message[kind]
    return str(
        content["body"] if kind == "text" else content["body"]["text"] if kind == "interactive" else content["caption"]
    )


def booking_of(services: Services) -> Booking:
    with transaction(services.engine) as db:
        found = db.scalars(
            select(Booking).where(Booking.state == BookingState.CONFIRMED, Booking.medium == Medium.WHATSAPP)
        ).one()
        db.expunge(found)
        return found


def booked_by_whatsapp(outside: Outside) -> dict[str, Any]:
    """From the first word to the ticket; what was sent last."""
    outside.says("Vaksin")
    outside.says(NIK[-6:])
    (offered,) = outside.says("PKM Cipondoh")
    rows = offered["interactive"]["action"]["sections"][0]["rows"]
    assert text_in(offered) == "Tulis nomor pilihan Anda."  # the rows say the rest
    outside.count += 1
    outside.hears(outside.whatsapp.chooses(WA, rows[0]["id"], rows[0]["title"], message_id=f"wamid.{outside.count}"))
    for _ in range(3):
        (asked,) = outside.presses("TIDAK")
    assert [button["reply"]["id"] for button in asked["interactive"]["action"]["buttons"]] == ["YA", "TIDAK"]
    (ticket,) = outside.presses("YA")
    return ticket


def test_meta_is_shown_that_the_address_is_ours_and_nobody_else_is(outside: Outside) -> None:
    def asks(**changed: str) -> tuple[int, str]:
        query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"} | changed
        answer = outside.site.get("/webhooks/whatsapp", params=query)
        return answer.status_code, answer.text

    assert asks() == (200, "1158201444")
    assert asks(**{"hub.verify_token": "another"})[0] == 401
    assert asks(**{"hub.verify_token": "é"})[0] == 401
    assert asks(**{"hub.mode": "unsubscribe"})[0] == 401
    assert asks(**{"hub.challenge": "<script>"})[0] == 422
    outside.services.settings.mouths.whatsapp_verify_token = SecretStr("")
    assert asks(**{"hub.verify_token": ""})[0] == 404  # no secret opens nothing


def test_a_citizen_registers_by_whatsapp_and_has_the_ticket_as_a_picture(outside: Outside) -> None:
    ticket = booked_by_whatsapp(outside)
    booking = booking_of(outside.services)
    picture = Image.open(io.BytesIO(outside.whatsapp.media[ticket["image"]["id"]]))
    (code,) = zxingcpp.read_barcodes(picture)
    assert TicketOffice.from_secret(SECRET).read(code.text).booking == booking.id
    assert "/daftar/tiket/" in text_in(ticket)
    assert not [message for message in outside.whatsapp.sent if message["to"] != WA]
    assert outside.kannel.sent == []
    with transaction(outside.services.engine) as db:
        kept = [str(message.params) + message.recipient_ref for message in db.scalars(select(OutMessage))]
        (talk,) = db.scalars(select(Conversation))
        assert WA.encode() not in (talk.phone_sealed or b"")
    assert not [row for row in kept if WA in row or NIK in row or "/daftar/tiket/" in row]


def test_a_message_that_comes_again_is_answered_once(outside: Outside) -> None:
    delivery = outside.whatsapp.says(WA, "Vaksin", message_id="wamid.same")
    for _ in range(3):
        assert outside.post(delivery) == 200
    outside.deliver()
    outside.deliver()
    assert len(outside.whatsapp.sent) == 1


def together(*deliveries: Delivery) -> Delivery:
    """What Meta brings at once."""
    told = [json.loads(each.body) for each in deliveries]
    body = json.dumps(told[0] | {"entry": [entry for each in told for entry in each["entry"]]}).encode()
    return Delivery(body=body, headers=deliveries[0].headers | {"X-Hub-Signature-256": sign(body, APP_SECRET)})


def test_a_part_of_a_delivery_that_fails_holds_nobody_else(outside: Outside) -> None:
    outside.says("Vaksin")
    other = "6281234567852"
    ill = outside.whatsapp.says(WA, "Vaksin", message_id="wamid.ill")
    outside.later = timedelta(seconds=10)
    later = outside.whatsapp.says(WA, NIK[-6:], message_id="wamid.later")
    well = outside.whatsapp.says(other, "Vaksin", message_id="wamid.well")
    odd = replace(outside.whatsapp.reports(0, "sent"))
    odd = replace(odd, body=odd.body.replace(b"wamid.fake1", b"wamid\\u0000"))
    delivery = together(ill, later, odd, well, outside.whatsapp.reports(0, "delivered"))
    with transaction(outside.services.engine) as db:
        # A fault of the database that only this message meets.
        db.execute(text("ALTER TABLE conversation_turn ADD CONSTRAINT ill CHECK (message_id <> 'wamid.ill') NOT VALID"))
    answer = outside.site.post("/webhooks/whatsapp", content=delivery.body, headers=delivery.headers)
    assert answer.status_code >= 400, "Meta brings it again"
    outside.deliver()
    assert [message["to"] for message in outside.whatsapp.sent] == [WA, other]
    with transaction(outside.services.engine) as db:
        first = db.scalars(select(OutMessage).order_by(OutMessage.created_at, OutMessage.id)).first()
        assert first is not None
        assert first.delivered_at is not None
        db.execute(text("ALTER TABLE conversation_turn DROP CONSTRAINT ill"))
    assert outside.post(delivery) == 200
    outside.deliver()
    assert [message["to"] for message in outside.whatsapp.sent] == [WA, other, WA, WA]
    assert "Di mana" in text_in(outside.whatsapp.sent[-1])


def test_endings_are_not_tried_out_from_a_phone_that_was_another_persons(outside: Outside) -> None:
    outside.says("Vaksin")
    for each in range(10):
        outside.says(f"55{each:04d}")
    outside.says("BATAL")
    outside.says("Vaksin")
    (asked,) = outside.says(NIK[-6:])
    assert "semua 16 angka" in text_in(asked)
    (found,) = outside.says(NIK)
    assert "Di mana" in text_in(found)


def test_what_is_not_signed_by_meta_changes_nothing(outside: Outside) -> None:
    delivery = outside.whatsapp.says(WA, "Vaksin", message_id="wamid.1")
    for header in (
        None,
        "",
        sign(delivery.body, "another"),
        delivery.headers["X-Hub-Signature-256"].upper(),
        "sha256=é",
    ):
        headers = {"Content-Type": "application/json"} | (
            {} if header is None else {"X-Hub-Signature-256": header.encode()}
        )
        answer = outside.site.post("/webhooks/whatsapp", content=delivery.body, headers=headers)  # type: ignore[arg-type]  # bytes are headers, too
        assert (answer.status_code, answer.json()["code"]) == (401, "mouths.not_signed")
    changed = delivery.body.replace(b"Vaksin", b"Tiket ")
    assert outside.post(replace(delivery, body=changed)) == 401
    large = b" " * 5_000_000
    assert outside.post(Delivery(body=large, headers={"X-Hub-Signature-256": sign(large, APP_SECRET)})) == 413
    assert outside.site.post("/webhooks/whatsapp", content=b" " * 100_000).status_code in (401, 413)
    outside.deliver()
    assert outside.whatsapp.sent == []


def test_an_answer_to_an_earlier_question_does_not_answer_the_one_that_stands(outside: Outside) -> None:
    outside.later = timedelta(seconds=-60)
    outside.says("Vaksin")
    outside.says(f"{NIK} {PHONE}")
    outside.later = timedelta(seconds=-50)
    late = outside.whatsapp.says(WA, "PKM Dahlia", message_id="wamid.late")
    outside.later = timedelta(seconds=-40)
    assert len(outside.says("PKM Cipondoh")) == 1
    assert outside.hears(late) == []
    outside.count += 1
    outside.later = timedelta(seconds=-30)
    (asked,) = outside.hears(outside.whatsapp.chooses(WA, "1", "1.", message_id="wamid.choice"))
    assert "demam" in text_in(asked)


def test_a_picture_or_a_voice_gets_the_question_that_stands(outside: Outside) -> None:
    outside.says("Vaksin")
    outside.says(f"{NIK} {PHONE}")
    odd: tuple[dict[str, object], ...] = (
        {"type": "image", "image": {"id": "1"}},
        {"type": "audio", "audio": {"id": "2"}},
    )
    for number, content in enumerate(odd):
        (asked,) = outside.hears(outside.whatsapp.sends(WA, content, message_id=f"wamid.odd{number}"))
        assert "tiga huruf" in text_in(asked)


def test_after_a_day_of_silence_a_template_tells_and_free_text_does_not(outside: Outside) -> None:
    booked_by_whatsapp(outside)
    outside.deliver()
    before = len(outside.whatsapp.sent)
    outside.later = timedelta(hours=25)
    with transaction(outside.services.engine) as db:
        queue_message(
            db,
            medium="whatsapp",
            recipient_ref=str(booking_of(outside.services).person_id),
            template="quota_session_changed",
            params={"day": "2026-03-04", "facility": "Puskesmas\nCipondoh", "opens": "08.00", "closes": "12.00"},
            unit_id=None,
            now=outside.clock(),
        )
    outside.deliver()
    told = outside.whatsapp.sent[before:]
    assert [message["type"] for message in told] == ["template"]
    template = cast("dict[str, Any]", told[0]["template"])
    assert template["language"] == {"code": "id"}
    values = [one["text"] for one in template["components"][0]["parameters"]]
    # In the order of the gaps, without what Meta refuses.
    assert values == ["Puskesmas Cipondoh", "04-03-2026", "08.00", "12.00"]


def test_what_becomes_of_a_message_is_known_and_a_failed_one_goes_by_sms(outside: Outside) -> None:
    outside.says("Vaksin")
    outside.says("Vaksin lagi")
    with transaction(outside.services.engine) as db:
        first, second = db.scalars(select(OutMessage).order_by(OutMessage.created_at, OutMessage.id))
        assert (first.left_by, first.state) == ("whatsapp", MessageState.SENT)
    for delivery in (
        outside.whatsapp.reports(0, "read"),
        outside.whatsapp.reports(0, "delivered"),
        outside.whatsapp.reports(0, "sent"),
    ):
        assert outside.post(delivery) == 200
    assert outside.post(outside.whatsapp.reports(0, "failed", error=131026)) == 200  # it has arrived: too late to fail
    failed = outside.whatsapp.reports(1, "failed", error=131026)
    for _ in range(2):
        assert outside.post(failed) == 200
    outside.deliver()
    outside.deliver()
    assert [sms.to for sms in outside.kannel.sent] == [PHONE]
    assert outside.post(failed) == 200  # said once more, it is still one SMS
    outside.deliver()
    assert len(outside.kannel.sent) == 1
    with transaction(outside.services.engine) as db:
        first, second = (db.get_one(OutMessage, one.id) for one in (first, second))
        assert (first.state, first.delivered_at is not None) == (MessageState.SENT, True)
        assert first.read_at is not None
        assert (second.state, second.left_by, second.delivered_at) == (MessageState.SENT, "sms", None)


def test_a_receipt_keeps_a_message_from_going_twice_whose_sender_died(outside: Outside) -> None:
    outside.says("Vaksin")
    with transaction(outside.services.engine) as db:
        (message,) = db.scalars(select(OutMessage))
        # As it stands when a worker was killed between Meta's answer and its own note.
        message.state, message.sent_at, message.left_by, message.gateway_ref = MessageState.PENDING, None, None, None
    assert outside.post(outside.whatsapp.reports(0, "sent")) == 200
    outside.later = timedelta(hours=1)
    outside.deliver()
    assert len(outside.whatsapp.sent) == 1


def test_meta_down_for_a_while_loses_no_answer(outside: Outside) -> None:
    outside.whatsapp.fail_next = 2
    assert outside.says("Vaksin") == []
    outside.later = timedelta(hours=1)
    outside.deliver()
    outside.later = timedelta(hours=3)
    outside.deliver()
    assert len(outside.whatsapp.sent) == 1


def test_a_citizen_registers_by_119_with_a_call_that_breaks_off(outside: Outside) -> None:
    call = UssdCall("s1", PHONE)
    assert outside.dials(call).startswith("CON Selamat datang")
    assert outside.dials(call).startswith("CON Selamat datang")  # the gateway asks again
    assert "Di mana" in outside.dials(call, NIK[-6:])
    shown = outside.dials(call, "Cipondoh")
    again = UssdCall("s2", PHONE)  # the line broke off: whoever dials again is where they were
    assert outside.dials(again) == shown
    pages = [shown]
    while pages[-1].endswith("0. Lanjut"):
        pages.append(outside.dials(again, "0"))
    assert all(len(page) <= 182 for page in pages)
    assert "nomor pilihan" in pages[-1]
    assert "demam" in outside.dials(again, "1")
    for _ in range(2):
        outside.dials(again, "2")
    assert "Sudah benar" in outside.dials(again, "2")
    told = outside.dials(again, "1")
    while told.startswith("CON"):
        told = outside.dials(again, "0")
    assert told.startswith("END")
    with transaction(outside.services.engine) as db:
        (booking,) = db.scalars(select(Booking).where(Booking.medium == Medium.USSD))
        assert booking.state is BookingState.CONFIRMED


def test_an_sms_is_answered_by_sms_once(outside: Outside) -> None:
    for _ in range(2):
        assert outside.texts("Vaksin", "kannel-1") == 200
    outside.deliver()
    assert [(sms.to, "NIK" in sms.text) for sms in outside.kannel.sent] == [(PHONE, True)]
    assert outside.texts("Vaksin", "") == 422
    wrong = {"X-Kannel-From": PHONE, "Authorization": "Basic " + base64.b64encode(b"gerbang:salah").decode()}
    assert outside.site.post("/webhooks/sms?id=k2", content=b"Vaksin", headers=wrong).status_code == 401
    assert outside.site.post("/webhooks/sms?id=k2", content=b"Vaksin", headers=BASIC).status_code == 422
    ussd = {"sessionId": "s", "phoneNumber": PHONE, "text": ""}
    assert outside.site.post("/webhooks/ussd", data=ussd).status_code == 401
    assert outside.site.post("/webhooks/ussd", data=ussd | {"phoneNumber": "Budi"}, headers=BASIC).status_code == 422


def test_a_kannel_says_what_became_of_a_message(outside: Outside) -> None:
    for number in range(2):
        outside.texts("Vaksin", f"k{number}")
        outside.deliver()
    arrived, failed = outside.kannel.sent
    for sms, kind in ((arrived, 8), (arrived, 1), (failed, 16), (failed, 16)):
        told = urlsplit(outside.kannel.reports(sms, kind))
        assert outside.site.get(f"{told.path}?{told.query}").status_code == 401
        assert (told.username, unquote(told.password or "")) == ("rantai", PASSWORD)
        assert outside.site.get(f"{told.path}?{told.query}", headers=BASIC).status_code == 200
    with transaction(outside.services.engine) as db:
        first, second = db.scalars(select(OutMessage).order_by(OutMessage.created_at, OutMessage.id))
        assert (first.state, first.delivered_at is not None, first.segments) == (MessageState.SENT, True, 1)
        assert (second.state, second.last_error) == (MessageState.UNDELIVERABLE, "sms: type 16")
    assert outside.site.get("/webhooks/sms/kabar?id=x&type=1", headers=BASIC).status_code == 422


def test_twilio_takes_messages_brings_them_and_says_what_became_of_them(outside: Outside) -> None:
    twilio = FakeTwilio(account="AC1", token="token of the account")
    settings = outside.services.settings
    settings.mouths.twilio_token = SecretStr(twilio.token)
    own, address = settings.delivery, settings.api.public_url + "/webhooks/sms/twilio"
    with served(twilio.app()) as api:
        own.sms_shape, own.sms_sender = SmsShape.TWILIO, "+6215000"
        own.sms_url, own.sms_username = f"{api}/2010-04-01/Accounts/AC1/Messages.json", "AC1"
        own.sms_password = SecretStr(twilio.token)
        form, headers = twilio.says(address, PHONE, "Vaksin", sid="SM1")
        for given in ({}, headers | {"X-Twilio-Signature": "x"}):
            assert outside.site.post("/webhooks/sms/twilio", data=form, headers=given).status_code == 401
        assert outside.site.post("/webhooks/sms/twilio", data=form | {"Body": "x"}, headers=headers).status_code == 401
        for _ in range(2):
            answer = outside.site.post("/webhooks/sms/twilio", data=form, headers=headers)
            assert (answer.status_code, answer.text) == (200, "<Response/>")
        twilio.fail_next = 1
        outside.deliver()
        outside.later = timedelta(minutes=1)
        outside.deliver()
    assert [(sms.to, sms.sender, "NIK" in sms.text) for sms in twilio.sent] == [(PHONE, "+6215000", True)]
    assert outside.kannel.sent == []
    form, headers = twilio.posts(twilio.callbacks[0], MessageSid="SM" + 31 * "0" + "1", MessageStatus="delivered")
    told = urlsplit(twilio.callbacks[0])
    forged = told.query.replace("id=", "id=0")
    assert outside.site.post(f"{told.path}?{forged}", data=form, headers=headers).status_code == 401
    assert outside.site.post(f"{told.path}?{told.query}", data=form, headers=headers).status_code == 200
    with transaction(outside.services.engine) as db:
        (message,) = db.scalars(select(OutMessage))
        assert (message.gateway_ref, message.delivered_at is not None) == ("SM" + 31 * "0" + "1", True)
    form, headers = twilio.says(address, "whatsapp:+62", "x", sid="SM2")
    assert outside.site.post("/webhooks/sms/twilio", data=form, headers=headers).status_code == 422


def test_a_gateway_of_signed_json_is_spoken_to_both_ways(outside: Outside) -> None:
    gateway = FakeJsonGateway(secret="rahasia", clock=lambda: datetime.now(UTC))
    settings = outside.services.settings
    settings.mouths.sms_secret = SecretStr("masuk")
    inward = FakeJsonGateway(secret="masuk", clock=outside.services.clock)
    message = {"id": "m1", "from": PHONE, "text": "vaksin"}

    def post(body: bytes, headers: dict[str, str]) -> int:
        return outside.site.post("/webhooks/sms/json", content=body, headers=headers).status_code

    with served(gateway.app()) as api:
        settings.delivery.sms_shape, settings.delivery.sms_url = SmsShape.JSON, f"{api}/sms"
        settings.delivery.sms_password = SecretStr("rahasia")
        delivery = inward.posts(messages=[message, {"id": "no number"}])
        assert post(delivery[0] + b" ", delivery[1]) == 401
        old = replace(inward, clock=lambda: outside.services.clock() - timedelta(minutes=6))
        assert post(*old.posts(messages=[message])) == 401
        assert [post(*delivery) for _ in range(2)] == [200, 200], "a copy within five minutes does nothing more"
        outside.deliver()
    assert [(sms.to, "NIK" in sms.text) for sms in gateway.sent] == [(PHONE, True)]
    assert post(*inward.posts(receipts=[{"id": gateway.ids[0], "status": "delivered"}])) == 200
    with transaction(outside.services.engine) as db:
        (kept,) = db.scalars(select(OutMessage))
        assert (kept.gateway_ref, kept.delivered_at is not None) == ("g0", True)
    assert post(*inward.posts(messages="all")) == 422
    assert post(*inward.posts(messages=[{"id": 1}])) == 422


def test_who_wants_no_messages_gets_what_they_ask_for_and_nothing_else(outside: Outside) -> None:
    booked_by_whatsapp(outside)
    person = str(booking_of(outside.services).person_id)

    def tell(template: str) -> str | None:
        with transaction(outside.services.engine) as db:
            told = queue_message(
                db,
                medium="whatsapp",
                recipient_ref=person,
                template=template,
                params={},
                unit_id=None,
                now=outside.clock(),
            )
        outside.deliver()
        with transaction(outside.services.engine) as db:
            return db.get_one(OutMessage, told).last_error

    (answer,) = outside.says("Stop")
    assert "tidak kami kirimi" in text_in(answer)
    assert "Janji yang ada tetap" in text_in(answer)
    booking_of(outside.services)
    before = len(outside.whatsapp.sent)
    assert tell("quota_session_changed") == "no messages are wanted there"
    assert len(outside.whatsapp.sent) == before
    assert outside.texts("STOP", "k1") == 200, "said by another medium, and said again"
    assert tell("ticket_code") is None
    (help_,) = outside.says("bantuan")
    assert "STOP" in text_in(help_)
    (again,) = outside.says("MULAI")
    assert text_in(again).startswith("Baik, nomor ini kami kirimi pesan lagi.")
    assert tell("quota_session_changed") is None


def test_a_mouth_without_a_secret_is_closed(outside: Outside) -> None:
    mouths = outside.services.settings.mouths
    mouths.whatsapp_secret = mouths.sms_password = mouths.ussd_password = SecretStr("")
    empty = {"Authorization": "Basic " + base64.b64encode(b"gerbang:").decode()}
    delivery = outside.whatsapp.says(WA, "Vaksin", message_id="wamid.1")
    signed = replace(delivery, headers={"X-Hub-Signature-256": sign(delivery.body, "")})
    assert outside.post(signed) == 404
    assert (
        outside.site.post("/webhooks/sms?id=k", content=b"x", headers=empty | {"X-Kannel-From": PHONE}).status_code
        == 404
    )
    assert outside.site.post("/webhooks/ussd", data={"sessionId": "s"}, headers=empty).status_code == 404
    for path in ("/webhooks/sms/twilio", "/webhooks/sms/twilio/kabar", "/webhooks/sms/json"):
        assert outside.site.post(path, content=b"").status_code == 404
    assert outside.site.get("/webhooks/sms/kabar", headers=empty).status_code == 404


def test_the_phone_to_play_with_speaks_to_the_house_as_the_gateways_do(outside: Outside) -> None:
    with served(create_app(outside.services)) as address:
        house = House(address=address, sms_password=PASSWORD, ussd_password=PASSWORD)
        with TestClient(outbox_app(outside.kannel, outside.whatsapp, house), follow_redirects=True) as phone:
            shown = phone.post("/hp/wa", data={"n": "0812-3456-7851", "text": "vaksin"}).text
            assert 'class="mine">vaksin' in shown
            outside.deliver()
            assert "6 angka terakhir NIK" in phone.get("/hp?n=081234567851&m=wa").text
            phone.post("/hp/wa", data={"n": WA, "text": NIK[-6:]})
            phone.post("/hp/wa", data={"n": WA, "text": "Cipondoh"})
            outside.deliver()
            offered = phone.get(f"/hp?n={WA}", headers={"X-Part": "talk"}).text
            assert 'name="baris" value="1"' in offered
            phone.post("/hp/wa", data={"n": WA, "baris": "1"})
            for _ in range(3):
                phone.post("/hp/wa", data={"n": WA, "tombol": "TIDAK"})
            phone.post("/hp/wa", data={"n": WA, "tombol": "YA"})
            outside.deliver()
            talk = phone.get(f"/hp?n={WA}").text
            picture = talk.split('<img src="')[-1].split('"')[0]
            assert phone.get(picture).content.startswith(b"\x89PNG")
            with transaction(outside.services.engine) as db:
                told = db.scalars(select(OutMessage).where(OutMessage.template == "chat_reply")).all()
                assert all(message.read_at for message in told), "whoever looks at the talk has read it"
            assert phone.get("/hp/gambar/none").status_code == 404
            assert "Selamat datang" in phone.post("/hp/panggil", data={"n": WA}).text
            assert "terima 3" in phone.post("/hp/ussd", data={"n": WA, "text": "123"}).text
            phone.post("/hp/sms", data={"n": WA, "text": "<b>vaksin</b>"})
            outside.deliver()
            assert "&lt;b&gt;vaksin" in phone.get(f"/hp?n={WA}&m=sms").text
            listed = phone.get("/").text
            assert ("/hp" in listed, "WhatsApp · +628" in listed, WA in listed) == (True, True, False)
    gone = House(address="http://127.0.0.1:1", sms_password="", ussd_password="")
    with TestClient(outbox_app(outside.kannel, outside.whatsapp, gone)) as phone:
        assert "belum terkirim" in phone.post("/hp/wa", data={"n": "x", "text": "vaksin"}).text
        assert "tidak menjawab" in phone.post("/hp/panggil", data={"n": "x"}).text


def test_a_shared_position_is_answered_with_the_nearest_places_and_kept_nowhere(outside: Outside) -> None:
    outside.says("Vaksin")
    outside.says(NIK[-6:])
    with transaction(outside.services.engine) as db:
        at = func.ST_AsText(Facility.point)
        (point,) = db.execute(select(at).where(Facility.code == "pkm-cipondoh")).one()
    east, north = (float(part) for part in point.removeprefix("POINT(").removesuffix(")").split())

    def sends(latitude: float, longitude: float) -> dict[str, Any]:
        outside.count += 1
        where: dict[str, object] = {
            "type": "location",
            "location": {"latitude": latitude, "longitude": longitude, "name": "Rumah"},
        }
        (answer,) = outside.hears(outside.whatsapp.sends(WA, where, message_id=f"wamid.{outside.count}"))
        return answer

    assert "25 km" in text_in(sends(5.55, 95.3))
    offered = sends(north + 0.01, east)
    rows = offered["interactive"]["action"]["sections"][0]["rows"]
    assert "Cipondoh, 1.1 km" in rows[0]["description"]
    assert rows[0]["id"] == "1"
    with transaction(outside.services.engine) as db:
        (talk,) = db.scalars(select(Conversation))
        assert str(round(north, 3)) not in str(talk.state)
