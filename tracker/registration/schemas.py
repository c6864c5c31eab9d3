"""Wire shapes of this room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tracker.quota.rules.words import BookingState, Medium
from tracker.registration.rules.cards import CardState


class MessageIn(BaseModel):
    """A citizen's message as some mouth (web chat, call-centre operator) hands it on."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    conversation: UUID
    id: str = Field(min_length=1, max_length=200, description="The message's own id: a repeat gets the same replies.")
    medium: Medium
    text: str = Field(max_length=2000)
    language: Literal["id", "en"] = "id"
    sender: str | None = Field(
        None,
        max_length=60,
        description="The phone number the message came from, only where the mouth vouches for it: whoever writes from a person's "
        "phone may book for them. Whoever names another phone is asked for a code sent there.",
    )


class RepliesOut(BaseModel):
    """What to say, in order."""

    replies: list[str]


class HealthAnswerOut(BaseModel):
    """One question and what was said to it; `booking` is None where the person was sent home with advice."""

    question: str
    answer: bool
    at: datetime
    booking: UUID | None


class HealthAnswersOut(BaseModel):
    """The newest first."""

    items: list[HealthAnswerOut]


class CheckInIn(BaseModel):
    """A ticket shown at a facility's door."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(min_length=1, max_length=2000)
    facility: str = Field(min_length=1, max_length=64)


class CheckedInOut(BaseModel):
    """The booking whose owner has arrived."""

    booking: UUID
    session: UUID
    dose: int
    state: BookingState


class TicketOut(BaseModel):
    """A signed ticket and its QR code as SVG markup."""

    ticket: str
    svg: str


class PublicHalf(BaseModel):
    """Ed25519 public key (JWK)."""

    kty: str
    crv: str
    x: str


class PublicKeyOut(PublicHalf):
    """What a phone checks tickets with offline: the key that signs new ones, and others that are valid beside it."""

    others: list[PublicHalf] = Field(description="While one key is replaced by another: keys of tickets that are out.")


class CardIn(BaseModel):
    """The text of a card's code, whole or from its `#` on."""

    model_config = ConfigDict(extra="forbid")

    card: str = Field(min_length=1, max_length=4000)


class CardOut(BaseModel):
    """A vaccination card: the text of its code, and the code as SVG markup."""

    code: str
    svg: str
    version: int
    name: str
    born: date
    vaccine: str
    dose: int
    day: date
    facility: str
    lot: str | None


class CardStateOut(BaseModel):
    """What is true of a card now; `newest` is the version that is valid."""

    state: CardState
    version: int
    newest: int


class CardKeyOut(PublicHalf):
    """A key that signs cards, or did."""

    since: datetime


class CardKeysOut(BaseModel):
    """All that ever did, the newest first."""

    items: list[CardKeyOut]
