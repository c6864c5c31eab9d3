"""Use cases of this room: putting messages into the outbox, and webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tracker.access.ending import account_in_reach
from tracker.access.models import LoginAccount
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.delivery.errors import (
    BadKinds,
    BadPosition,
    BadWebhookUrl,
    TooManyWebhooks,
    UnknownTemplate,
    WebhookNotFound,
)
from tracker.delivery.models import MessageState, OutMessage, Webhook
from tracker.delivery.rules.addresses import refusal_of_url
from tracker.delivery.rules.templates import TEMPLATES, urgency_of
from tracker.delivery.secrets import new_secret, seal
from tracker.feed.forgetting import gone_up_to
from tracker.feed.kinds import Kinds
from tracker.feed.queries import last_position
from tracker.feed.service import cause_of
from tracker.kit.errors import DomainError, Forbidden
from tracker.kit.ids import uuid7
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import key_to_write

MOST_WEBHOOKS = 20


def queue_message(
    db: Session,
    *,
    medium: str,
    recipient_ref: str,
    template: str,
    params: Mapping[str, object],
    unit_id: UUID | None,
    now: datetime,
    language: str = "id",
) -> UUID:
    """Put a message into the outbox; it leaves after the commit, or not at all when the transaction fails.

    `recipient_ref` is the opaque id of the person, never an address or a name; so are `params`. What becomes of the
    message is told on the feed under `unit_id`, as a consequence of the event being handled; None for a reply in a talk, which concerns
    no unit. Raises UnknownTemplate.
    """
    told = [(medium, recipient_ref, params)]
    return queue_messages(db, told, template=template, unit_id=unit_id, now=now, language=language)[0]


def queue_messages(
    db: Session,
    told: Sequence[tuple[str, str, Mapping[str, object]]],
    *,
    template: str,
    unit_id: UUID | None,
    now: datetime,
    language: str = "id",
    also: Mapping[str, object] = MappingProxyType({}),
) -> list[UUID]:
    """`queue_message` for many, in one statement: (medium, recipient_ref, params) each, with the params they `also` have in common.

    Raises UnknownTemplate.
    """
    if template not in TEMPLATES:
        raise UnknownTemplate(field="template", template=template)
    messages = [
        OutMessage(
            id=uuid7(),
            medium=medium,
            recipient_ref=recipient_ref,
            template=template,
            params={**also, **params},
            language=language,
            state=MessageState.PENDING,
            urgency=urgency_of(template),
            attempts=0,
            next_at=now,
            created_at=now,
            unit_id=unit_id,
            caused_by=cause_of(db),
        )
        for medium, recipient_ref, params in told
    ]
    db.add_all(messages)
    db.flush()
    return [message.id for message in messages]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """`kinds` of feed events wanted (`stock.moved`, `quota.*`), empty for all; `since` is a feed position."""

    url: str
    kinds: Sequence[str] = ()
    since: int | None = None


def insist_on_kept(db: Session, position: int, *, field: str) -> None:
    """That the feed can go on behind a position. Raises BadPosition."""
    gone, newest = gone_up_to(db), last_position(db)
    if not gone <= position <= newest:
        raise BadPosition(field=field, position=position, kept_after=gone, most=newest)


def kept_place(db: Session, asked: int, *, field: str) -> int:
    """The position to go on from; 0 is all that is kept. Raises BadPosition for one that is no more, or not yet."""
    if asked:
        insist_on_kept(db, asked, field=field)
    return asked or gone_up_to(db)


def add_webhook(
    db: Session,
    principal: Principal,
    command: NewWebhook,
    *,
    known: Kinds,
    private_allowed: bool,
    keyring: Keyring,
    now: datetime,
) -> Webhook:
    """Subscribe the caller's account to the feed, from now on or from an earlier position.

    Raises BadWebhookUrl, BadKinds, TooManyWebhooks, Forbidden; BadPosition for one that is no more, or not yet.
    """
    principal.require(Permission.WEBHOOK_WRITE)
    if principal.account_id is None:
        # The system has no account whose reach would bound what is sent.
        raise Forbidden(permission=Permission.WEBHOOK_WRITE.value)
    reason = refusal_of_url(command.url, private_allowed=private_allowed)
    if reason is not None:
        raise BadWebhookUrl(field="url", reason=reason)
    for index, kind in enumerate(command.kinds):
        if not known.knows(kind):
            raise BadKinds(field="kinds", line=index, value=kind[:100], nearest=known.nearest(kind))
    # Two requests at once must not pass the bound together.
    db.execute(select(LoginAccount.id).where(LoginAccount.id == principal.account_id).with_for_update())
    count = db.scalar(select(func.count()).where(Webhook.account_id == principal.account_id)) or 0
    if count >= MOST_WEBHOOKS:
        raise TooManyWebhooks(most=MOST_WEBHOOKS)
    webhook = Webhook(
        id=uuid7(),
        account_id=principal.account_id,
        key_id=principal.key_id,
        url=command.url,
        kinds=list(command.kinds),
        position=last_position(db) if command.since is None else kept_place(db, command.since, field="since"),
        failures=0,
        next_at=now,
        created_at=now,
    )
    key = key_to_write(db, keyring)
    webhook.secret_cipher, webhook.secret_key = seal(key, new_secret(), webhook.id), key.number
    db.add(webhook)
    db.flush()
    return webhook


def remove_webhook(db: Session, principal: Principal, webhook_id: UUID) -> None:
    """Unsubscribe an account: one's own, or one that the caller manages. Raises WebhookNotFound."""
    db.delete(webhook_in_reach(db, principal, webhook_id))
    db.flush()


def webhook_in_reach(db: Session, principal: Principal, webhook_id: UUID) -> Webhook:
    """A webhook of the caller's account, or of one that the caller manages; raises WebhookNotFound."""
    found = db.get(Webhook, webhook_id)
    if found is None:
        raise WebhookNotFound
    if found.account_id != principal.account_id:
        owner = db.get_one(LoginAccount, found.account_id)
        try:
            account_in_reach(db, principal, owner.username)
        except DomainError:
            raise WebhookNotFound from None
    return found


def webhooks_of(db: Session, principal: Principal, username: str | None) -> Select[Webhook]:
    """One's own webhooks, or those of an account that the caller manages. Not ordered.

    Raises Forbidden, and for another's account NotFound and GrantBeyondOwn.
    """
    if username is None:
        principal.require(Permission.WEBHOOK_WRITE)
        return select(Webhook).where(Webhook.account_id == principal.account_id)
    return select(Webhook).where(Webhook.account_id == account_in_reach(db, principal, username).id)
