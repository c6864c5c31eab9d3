"""Tables of this room: conversations, the answers given, so that a repeated message gets the same one, and codes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database.base import Base
from tracker.database.types import StrEnumText
from tracker.people.rules.groups import PersonGroup
from tracker.quota.rules.words import Medium


class Conversation(Base):
    """What is remembered of one person's talk through one medium; holds no identity number, no text, and no phone to be read."""

    __tablename__ = "conversation"
    __table_args__ = (Index(None, "updated_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    medium: Mapped[Medium] = mapped_column(StrEnumText(Medium))
    account_id: Mapped[UUID | None]
    state: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    # Where replies go that leave by message: a phone as its medium writes it, sealed.
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    # By the medium's own clock: the newest message, and the one that brought the question that stands.
    heard_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]


class ConversationTurn(Base):
    """The replies to one message, by the message's own id, and what a phone can show beside them.

    `choices`: answers to the question that was asked. `booking_id`: whose ticket was given. `over`: nothing more is asked.
    """

    __tablename__ = "conversation_turn"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    replies: Mapped[list[Any]]
    choices: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    booking_id: Mapped[UUID | None]
    over: Mapped[bool] = mapped_column(server_default=false())
    at: Mapped[datetime]


class HealthAnswer(Base):
    """What somebody said of their health while booking, for whoever screens them; `question` as the conversation names it."""

    __tablename__ = "health_answer"
    __table_args__ = (Index(None, "person_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id"))
    question: Mapped[str]
    answer: Mapped[bool]
    at: Mapped[datetime]


class TicketCode(Base):
    """A code asked for by whoever lost their ticket (of nobody where number and phone are not somebody's) or wants to book.

    The code itself is nowhere: it is made of the id and a key of the house. `asked` is a keyed hash of the phone that was named, `sent_to` of
    the phone on file that the code went to. `typed`: what somebody wants to book, sealed, until the code is told.
    """

    __tablename__ = "ticket_code"
    __table_args__ = (
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        CheckConstraint("used_at IS NULL OR person_id IS NOT NULL", name="used_by_somebody"),
        CheckConstraint("used_at IS NULL OR typed IS NULL", name="typed_no_longer"),
        Index(None, "asked", "made_at"),
        Index(None, "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asked: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    sent_to: Mapped[bytes | None] = mapped_column(LargeBinary)
    typed: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger)
    used_at: Mapped[datetime | None]


class TicketAddress(Base):
    """How often the address of a booking's page was changed; most never are and have no row."""

    __tablename__ = "ticket_address"
    __table_args__ = (CheckConstraint("turn >= 1", name="turn"),)

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    turn: Mapped[int] = mapped_column(SmallInteger)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class PushBrowser(Base):
    """A browser in which somebody asked for notifications, on the page of their ticket.

    `sealed`: its address and keys. `known_by`, `proven_by`: keyed hashes of that address, and of the phone that was the person's then: to whoever
    has another phone now it belongs no more.
    """

    __tablename__ = "push_browser"
    __table_args__ = (UniqueConstraint("person_id", "known_by"), Index(None, "told_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    known_by: Mapped[bytes] = mapped_column(LargeBinary)
    proven_by: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    told_at: Mapped[datetime]


class RegistrationPhase(Base):
    """From this day on, until the next, only people of one group register by themselves; all of them where `only` is None."""

    __tablename__ = "registration_phase"

    from_day: Mapped[date] = mapped_column(primary_key=True)
    only: Mapped[PersonGroup | None] = mapped_column(StrEnumText(PersonGroup))


class VaccinationCard(Base):
    """A card that was issued for a dose. `id` is drawn by chance: it stands in the card's address and opens its state."""

    __tablename__ = "vaccination_card"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("booking_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id"))
    version: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # of what it said: whether dose and owner still stand so
    issued_at: Mapped[datetime]


class CardKey(Base):
    """The public half of a key that signed cards; kept for good, as the cards are."""

    __tablename__ = "card_key"
    __table_args__ = (CheckConstraint("length(public) = 32", name="public_length"),)

    public: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime]
