"""A message comes in through some mouth; its replies go out, once, however often it is delivered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from tracker.access.models import Unit
from tracker.access.principal import SYSTEM, Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Vaccine
from tracker.kit.days import hours_there
from tracker.kit.errors import DomainError
from tracker.kit.ids import uuid7
from tracker.network.models import Facility
from tracker.people.errors import BadPhone
from tracker.people.queries import person_now, persons_ending
from tracker.people.rules.contact import clean_phone, takes_messages
from tracker.people.service import NewPerson, person_or_turn, register_person
from tracker.people.silence import lift_silence, silence
from tracker.people.vault import NikVault
from tracker.quota.models import Booking, VaccinationSession
from tracker.quota.rules.words import LIVE, BookingState
from tracker.quota.service.booking import book
from tracker.quota.service.commands import Book, MoveBooking
from tracker.quota.service.moving import move_booking
from tracker.registration.errors import OtherMedium, TooManyCodes
from tracker.registration.models import Conversation, ConversationTurn, HealthAnswer
from tracker.registration.rules import conversation as machine
from tracker.registration.rules.phases import Phase
from tracker.registration.rules.state import ConversationState, Turn
from tracker.registration.rules.texts import spoken
from tracker.registration.rules.wishes import (
    AnswerOffer,
    AskCode,
    FindByEnding,
    FindPerson,
    FindSessions,
    KeepAnswers,
    KeepSilent,
    TakePlace,
    TellBooking,
    TellCode,
    TellProof,
    Wish,
)
from tracker.registration.service.addresses import link_of
from tracker.registration.service.commands import Message
from tracker.registration.service.finding import options_for
from tracker.registration.service.lost import AskForCode, ask_for_code, ask_for_proof, person_for_code, tickets_for_code
from tracker.registration.service.offers import answer_offer
from tracker.registration.service.phases import check_turn, has_turn, phase_now
from tracker.registration.service.tickets import TicketOffice


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The replies to a message, in order; `first` is False where they were given before.

    `choices` are answers to the question that stands, `booking` is whose ticket was given just now, `over` says that nothing more is asked.
    """

    conversation: UUID
    replies: list[str]
    choices: list[dict[str, str]] = field(default_factory=list)
    booking: UUID | None = None
    over: bool = False
    first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """What granting a wish needs; `sender` is the phone the mouth vouches for."""

    db: Session
    message: Message
    sender: str | None
    vault: NikVault
    office: TicketOffice
    phase: Phase | None
    now: datetime


def answer(
    db: Session, principal: Principal, message: Message, *, vault: NikVault, office: TicketOffice, now: datetime
) -> Answer:
    """The replies to a message; the same message id again gets the same replies and changes nothing.

    A message that was written before the question which stands was asked is no answer to it: it gets none. A citizen who talks is served anywhere, as on the public page: the caller's reach bounds nothing.
    Raises Forbidden, OtherMedium.
    """
    principal.require(Permission.BOOKING_WRITE)
    if message.sent_at is not None and message.sent_at > now:
        # The medium's clock is wrong: nothing is written later than it is heard, and what comes next would be too early.
        message = replace(message, sent_at=now)
    talk = _locked(db, principal, message, now)
    earlier = db.get(ConversationTurn, (talk.id, message.message_id))
    if earlier is not None:
        return answer_kept(earlier)
    if _overtaken(talk, message, now):
        return answer_kept(_keep_turn(db, talk, message, ConversationTurn(replies=[], choices=[], over=True), now))
    phase, sender = phase_now(db, now), _phone(message.sender)
    room = _Room(db=db, message=message, sender=sender, vault=vault, office=office, phase=phase, now=now)
    before = ConversationState.from_json(talk.state)
    turn = machine.hear(
        before,
        _sayable(message.text),
        phone_known=room.sender is not None,
        near=message.near,
        phase=phase,
    )
    says = [*turn.says]
    while turn.wish is not None:
        turn = _grant(room, turn, turn.wish)
        says += turn.says
    told = replace(turn.state, missed=max(before.missed, turn.state.missed)).to_json()
    if told != talk.state:
        talk.state, talk.asked_at = told, message.sent_at
    said = ConversationTurn(
        replies=[spoken(say, message.language) for say in says],
        choices=_choices(turn.state, message.language),
        booking_id=_booked_now(before, turn.state),
        over=machine.is_over(turn.state),
    )
    return replace(answer_kept(_keep_turn(db, talk, message, said, now)), first=True)


def _choices(state: ConversationState, language: str) -> list[dict[str, str]]:
    return [
        {
            "answer": choice.answer,
            "label": spoken(choice.label, language),
            "detail": "" if choice.detail is None else spoken(choice.detail, language),
        }
        for choice in machine.choices_of(state)
    ]


def _keep_turn(
    db: Session, talk: Conversation, message: Message, said: ConversationTurn, now: datetime
) -> ConversationTurn:
    said.conversation_id, said.message_id, said.at = talk.id, message.message_id, now
    talk.updated_at = now
    talk.heard_at = max((at for at in (talk.heard_at, message.sent_at) if at is not None), default=None)
    db.add(said)
    db.flush()
    return said


