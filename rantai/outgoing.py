"""The worker's loops that carry messages and webhooks out of the house."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

import httpx2
from sqlalchemy import Engine

from rantai.supervisor import Loop
from tracker.database.engine import transaction
from tracker.delivery.gateways import sender_from, sms_receipts
from tracker.delivery.messages import AddressOf, Reply, deliver_due
from tracker.delivery.rules.night import Night
from tracker.delivery.web_push import Browser, PushSender
from tracker.delivery.webhooks import deliver_webhooks
from tracker.events import KINDS
from tracker.feed import bell
from tracker.interest.service import tell_of_places
from tracker.kit.clock import Clock
from tracker.people.queries import phone_of
from tracker.people.rules.contact import takes_messages
from tracker.people.silence import silent_since
from tracker.quota.rules.reminding import Reminding
from tracker.quota.rules.words import Medium
from tracker.quota.service.reminding import RemindersRound
from tracker.quota.service.reminding_doses import remind_claims
from tracker.quota.service.rereading import facts_now
from tracker.registration.service import addresses, chats, pushes
from tracker.registration.service.proving import phone_of_code
from tracker.registration.service.tickets import ticket_office
from tracker.sealing.keyring import Keyring
from tracker.settings import Settings

_CONNECT_S = 5.0
_LOOK_FOR_REMINDERS_S = 10.0
_LOOK_FOR_PLACES_S = 30.0


def reminding_of(current: Settings) -> Reminding:
    """When people are reminded, as it is set."""
    night = Night(begins=current.delivery.quiet_from, ends=current.delivery.quiet_to)
    return Reminding(
        from_hour=current.delivery.remind_from,
        days_before_dose=current.delivery.dose_days_before,
        days_after_dose=current.delivery.dose_days_after,
        night=night,
    )


def tell_willing(engine: Engine, current: Settings, *, now: datetime) -> int:
    """Tell who is willing of the places that are open, some hundred sessions in a transaction; how many were told."""
    people, after, more = 0, None, True
    while more:
        with transaction(engine) as db:
            address = ticket_office(db, current).address
            told = tell_of_places(db, address=address, night=reminding_of(current).night, now=now, after=after)
        people, after, more = people + told.people, told.after, told.after is not None
    return people


def outgoing_loops(engine: Engine, current: Settings, clock: Clock, client: httpx2.Client | None = None) -> list[Loop]:
    """One for people, one that reminds them, one for other systems, one for those systems that failed: nobody waits for somebody else's receiver.

    `client` speaks to the gateways; without one the loops have their own for as long as the process lives.
    """
    client = client or httpx2.Client(timeout=httpx2.Timeout(10.0, connect=_CONNECT_S), follow_redirects=False)

    def wrote_lately(phone: str) -> bool:
        with transaction(engine) as db:
            return chats.wrote_lately(db, ticket_office(db, current), Medium.WHATSAPP, phone, now=clock())

    sender = sender_from(
        current.delivery,
        client,
        wrote_lately,
        push_sender(engine, current, clock, client),
        receipts=sms_receipts(current),
    )
    address_of = phone_book(engine, current)
    keyring = Keyring.of(current)
    private = current.delivery.private_webhooks

    def link_of(booking: str) -> str:
        with transaction(engine) as db:
            return addresses.link_of(db, ticket_office(db, current), UUID(booking))

    def code_of(ticket_code: str) -> str:
        with transaction(engine) as db:
            return ticket_office(db, current).code_of(UUID(ticket_code))

    def reply_of(turn: str) -> Reply | None:
        with transaction(engine) as db:
            return chats.reply_of(db, ticket_office(db, current), turn)

    def facts_of(template: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        with transaction(engine) as db:
            return facts_now(db, template, params, clock())

    def silent(phone: str) -> bool:
        with transaction(engine) as db:
            return silent_since(db, phone) is not None

    reminding = reminding_of(current)
    sessions = RemindersRound(engine, reminding)

    def messages() -> int:
        done = deliver_due(
            engine,
            sender,
            address_of,
            link_of=link_of,
            code_of=code_of,
            reply_of=reply_of,
            facts_of=facts_of,
            silent=silent,
            night=reminding.night,
            now=clock(),
        )
        return done.sent + done.retried + done.given_up

    # A round has a client of its own, for it has an event loop of its own; the certificates are read once.
    verify = ssl.create_default_context()

    def open_client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(timeout=httpx2.Timeout(10.0, connect=_CONNECT_S), verify=verify)

    def webhooks(*, failing: bool) -> int:
        return deliver_webhooks(
            engine, open_client, keyring, kinds=KINDS, now=clock(), failing=failing, private_allowed=private
        )

    return [
        Loop(name="messages", step=messages, channels=(bell.NUMBERED,)),
        Loop(
            name="reminders",
            step=lambda: sessions(clock()) + remind_claims(engine, now=clock(), reminding=reminding),
            every_s=_LOOK_FOR_REMINDERS_S,
        ),
        Loop(name="willing", step=lambda: tell_willing(engine, current, now=clock()), every_s=_LOOK_FOR_PLACES_S),
        Loop(name="webhooks", step=partial(webhooks, failing=False), channels=(bell.NUMBERED,)),
        Loop(name="failed webhooks", step=partial(webhooks, failing=True), every_s=5.0),
    ]


def push_sender(engine: Engine, current: Settings, clock: Clock, client: httpx2.Client) -> PushSender | None:
    """Tells browsers; None where nobody is named whom push services may ask."""
    contact = current.delivery.push_contact
    if contact is None:
        return None

    def browsers_of(recipient_ref: str) -> list[Browser]:
        with transaction(engine) as db:
            return pushes.browsers_of(db, ticket_office(db, current), UUID(recipient_ref))

    def took(browser_id: UUID) -> None:
        with transaction(engine) as db:
            pushes.browser_told(db, browser_id, clock())

    def gone(browser_id: UUID) -> None:
        with transaction(engine) as db:
            pushes.drop_browser(db, browser_id)

    return PushSender(contact=contact, client=client, browsers_of=browsers_of, took=took, gone=gone, clock=clock)


def phone_book(engine: Engine, current: Settings) -> AddressOf:
    """Looks a person's phone up at the moment of sending, however they booked; None where it takes no messages.

    A code that was asked for by nobody known yet goes to the phone that was typed beside it, a reply to the phone that wrote.
    """

    def address_of(recipient_ref: str, medium: str) -> str | None:
        del medium  # whichever gateway it leaves by, a phone is reached
        with transaction(engine) as db:
            office = ticket_office(db, current)
            wrote = chats.phone_of_chat(db, office, UUID(recipient_ref))
            if wrote is not None:
                return wrote
            phone = phone_of(db, UUID(recipient_ref)) or phone_of_code(db, office, UUID(recipient_ref))
        return phone if takes_messages(phone) else None

    return address_of
