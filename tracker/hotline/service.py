"""Use cases of this room: a call from its first word to its outcome.

The conversation is the one that everybody has (`tracker/registration/service/talking.py`), spoken by an operator: the number that the telephone
shows is the sender that the mouth vouches for; whoever calls from a hidden one, or names another, tells the code that is sent there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import cast, select
from sqlalchemy.orm import Session

from tracker.access.models import LoginAccount, Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Permission
from tracker.database.types import Ltree
from tracker.feed.service import append
from tracker.hotline.commands import BeginCall, EndCall, SayInCall, SendTicket
from tracker.hotline.errors import (
    BirthDateUnsaid,
    CallNotFound,
    CallOpen,
    CallOver,
    NoPhoneToSend,
    NoteNamesSomebody,
    NoTicket,
    OtherCall,
)
from tracker.hotline.events import CallBegun, CallEnded
from tracker.hotline.models import HotlineCall
from tracker.hotline.queries import open_call, spelled_ticket
from tracker.hotline.rules.words import GOES_ON, CallOutcome, is_left, names_somebody
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.people.models import Person
from tracker.people.rules.contact import clean_phone
from tracker.people.rules.sought import read_sought
from tracker.people.searching import search_in_reach
from tracker.people.service import read_person
from tracker.people.vault import NikVault
from tracker.quota.models import Booking
from tracker.quota.rules.words import LIVE, Medium
from tracker.registration.models import Conversation
from tracker.registration.service.chats import answer_to
from tracker.registration.service.commands import Message
from tracker.registration.service.owning import tell_owner
from tracker.registration.service.talking import Answer, answer
from tracker.registration.service.tickets import TicketOffice

# What a caller would write to begin; the first question comes of it.
_BEGIN = "vaksin"
_MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A call; `fresh` is False where the same was begun before."""

    call: HotlineCall
    fresh: bool


def begin_call(
    db: Session, principal: Principal, command: BeginCall, *, vault: NikVault, office: TicketOffice, now: datetime
) -> Begun:
    """Take a call. Where one from this number was cut off a moment ago, whoever took that, its talk goes on.

    Raises Forbidden, BadPhone, CallOpen, OtherCall.
    """
    principal.require(Permission.HOTLINE_SERVE)
    if principal.account_id is None:
        raise Forbidden(permission=Permission.HOTLINE_SERVE.value)
    phone = clean_phone(command.phone) if command.phone else None
    # Two requests at once must not both find that nothing is open.
    db.execute(select(LoginAccount.id).where(LoginAccount.id == principal.account_id).with_for_update())
    known = db.get(HotlineCall, command.id)
    hashes = [] if phone is None else _hashes(office, phone)
    if known is not None:
        same = known.account_id == principal.account_id and (
            known.caller_hash in hashes if hashes else known.caller_hash is None
        )
        if not same:
            raise OtherCall(call=str(command.id))
        return Begun(call=known, fresh=False)
    standing = open_call(db, principal)
    if standing is not None and not is_left(standing.touched_at, now):
        raise CallOpen(call=str(standing.id))
    if standing is not None:
        _end(db, standing, CallOutcome.CUT_OFF, None, at=standing.touched_at, now=now)
    before = _cut_off(db, hashes, now)
    call = HotlineCall(
        id=command.id,
        account_id=principal.account_id,
        unit_id=_own_unit(db, principal),
        language=command.language,
        conversation_id=uuid7() if before is None else before.conversation_id,
        person_id=None if before is None else before.person_id,
        booking_id=None if before is None else before.booking_id,
        sent_by=None if before is None else before.sent_by,
        sent_at=None if before is None else before.sent_at,
        caller_sealed=None if phone is None else office.seal_typed(phone.encode(), command.id),
        caller_hash=hashes[0] if hashes else None,
        begun_at=now,
        touched_at=now,
    )
    db.add(call)
    db.flush()
    told = CallBegun(call_id=call.id, account_id=call.account_id)
    append(db, told, unit_id=call.unit_id, subject=call.id, occurred_at=now, now=now)
    if before is None:
        _hear(db, call, f"{call.id} 0", _BEGIN, vault=vault, office=office, now=now)
    return Begun(call=call, fresh=True)


def say_in_call(
    db: Session, principal: Principal, command: SayInCall, *, vault: NikVault, office: TicketOffice, now: datetime
) -> Answer:
    """What is to be read out to what the caller said; the same message again gets the same. Raises Forbidden, CallNotFound, CallOver."""
    call = _own(db, principal, command.call_id)
    message_id = f"{call.id} {command.message_id}"
    said = answer_to(db, call.conversation_id, message_id)
    if said is not None:
        return said
    _require_open(call)
    return _hear(db, call, message_id, command.text, vault=vault, office=office, now=now)


def _hear(
    db: Session, call: HotlineCall, message_id: str, text: str, *, vault: NikVault, office: TicketOffice, now: datetime
) -> Answer:
    message = Message(
        conversation_id=call.conversation_id,
        message_id=message_id,
        medium=Medium.HOTLINE,
        text=text,
        language=call.language,
        sender=caller_of(call, office),
    )
    said = answer(db, SYSTEM, message, vault=vault, office=office, now=now)
    talk = db.get_one(Conversation, call.conversation_id)
    if talk.state.get("person"):
        call.person_id = UUID(talk.state["person"])
    if said.booking is not None and said.booking != call.booking_id:
        call.booking_id, call.sent_by, call.sent_at = said.booking, None, None
        call.person_id = db.get_one(Booking, said.booking).person_id
    call.touched_at = now
    db.flush()
    return said


