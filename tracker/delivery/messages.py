"""The worker's step that sends what lies in the outbox.

A message is claimed by moving its `next_at` into the future and committing; only then is it sent, so no
transaction waits for the network. A sender that dies in between leaves a claim that runs out, and the message
goes again: at least once, never nought times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from tracker.database.engine import transaction
from tracker.delivery.events import MessageFailed, MessageSent
from tracker.delivery.models import MessageState, OutMessage
from tracker.delivery.rules.backoff import wait_after
from tracker.delivery.rules.night import Night
from tracker.delivery.rules.templates import (
    ANSWERS,
    ASKED_FOR,
    READ_AGAIN,
    REMINDERS,
    Urgency,
    has_run_out,
    render,
    values_in,
)
from tracker.delivery.senders import Choice, Left, Outgoing, Sender, SendRefused, SendTrouble
from tracker.feed.service import append

CLAIM = timedelta(seconds=60)
MOST_ATTEMPTS = 12  # with the waits of `backoff`: some five hours
# Of what can wait so many at a time: a code that is asked for meanwhile waits for no more than these.
_MOST_THAT_WAIT = 10

# Which address a person has for a medium, at the moment of sending; None when there is none.
AddressOf = Callable[[str, str], str | None]

# The address of a booking's page, or a code, made of an id as the message leaves: what opens a ticket does not lie in the
# outbox.
LinkOf = Callable[[str], str]


# What a message that is read again says as it leaves, of its template and what was noted when it was queued; None where that is so no more.
FactsOf = Callable[[str, Mapping[str, object]], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a conversation answered to one message; its words lie with the conversation, not in the outbox."""

    text: str
    choices: tuple[Choice, ...] = ()
    question: str = ""
    picture: bytes | None = None


