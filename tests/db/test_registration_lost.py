"""A lost ticket comes back to whoever holds the phone on file, and to nobody else; asking tells nobody anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rantai.outgoing import phone_book
from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.seeded import SECRET
from tests.support.world import World
from tracker.access.errors import TooManyAttempts
from tracker.access.principal import SYSTEM
from tracker.database.engine import transaction
from tracker.database.letting_go import OldRows
from tracker.delivery.messages import deliver_due
from tracker.delivery.models import OutMessage
from tracker.delivery.senders import RecordingSender
from tracker.kit.ids import uuid7
from tracker.people.correcting import ChangePerson, change_person
from tracker.people.errors import BadNik, BadPhone
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState, Medium
from tracker.registration.forgetting import forget_codes, old_codes
from tracker.registration.models import TicketCode
from tracker.registration.service.codes import MOST_ASKED, MOST_TRIES, STANDS
from tracker.registration.service.commands import Message
from tracker.registration.service.lost import AskForCode, ask_for_code, tickets_for_code
from tracker.registration.service.talking import answer
from tracker.settings import load_settings

PHONE = "0812-3456-789"
T = TypeVar("T")


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


def somebody(desk: Desk, phone: str | None = PHONE, **more: object) -> tuple[str, UUID]:
    nik = fresh_nik()
    command = NewPerson(id=uuid7(), nik=nik, name="Rekaan", phone=phone, **more)  # type: ignore[arg-type]  # test data
    return nik, register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person.id


def booked(desk: Desk, person: UUID, product: str = "az-10", batch: str = "az-10/AZ003") -> Booking:
    desk.stock(batch, 1)
    return desk.confirmed(desk.session(product=product), person)


def ask(desk: Desk, nik: str, phone: str = PHONE) -> UUID:
    return ask_for_code(
        desk.db, AskForCode(nik=nik, phone=phone, medium=Medium.WEB), vault=VAULT, office=OFFICE, now=desk.now
    )


def tell(desk: Desk, code: UUID, words: str, *, after: timedelta = timedelta()) -> list[UUID] | None:
    found = tickets_for_code(desk.db, code, words, office=OFFICE, now=desk.now + after)
    return None if found is None else [one.id for one in found]


def side_by_side(work: Callable[[], T]) -> list[T]:
    with ThreadPoolExecutor(8) as pool:
        return [one.result() for one in [pool.submit(work) for _ in range(8)]]


def wrong(code: UUID) -> str:
    return f"{(int(OFFICE.code_of(code)) + 1) % 1_000_000:06d}"


def test_the_code_sent_to_the_phone_on_file_opens_the_ticket_once(engine: Engine, committed_world: World) -> None:
    with transaction(engine) as db:
        desk = Desk(db, committed_world, committed_world.now)
        nik, person = somebody(desk)
        booking = booked(desk, person).id
        code = ask(desk, nik, "+62 812 3456 789")
    sender = RecordingSender()

    def code_of(ticket_code: str) -> str:
        return OFFICE.code_of(UUID(ticket_code))

    deliver_due(
        engine,
        sender,
        phone_book(engine, load_settings(database_url=str(engine.url), secret_key=SECRET)),
        code_of=code_of,
        now=committed_world.now,
    )
    (sent,) = sender.sent
    assert sent.address == "+628123456789"
    (digits,) = re.findall(r"\b\d{6}\b", sent.text)
    assert "02-03-2026 10.15 WIB" in sent.text
    with transaction(engine) as db:
        desk = Desk(db, committed_world, committed_world.now)
        everything = "".join(
            str(row) for table in ("ticket_code", "out_message", "feed_event", "feed_pending")
            for row in db.execute(text(f"SELECT t::text FROM {table} t"))
        )  # fmt: skip
        assert digits not in everything
        assert nik not in everything
        assert tell(desk, code, f" {digits[:3]} {digits[3:]} ") == [booking]
        assert tell(desk, code, digits) is None


def test_what_is_not_somebody_s_is_answered_alike_and_nothing_is_sent(desk: Desk) -> None:
    nik, person = somebody(desk)
    booked(desk, person)
    without, _ = somebody(desk, phone="0812-3456-700")
    landline, at_home = somebody(desk, phone="021-5551234")
    booked(desk, at_home, "coronavac-1", "coronavac-1/CV002")
    for number, phone in (
        (nik, "0812-9999-999"), (fresh_nik(), PHONE), (without, "0812-3456-700"), (landline, "021-5551234"),
    ):  # fmt: skip
        code = ask(desk, number, phone)
        assert tell(desk, code, OFFICE.code_of(code)) is None
    assert desk.db.scalars(select(OutMessage).where(OutMessage.template == "ticket_code")).all() == []
    for bad, error in (("123", BadNik), (nik[:15], BadNik)):
        with pytest.raises(error):
            ask(desk, bad)
    with pytest.raises(BadPhone):
        ask(desk, nik, "08")


def test_a_code_runs_out_and_is_tried_five_times_at_most(desk: Desk) -> None:
    nik, person = somebody(desk)
    booked(desk, person)
    late = ask(desk, nik)
    assert tell(desk, late, OFFICE.code_of(late), after=STANDS) is None
    code = ask(desk, nik)
    for _ in range(MOST_TRIES):
        assert tell(desk, code, wrong(code)) is None
    assert tell(desk, code, OFFICE.code_of(code)) is None
    assert tell(desk, uuid4(), "123456") is None
    for words in ("", "x", "١٢٣", "1" * 500):
        assert tell(desk, code, words) is None
    row = desk.db.get_one(TicketCode, code)
    for broken in ({"tries": 6}, {"person_id": None, "used_at": desk.now}):
        with pytest.raises(IntegrityError), desk.db.begin_nested():
            for name, value in broken.items():
                setattr(row, name, value)
            desk.db.flush()
        desk.db.refresh(row)


def test_asking_is_bounded_alike_for_everybody(desk: Desk) -> None:
    nik, person = somebody(desk)
    booked(desk, person)
    for number, phone in ((nik, "+62812-3456-789"), (fresh_nik(), "0812-3456-700")):
        for _ in range(MOST_ASKED):
            ask(desk, number, phone)
        with pytest.raises(TooManyAttempts):
            ask(desk, number, phone)
    # By phone, whoever is asked for: nobody's phone rings without end.
    with pytest.raises(TooManyAttempts):
        ask(desk, fresh_nik())
    assert len(desk.db.scalars(select(OutMessage).where(OutMessage.template == "ticket_code")).all()) == MOST_ASKED
    desk.now += timedelta(hours=1, seconds=1)
    ask(desk, nik)
    assert OldRows(old_codes, forget_codes).next(desk.db, desk.now, None, now=desk.now).how_many == 2 * MOST_ASKED
    assert len(desk.db.scalars(select(TicketCode)).all()) == 1


def test_many_who_ask_and_guess_at_once_have_no_more_than_one(engine: Engine, committed_world: World) -> None:
    with transaction(engine) as db:
        desk = Desk(db, committed_world, committed_world.now)
        nik, person = somebody(desk)
        booked(desk, person)

    def asks() -> UUID | None:
        try:
            with transaction(engine) as db:
                return ask(Desk(db, committed_world, committed_world.now), nik)
        except TooManyAttempts:
            return None

    codes = [code for code in side_by_side(asks) if code is not None]
    assert len(codes) == MOST_ASKED

    def tells() -> list[UUID] | None:
        with transaction(engine) as db:
            return tell(Desk(db, committed_world, committed_world.now), codes[0], OFFICE.code_of(codes[0]))

    assert sum(found is not None for found in side_by_side(tells)) == 1


def test_a_child_s_ticket_comes_back_by_its_guardian_s_phone_and_a_stranger_s_claim_opens_only_theirs(
    desk: Desk,
) -> None:
    _, mother = somebody(desk)
    nik, child = somebody(desk, phone=None, guardian_id=mother)
    mine = booked(desk, child)
    claim = NewPerson(id=uuid7(), nik=nik, name="Orang Asing", phone="0812-9999-999", claimed=True)
    stranger = register_person(desk.db, SYSTEM, claim, vault=VAULT, now=desk.now).person.id
    theirs = booked(desk, stranger, "coronavac-1", "coronavac-1/CV002")
    code, other = ask(desk, nik), ask(desk, nik, "0812-9999-999")
    assert tell(desk, code, OFFICE.code_of(code)) == [mine.id]
    assert tell(desk, other, OFFICE.code_of(other)) == [theirs.id]


def test_all_tickets_of_use_come_back_the_ones_to_come_first(desk: Desk) -> None:
    nik, person = somebody(desk)
    gone = desk.move(booked(desk, person), BookingState.CANCELLED)
    first, second = booked(desk, person), booked(desk, person, "coronavac-1", "coronavac-1/CV002")
    code = ask(desk, nik)
    assert tell(desk, code, OFFICE.code_of(code)) in ([first.id, second.id], [second.id, first.id])
    assert gone.state is BookingState.CANCELLED


@pytest.mark.parametrize(
    "start", ["tiket", "Tiket saya hilang!", "kode tiket lagi dong", "lost ticket", "lupa tiket bu"]
)
def test_the_chat_brings_a_ticket_back_with_the_same_code(desk: Desk, start: str) -> None:
    nik, person = somebody(desk)
    booking = booked(desk, person)
    talk = uuid7()

    def say(words: str, message: str | None = None) -> str:
        heard = Message(conversation_id=talk, message_id=message or str(uuid7()), medium=Medium.WHATSAPP, text=words)
        return " ".join(answer(desk.db, SYSTEM, heard, vault=VAULT, office=OFFICE, now=desk.now).replies)

    assert "NIK dan nomor ponsel" in say(start)
    assert "NIK" in say("tidak tahu")
    assert "dalam satu pesan" in say(nik)
    known = say(f"{nik} {PHONE}")
    code = desk.db.scalars(select(TicketCode)).one().id
    assert "enam angka" in say("12")
    assert "tidak cocok" in say(wrong(code))
    assert OFFICE.link(OFFICE.sealed(booking.id)) in say(f"kode {OFFICE.code_of(code)}", "right")
    assert OFFICE.link(OFFICE.sealed(booking.id)) in say(f"kode {OFFICE.code_of(code)}", "right")
    say("tiket")
    unknown = say(f"{fresh_nik()} {PHONE}")
    assert unknown == known
    say("tiket")
    for _ in range(MOST_ASKED - 1):
        say(f"{nik} {PHONE}")
        say("tiket")
    assert "beberapa kali" in say(f"{nik} {PHONE}")
    assert "dihentikan" in say("batal")


def test_a_code_that_went_to_a_phone_since_changed_opens_nothing(desk: Desk) -> None:
    nik, person = somebody(desk)
    booked(desk, person)
    code = ask(desk, nik)
    stolen = ChangePerson(person_id=person, changes={"phone": "0812-7777-888"}, reason="telepon dicuri")
    change_person(desk.db, SYSTEM, stolen, now=desk.now)
    assert tell(desk, code, OFFICE.code_of(code)) is None
