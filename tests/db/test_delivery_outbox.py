"""Messages and webhooks leave after the commit, at least once, in order, and nobody's network is entered."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.support.feed import ToldHere
from tests.support.loops import finished
from tests.support.world import NOW, World
from tracker.access.rules import Role
from tracker.catalog.events import VaccineAdded
from tracker.database.engine import transaction
from tracker.delivery.errors import BadKinds, BadWebhookUrl, TooManyWebhooks, UnknownTemplate, WebhookNotFound
from tracker.delivery.messages import CLAIM, MOST_ATTEMPTS, deliver_due
from tracker.delivery.models import MessageState, OutMessage, Webhook
from tracker.delivery.rules.signing import HEADER, verify
from tracker.delivery.secrets import secret_of
from tracker.delivery.senders import (
    ByMedium,
    Outgoing,
    RecordingSender,
    SendRefused,
    SendTrouble,
)
from tracker.delivery.service import (
    MOST_WEBHOOKS,
    NewWebhook,
    add_webhook,
    queue_message,
    remove_webhook,
    webhook_in_reach,
)
from tracker.delivery.sms import KannelSender, SmsGateway
from tracker.delivery.webhooks import EVENTS_PER_REQUEST, deliver_webhooks
from tracker.delivery.whatsapp import WhatsAppSender
from tracker.events import KINDS
from tracker.feed.contract import Event
from tracker.feed.numbering import number_pending
from tracker.feed.service import append
from tracker.kit.errors import Forbidden
from tracker.quota.events import QuotaChanged
from tracker.sealing.keyring import Keyring
from tracker.stock.events import StockMoved, StockShort
from tracker.stock.rules.words import Kind

HERE = UUID(int=7)
KEYS = Keyring(("a secret for tests only, at least 32 characters",))


def queue(engine: Engine, person: str = "p1", medium: str = "sms") -> UUID:
    with transaction(engine) as db:
        params = {"facility": "Puskesmas Cipondoh", "day": "2026-03-03"}
        return queue_message(
            db, medium=medium, recipient_ref=person, template="quota_reminder", params=params, unit_id=HERE, now=NOW
        )


def message(engine: Engine, message_id: UUID) -> OutMessage:
    with transaction(engine) as db:
        return db.get_one(OutMessage, message_id)


def phone_of(person: str, medium: str) -> str | None:
    del medium
    return None if person == "nobody" else f"+62811{person}"


def test_a_message_is_sent_once_and_marked(engine: Engine) -> None:
    sender = RecordingSender()
    first = queue(engine)
    assert deliver_due(engine, sender, phone_of, now=NOW).sent == 1
    assert deliver_due(engine, sender, phone_of, now=NOW + timedelta(days=1)).sent == 0
    assert [(out.id, out.address) for out in sender.sent] == [(first, "+62811p1")]
    assert "03-03-2026" in sender.sent[0].text
    assert message(engine, first).state is MessageState.SENT


def test_trouble_is_tried_again_later_and_given_up_in_the_end(engine: Engine) -> None:
    sender = RecordingSender(trouble=[SendTrouble("status 503") for _ in range(MOST_ATTEMPTS)])
    first = queue(engine)
    now = NOW
    assert deliver_due(engine, sender, phone_of, now=now).retried == 1
    assert deliver_due(engine, sender, phone_of, now=now + timedelta(seconds=4)).retried == 0
    for _ in range(MOST_ATTEMPTS - 2):
        now += timedelta(hours=2)
        assert deliver_due(engine, sender, phone_of, now=now).retried == 1
    assert deliver_due(engine, sender, phone_of, now=now + timedelta(hours=2)).given_up == 1
    gone = message(engine, first)
    assert (gone.state, gone.last_error) == (MessageState.UNDELIVERABLE, "status 503")


@pytest.mark.parametrize(
    ("what", "params"),
    [
        ("quota_offer", {"answer_by": "2026-03-02T11:00:00+07:00"}),
        ("ticket_code", {"until": "2026-03-02T11:00:00+07:00"}),
    ],
)
def test_what_ran_out_while_the_gateway_was_down_is_not_said_any_more(
    engine: Engine, what: str, params: dict[str, str]
) -> None:
    with transaction(engine) as db:
        told = queue_message(db, medium="sms", recipient_ref="p1", template=what, params=params, unit_id=HERE, now=NOW)
    gateway = RecordingSender(trouble=[SendTrouble("status 503")])
    deliver_due(engine, gateway, phone_of, now=NOW)
    deliver_due(engine, gateway, phone_of, now=NOW + timedelta(hours=1))
    assert gateway.sent == []
    assert message(engine, told).state is MessageState.UNDELIVERABLE


def test_refusals_and_missing_addresses_are_final(engine: Engine) -> None:
    refused, nobody = queue(engine), queue(engine, "nobody")
    sender = RecordingSender(trouble=[SendRefused("status 400")])
    assert deliver_due(engine, sender, phone_of, now=NOW).given_up == 2
    assert message(engine, refused).last_error == "status 400"
    assert message(engine, nobody).last_error == "no address"


def test_a_code_and_an_offer_leave_before_any_number_of_reminders(engine: Engine) -> None:
    for _ in range(60):
        queue(engine)
    with transaction(engine) as db:
        for template in ("quota_cancelled", "ticket_code", "quota_offer"):
            later = NOW + timedelta(seconds=1)
            queue_message(db, medium="sms", recipient_ref="p2", template=template, params={}, unit_id=HERE, now=later)
    sender = RecordingSender()
    now = NOW + timedelta(seconds=2)
    while deliver_due(engine, sender, phone_of, now=now).sent:
        pass
    assert [out.template for out in sender.sent[:4]] == [
        "ticket_code",
        "quota_offer",
        "quota_cancelled",
        "quota_reminder",
    ]
    assert len(sender.sent) == 63


def test_who_sends_reminders_looks_for_what_is_urgent_after_a_few(engine: Engine) -> None:
    for _ in range(20):
        queue(engine)
    assert deliver_due(engine, RecordingSender(), phone_of, now=NOW).sent < 20


def test_a_sender_that_dies_leaves_a_claim_that_runs_out(engine: Engine) -> None:
    class Dies(Exception):
        """The machine goes away in mid-send."""

    queue(engine)
    with pytest.raises(Dies):
        deliver_due(engine, RecordingSender(trouble=[Dies()]), phone_of, now=NOW)
    sender = RecordingSender()
    assert deliver_due(engine, sender, phone_of, now=NOW + timedelta(seconds=1)).sent == 0
    assert deliver_due(engine, sender, phone_of, now=NOW + CLAIM).sent == 1


def test_a_transaction_that_fails_sends_nothing(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), transaction(engine) as db:
        queue_message(db, medium="sms", recipient_ref="p1", template="quota_reminder", params={}, unit_id=HERE, now=NOW)
        _ = 1 / 0
    assert deliver_due(engine, RecordingSender(), phone_of, now=NOW).sent == 0


def test_an_unknown_template_is_refused_when_queued(db: Session) -> None:
    with pytest.raises(UnknownTemplate):
        queue_message(db, medium="sms", recipient_ref="p1", template="halo", params={}, unit_id=HERE, now=NOW)


def outgoing(medium: str) -> Outgoing:
    return Outgoing(id=UUID(int=1), medium=medium, address="+6281100", text="Halo & selamat, 08.00–12.00")


def test_gateways_get_what_their_manuals_ask_for() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(202)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    sms = KannelSender(SmsGateway(url="http://kannel.test/cgi-bin/sendsms", username="u", password="p"), client)
    whatsapp = WhatsAppSender(
        "https://graph.test/v1/7/messages", token="t", client=client, wrote_lately=lambda _phone: True
    )
    chooser = ByMedium({"sms": sms, "whatsapp": whatsapp})
    for medium in ("ussd", "whatsapp", "web"):
        chooser.send(outgoing(medium))
    assert len(seen) == 3
    assert seen[2].url.params["to"] == "+6281100"
    ByMedium({"whatsapp": whatsapp}).send(outgoing("walk_in"))
    assert seen[3].url.path == "/v1/7/messages"
    with pytest.raises(SendRefused, match="no gateway"):
        ByMedium({}).send(outgoing("web"))
    assert (seen[0].url.params["to"], seen[0].url.params["text"]) == ("+6281100", "Halo & selamat, 08.00-12.00")
    assert json.loads(seen[1].content)["to"] == "6281100"
    assert seen[1].headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("status", "error"),
    [(503, SendTrouble), (429, SendTrouble), (302, SendTrouble), (403, SendTrouble), (400, SendRefused)],
)
def test_a_gateways_answer_decides_whether_to_try_again(status: int, error: type[Exception]) -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(lambda _request: httpx2.Response(status)))
    with pytest.raises(error, match=str(status)):
        KannelSender(SmsGateway(url="http://k.test/"), client).send(outgoing("sms"))


# --- webhooks -----------------------------------------------------------------------------------------


class Receiver:
    """Another system; `answers` are the statuses it gives, 200 once they are used up."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.requests: list[httpx2.Request] = []

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(self.answers.pop(0) if self.answers else 200)

    def subjects(self) -> list[str]:
        return [event["subject"] for request in self.requests for event in json.loads(request.content)["events"]]


