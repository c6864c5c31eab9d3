"""Talks: a step of a conversation with its database, and messages through WhatsApp's webhook.

The steps are those of a whole road, from the first word of somebody new to their ticket, each committed. The webhook gets signed
deliveries of one message each, on eight connections, at two server processes; nothing is sent back, for that is the worker's. The bare
limit is `pgbench -M simple` writing the rows of a message, asking nothing. Run alone: `python -m benchmarks talk`.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from benchmarks.bench_load import SECRET, hot_session, served
from benchmarks.common import Row, migrated_engine, percentile, pgbench, print_table, private_services
from benchmarks.product import add_product
from simulators.outside.whatsapp import Delivery, FakeWhatsApp
from tracker.access.principal import SYSTEM
from tracker.access.rules import UnitKind
from tracker.access.service import ensure_unit
from tracker.database.engine import transaction
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.people.vault import NikVault
from tracker.quota.rules.words import Medium
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import answer
from tracker.registration.service.tickets import TicketOffice

CITIZENS, MESSAGES, CONNECTIONS, SERVERS = 500, 4_000, 8, 2
SAID = ("vaksin", "bantuan", "123456", "tidak")
_NUMBER, _APP_SECRET = "119", "a secret for benchmarks"
_BARE = """
\\set n random(1, 1000000000)
\\set m random(1, 1000000000)
BEGIN;
INSERT INTO conversation (id, medium, state, updated_at)
    VALUES (('00000000-0000-4000-8000-' || lpad(:n::text, 12, '0'))::uuid, 'whatsapp', '{"step": "start"}', now());
SELECT state FROM conversation WHERE id = ('00000000-0000-4000-8000-' || lpad(:n::text, 12, '0'))::uuid FOR UPDATE;
INSERT INTO conversation_turn (conversation_id, message_id, replies, at)
    VALUES (('00000000-0000-4000-8000-' || lpad(:n::text, 12, '0'))::uuid, 'm' || :m, '["Selamat datang."]', now());
UPDATE conversation SET state = '{"step": "nik"}', updated_at = now()
    WHERE id = ('00000000-0000-4000-8000-' || lpad(:n::text, 12, '0'))::uuid;
INSERT INTO out_message (id, medium, recipient_ref, template, params, language, state, attempts, next_at, created_at)
    VALUES (gen_random_uuid(), 'whatsapp', :n::text, 'chat_reply', '{}', 'id', 'pending', 0, now(), now());
COMMIT;
"""


def measure(*, quick: bool = False) -> list[Row]:
    """A tenth of it when quick."""
    citizens, messages = (CITIZENS // 10, MESSAGES // 10) if quick else (CITIZENS, MESSAGES)
    with private_services() as services, migrated_engine(services) as engine:
        with transaction(engine) as db:
            ensure_unit(db, code="ID", name="Indonesia", kind=UnitKind.NATIONAL, parent=None)
            batch = add_product(db, now=utc_now())
            hot_session(db, batch, citizens, now=utc_now())
        steps = _steps(engine, citizens)
        mouths = {
            "RANTAI_MOUTHS__WHATSAPP_SECRET": _APP_SECRET,
            "RANTAI_DELIVERY__WHATSAPP_URL": f"http://127.0.0.1:9/v20.0/{_NUMBER}/messages",
        }
        seconds = 3 if quick else 10
        limit = pgbench(services.database_url, _BARE, clients=CONNECTIONS, seconds=seconds)
        with served(services.database_url, SERVERS, mouths) as ports:
            rate = messages / _storm(ports, messages)
        # Again: the machine may have changed its mood meanwhile, and the higher one counts.
        limit = max(limit, pgbench(services.database_url, _BARE, clients=CONNECTIONS, seconds=seconds))
    p95 = percentile(steps, 0.95)
    bare = f"pgbench -M simple, same rows: {limit:,.0f} /s ({rate / limit:.2f} × of it)"
    return [
        Row(
            name=f"talk: a step of {citizens} roads to a ticket, p95",
            ours=f"{p95 * 1000:.1f} ms",
            bare="",
            figure=p95,
            bound=0.03,
            unit="s",
            at_least=False,
        ),
        Row(
            name=f"talk: {messages} messages through the webhook",
            ours=f"{rate:,.0f} /s",
            bare=bare,
            figure=rate,
            bound=200,
            unit="/s",
        ),
    ]


def _steps(engine: Engine, citizens: int) -> list[float]:
    """Seconds of each step; raises where somebody has no ticket in the end."""
    vault, office = NikVault.from_secret(SECRET), TicketOffice.from_secret(SECRET, "https://rantai.example")
    spent = []
    for number in range(1, citizens + 1):
        nik = f"367101{number % 28 + 1:02d}{number % 12 + 1:02d}90{number:04d}"
        talk, booked = uuid7(), None
        for said in ("vaksin", f"{nik} Warga Rekaan", "pkm", "1", "tidak", "tidak", "tidak", "ya"):
            message = Message(
                conversation_id=talk,
                message_id=str(uuid7()),
                medium=Medium.SMS,
                text=said,
                sender=f"+62812{number:08d}",
            )
            began = time.perf_counter()
            with transaction(engine) as db:
                booked = answer(db, SYSTEM, message, vault=vault, office=office, now=utc_now()).booking
            spent.append(time.perf_counter() - began)
        if booked is None:
            raise RuntimeError("a road did not end at a ticket")
    return spent


def _storm(ports: Sequence[int], messages: int) -> float:
    """Seconds until all deliveries were answered; raises where one was refused."""
    fake = FakeWhatsApp(phone_number_id=_NUMBER, token="t", app_secret=_APP_SECRET, clock=utc_now)
    phones = -(-messages // len(SAID))
    queues = [
        [
            fake.says(f"62813{phone:08d}", said, message_id=f"wamid.{phone}.{turn}")
            for phone in range(one, phones, CONNECTIONS)
            for turn, said in enumerate(SAID)
        ]
        for one in range(CONNECTIONS)
    ]
    refused: list[int] = []
    hands = [
        threading.Thread(target=_post_all, args=(port, iter(queue), refused))
        for port, queue in zip(itertools.cycle(ports), queues, strict=False)
    ]
    began = time.perf_counter()
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    if refused:
        raise RuntimeError(f"answers: {sorted(set(refused))}")
    return time.perf_counter() - began


def _post_all(port: int, deliveries: Iterator[Delivery], refused: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
    for one in deliveries:
        connection.request("POST", "/webhooks/whatsapp", one.body, one.headers)
        answered = connection.getresponse()
        answered.read()
        if answered.status != http.HTTPStatus.OK:
            refused.append(answered.status)


if __name__ == "__main__":
    print_table(measure(quick=True))
