"""The outbox of messages, and the webhooks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText


class MessageState(StrEnum):
    """How far a message has come."""

    PENDING = "pending"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"  # no address, refused for good, or given up


class OutMessage(Base):
    """One message to one person. Whom it reaches is looked up when it is sent; no address is stored here."""

    __tablename__ = "out_message"
    __table_args__ = (
        Index("ix_out_message_due", "next_at", postgresql_where=text("state = 'pending'")),
        Index("ix_out_message_turn", "urgency", "next_at", postgresql_where=text("state = 'pending'")),
        Index(None, "recipient_ref", "created_at"),
        Index("ix_out_message_gateway_ref", "gateway_ref", postgresql_where=text("gateway_ref IS NOT NULL")),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    medium: Mapped[str]
    recipient_ref: Mapped[str]
    template: Mapped[str]
    params: Mapped[dict[str, Any]]
    language: Mapped[str]
    state: Mapped[MessageState] = mapped_column(StrEnumText(MessageState))
    urgency: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    """`Urgency`; what a version that knew none queued is news."""
    attempts: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    # Whom the feed tells what became of it, and the event it speaks of; None in messages of earlier versions.
    unit_id: Mapped[UUID | None]
    caused_by: Mapped[UUID | None]
    # The gateway it left by last, that one's own name for it, and when that one said that it had arrived.
    left_by: Mapped[str | None]
    gateway_ref: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    # In how many parts an SMS was sent.
    segments: Mapped[int | None] = mapped_column(SmallInteger)


class Webhook(Base):
    """A subscriber: gets the feed from `position` on, as the account that made it may see it.

    Its secret is kept sealed; where that is None, in rows of earlier versions, it is derived from the first secret key and `id`.
    """

    __tablename__ = "webhook"
    __table_args__ = (Index(None, "account_id"), Index(None, "next_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    secret_cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
    secret_key: Mapped[int | None] = mapped_column(SmallInteger)
    """Under which secret key of the house it is sealed."""
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_key.id"))
    """The API key it was made with: it hears no more than the key may, and nothing once that is revoked."""
    url: Mapped[str]
    kinds: Mapped[list[Any]]
    position: Mapped[int]
    failures: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    stopped_at: Mapped[datetime | None]
    """Switched off since; what happens meanwhile is sent when it is on again, if it is kept that long."""


class WebhookDelivery(Base):
    """One request to a webhook, written down before it leaves; without an answer where the worker was killed meanwhile."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index(None, "webhook_id", "id"),
        CheckConstraint("error IS NULL OR answered_at IS NOT NULL", name="error_has_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    after: Mapped[int]
    up_to: Mapped[int]
    """The events behind `after`, up to and with this position."""
    events: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    error: Mapped[str | None]
    """What went wrong; None where it was taken."""