@pytest.fixture
def world_and_engine(engine: Engine, committed_world: World) -> tuple[World, Engine]:
    number_pending(engine)
    return committed_world, engine


def moved(unit: UUID | None) -> Event:
    if unit is None:
        return VaccineAdded(vaccine_code="mr")
    return StockMoved(stock_event_id=UUID(int=1), kind=Kind.SUPPLY, facility_id=unit, presentation_ids=(), batch_ids=())


def say(engine: Engine, unit: UUID | None, *subjects: str, news: Callable[[UUID | None], Event] = moved) -> None:
    with transaction(engine) as db:
        for subject in subjects:
            append(db, news(unit), unit_id=unit, subject=subject, occurred_at=NOW, now=NOW)
    number_pending(engine)


def subscribe(world: World, engine: Engine, role: Role = Role.CITY, **more: object) -> Webhook:
    command = NewWebhook(**({"url": "https://jaki.example.id/hook"} | more))  # type: ignore[arg-type]  # test data
    with transaction(engine) as db:
        return add_webhook(db, world.who(role), command, known=KINDS, private_allowed=False, keyring=KEYS, now=NOW)


def public(host: str, port: int) -> list[str]:
    del host, port
    return ["203.0.114.7"]


def deliver(engine: Engine, receiver: Receiver, minutes: float = 0, resolve: Callable[..., list[str]] = public) -> int:
    now = NOW + timedelta(minutes=minutes)
    return deliver_webhooks(engine, receiver.client, KEYS, kinds=KINDS, now=now, resolve_host=resolve)


