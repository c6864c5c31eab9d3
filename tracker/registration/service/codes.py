"""Six digits to a phone, and whoever tells them holds it: the one proof of that, for who books and for who lost a ticket.

A code is made from its row's id and a key of the house as the message leaves, so none lies in the database. Asking is bounded by
phone, whoever asks and for whatever, and every question makes a row.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.delivery.service import queue_message
from tracker.people.queries import phone_of
from tracker.quota.rules.words import Medium
from tracker.registration.errors import TooManyCodes
from tracker.registration.models import TicketCode
from tracker.registration.service.tickets import TicketOffice

STANDS = timedelta(minutes=15)
MOST_TRIES = 5
# A double tap, a reload, the button back: the code that opened something a moment ago opens it once more.
AGAIN = timedelta(minutes=2)
MOST_ASKED = 5  # in an hour, for one phone
WINDOW = timedelta(hours=1)


def new_code(db: Session, office: TicketOffice, phone: str, *, now: datetime) -> TicketCode:
    """A question for a code to this phone, nobody's yet and not sent. Raises TooManyCodes (asked too often, whoever it is)."""
    asked = hashes_of_phone(office, phone)
    # Asked many times at once, the bound holds.
    db.execute(select(func.pg_advisory_xact_lock(int.from_bytes(asked[0][:8], signed=True))))
    before = select(func.count(), func.min(TicketCode.made_at)).where(
        TicketCode.asked.in_(asked), TicketCode.made_at > now - WINDOW
    )
    count, first = db.execute(before).one()
    if count >= MOST_ASKED:
        wait = first + WINDOW - now
        raise TooManyCodes(most=MOST_ASKED, minutes=ceil(wait / timedelta(minutes=1)))
    code = TicketCode(id=uuid4(), asked=asked[0], made_at=now, expires_at=now + STANDS, tries=0)
    db.add(code)
    db.flush()
    return code


def send_code(
    db: Session,
    code: TicketCode,
    template: str,
    *,
    to: UUID,
    unit_id: UUID,
    timezone: str,
    medium: Medium,
    language: str,
    now: datetime,
) -> None:
    """Put it into the outbox: `to` is a person, or the code itself, which knows its phone."""
    until = code.expires_at.astimezone(ZoneInfo(timezone)).isoformat()
    queue_message(
        db,
        medium=medium.value,
        recipient_ref=str(to),
        template=template,
        params={"ticket_code": str(code.id), "until": until},
        unit_id=unit_id,
        now=now,
        language=language,
    )


def told_right(db: Session, code_id: UUID, text: str, *, office: TicketOffice, now: datetime) -> TicketCode | None:
    """The question whose code was told; None for a wrong one, one that was used, ran out or was tried too often.

    Counts every try, so the transaction must be kept whatever the answer.
    """
    code = db.scalar(select(TicketCode).where(TicketCode.id == code_id).with_for_update())
    if code is None or code.used_at is not None or code.expires_at <= now or code.tries >= MOST_TRIES:
        return None
    return code if _tried(db, code, text, office) else None


def is_spent(db: Session, code_id: UUID) -> bool:
    """Whether a code was told wrongly so often that it opens nothing any more."""
    tries = db.scalar(select(TicketCode.tries).where(TicketCode.id == code_id, TicketCode.used_at.is_(None)))
    return tries is not None and tries >= MOST_TRIES


def told_again(db: Session, code_id: UUID, text: str, *, office: TicketOffice, now: datetime) -> UUID | None:
    """For whom a code did its work a moment ago, when it is told once more; books and changes nothing. Counts every try.

    Nobody where the phone it went to is theirs no more.
    """
    code = db.scalar(select(TicketCode).where(TicketCode.id == code_id).with_for_update())
    if code is None or code.used_at is None or now - code.used_at > AGAIN or code.tries >= MOST_TRIES:
        return None
    person_id = code.person_id if _tried(db, code, text, office) else None
    if person_id is None or code.asked not in hashes_of_phone(office, phone_of(db, person_id) or ""):
        return None
    return person_id


def _tried(db: Session, code: TicketCode, text: str, office: TicketOffice) -> bool:
    code.tries += 1
    db.flush()
    typed = digits_of(text).encode()
    return any(hmac.compare_digest(sent.encode(), typed) for sent in office.codes_of(code.id))


def use_code(code: TicketCode, person_id: UUID, now: datetime) -> None:
    """It has done its work, for this person; what was typed beside it is kept no longer."""
    code.person_id, code.used_at, code.typed = person_id, now, None


def hashes_of_phone(office: TicketOffice, phone: str) -> list[bytes]:
    """The keyed hashes of a phone, one for each key of the house."""
    return office.hashes(f"phone {phone}".encode())


def digits_of(text: str) -> str:
    """The digits of a message, in whatever script and frame."""
    found = (unicodedata.digit(char, None) for char in unicodedata.normalize("NFKC", text))
    return "".join(str(digit) for digit in found if digit is not None)