# The reply to a message of a conversation, made as it leaves; None where it is kept no longer.
ReplyOf = Callable[[str], Reply | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one step did."""

    sent: int = 0
    retried: int = 0
    given_up: int = 0


def deliver_due(
    engine: Engine,
    sender: Sender,
    address_of: AddressOf,
    *,
    now: datetime,
    link_of: LinkOf | None = None,
    code_of: LinkOf | None = None,
    reply_of: ReplyOf | None = None,
    facts_of: FactsOf | None = None,
    silent: Callable[[str], bool] | None = None,
    night: Night | None = None,
    most: int = 50,
) -> Sent:
    """Send up to `most` messages that are due, of the most urgent kind there is, oldest first; several workers share the work.

    `address_of(recipient_ref, medium)` looks an address up; `link_of(booking)` fills `{ticket}` where a message speaks
    of a booking, `code_of(ticket_code)` fills `{code}` where it brings one, `reply_of(turn)` is what a conversation said.
    To an address that is `silent` goes what its owner asks for and nothing else.
    What is read again says what `facts_of` it finds then; a reminder waits while it is `night` at its place.
    Nothing of a message is ever logged.
    """
    sent = retried = given_up = 0
    secrets = (("booking", "ticket", link_of), ("ticket_code", "code", code_of))
    for message in _claim(engine, now, most):
        if (morning := _morning(message, night, now)) is not None:
            _let_wait(engine, message, morning)
            continue
        told = {name: make(str(message.params[of])) for of, name, make in secrets if make and of in message.params}
        outgoing = _outgoing(address_of, reply_of, facts_of, silent, told, message, now)
        left, error, final = _send(sender, outgoing)
        if error is None:
            sent += 1
        elif final or message.attempts >= MOST_ATTEMPTS:
            given_up += 1
        else:
            retried += 1
        _record(engine, message, left, error, final=final, now=now)
    return Sent(sent=sent, retried=retried, given_up=given_up)


def _claim(engine: Engine, now: datetime, most: int) -> list[OutMessage]:
    for urgency in Urgency:
        claimed = _claim_of(engine, urgency, now, most if urgency is Urgency.AT_ONCE else min(most, _MOST_THAT_WAIT))
        if claimed:
            return claimed
    return []


def _claim_of(engine: Engine, urgency: Urgency, now: datetime, most: int) -> list[OutMessage]:
    due = (
        select(OutMessage.id)
        .where(OutMessage.state == MessageState.PENDING, OutMessage.urgency == urgency, OutMessage.next_at <= now)
        .order_by(OutMessage.next_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    with transaction(engine) as db:
        rows = db.scalars(
            update(OutMessage)
            .where(OutMessage.id.in_(due))
            .values(next_at=now + CLAIM, attempts=OutMessage.attempts + 1)
            .returning(OutMessage)
        )
        return sorted(rows, key=lambda message: message.id)


def _morning(message: OutMessage, night: Night | None, now: datetime) -> datetime | None:
    """Until when a message waits that would wake somebody; None for one that goes."""
    zone = message.params.get("zone")
    if night is None or zone is None or message.template not in REMINDERS:
        return None
    return night.over_at(now, str(zone))


def _let_wait(engine: Engine, message: OutMessage, until: datetime) -> None:
    """That it was looked at is no attempt."""
    with transaction(engine) as db:
        db.execute(
            update(OutMessage)
            .where(OutMessage.id == message.id, OutMessage.state == MessageState.PENDING)
            .values(next_at=until, attempts=message.attempts - 1)
        )


def _outgoing(
    address_of: AddressOf,
    reply_of: ReplyOf | None,
    facts_of: FactsOf | None,
    silent: Callable[[str], bool] | None,
    told: Mapping[str, str],
    message: OutMessage,
    now: datetime,
) -> Outgoing | str:
    """The message as it leaves, or why it will not."""
    if has_run_out(message.template, message.params, now):
        return "too late: what it says has run out"
    facts: Mapping[str, object] | None = {}
    if facts_of is not None and message.template in READ_AGAIN:
        facts = facts_of(message.template, message.params)
    if facts is None:
        return "too late: it is so no more"
    address = address_of(message.recipient_ref, message.medium)
    silent = None if message.template in ASKED_FOR else silent
    if address is None or (silent is not None and silent(address)):
        return "no address" if address is None else "no messages are wanted there"
    outgoing = Outgoing(
        id=message.id,
        medium=message.medium,
        address=address,
        text="",
        template=message.template,
        language=message.language,
        recipient=message.recipient_ref,
        link=told.get("ticket", ""),
    )
    if "turn" in message.params:
        reply = reply_of(str(message.params["turn"])) if reply_of else None
        if reply is None:
            return "too late: the conversation is forgotten"
        return replace(outgoing, text=reply.text, choices=reply.choices, question=reply.question, picture=reply.picture)
    params = {**message.params, **facts, **told}
    return replace(
        outgoing,
        text=render(message.template, params, message.language),
        values=tuple(values_in(message.template, params, message.language)),
        choices=_answers_to(message.template, message.language),
    )


def _answers_to(template: str, language: str) -> tuple[Choice, ...]:
    labels = ANSWERS.get(template, ())
    return tuple(Choice(answer=said, label=english if language == "en" else here) for said, here, english in labels)


def _send(sender: Sender, outgoing: Outgoing | str) -> tuple[Left | None, str | None, bool]:
    """By what it left; the error, if any, and whether trying again is no use."""
    if isinstance(outgoing, str):
        return None, outgoing, True
    try:
        return sender.send(outgoing), None, False
    except SendRefused as refusal:
        return None, str(refusal), True
    except SendTrouble as trouble:
        return None, str(trouble), False


def _record(
    engine: Engine, message: OutMessage, left: Left | None, error: str | None, *, final: bool, now: datetime
) -> None:
    news: type[MessageSent | MessageFailed] | None = None
    if error is None:
        values: dict[str, object] = {"state": MessageState.SENT, "sent_at": now, "last_error": None}
        if left is not None:
            values |= {"left_by": left.by, "gateway_ref": left.ref, "segments": left.segments}
        news = MessageSent
    elif final or message.attempts >= MOST_ATTEMPTS:
        values = {"state": MessageState.UNDELIVERABLE, "last_error": error}
        news = MessageFailed
    else:
        values = {"next_at": now + wait_after(message.attempts), "last_error": error}
    with transaction(engine) as db:
        # Another worker may have sent it after our claim ran out: then its word counts, and is told once.
        mine = db.scalar(
            update(OutMessage)
            .where(OutMessage.id == message.id, OutMessage.state == MessageState.PENDING)
            .values(**values)
            .returning(OutMessage.id)
        )
        if mine is not None and news is not None:
            tell(db, news, message, now)


def tell(db: Session, news: type[MessageSent | MessageFailed], message: OutMessage, now: datetime) -> None:
    """Say on the feed what became of a message, to whom it concerns."""
    if message.unit_id is None:
        return  # queued by a version that did not note whom it concerns
    told = news(message_id=message.id, template=message.template, medium=message.medium, attempts=message.attempts)
    append(
        db,
        told,
        unit_id=message.unit_id,
        subject=message.id,
        occurred_at=now,
        now=now,
        caused_by=message.caused_by,
    )
