"""Talks by message: whose they are, where the replies go, and what leaves.

A chat is found by the phone it comes from: its id is a keyed hash of that, so it tells nothing. The phone itself is sealed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.delivery.messages import Reply
from tracker.delivery.rules.templates import CHAT_REPLY
from tracker.delivery.senders import Choice
from tracker.delivery.service import queue_message
from tracker.people.vault import NikVault
from tracker.quota.models import Booking
from tracker.quota.rules.words import LIVE, Medium
from tracker.registration.models import Conversation, ConversationTurn
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import Answer, answer, answer_kept
from tracker.registration.service.tickets import TicketOffice, picture_of, ticket_of

# Meta closes the window 24 hours after the person's message; a reply that waits a little must still get through.
WINDOW = timedelta(hours=24) - timedelta(minutes=5)


def chat_of(db: Session, office: TicketOffice, medium: Medium, phone: str) -> UUID:
    """The id of this phone's talk through a medium: the one that stands, else the one that begins."""
    ids = _ids(office, medium, phone)
    return db.scalar(select(Conversation.id).where(Conversation.id.in_(ids))) or ids[0]


def _ids(office: TicketOffice, medium: Medium, phone: str) -> list[UUID]:
    return [UUID(bytes=drawn[:16]) for drawn in office.hashes(f"chat {medium.value} {phone}".encode())]


def hear(db: Session, message: Message, phone: str, *, vault: NikVault, office: TicketOffice, now: datetime) -> Answer:
    """A message from this phone, its answer, and that it is to leave by the same medium; a repeat leaves nothing more.

    `phone` is as the medium writes it. Raises OtherMedium.
    """
    said = answer(db, SYSTEM, message, vault=vault, office=office, now=now)
    talk = db.get_one(Conversation, said.conversation)
    talk.phone_sealed = office.seal_typed(phone.encode(), talk.id)
    if said.first and said.replies:
        queue_message(
            db,
            medium=message.medium.value,
            recipient_ref=str(talk.id),
            template=CHAT_REPLY,
            params={"turn": f"{talk.id} {message.message_id}"},
            unit_id=None,
            now=now,
            language=message.language,
        )
    db.flush()
    return said


def last_answer(db: Session, conversation_id: UUID) -> Answer | None:
    """What was said last in a talk; None where nothing was."""
    turns = select(ConversationTurn).where(ConversationTurn.conversation_id == conversation_id)
    turn = db.scalar(turns.order_by(ConversationTurn.at.desc(), ConversationTurn.message_id.desc()).limit(1))
    return None if turn is None else answer_kept(turn)


def answer_to(db: Session, conversation_id: UUID, message_id: str) -> Answer | None:
    """What was answered to a message; None where it was not heard."""
    turn = db.get(ConversationTurn, (conversation_id, message_id))
    return None if turn is None else answer_kept(turn)


def phone_of_chat(db: Session, office: TicketOffice, conversation_id: UUID) -> str | None:
    """Where the replies of a talk go; None where they do not leave by message."""
    talk = db.get(Conversation, conversation_id)
    if talk is None or talk.phone_sealed is None:
        return None
    return office.open_typed(talk.phone_sealed, talk.id).decode()


def wrote_lately(db: Session, office: TicketOffice, medium: Medium, phone: str, *, now: datetime) -> bool:
    """Whether this phone wrote within the window in which a medium lets us answer freely."""
    ids = _ids(office, medium, phone)
    found = select(Conversation.id).where(Conversation.id.in_(ids), Conversation.heard_at > now - WINDOW)
    return db.scalar(found) is not None


def reply_of(db: Session, office: TicketOffice, turn: str) -> Reply | None:
    """What leaves for a turn (`conversation message`), with the ticket as a picture; None where the talk is forgotten."""
    conversation, _, message_id = turn.partition(" ")
    said = answer_to(db, UUID(conversation), message_id)
    if said is None:
        return None
    booking = None if said.booking is None else db.get(Booking, said.booking)
    stands = booking is not None and booking.state in LIVE
    return Reply(
        text="\n".join(said.replies),
        choices=tuple(Choice(**choice) for choice in said.choices),
        question=said.replies[-1] if said.replies else "",
        picture=picture_of(office.sign(ticket_of(db, booking))) if booking is not None and stands else None,
    )
