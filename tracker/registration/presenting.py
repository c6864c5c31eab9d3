"""Wire shapes of this room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from tracker.quota.models import Booking
from tracker.registration.models import CardKey, HealthAnswer
from tracker.registration.schemas import (
    CardKeyOut,
    CardKeysOut,
    CardOut,
    CardStateOut,
    CheckedInOut,
    HealthAnswerOut,
    HealthAnswersOut,
    PublicHalf,
    PublicKeyOut,
    RepliesOut,
    TicketOut,
)
from tracker.registration.service.cards import Issued, Looked, jwk_of
from tracker.registration.service.talking import Answer
from tracker.registration.service.tickets import TicketOffice, drawn


def replies_out(answer: Answer) -> RepliesOut:
    """What to say, in order."""
    return RepliesOut(replies=answer.replies)


def health_answers_out(answers: Iterable[HealthAnswer]) -> HealthAnswersOut:
    """Answers in the order given."""
    return HealthAnswersOut(
        items=[
            HealthAnswerOut(question=one.question, answer=one.answer, at=one.at, booking=one.booking_id)
            for one in answers
        ]
    )


def public_key_out(office: TicketOffice) -> PublicKeyOut:
    """The public halves of the keys that sign tickets."""
    first, *others = [PublicHalf(kty=key["kty"], crv=key["crv"], x=key["x"]) for key in office.public_keys()]
    return PublicKeyOut(**first.model_dump(), others=others)


def ticket_out(signed: str) -> TicketOut:
    """A signed ticket and its picture."""
    return TicketOut(ticket=signed, svg=drawn(signed))


def checked_in_out(booking: Booking) -> CheckedInOut:
    """The booking whose owner has arrived."""
    return CheckedInOut(booking=booking.id, session=booking.session_id, dose=booking.dose, state=booking.state)


def card_out(issued: Issued) -> CardOut:
    """A card as it was issued."""
    return CardOut(code=issued.code, svg=drawn(issued.code), version=issued.card.version, **asdict(issued.card.content))


def card_state_out(looked: Looked) -> CardStateOut:
    """What is true of a card; nobody is named."""
    return CardStateOut(state=looked.state, version=looked.version, newest=looked.newest)


def card_keys_out(keys: Iterable[CardKey]) -> CardKeysOut:
    """Public halves as JWKs."""
    return CardKeysOut(items=[CardKeyOut(**jwk_of(key), since=key.since) for key in keys])
