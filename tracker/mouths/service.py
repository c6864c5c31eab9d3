"""A message heard becomes one of a talk; a call of USSD is answered at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from tracker.access.principal import SYSTEM
from tracker.mouths.rules import ussd
from tracker.mouths.rules.heard import MOST_TEXT, Heard
from tracker.people.vault import NikVault
from tracker.quota.rules.words import Medium
from tracker.registration.service.chats import answer_to, chat_of, hear, last_answer
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import Answer, answer
from tracker.registration.service.tickets import TicketOffice

GOES_ON, ENDS = "CON ", "END "
_BEGIN = "VAKSIN"  # whoever dials wants to register: nobody types that first


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    """What every talk needs, within one transaction."""

    db: Session
    vault: NikVault
    office: TicketOffice
    now: datetime


def hear_message(mouth: Mouth, heard: Heard, medium: Medium) -> Answer:
    """A message by WhatsApp or SMS: its answer goes into the outbox, once."""
    message = Message(
        conversation_id=chat_of(mouth.db, mouth.office, medium, heard.phone),
        message_id=heard.id,
        medium=medium,
        text=heard.text,
        sender=heard.phone,
        sent_at=heard.sent_at,
        near=heard.near,
    )
    return hear(mouth.db, message, heard.phone, vault=mouth.vault, office=mouth.office, now=mouth.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a USSD call: all keys since it began. `repr` shows no phone and no keys."""

    session: str
    phone: str
    pressed: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Call(session={self.session!r}, pressed={len(self.pressed)})"


def answer_call(mouth: Mouth, call: Call) -> str:
    """The screen for what was pressed last, with `CON ` or `END ` before it; the same request again gets the same.

    A call that broke off goes on where it stood: whoever dials again is shown what was asked. Longer answers have several screens.
    """
    talk = chat_of(mouth.db, mouth.office, Medium.USSD, call.phone)
    told, page = _told_before(mouth, call, talk)
    if told is None:
        told, page = _tell(mouth, call, talk), 0
    shown = ussd.screens(told.replies, "id", GOES_ON)
    more = page + 1 < len(shown)
    return (ENDS if told.over and not more else GOES_ON) + shown[page]


def _told_before(mouth: Mouth, call: Call, talk: UUID) -> tuple[Answer | None, int]:
    """The answer that the keys lead to, and which of its screens, where nothing new was said: a repeat, or `0` for the next screen."""
    for turned in range(len(call.pressed) + 1):
        if turned and call.pressed[-turned] != "0":
            break
        told = answer_to(mouth.db, talk, _id(call, len(call.pressed) - turned))
        if told is not None:
            known = turned < len(ussd.screens(told.replies, "id", GOES_ON))
            return (told, turned) if known else (None, 0)
    return None, 0


def _tell(mouth: Mouth, call: Call, talk: UUID) -> Answer:
    if not call.pressed:
        stood = last_answer(mouth.db, talk)
        if stood is not None and not stood.over:
            return stood
    message = Message(
        conversation_id=talk,
        message_id=_id(call, len(call.pressed)),
        medium=Medium.USSD,
        text=(call.pressed[-1] if call.pressed else _BEGIN)[:MOST_TEXT],
        sender=call.phone,
    )
    return answer(mouth.db, SYSTEM, message, vault=mouth.vault, office=mouth.office, now=mouth.now)


def _id(call: Call, keys: int) -> str:
    return f"{call.session} {keys}"
