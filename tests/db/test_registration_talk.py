"""Messages are answered once, bookings come of them, and tickets open the right door on the right day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState, Medium
from tracker.registration.errors import BadTicket, OtherMedium, TicketElsewhere, TicketNotFound, TicketOtherDay
from tracker.registration.service.commands import Message
from tracker.registration.service.talking import answer
from tracker.registration.service.tickets import TicketOffice, check_in, drawn, ticket_of


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


class Talk:
    """One citizen's conversation."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.id = uuid7()
        self.count = 0

    def say(self, words: str, *, message_id: str | None = None, medium: Medium = Medium.WEB) -> list[str]:
        self.count += 1
        message = Message(conversation_id=self.id, message_id=message_id or str(self.count), medium=medium, text=words)
        return answer(self.desk.db, SYSTEM, message, vault=VAULT, office=OFFICE, now=self.desk.now)


def registered(desk: Desk) -> tuple[str, UUID]:
    nik = fresh_nik()
    command = NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan")
    return nik, register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person.id


def bookings(desk: Desk) -> list[Booking]:
    desk.db.flush()
    return list(desk.db.scalars(select(Booking).order_by(Booking.id)))


def test_a_citizen_books_by_talking_and_the_vials_are_behind_it(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    nik, person = registered(desk)
    talk = Talk(desk)
    for words in ("VAKSIN", nik, "Cipondoh", "1", "tidak", "tidak", "tidak"):
        talk.say(words)
    (last,) = talk.say("ya")
    (booking,) = bookings(desk)
    assert (booking.person_id, booking.state) == (person, BookingState.CONFIRMED)
    assert f"https://rantai.example/daftar/tiket/{OFFICE.secret_of(booking.id)}" in last
    assert str(booking.id) not in last
    assert sum(desk.need().values()) == 1


def test_a_message_delivered_twice_is_answered_alike_and_books_once(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    nik, _ = registered(desk)
    talk = Talk(desk)
    for words in ("vaksin", nik, "Cipondoh", "1", "tidak", "tidak", "tidak"):
        talk.say(words)
    first = talk.say("ya", message_id="the last")
    assert talk.say("ya", message_id="the last") == first
    assert len(bookings(desk)) == 1


def test_a_place_without_vaccine_is_not_offered(desk: Desk) -> None:
    desk.session()
    nik, _ = registered(desk)
    talk = Talk(desk)
    talk.say("vaksin")
    talk.say(nik)
    (reply,) = talk.say("Cipondoh")
    assert "Belum ada tempat" in reply


def test_a_place_that_filled_up_meanwhile_is_said_and_nothing_is_booked(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    session = desk.session(capacity=1)
    nik, _ = registered(desk)
    talk = Talk(desk)
    for words in ("vaksin", nik, "Cipondoh", "1", "tidak", "tidak", "tidak"):
        talk.say(words)
    desk.confirmed(session)
    replies = talk.say("ya")
    assert "baru saja penuh" in replies[0]
    assert len(bookings(desk)) == 1


def test_percent_signs_in_a_place_are_letters_and_not_a_search_for_everything(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    nik, _ = registered(desk)
    talk = Talk(desk)
    talk.say("vaksin")
    talk.say(nik)
    assert "Belum ada tempat" in talk.say("%%%")[0]


def test_no_identity_number_is_kept_with_the_conversation(desk: Desk) -> None:
    nik, _ = registered(desk)
    talk = Talk(desk)
    talk.say("vaksin")
    talk.say(nik)
    kept = desk.db.execute(text("SELECT c.state::text || t.replies::text FROM conversation c, conversation_turn t"))
    assert all(nik not in row[0] for row in kept)


def test_another_mouth_cannot_go_on_with_a_conversation(desk: Desk) -> None:
    talk = Talk(desk)
    talk.say("vaksin")
    with pytest.raises(OtherMedium):
        talk.say("1", medium=Medium.SMS)
    message = Message(conversation_id=talk.id, message_id="x", medium=Medium.WEB, text="1")
    with pytest.raises(OtherMedium):
        answer(desk.db, desk.world.who(Role.INTEGRATOR), message, vault=VAULT, office=OFFICE, now=desk.now)
    with pytest.raises(Forbidden):
        answer(desk.db, desk.world.who(Role.AUDITOR), message, vault=VAULT, office=OFFICE, now=desk.now)


@given(st.text(max_size=60))
def test_no_text_is_a_ticket_s_address_but_one_that_was_made(text: str) -> None:
    with pytest.raises(TicketNotFound):
        OFFICE.booking_of(text)


def test_a_ticket_s_address_is_made_from_the_installation_s_secret_and_not_from_the_booking_s_id() -> None:
    booking = uuid7()
    secret = OFFICE.secret_of(booking)
    assert OFFICE.booking_of(secret) == booking
    assert booking.hex not in secret
    other = TicketOffice.from_secret("another installation's secret, also long enough")
    for forged in (str(booking), booking.hex, secret[:-2] + "AA", secret + "A", other.secret_of(booking)):
        with pytest.raises(TicketNotFound):
            OFFICE.booking_of(forged)


def arriving(desk: Desk) -> tuple[Booking, str]:
    desk.stock("az-10/AZ002", 1)
    booking = desk.confirmed(desk.session(ahead=0))
    return booking, OFFICE.sign(ticket_of(desk.db, booking))


def test_a_ticket_opens_its_own_door_on_its_own_day(desk: Desk) -> None:
    booking, signed = arriving(desk)
    vaccinator = desk.world.who(Role.VACCINATOR)
    with pytest.raises(TicketElsewhere):
        check_in(desk.db, SYSTEM, OFFICE, signed, desk.world.neighbour.code, now=desk.now)
    with pytest.raises(TicketOtherDay):
        check_in(desk.db, vaccinator, OFFICE, signed, desk.world.puskesmas.code, now=desk.now + timedelta(days=1))
    check_in(desk.db, vaccinator, OFFICE, signed, desk.world.puskesmas.code, now=desk.now)
    assert desk.state(booking) is BookingState.ARRIVED
    check_in(desk.db, vaccinator, OFFICE, signed, desk.world.puskesmas.code, now=desk.now)


def test_a_ticket_changed_or_signed_by_another_is_none(desk: Desk) -> None:
    _, signed = arriving(desk)
    header, payload, signature = signed.split(".")
    other = TicketOffice.from_secret("another installation's secret, also long enough")
    middle = len(signature) // 2
    bent = signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1 :]
    for forged in (f"{header}.{payload}.{bent}", f"{header}.{payload[:-2]}AA.{signature}", f"{header}.{payload}.", "x"):
        with pytest.raises(BadTicket):
            OFFICE.read(forged)
    with pytest.raises(BadTicket):
        other.read(signed)
    with pytest.raises(BadTicket):
        OFFICE.read("eyJhbGciOiJub25lIn0." + payload + ".")


def test_a_phone_that_holds_only_the_public_key_can_check_a_ticket(desk: Desk) -> None:
    from joserfc import jws
    from joserfc.jwk import OKPKey

    booking, signed = arriving(desk)
    jwk: dict[str, str | list[str]] = {**OFFICE.public_key()}
    public = OKPKey.import_key(jwk)
    assert not public.is_private
    assert booking.id.hex in jws.deserialize_compact(signed, public, algorithms=["Ed25519"]).payload.decode()


def test_the_drawn_code_reads_back_as_the_ticket(desk: Desk) -> None:
    _, signed = arriving(desk)
    assert drawn(signed).count("<rect") + drawn(signed).count("<path") > 0
    import zxingcpp

    image = zxingcpp.create_barcode(signed, zxingcpp.BarcodeFormat.QRCode, ec_level="M").to_image(scale=4)
    (read,) = zxingcpp.read_barcodes(image)
    assert read.text == signed