def answer_kept(turn: ConversationTurn) -> Answer:
    """What was answered then."""
    return Answer(
        conversation=turn.conversation_id,
        replies=[str(reply) for reply in turn.replies],
        choices=list(turn.choices),
        booking=turn.booking_id,
        over=turn.over,
        first=False,
    )


def _booked_now(before: ConversationState, after: ConversationState) -> UUID | None:
    """The booking of which this turn gave the ticket."""
    return None if after.booking is None or after.booking == before.booking else UUID(after.booking)


def _sayable(text: str) -> str:
    """The text without what no database keeps and nobody typed: NUL, and halves of signs."""
    return text.replace("\x00", " ").encode(errors="ignore").decode()


def _overtaken(talk: Conversation, message: Message, now: datetime) -> bool:
    """Whether it was written before what stands was asked: by the same clock, that of the medium.

    Rows of earlier versions may say that it was asked at an instant that has not come yet.
    """
    return message.sent_at is not None and talk.asked_at is not None and message.sent_at < talk.asked_at <= now


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


def _phone(text: str | None) -> str | None:
    try:
        return clean_phone(text) if text else None
    except BadPhone:
        return None


def _grant(room: _Room, turn: Turn, wish: Wish) -> Turn:
    state = turn.state
    if isinstance(wish, FindPerson | FindByEnding | TellProof):
        return _let_in(room, _find(room, state, wish))
    if isinstance(wish, AskCode | TellCode):
        return _ask_code(room, state, wish) if isinstance(wish, AskCode) else _tell_code(room, state, wish)
    if isinstance(wish, FindSessions):
        found = options_for(room.db, UUID(wish.person), wish.place, room.message.medium, now=room.now, near=wish.near)
        return machine.sessions_found(state, found, wish.place)
    if isinstance(wish, KeepAnswers | KeepSilent):
        return _keep_silent(room, state, wish) if isinstance(wish, KeepSilent) else _keep_answers(room, state, wish)
    if isinstance(wish, TellBooking | AnswerOffer):
        return _tell_booking(room, state, wish) if isinstance(wish, TellBooking) else _answer_offer(room, state, wish)
    return _take(room, turn, wish)


def _let_in(room: _Room, turn: Turn) -> Turn:
    """Whoever was found goes on where it is their turn."""
    if room.phase is None or turn.state.person is None:
        return turn
    person = person_now(room.db, UUID(turn.state.person))
    if person is None or has_turn(room.db, person, room.phase, room.now):
        return turn
    return machine.no_turn(room.phase, listed=False)


def _find(room: _Room, state: ConversationState, wish: FindPerson | FindByEnding | TellProof) -> Turn:
    if isinstance(wish, FindByEnding):
        return _find_by_ending(room, state, wish)
    return _find_by_number(room, state, wish) if isinstance(wish, FindPerson) else _tell_proof(room, state, wish)


def _find_by_number(room: _Room, state: ConversationState, wish: FindPerson) -> Turn:
    """Number and phone are known to many: that a phone is theirs shows who writes from it, or the code that is sent there."""
    phone = wish.phone or room.sender
    if phone is None:
        return machine.phone_wanted(state)
    if phone != room.sender:
        return _ask_code(room, state, wish)
    person = person_or_turn(room.db, wish.nik, phone, vault=room.vault, now=room.now)
    if person is not None or not takes_messages(phone):
        return machine.person_found(state, None if person is None else person.id, room.office.address)
    if wish.name is None:
        return machine.name_wanted(state)
    return _register(room, state, wish.nik, wish.name, phone)


def _register(room: _Room, state: ConversationState, nik: str, name: str, phone: str) -> Turn:
    """A record of their own for who writes from their phone, whoever else has that number: it is claimed, as on the web."""
    nation = room.db.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).one()
    somebody = NewPerson(id=uuid7(), nik=nik, name=name, phone=phone, claimed=True, unit_id=nation)
    try:
        with room.db.begin_nested():
            made = register_person(room.db, SYSTEM, somebody, vault=room.vault, now=room.now)
    except DomainError:
        return machine.name_wanted(state)  # no name, or a day of birth that has not come yet
    return machine.person_found(state, made.person.id)


def _find_by_ending(room: _Room, state: ConversationState, wish: FindByEnding) -> Turn:
    if room.sender is None:
        return machine.phone_wanted(state)
    found = persons_ending(room.db, wish.ending, room.sender, vault=room.vault)
    if len(found) > 1:
        return machine.number_wanted(state)
    if not found:
        state = replace(state, missed=state.missed + 1)
    if not found and takes_messages(room.sender):
        return machine.name_wanted(state)
    return machine.person_found(state, found[0].id if found else None, room.office.address)


def _tell_proof(room: _Room, state: ConversationState, wish: TellProof) -> Turn:
    person = person_for_code(room.db, UUID(wish.code), wish.text, office=room.office, now=room.now)
    return machine.proof_told(state, None if person is None else person.id)


