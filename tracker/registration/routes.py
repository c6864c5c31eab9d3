"""HTTP of this room: a conversation's messages, tickets, check-in."""

from __future__ import annotations

from uuid import UUID

from tracker.access.rules import Permission
from tracker.edge.deps import Caller, Db, Now, Shared
from tracker.edge.hop import Router
from tracker.people.queries import ids_of
from tracker.people.service import read_person
from tracker.people.vault import NikVault
from tracker.quota.errors import BookingNotFound
from tracker.quota.models import Booking
from tracker.quota.queries.lists import bookings_visible_to
from tracker.registration.presenting import (
    card_keys_out,
    card_out,
    card_state_out,
    checked_in_out,
    health_answers_out,
    public_key_out,
    replies_out,
    ticket_out,
)
from tracker.registration.queries import health_answers_of
from tracker.registration.schemas import (
    CardIn,
    CardKeysOut,
    CardOut,
    CardStateOut,
    CheckedInOut,
    CheckInIn,
    HealthAnswersOut,
    MessageIn,
    PublicKeyOut,
    RepliesOut,
    TicketOut,
)
from tracker.registration.service.addresses import change_address
from tracker.registration.service.cards import check_card, issue_card, public_keys
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import answer
from tracker.registration.service.tickets import check_in, ticket_of, ticket_office

router = Router(prefix="/api/v1", tags=["registration"])


@router.post("/conversations/messages", operation_id="answer_message")
def answer_message(body: MessageIn, db: Db, caller: Caller, now: Now, shared: Shared) -> RepliesOut:
    """Answer a citizen's message; the same message again gets the same answer."""
    vault = NikVault.of(shared.settings)
    message = Message(
        conversation_id=body.conversation,
        message_id=body.id,
        medium=body.medium,
        text=body.text,
        language=body.language,
        sender=body.sender,
    )
    return replies_out(answer(db, caller, message, vault=vault, office=ticket_office(db, shared.settings), now=now))


@router.get("/persons/{person_id}/health-answers", operation_id="list_health_answers")
def list_health_answers(person_id: UUID, db: Db, caller: Caller, now: Now) -> HealthAnswersOut:
    """What a person said of their health while booking, the newest first; that it was read is kept."""
    person = read_person(db, caller, person_id, now=now)
    return health_answers_out(health_answers_of(db, ids_of(db, person)))


@router.get("/tickets/key", operation_id="read_ticket_key")
def read_ticket_key(db: Db, caller: Caller, shared: Shared) -> PublicKeyOut:
    """The public keys for checking tickets offline: the one that signs, and others whose tickets are still out."""
    caller.require(Permission.BOOKING_READ)
    return public_key_out(ticket_office(db, shared.settings))


@router.get("/bookings/{booking_id}/ticket", operation_id="read_ticket")
def read_ticket(booking_id: UUID, db: Db, caller: Caller, shared: Shared) -> TicketOut:
    """The signed ticket of a booking."""
    row = db.execute(bookings_visible_to(caller).where(Booking.id == booking_id)).first()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    return ticket_out(ticket_office(db, shared.settings).sign(ticket_of(db, row[0])))


@router.post("/bookings/{booking_id}/ticket/change-address", operation_id="change_ticket_address", status_code=204)
def change_ticket_address(booking_id: UUID, db: Db, caller: Caller, now: Now) -> None:
    """The address of a ticket's page is known to others: it opens nothing any more.

    Its owner gets the new one with a code to their phone, by page or chat; nobody else is shown it.
    """
    change_address(db, caller, booking_id, now=now)


@router.post("/tickets/check-in", operation_id="check_in")
def check_in_by_ticket(body: CheckInIn, db: Db, caller: Caller, now: Now, shared: Shared) -> CheckedInOut:
    """Somebody shows a ticket: their booking has arrived."""
    return checked_in_out(check_in(db, caller, ticket_office(db, shared.settings), body.ticket, body.facility, now=now))


@router.get("/bookings/{booking_id}/card", operation_id="read_card")
def read_card(booking_id: UUID, db: Db, caller: Caller, now: Now, shared: Shared) -> CardOut:
    """The vaccination card of a dose as it stands; that its person was read is kept."""
    row = db.execute(bookings_visible_to(caller).where(Booking.id == booking_id)).first()
    if row is None:
        raise BookingNotFound(booking=str(booking_id))
    read_person(db, caller, row[0].person_id, now=now)
    return card_out(issue_card(db, shared.settings, booking_id, now=now))


@router.get("/cards/keys", operation_id="list_card_keys")
def list_card_keys(db: Db) -> CardKeysOut:
    """The public keys to check cards with, also offline; for anybody, and all that ever signed one."""
    return card_keys_out(public_keys(db))


@router.post("/cards/check", operation_id="check_card")
def check_shown_card(body: CardIn, db: Db) -> CardStateOut:
    """What is true of a card whose code somebody shows; for anybody, and it names nobody."""
    return card_state_out(check_card(db, body.card))
