"""A message comes in through some mouth; its replies go out, once, however often it is delivered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.queries import person_by_nik
from tracker.people.vault import NikVault
from tracker.quota.queries.quota import QuotaAsked, read_quota
from tracker.quota.rules.words import BookingState, BucketKind
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.errors import OtherMedium
from tracker.registration.models import Conversation, ConversationTurn
from tracker.registration.rules import conversation as machine
from tracker.registration.rules.conversation import (
    ConversationState,
    FindPerson,
    FindSessions,
    Option,
    TakePlace,
    Turn,
    Wish,
)
from tracker.registration.rules.texts import spoken
from tracker.registration.service.commands import Message
from tracker.registration.service.tickets import TicketOffice

_PLACES = 3
_OPTIONS = 5
_PUBLIC = frozenset({BucketKind.GENERAL, BucketKind.CITY, BucketKind.KELURAHAN, BucketKind.SECOND_DOSE})


def answer(
    db: Session, principal: Principal, message: Message, *, vault: NikVault, office: TicketOffice, now: datetime
) -> list[str]:
    """The replies to a message; the same message id again gets the same replies and changes nothing.

    Raises Forbidden, OtherMedium.
    """
    principal.require(Permission.BOOKING_WRITE)
    talk = _locked(db, principal, message, now)
    earlier = db.get(ConversationTurn, (talk.id, message.message_id))
    if earlier is not None:
        return [str(reply) for reply in earlier.replies]
    turn = machine.hear(ConversationState.from_json(talk.state), message.text)
    says = [*turn.says]
    while turn.wish is not None:
        turn = _grant(db, principal, turn, turn.wish, message, vault=vault, office=office, now=now)
        says += turn.says
    replies = [spoken(say, message.language) for say in says]
    talk.state = turn.state.to_json()
    talk.updated_at = now
    db.add(ConversationTurn(conversation_id=talk.id, message_id=message.message_id, replies=replies, at=now))
    db.flush()
    return replies


def _locked(db: Session, principal: Principal, message: Message, now: datetime) -> Conversation:
    db.execute(
        upsert(Conversation)
        .values(
            id=message.conversation_id,
            medium=message.medium,
            account_id=principal.account_id,
            state=ConversationState().to_json(),
            updated_at=now,
        )
        .on_conflict_do_nothing()
    )
    talk = db.scalars(select(Conversation).where(Conversation.id == message.conversation_id).with_for_update()).one()
    if talk.medium is not message.medium or talk.account_id != principal.account_id:
        raise OtherMedium(field="conversation")
    return talk


def _grant(
    db: Session,
    principal: Principal,
    turn: Turn,
    wish: Wish,
    message: Message,
    *,
    vault: NikVault,
    office: TicketOffice,
    now: datetime,
) -> Turn:
    if isinstance(wish, FindPerson):
        person = person_by_nik(db, wish.nik, vault=vault, now=now)
        return machine.person_found(turn.state, None if person is None else person.id)
    if isinstance(wish, FindSessions):
        return machine.sessions_found(turn.state, _options(db, principal, wish.place, now), wish.place)
    return _take(db, principal, turn, wish, message, office, now)


def _options(db: Session, principal: Principal, place: str, now: datetime) -> tuple[Option, ...]:
    pattern = "%" + place.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    places = db.execute(
        select(Facility.code, Facility.name).where(Facility.name.ilike(pattern)).order_by(Facility.name).limit(_PLACES)
    ).all()
    names = {row.code: row.name for row in places}
    best: dict[tuple[UUID, int], Option] = {}
    for code in names:
        asked = QuotaAsked(facility=code)
        for item in read_quota(db, principal, asked, now=now):
            key = (item.session, item.dose)
            if item.bucket not in _PUBLIC or item.available <= 0:
                continue
            if key not in best or best[key].room < item.available:
                best[key] = Option(
                    session=str(item.session),
                    facility=names[item.facility],
                    day=item.date.isoformat(),
                    dose=item.dose,
                    room=item.available,
                )
    return tuple(sorted(best.values(), key=lambda one: (one.day, one.facility, one.dose))[:_OPTIONS])


def _take(
    db: Session,
    principal: Principal,
    turn: Turn,
    wish: TakePlace,
    message: Message,
    office: TicketOffice,
    now: datetime,
) -> Turn:
    command = Book(
        id=uuid7(),
        person_id=UUID(wish.person),
        session_id=UUID(wish.option.session),
        dose=wish.option.dose,
        medium=message.medium,
    )
    try:
        # A refusal must leave the conversation's own rows standing.
        with db.begin_nested():
            booked = book(db, principal, command, now=now).booking
            move_booking(db, principal, MoveBooking(booking_id=booked.id, state=BookingState.CONFIRMED), now=now)
    except DomainError as refusal:
        return machine.place_refused(turn.state, _sentence(refusal, message.language))
    return machine.place_taken(turn.state, booked.id, office.link_of(booked.id))


_SENTENCES = {
    "quota.exhausted": ("tempatnya baru saja penuh.", "it has just filled up."),
    "quota.already_booked": ("Anda sudah punya janji untuk dosis ini.", "you have a booking for this dose already."),
    "quota.dose_given": ("dosis ini sudah Anda terima.", "you have had this dose."),
    "quota.session_closed": ("sesi ini sudah ditutup.", "the session is closed."),
}


def _sentence(refusal: DomainError, language: str) -> str:
    fallback = ("janji ini tidak dapat dibuat.", "this booking cannot be made.")
    indonesian, english = _SENTENCES.get(refusal.code, fallback)
    return english if language == "en" else indonesian