def _ask_code(room: _Room, state: ConversationState, wish: AskCode | FindPerson) -> Turn:
    phone = wish.phone or room.sender
    if phone is None:
        return machine.phone_wanted(state)
    asked = AskForCode(nik=wish.nik, phone=phone, medium=room.message.medium, language=room.message.language)
    proves = isinstance(wish, FindPerson)
    ask = ask_for_proof if proves else ask_for_code
    try:
        code = ask(room.db, asked, vault=room.vault, office=room.office, now=room.now)
        return machine.proof_asked(code, room.office.address) if proves else machine.code_asked(code)
    except TooManyCodes:
        return machine.code_not_asked(state, "code_too_often")
    except DomainError:
        return machine.phone_wanted(state)  # a day of birth that has not come yet: no NIK of anybody


def _tell_code(room: _Room, state: ConversationState, wish: TellCode) -> Turn:
    found = tickets_for_code(room.db, UUID(wish.code), wish.text, office=room.office, now=room.now)
    if found is None:
        return machine.code_told(state, None)
    return machine.code_told(state, tuple(_told(room, booking) for booking in found))


def _answer_offer(room: _Room, state: ConversationState, wish: AnswerOffer) -> Turn:
    person = None if wish.person is None else UUID(wish.person)
    told = answer_offer(room.db, wish.yes, person, room.sender, office=room.office, now=room.now)
    if told is None:
        return machine.no_offer(state, phone_known=room.sender is not None)
    return machine.offer_answered(state, told.key, told.params, told.booking)


def _keep_answers(room: _Room, state: ConversationState, wish: KeepAnswers) -> Turn:
    _keep(room, UUID(wish.person), wish.answers, None)
    return Turn(state)


def _keep_silent(room: _Room, state: ConversationState, wish: KeepSilent) -> Turn:
    if room.sender is None:
        return machine.no_offer(state)
    if wish.silent:
        silence(room.db, room.sender, room.message.medium.value, now=room.now)
        return machine.silenced(state)
    return machine.heard_again(state, wish.says, was_silent=lift_silence(room.db, room.sender))


def _tell_booking(room: _Room, state: ConversationState, wish: TellBooking) -> Turn:
    booking = room.db.get(Booking, UUID(wish.booking), populate_existing=True)
    stands = booking is not None and booking.state in LIVE
    return machine.booking_told(state, _told(room, booking) if booking and stands else None, wish.otherwise)


def _told(room: _Room, booking: Booking) -> dict[str, str]:
    """A booking as its session stands now, with its ticket's address."""
    session = room.db.get_one(VaccinationSession, booking.session_id, populate_existing=True)
    facility = room.db.get_one(Facility, session.facility_id)
    return {
        "vaccine": room.db.get_one(Vaccine, booking.vaccine_id).name,
        "dose": str(booking.dose),
        "facility": facility.name,
        "day": session.day.isoformat(),
        "hours": hours_there(session.opens_at, session.closes_at, facility.timezone),
        "link": link_of(room.db, room.office, booking.id),
    }


def _take(room: _Room, turn: Turn, wish: TakePlace) -> Turn:
    command = Book(
        id=uuid7(),
        person_id=UUID(wish.person),
        session_id=UUID(wish.option.session),
        dose=wish.option.dose,
        medium=room.message.medium,
    )
    try:
        # A refusal must leave the conversation's own rows standing.
        with room.db.begin_nested():
            if command.dose == 1 and room.phase is not None:
                check_turn(room.db, command.person_id, room.phase, room.now)
            booked = book(room.db, SYSTEM, command, now=room.now).booking
            confirm = MoveBooking(booking_id=booked.id, state=BookingState.CONFIRMED)
            move_booking(room.db, SYSTEM, confirm, now=room.now)
    except DomainError as refusal:
        return machine.place_refused(turn.state, _sentence(refusal, room.message.language))
    _keep(room, booked.person_id, wish.answers, booked.id)
    return machine.place_taken(turn.state, booked.id, _told(room, booked))


def _keep(room: _Room, person_id: UUID, answers: dict[str, bool], booking_id: UUID | None) -> None:
    """What somebody said of their health, for the desk."""
    for question, said in answers.items():
        room.db.add(
            HealthAnswer(
                id=uuid7(), person_id=person_id, booking_id=booking_id, question=question, answer=said, at=room.now
            )
        )


_SENTENCES = {
    "quota.exhausted": ("tempatnya baru saja penuh.", "it has just filled up."),
    "quota.already_booked": ("Anda sudah punya janji untuk dosis ini.", "you have a booking for this dose already."),
    "quota.dose_given": ("dosis ini sudah Anda terima.", "you have had this dose."),
    "registration.not_your_turn": ("giliran Anda belum tiba.", "it is not your turn yet."),
    "quota.session_closed": ("sesi ini sudah ditutup.", "the session is closed."),
}


def _sentence(refusal: DomainError, language: str) -> str:
    fallback = ("janji ini tidak dapat dibuat.", "this booking cannot be made.")
    indonesian, english = _SENTENCES.get(refusal.code, fallback)
    return english if language == "en" else indonesian
