"""News of a booking as a notification: asked for behind the ticket, encrypted for that browser, once, else by SMS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Host

from rantai.outgoing import outgoing_loops
from simulators.outside.push import FakePushService
from simulators.outside.sms import FakeKannel
from tests.browser.page_world import PageWorld
from tests.support.page_site import app_services, book_on_the_web, made, site, world
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.rules.templates import TEMPLATES, on_the_lock_screen
from tracker.edge.services import Services
from tracker.people.models import Person
from tracker.quota.models import Booking
from tracker.registration.models import PushBrowser
from tracker.registration.service.addresses import change_address
from tracker.registration.service.tickets import ticket_office

__all__ = ["app_services", "made", "site", "world"]

SERVICE = "https://push.example"
PERSON = {"nik": "3671015506920077", "name": "Siti Rekaan", "phone": "0812-3456-7877"}


@dataclass
class Outside:
    """The push service and the SMS gateway, and the loop that speaks to them."""

    services: Services
    push: FakePushService
    kannel: FakeKannel
    client: TestClient

    def deliver(self) -> None:
        loop = outgoing_loops(self.services.engine, self.services.settings, self.services.clock, self.client)[0]
        while loop.step():
            pass

    def states(self, template: str) -> list[MessageState]:
        with transaction(self.services.engine) as db:
            return list(db.scalars(select(OutMessage.state).where(OutMessage.template == template)))


@pytest.fixture
def outside(app_services: Services) -> Iterator[Outside]:
    delivery = app_services.settings.delivery
    delivery.sms_url, delivery.sms_username = "http://gateway.example/cgi-bin/sendsms", "u"
    delivery.push_contact, delivery.push_hosts = "mailto:dinkes@kota.example", ["push.example"]
    push = FakePushService(address=SERVICE, clock=lambda: app_services.clock().timestamp())
    kannel = FakeKannel(username="u", password="")
    both = Starlette(routes=[Host("push.example", push.app()), Host("gateway.example", kannel.app())])
    with TestClient(both, base_url=SERVICE) as client:
        yield Outside(app_services, push, kannel, client)


def subscribed(site: TestClient, outside: Outside, ticket: str, name: str = "hp") -> str:
    """The browser asks for notifications on the page of a ticket."""
    key = re.search(r'data-key="([^"]+)"', site.get(ticket).text)
    assert key is not None
    return str(site.post(f"{ticket}/kabar", data=outside.push.subscribe(name, key[1])).headers["location"])


def test_a_browser_is_told_instead_of_the_phone_and_its_lock_screen_tells_nobody_more(
    site: TestClient, world: PageWorld, outside: Outside
) -> None:
    ticket = book_on_the_web(site, world.sessions[1], **PERSON)
    outside.deliver()
    codes_and_booked = len(outside.kannel.sent)
    assert subscribed(site, outside, ticket) == f"{ticket}#kabar"
    assert subscribed(site, outside, ticket).startswith(ticket)  # a second browser of that name: the first is it, anew
    outside.deliver()
    # Whoever asked, the phone hears of it; by SMS, or who holds a ticket that is not theirs could hide it.
    assert ["di peramban yang memintanya" in sms.text for sms in outside.kannel.sent[codes_and_booked:]] == [True]
    assert ticket in outside.kannel.sent[-1].text
    site.post(f"{ticket}/batal")
    outside.deliver()
    outside.deliver()
    (shown,) = outside.push.browsers["hp"].shown
    assert (shown["title"], shown["url"].endswith(ticket)) == ("Rantai", True)
    assert shown["body"] == "Pendaftaran Anda dibatalkan. Ketuk untuk melihatnya."
    assert len(outside.kannel.sent) == codes_and_booked + 1  # one message for a change
    assert set(outside.states("quota_cancelled")) == {MessageState.SENT}
    with transaction(outside.services.engine) as db:
        row = db.scalars(select(PushBrowser)).one()
        for secret in (b"push.example", outside.push.browsers["hp"].auth, b"7877"):
            assert secret not in row.sealed + row.known_by + row.proven_by
    assert "lewat SMS saja" in site.get(ticket).text
    site.post(f"{ticket}/kabar/berhenti")
    with transaction(outside.services.engine) as db:
        assert db.scalars(select(PushBrowser)).all() == []


def test_a_browser_that_is_gone_is_let_go_and_the_phone_told(
    site: TestClient, world: PageWorld, outside: Outside
) -> None:
    ticket = book_on_the_web(site, world.sessions[1], **PERSON)
    outside.deliver()
    for name in ("hp", "tablet"):
        subscribed(site, outside, ticket, name)
    outside.deliver()
    outside.push.gone.add("hp")
    site.post(f"{ticket}/batal")
    sent = len(outside.kannel.sent)
    outside.deliver()
    assert (len(outside.push.browsers["tablet"].shown), len(outside.kannel.sent)) == (1, sent)
    with transaction(outside.services.engine) as db:
        assert len(db.scalars(select(PushBrowser)).all()) == 1
    # Nobody has it any more, or it is refused now: by SMS at once, and once.
    again = book_on_the_web(site, world.sessions[1], **PERSON)
    outside.deliver()
    assert len(outside.push.browsers["tablet"].shown) == 2
    sent = len(outside.kannel.sent)
    outside.push.fail_next = 1
    site.post(f"{again}/batal")
    outside.deliver()
    assert (len(outside.push.browsers["tablet"].shown), len(outside.kannel.sent)) == (2, sent + 1)
    assert set(outside.states("quota_cancelled")) == {MessageState.SENT}


def test_a_browser_belongs_to_the_phone_and_the_address_it_was_asked_for_with(
    site: TestClient, world: PageWorld, outside: Outside
) -> None:
    ticket = book_on_the_web(site, world.sessions[1], **PERSON)
    subscribed(site, outside, ticket)
    with transaction(outside.services.engine) as db:
        booking = ticket_office(db, outside.services.settings).unsealed(ticket.rpartition("/")[2])[0]
        owner = db.get_one(Person, db.get_one(Booking, booking).person_id)
        had, owner.phone = owner.phone, "+6281299990000"
    assert "lewat SMS saja" not in site.get(ticket).text
    site.post(f"{ticket}/batal")
    outside.deliver()
    assert outside.push.browsers["hp"].shown == []
    assert outside.kannel.sent[-1].to == "+6281299990000"
    with transaction(outside.services.engine) as db:
        db.get_one(Person, owner.id).phone = had
    assert "lewat SMS saja" in site.get(ticket).text
    with transaction(outside.services.engine) as db:  # others had come to know the ticket's address
        change_address(db, SYSTEM, UUID(str(booking)), now=outside.services.clock() + timedelta(minutes=1))
        assert db.scalars(select(PushBrowser)).all() == []


def test_no_other_address_is_called_and_no_key_taken_that_is_none(
    site: TestClient, world: PageWorld, outside: Outside
) -> None:
    ticket = book_on_the_web(site, world.sessions[1], **PERSON)
    good = outside.push.subscribe("hp", "")
    for wrong in (
        {"endpoint": "https://push.example.evil.example/x"},
        {"endpoint": "https://evilpush.example/x"},
        {"endpoint": "http://push.example/x"},
        {"endpoint": "https://a:b@push.example/x"},
        {"endpoint": "https://169.254.169.254/push.example"},
        {"endpoint": ""},
        {"p256dh": "x"},
        {"p256dh": good["p256dh"][:-4] + "AAAA"},
        {"auth": "AAAA"},
        {"auth": "é"},
    ):
        answer = site.post(f"{ticket}/kabar", data={**good, **wrong})
        assert (answer.status_code, "tetap dikirim ke ponsel" in answer.text) == (422, True), wrong
    assert site.post("/daftar/tiket/x/kabar", data=good).status_code == 404
    with transaction(outside.services.engine) as db:
        assert db.scalars(select(PushBrowser)).all() == []


def test_codes_never_go_to_a_browser_and_no_lock_screen_names_a_place_or_day() -> None:
    for template in ("phone_code", "ticket_code", "chat_reply", "push_started", "recall_notice"):
        assert on_the_lock_screen(template, "id") is None
    for template in TEMPLATES:
        for language in ("id", "en"):
            assert "{" not in (on_the_lock_screen(template, language) or "")