def test_a_subscriber_hears_its_own_subtree_signed_and_in_order(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    hook = subscribe(world, engine)
    say(engine, world.puskesmas.id, "a", "b")
    say(engine, world.warehouse.id, "not yours")
    say(engine, None, "the nation's")
    say(engine, world.city.id, "c")
    receiver = Receiver()
    assert deliver(engine, receiver) == 1
    assert receiver.subjects() == ["a", "b", "c"]
    request = receiver.requests[0]
    with transaction(engine) as db:
        secret = secret_of(db, KEYS, hook)
    assert verify(secret, request.content, request.headers[HEADER])
    assert deliver(engine, receiver) == 0
    say(engine, world.city.id, "d")
    deliver(engine, receiver)
    assert receiver.subjects() == ["a", "b", "c", "d"]


def test_only_the_kinds_asked_for_are_sent(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    subscribe(world, engine, kinds=("quota.*", "stock.short"))
    pool = {"facility_id": world.city.id, "presentation_id": UUID(int=2)}
    say(engine, world.city.id, "stock.moved")
    say(engine, world.city.id, "stock.short", news=lambda _unit: StockShort(**pool, days=(), short_vials=1))
    say(engine, world.city.id, "quota.changed", news=lambda _unit: QuotaChanged(**pool))
    say(engine, world.city.id, "test.told", news=lambda _unit: ToldHere())
    receiver = Receiver()
    deliver(engine, receiver)
    assert receiver.subjects() == ["stock.short", "quota.changed"]


def test_a_failing_receiver_gets_the_same_again_later_and_nothing_is_skipped(
    world_and_engine: tuple[World, Engine],
) -> None:
    world, engine = world_and_engine
    hook = subscribe(world, engine)
    say(engine, world.city.id, "a")
    receiver = Receiver()
    receiver.answers = [500, 301]
    assert deliver(engine, receiver) == 0
    say(engine, world.city.id, "b")
    assert deliver(engine, receiver, minutes=0.05) == 0
    assert len(receiver.requests) == 1
    assert deliver(engine, receiver, minutes=1) == 0
    with transaction(engine) as db:
        assert db.get_one(Webhook, hook.id).failures == 2
        assert db.get_one(Webhook, hook.id).last_error == "status 301"
    assert deliver(engine, receiver, minutes=2) == 1
    assert receiver.subjects() == ["a", "a", "b", "a", "b"]


def test_many_events_come_in_several_requests(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    subscribe(world, engine)
    names = [str(n) for n in range(EVENTS_PER_REQUEST + 5)]
    say(engine, world.city.id, *names)
    receiver = Receiver()
    while deliver(engine, receiver):
        pass
    assert len(receiver.requests) == 2
    assert receiver.subjects() == names


def test_a_name_that_leads_inside_is_never_called(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    hook = subscribe(world, engine)
    say(engine, world.city.id, "a")
    receiver = Receiver()
    deliver(engine, receiver, resolve=lambda _host, _port: ["203.0.114.7", "10.0.0.5"])
    assert receiver.requests == []
    with transaction(engine) as db:
        assert "private" in (db.get_one(Webhook, hook.id).last_error or "")
    deliver(engine, receiver, minutes=1)
    # The address that was checked is called, under the subscriber's own name.
    assert receiver.requests[0].url.host == "203.0.114.7"
    assert receiver.requests[0].headers["Host"] == "jaki.example.id"
    assert receiver.requests[0].extensions["sni_hostname"] == "jaki.example.id"


class Dripping:
    """A receiver that takes the request and then sends its answer's head a byte at a time, for ever."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}/hook"
        self.calls = 0
        self._over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                self.calls += 1
                threading.Thread(target=self._drip, args=(line,), daemon=True).start()

    def _drip(self, line: socket.socket) -> None:
        with suppress(OSError), line:
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self._over.wait(0.05):
                line.sendall(b"x")

    def close(self) -> None:
        self._over.set()
        self._door.close()


def test_a_receiver_that_drips_is_cut_off_and_delays_nobody(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    dripping, receiver = Dripping(), Receiver()

    def client() -> httpx2.AsyncClient:
        # One address leads to the real, slow socket; all others to the receiver that answers.
        mounts = {f"all://127.0.0.1:{urlsplit(dripping.url).port}": httpx2.AsyncHTTPTransport()}
        return httpx2.AsyncClient(transport=httpx2.MockTransport(receiver.answer), mounts=mounts)

    def deliver_all(failing: bool | None = None, minutes: float = 0) -> int:
        now = NOW + timedelta(minutes=minutes)
        return deliver_webhooks(
            engine, client, KEYS, kinds=KINDS, now=now, failing=failing, private_allowed=True, whole_call_s=0.5
        )

    try:
        with transaction(engine) as db:
            who = world.who(Role.CITY)
            slow = add_webhook(
                db, who, NewWebhook(url=dripping.url), known=KINDS, private_allowed=True, keyring=KEYS, now=NOW
            ).id
        subscribe(world, engine)
        say(engine, world.city.id, "a")
        assert deliver_all() == 1
        assert (dripping.calls, receiver.subjects()) == (1, ["a"])
        with transaction(engine) as db:
            hook = db.get_one(Webhook, slow)
            assert (hook.failures, hook.last_error) == (1, "no answer in time")
        # From then on it has a round of its own.
        say(engine, world.city.id, "b")
        assert deliver_all(failing=False, minutes=60) == 1
        assert (dripping.calls, receiver.subjects()) == (1, ["a", "b"])
        assert deliver_all(failing=True, minutes=60) == 0
        assert dripping.calls == 2
    finally:
        dripping.close()


def test_a_caller_with_an_event_loop_of_its_own_may_deliver_too(world_and_engine: tuple[World, Engine]) -> None:
    world, engine = world_and_engine
    subscribe(world, engine)
    say(engine, world.city.id, "a")
    receiver = Receiver()

    async def from_within() -> int:
        return deliver(engine, receiver)

    assert finished(from_within()) == 1
    assert receiver.subjects() == ["a"]


def test_webhooks_are_refused_where_they_must_be(db: Session, world: World) -> None:
    city = world.who(Role.CITY)
    for command, error in (
        (NewWebhook(url="http://10.0.0.1/"), BadWebhookUrl),
        (NewWebhook(url="https://a.example.id/", kinds=("DROP TABLE",)), BadKinds),
    ):
        with pytest.raises(error):
            add_webhook(db, city, command, known=KINDS, private_allowed=False, keyring=KEYS, now=NOW)
    with pytest.raises(Forbidden):
        add_webhook(
            db,
            world.who(Role.VACCINATOR),
            NewWebhook(url="https://a.example.id/"),
            known=KINDS,
            private_allowed=False,
            keyring=KEYS,
            now=NOW,
        )
    for _ in range(MOST_WEBHOOKS):
        made = add_webhook(
            db, city, NewWebhook(url="https://a.example.id/"), known=KINDS, private_allowed=False, keyring=KEYS, now=NOW
        )
    with pytest.raises(TooManyWebhooks):
        add_webhook(
            db, city, NewWebhook(url="https://a.example.id/"), known=KINDS, private_allowed=False, keyring=KEYS, now=NOW
        )
    # Whoever manages its account may end it; nobody else knows of it.
    assert webhook_in_reach(db, world.who(Role.PROVINCE), made.id) is made
    for role in (Role.MANAGER, Role.INTEGRATOR, Role.AUDITOR):
        with pytest.raises(WebhookNotFound):
            webhook_in_reach(db, world.who(role), made.id)
    remove_webhook(db, city, made.id)
    assert db.scalar(select(Webhook.id).where(Webhook.id == made.id)) is None