def caller_of(call: HotlineCall, office: TicketOffice) -> str | None:
    """The number that the telephone shows; None for a hidden one and once the call is over."""
    return None if call.caller_sealed is None else office.open_typed(call.caller_sealed, call.id).decode()


def find_caller(
    db: Session, principal: Principal, call_id: UUID, text: str, *, vault: NikVault, now: datetime
) -> Sequence[Person]:
    """Who may be meant by a NIK, a phone, or a name and a birth date; each who is found is noted as looked for.

    Raises Forbidden, CallNotFound, CallOver, BirthDateUnsaid, BadNik.
    """
    call = _own(db, principal, call_id)
    _require_open(call)
    sought = read_sought(text)
    if sought.empty:
        return []
    if sought.nik is None and sought.phone is None and (sought.born is None or not sought.words):
        raise BirthDateUnsaid(field="text")
    call.touched_at = now
    return search_in_reach(db, principal, sought, vault=vault, now=now)


def choose_caller(db: Session, principal: Principal, call_id: UUID, person_id: UUID, *, now: datetime) -> HotlineCall:
    """The call is about this person; that they were read is kept. Raises Forbidden, CallNotFound, CallOver, PersonNotFound."""
    call = _own(db, principal, call_id)
    _require_open(call)
    call.person_id = read_person(db, principal, person_id, now=now).id
    call.touched_at = now
    db.flush()
    return call


def send_ticket(db: Session, principal: Principal, command: SendTicket, *, now: datetime) -> HotlineCall:
    """Send the ticket to the phone on file, once however often it is asked for.

    Raises Forbidden, CallNotFound, CallOver, NoTicket, NoPhoneToSend.
    """
    call = _own(db, principal, command.call_id)
    if call.sent_at is not None:
        return call
    _require_open(call)
    booking = None if call.booking_id is None else db.get(Booking, call.booking_id)
    if booking is None or booking.state not in LIVE:
        raise NoTicket(call=str(call.id))
    if not spelled_ticket(db, booking.id).ending:
        raise NoPhoneToSend(call=str(call.id))
    tell_owner(db, booking, "quota_confirmed", language=call.language, now=now, by=command.by.value)
    call.sent_by, call.sent_at, call.touched_at = command.by, now, now
    db.flush()
    return call


def end_call(db: Session, principal: Principal, command: EndCall, *, now: datetime) -> HotlineCall:
    """It is over; the same again changes nothing. Raises Forbidden, CallNotFound, CallOver, NoteNamesSomebody."""
    note = " ".join((command.note or "").split()) or None
    if note is not None and names_somebody(note):
        raise NoteNamesSomebody(field="note")
    call = _own(db, principal, command.call_id)
    if call.ended_at is None:
        _end(db, call, command.outcome, note, at=now, now=now)
    elif (call.outcome, call.note) != (command.outcome, note):
        raise CallOver(call=str(call.id))
    return call


def end_left_calls(db: Session, *, now: datetime) -> int:
    """End the calls with which nobody went on: they were cut off when they were last heard of."""
    left = (
        select(HotlineCall)
        .where(HotlineCall.ended_at.is_(None), HotlineCall.touched_at < now - GOES_ON)
        .order_by(HotlineCall.touched_at)
        .limit(_MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    calls = db.scalars(left).all()
    for call in calls:
        _end(db, call, CallOutcome.CUT_OFF, None, at=call.touched_at, now=now)
    return len(calls)


def _end(
    db: Session, call: HotlineCall, outcome: CallOutcome, note: str | None, *, at: datetime, now: datetime
) -> None:
    call.ended_at, call.outcome, call.note, call.caller_sealed = at, outcome, note, None
    db.flush()
    seconds = int((at - call.begun_at).total_seconds())
    told = CallEnded(call_id=call.id, account_id=call.account_id, outcome=outcome, seconds=seconds)
    append(db, told, unit_id=call.unit_id, subject=call.id, occurred_at=at, now=now)


def _cut_off(db: Session, hashes: Sequence[bytes], now: datetime) -> HotlineCall | None:
    """The newest call from this number, where it was cut off a moment ago."""
    if not hashes:
        return None
    lately = (
        select(HotlineCall)
        .where(HotlineCall.caller_hash.in_(hashes), HotlineCall.ended_at >= now - GOES_ON)
        .order_by(HotlineCall.ended_at.desc(), HotlineCall.id.desc())
        .limit(1)
    )
    newest = db.scalar(lately)
    return newest if newest is not None and newest.outcome is CallOutcome.CUT_OFF else None


def _own(db: Session, principal: Principal, call_id: UUID) -> HotlineCall:
    """The operator's own call, locked: nobody speaks in another's."""
    principal.require(Permission.HOTLINE_SERVE)
    mine = select(HotlineCall).where(HotlineCall.id == call_id, HotlineCall.account_id == principal.account_id)
    call = db.scalar(mine.with_for_update())
    if call is None:
        raise CallNotFound(call=str(call_id))
    return call


def _require_open(call: HotlineCall) -> None:
    if call.ended_at is not None:
        raise CallOver(call=str(call.id))


def _own_unit(db: Session, principal: Principal) -> UUID:
    top = min(principal.roots(Permission.HOTLINE_SERVE), key=lambda path: (path.count("."), path))
    return db.scalars(select(Unit.id).where(Unit.path == cast(top, Ltree()))).one()


def _hashes(office: TicketOffice, phone: str) -> list[bytes]:
    return office.hashes(f"hotline {phone}".encode())
