"""Messages are answered once, bookings come of them, and tickets open the right door on the right day."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from tests.support.quota import OFFICE, VAULT, Desk, fresh_nik
from tests.support.waiting import eventually
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role, UnitKind
from tracker.database.engine import transaction
from tracker.delivery.models import OutMessage
from tracker.kit.days import local_day
from tracker.kit.errors import Forbidden
from tracker.kit.ids import uuid7
from tracker.mouths.rules import ussd
from tracker.network.rules.words import EquipmentKind
from tracker.network.service import NewEquipment, NewFacility, add_equipment, add_facility
from tracker.people.models import Person
from tracker.people.queries import phone_of
from tracker.people.rules.groups import PersonGroup
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity, WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState, Medium
from tracker.quota.service.changing import change_session
from tracker.quota.service.commands import ChangeSession, MergePersons, NewBucket
from tracker.quota.service.displacing import displace
from tracker.quota.service.merging import merge_persons
from tracker.quota.service.offering import make_offer
from tracker.registration.errors import (
    BadTicket,
    NotYourTurn,
    OtherMedium,
    TicketElsewhere,
    TicketNotFound,
    TicketOtherDay,
)
from tracker.registration.models import ConversationTurn
from tracker.registration.queries import health_answers_of
from tracker.registration.service.commands import Message
from tracker.registration.service.family import Relative, add_relative
from tracker.registration.service.owning import book_own
from tracker.registration.service.phases import begin_phase
from tracker.registration.service.talking import answer
from tracker.registration.service.tickets import TicketOffice, check_in, drawn, ticket_of
from tracker.stock.rules.words import Kind


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


class Talk:
    """One citizen's conversation; `own`: as most do, they write from the phone that they name."""

    def __init__(self, desk: Desk, *, own: bool = True) -> None:
        self.own = own
        self.desk = desk
        self.id = uuid7()
        self.count = 0
        self.sender: str | None = None
        self.by = SYSTEM

    def say(
        self,
        words: str,
        *,
        message_id: str | None = None,
        medium: Medium = Medium.WEB,
        near: tuple[float, float] | None = None,
    ) -> list[str]:
        self.count += 1
        if self.own and (named := re.search(r"\+62\d+", words)):
            self.sender = named[0]
        message = Message(
            conversation_id=self.id,
            message_id=message_id or str(self.count),
            medium=medium,
            text=words,
            sender=self.sender,
            near=near,
        )
        return answer(self.desk.db, self.by, message, vault=VAULT, office=OFFICE, now=self.desk.now).replies


def registered(desk: Desk, **more: object) -> tuple[str, UUID]:
    nik = fresh_nik()
    phone = f"+62860{int(nik[-4:]):08d}"
    command = NewPerson(id=uuid7(), nik=nik, name="Warga Rekaan", phone=phone, **more)  # type: ignore[arg-type]  # test data
    return f"{nik} {phone}", register_person(desk.db, SYSTEM, command, vault=VAULT, now=desk.now).person.id


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
    last, how = talk.say("ya")
    assert "KTP" in how
    (booking,) = bookings(desk)
    assert (booking.person_id, booking.state) == (person, BookingState.CONFIRMED)
    assert f"https://rantai.example/daftar/tiket/{OFFICE.sealed(booking.id)}" in last
    assert str(booking.id) not in last
    assert sum(desk.need().values()) == 1


@pytest.mark.parametrize("words", ["BATAL", "tidak", "ya", "jam berapa?"])
def test_no_word_after_a_booking_lets_one_think_that_it_is_changed(desk: Desk, words: str) -> None:
    desk.stock("az-10/AZ002", 1)
    session, talk = desk.session(ahead=1), Talk(desk)
    for said in ("VAKSIN", registered(desk)[0], "cipondoh", "1", "tidak", "tidak", "tidak"):
        talk.say(said)
    hours = ChangeSession(session_id=session, reason="vaksinator sakit", opens=time(13), closes=time(15))
    change_session(desk.db, SYSTEM, hours, now=desk.now)
    booked, _ = talk.say("ya")
    assert "13.00–15.00" in booked, "as the session stands, not as it was offered"
    (stands,) = talk.say(words)
    assert "Janji Anda tetap" in stands
    assert booked.split("di ")[-1].split(" saat")[0] in stands, "the ticket's address"
    (booking,) = bookings(desk)
    desk.move(booking, BookingState.CANCELLED)
    (over,) = talk.say("BATAL")
    assert over.startswith("Baik, dihentikan")


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
    assert "tiga huruf" in talk.say("%%%")[0]
    assert "Belum ada tempat" in talk.say("%xyz%")[0]


def test_no_identity_number_is_kept_with_the_conversation(desk: Desk) -> None:
    nik, _ = registered(desk)
    talk = Talk(desk)
    talk.say("vaksin")
    talk.say(nik)
    kept = desk.db.execute(text("SELECT c.state::text || t.replies::text FROM conversation c, conversation_turn t"))
    said = nik.split()
    assert all(word not in row[0] for row in kept for word in said)


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


def choosing(desk: Desk, place: str, nik: str) -> list[str]:
    talk = Talk(desk)
    talk.say("vaksin")
    talk.say(nik)
    return talk.say(place)


def test_a_number_alone_is_answered_alike_whether_registered_or_not_and_opens_nothing(desk: Desk) -> None:
    mine, _ = registered(desk)
    nik, phone = mine.split()
    talk = Talk(desk, own=False)

    def asked(words: str) -> list[str]:
        talk.say("vaksin")
        return talk.say(words)

    assert asked(nik) == asked(fresh_nik())
    strange = asked(f"{nik} 0812-9999-9999")
    assert strange == asked(f"{fresh_nik()} 0812-9999-9998") == asked(f"{phone} {nik}")
    assert "https://rantai.example/daftar" in strange[0]


@pytest.mark.parametrize("sender", [None, "+6281299990000"])
def test_number_and_phone_of_another_book_nothing_before_the_code_sent_to_that_phone_was_told(
    desk: Desk, sender: str | None
) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    mine, person = registered(desk)
    talk = Talk(desk, own=False)
    talk.sender = sender
    talk.say("vaksin")
    (sent,) = talk.say(mine)
    assert "kode enam angka" in sent
    for words in ("Cipondoh", "1", "tidak", "tidak", "tidak", "ya", "000000"):
        assert "Di mana" not in talk.say(words)[0]
    assert bookings(desk) == []
    message = desk.db.scalars(select(OutMessage).where(OutMessage.template == "phone_code")).one()
    assert message.recipient_ref == str(person)
    told = OFFICE.code_of(UUID(message.params["ticket_code"]))
    assert "Di mana" in talk.say(told)[0]
    for words in ("Cipondoh", "1", "tidak", "tidak", "tidak", "ya"):
        talk.say(words)
    assert [booking.person_id for booking in bookings(desk)] == [person]


def test_who_writes_from_their_own_phone_need_not_type_it(desk: Desk) -> None:
    mine, _ = registered(desk)
    nik, phone = mine.split()
    talk = Talk(desk)
    talk.sender = phone
    talk.say("vaksin")
    assert "Di mana" in talk.say(nik)[0]


def test_of_four_places_of_a_name_the_one_with_room_is_found(desk: Desk) -> None:
    world = desk.world
    city = world.city
    for number in range(4):
        new = NewFacility(
            code=f"bunga-{number}", name=f"Puskesmas Bunga {'ABCD'[number]}", kind=UnitKind.PUSKESMAS, parent=city.id
        )
        facility = add_facility(desk.db, SYSTEM, new, now=desk.now)
        fridge = NewEquipment(code=f"bunga-{number}-k1", name="K1", facility=facility.id, kind=EquipmentKind.FRIDGE)
        place = add_equipment(desk.db, SYSTEM, fridge, now=desk.now)
        if number == 3:
            line = desk.ledger.line("az-10/AZ002", 1, place=place)
            desk.ledger.post(Kind.SUPPLY, line, facility=facility, at=desk.now, now=desk.now)
        desk.session(facility=facility)
    nik, _ = registered(desk)
    for typed in ("Bunga", "puskesmas bunga", "PKM Bunga D", "bunga d", "BUNGA"):
        replies = choosing(desk, typed, nik)
        assert "Puskesmas Bunga D" in replies[0], typed
        assert len(replies) == 2


def test_an_operator_of_one_place_may_help_somebody_to_the_next(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1, place="pkm-tanah-tinggi-k1")
    desk.session(facility=desk.world.neighbour)
    nik, person = registered(desk)
    talk = Talk(desk)
    talk.by = desk.world.who(Role.VACCINATOR)
    for words in ("vaksin", nik, "PKM Tanah Tinggi", "satu", "gak", "nggak", "tidak"):
        talk.say(words)
    assert "Terdaftar" in talk.say("betul")[0]
    assert [booking.person_id for booking in bookings(desk)] == [person]


def test_places_for_health_workers_are_shown_to_them_and_to_nobody_else(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session(buckets=(NewBucket(kind="nakes", share=1),))
    worker, _ = registered(desk, groups=("nakes",))
    other, _ = registered(desk)
    assert "Puskesmas Cipondoh" in choosing(desk, "Cipondoh", worker)[0]
    assert "Belum ada tempat" in choosing(desk, "Cipondoh", other)[0]


def test_residents_places_are_shown_to_residents_and_second_doses_to_whom_they_belong(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.world.puskesmas.code_kemendagri = "36.71.05.1001"
    desk.session(buckets=(NewBucket(kind="kelurahan", share=1),), doses=(1, 2))
    resident, _ = registered(desk, residence="36.71.05.1001")
    other, _ = registered(desk, residence="32.73.01.1001")
    (line, _) = choosing(desk, "Cipondoh", resident)
    assert "dosis 1" in line
    assert "Belum ada tempat" in choosing(desk, "Cipondoh", other)[0]


def test_what_was_said_of_one_s_health_is_kept_for_the_desk(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    nik, person = registered(desk)
    talk = Talk(desk)
    for words in ("vaksin", nik, "Cipondoh", "1", "tidak", "ya"):
        talk.say(words)
    answers = {one.question: (one.answer, one.booking_id) for one in health_answers_of(desk.db, [person])}
    assert answers == {"fever": (False, None), "severe_allergy": (True, None)}
    for words in ("vaksin", nik, "Cipondoh", "1", "tidak", "tidak", "tidak", "ya"):
        talk.say(words)
    (booking,) = bookings(desk)
    assert {one.booking_id for one in health_answers_of(desk.db, [person])} == {None, booking.id}


def displaced(desk: Desk, person: UUID) -> Booking:
    """A booking that had to give way, with another place offered next door."""
    desk.stock("az-10/AZ002", 1)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    lost = desk.confirmed(desk.session(), person)
    desk.session(facility=desk.world.neighbour)
    desk.lose("az-10/AZ002", 1)
    displace(desk.db, desk.world.puskesmas.id, desk.world.presentations["az-10"].id, now=desk.now)
    offer = make_offer(desk.db, lost.id, now=desk.now)
    assert offer is not None
    return desk.db.get_one(Booking, offer)


@pytest.mark.parametrize(
    ("said", "state", "reply"),
    [
        ("YA", BookingState.CONFIRMED, "menjadi milik Anda"),
        ("iya pak", BookingState.CONFIRMED, "menjadi milik Anda"),
        ("TIDAK", BookingState.CANCELLED, "kepada orang lain"),
        ("gak", BookingState.CANCELLED, "kepada orang lain"),
    ],
)
def test_the_answer_to_an_offer_is_understood(desk: Desk, said: str, state: BookingState, reply: str) -> None:
    mine, person = registered(desk)
    offer = displaced(desk, person)
    talk = Talk(desk)
    talk.sender = mine.split()[1]
    for _ in range(2):  # said again, it is so still
        (told,) = talk.say(said, medium=Medium.SMS)
        assert reply in told
        assert "Puskesmas Tanah Tinggi" in told
        assert desk.state(offer) is state
    tickets = desk.db.scalars(
        select(ConversationTurn.booking_id).where(
            ConversationTurn.conversation_id == talk.id, ConversationTurn.booking_id.is_not(None)
        )
    ).all()
    assert tickets == ([offer.id] if state is BookingState.CONFIRMED else []), "the ticket comes once, as a picture"
    otherwise = "tidak" if state is BookingState.CONFIRMED else "ya"
    (told,) = talk.say(otherwise, medium=Medium.SMS)
    assert ("sudah Anda terima" if otherwise == "tidak" else "tidak tersedia") in told
    assert desk.state(offer) is state


def test_a_guardian_whose_record_was_merged_answers_for_the_child(desk: Desk) -> None:
    kept, mother = registered(desk)
    twice = desk.person(
        nik=None, without_nik=WithoutNik.NO_PAPERS, birth_date=date(1990, 1, 1), sex=Sex.FEMALE, phone="0812-3456-789"
    )
    child = desk.person(
        nik=None, without_nik=WithoutNik.UNKNOWN, birth_date=date(2000, 1, 1), sex=Sex.MALE, guardian_id=twice
    )
    offer = displaced(desk, child)
    same = MergePersons(person_id=mother, duplicate_id=twice, reason="orang yang sama")
    merge_persons(desk.db, SYSTEM, same, vault=VAULT, now=desk.now)
    told_at = kept.split()[1]
    assert phone_of(desk.db, child) == told_at
    talk = Talk(desk)
    talk.sender = told_at
    assert "menjadi milik Anda" in talk.say("YA", medium=Medium.SMS)[0]
    assert desk.state(offer) is BookingState.CONFIRMED


def test_a_stranger_s_yes_answers_no_offer_and_a_late_one_is_told_so(desk: Desk) -> None:
    mine, person = registered(desk)
    offer = displaced(desk, person)
    assert "VAKSIN" in Talk(desk).say("ya")[0]
    assert desk.state(offer) is BookingState.RESERVED
    talk = Talk(desk)
    talk.sender = mine.split()[1]
    desk.now += timedelta(hours=23)
    assert "tidak tersedia" in talk.say("ya")[0]


@given(st.text(max_size=60))
def test_no_text_is_a_ticket_s_address_but_one_that_was_made(text: str) -> None:
    with pytest.raises(TicketNotFound):
        OFFICE.unsealed(text)[0]


def test_a_ticket_s_address_is_made_from_the_installation_s_secret_and_not_from_the_booking_s_id() -> None:
    booking = uuid7()
    secret = OFFICE.sealed(booking)
    assert OFFICE.unsealed(secret)[0] == booking
    assert booking.hex not in secret
    other = TicketOffice.from_secret("another installation's secret, also long enough")
    changed = f"{secret[:-2]}{'B' if secret[-2] == 'A' else 'A'}{secret[-1]}"
    for forged in (str(booking), booking.hex, changed, secret + "A", other.sealed(booking)):
        with pytest.raises(TicketNotFound):
            OFFICE.unsealed(forged)[0]


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


def test_who_went_to_another_door_first_is_taken_in_where_they_come_back_to(desk: Desk) -> None:
    booking, signed = arriving(desk)
    desk.stock("az-10/AZ003", 1, place="pkm-tanah-tinggi-k1")
    there = desk.session(ahead=0, facility=desk.world.neighbour)
    home = booking.session_id
    for facility, session in (
        (desk.world.neighbour, there),
        (desk.world.puskesmas, home),
        (desk.world.puskesmas, home),
    ):
        check_in(desk.db, SYSTEM, OFFICE, signed, facility.code, now=desk.now)
        assert (booking.session_id, desk.state(booking)) == (session, BookingState.ARRIVED)


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
    jwk: dict[str, str | list[str]] = {**OFFICE.public_keys()[0]}
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


def test_a_numbers_ending_is_enough_for_who_writes_from_its_phone_and_for_nobody_else(desk: Desk) -> None:
    said, person = registered(desk)
    nik, phone = said.split()
    child, _ = registered(desk, guardian_id=None)
    talk = Talk(desk)
    talk.sender = phone
    assert "6 angka terakhir" in talk.say("vaksin", medium=Medium.WHATSAPP)[0]
    assert "5" in talk.say(nik[-5:], medium=Medium.WHATSAPP)[0]
    assert "nama lengkap" in talk.say(child.split()[0][-6:], medium=Medium.WHATSAPP)[0]
    assert "Di mana" in talk.say(f"… {nik[-6:-3]} {nik[-3:]}", medium=Medium.WHATSAPP)[0]
    other = Talk(desk)
    other.sender = "+6281234567999"
    other.say("vaksin", medium=Medium.WHATSAPP)
    assert "nama lengkap" in other.say(nik[-6:], medium=Medium.WHATSAPP)[0]
    unknown = Talk(desk)  # a page knows no phone: six digits are no number
    unknown.say("vaksin")
    assert "16 angka" in unknown.say(nik[-6:])[0]
    del person


def test_two_numbers_of_one_phone_that_end_alike_are_told_apart_by_all_sixteen(desk: Desk) -> None:
    nik = fresh_nik()
    twin = ("3573" if nik.startswith("3671") else "3671") + nik[4:]
    phone = "+628123456700"
    for number in (nik, twin):
        somebody = NewPerson(id=uuid7(), nik=number, name="Warga Rekaan", phone=phone)
        register_person(desk.db, SYSTEM, somebody, vault=VAULT, now=desk.now)
    talk = Talk(desk)
    talk.sender = phone
    talk.say("vaksin", medium=Medium.WHATSAPP)
    assert "semua 16 angka" in talk.say(nik[-6:], medium=Medium.WHATSAPP)[0]
    assert "Di mana" in talk.say(twin, medium=Medium.WHATSAPP)[0]


def test_who_is_not_registered_registers_from_their_own_phone_and_claims_the_number_only(desk: Desk) -> None:
    said, owner = registered(desk)
    nik = said.split()[0]
    talk = Talk(desk)
    talk.sender = "+6281234567655"
    talk.say("vaksin", medium=Medium.WHATSAPP)
    assert "nama lengkap" in talk.say(nik, medium=Medium.WHATSAPP)[0]
    assert "Di mana" in talk.say(f"NIK: {nik}, nama saya Siti Nur'aini", medium=Medium.WHATSAPP)[0]
    made = desk.db.scalars(select(Person).where(Person.phone == talk.sender)).one()
    assert (made.name, made.identity, made.id != owner) == ("Siti Nur'aini", Identity.CLAIMED, True)
    # Said once more it is the same person; from another phone it is nobody's.
    again = Talk(desk)
    again.sender = talk.sender
    again.say("vaksin", medium=Medium.WHATSAPP)
    assert "Di mana" in again.say(nik[-6:], medium=Medium.WHATSAPP)[0]
    unborn = Talk(desk)
    unborn.sender = "+6281234567656"
    unborn.say("vaksin", medium=Medium.WHATSAPP)
    assert "nama lengkap" in unborn.say(f"{nik} 12", medium=Medium.WHATSAPP)[0]
    assert desk.db.scalars(select(Person).where(Person.phone == unborn.sender)).first() is None


def test_in_the_first_phase_only_who_is_on_the_list_of_health_workers_books_by_themselves(desk: Desk) -> None:
    desk.stock("az-10/AZ002", 1)
    desk.session()
    today = local_day(desk.now, "Asia/Jakarta")
    begin_phase(desk.db, today, PersonGroup.NAKES)
    begin_phase(desk.db, today + timedelta(days=30), None)
    worker, other = registered(desk, groups=["nakes"])[0], registered(desk)
    talk = Talk(desk)
    assert "Apakah Anda tenaga kesehatan?" in talk.say("vaksin")[0]
    assert talk.say("mungkin") == ["Jawab YA atau TIDAK."]
    assert "giliran" in talk.say("bantuan")[-1]
    assert talk.say("tidak")[0].startswith("Giliran semua orang mulai ")
    for said in ("vaksin", "ya"):
        talk.say(said)
    not_listed, later = talk.say(other[0])
    assert "tidak ada di daftar tenaga kesehatan" in not_listed
    assert later.startswith("Giliran semua orang mulai ")
    for said in ("vaksin", "ya", worker, "Cipondoh", "1", "tidak", "tidak", "tidak", "ya"):
        talk.say(said)
    assert len(bookings(desk)) == 1
    with pytest.raises(NotYourTurn):
        book_own(desk.db, other[1], bookings(desk)[0].session_id, 1, language="id", now=desk.now)
    begin_phase(desk.db, today, None)
    assert "NIK" in talk.say("vaksin")[0]


_ODD = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(categories=["Cs", "Cc", "Lo", "Nd", "So"]), max_size=20),
    st.sampled_from(["vaksin", "ya", "tidak", "1", "lainnya", "%_\\", "Cipondoh", "tiket", "stop", "mulai", "123456"]),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_ODD, st.booleans()), min_size=1, max_size=6), st.sampled_from([1, 3, 6]))
def test_any_text_by_any_medium_is_answered_and_the_talk_goes_on(
    desk: Desk, said: list[tuple[str, bool]], known: int
) -> None:
    with desk.db.begin_nested() as before:
        desk.session()
        number, _ = registered(desk)
        medium = (Medium.USSD, Medium.WHATSAPP, Medium.SMS)[known % 3]
        talk = Talk(desk)
        for words in ("vaksin", number, "Cipondoh")[: known % 4]:
            talk.say(words, medium=medium)
        for words, shared in said:
            replies = talk.say(words, medium=medium, near=(-6.19, 106.68) if shared else None)
            assert replies
            assert all(len("CON " + screen) <= ussd.MOST for screen in ussd.screens(replies, "id", "CON "))
        assert talk.say("bantuan", medium=medium)[0].startswith("VAKSIN: mendaftar")
        before.rollback()


def test_a_message_from_the_future_silences_nobody(desk: Desk) -> None:
    """A medium's clock may be wrong: what comes next was written later all the same."""
    phone, talk = "+6281290001001", uuid7()
    for count, (words, sent_at) in enumerate(
        [("VAKSIN", desk.now + timedelta(days=400)), (fresh_nik(), desk.now), ("Warga Rekaan", desk.now)]
    ):
        message = Message(
            conversation_id=talk,
            message_id=str(count),
            medium=Medium.WHATSAPP,
            text=words,
            sender=phone,
            sent_at=sent_at,
        )
        assert answer(desk.db, SYSTEM, message, vault=VAULT, office=OFFICE, now=desk.now).replies, words
    heard_at = desk.db.scalar(text("SELECT heard_at FROM conversation WHERE id = :id"), {"id": talk})
    assert heard_at == desk.now


def by_talk(medium: Medium, nik: str) -> Callable[[Session, World], object]:
    def act(db: Session, world: World) -> object:
        for count, words in enumerate(("VAKSIN", f"{nik} Warga Rekaan")):
            message = Message(
                conversation_id=UUID(int=int(nik) * 10 + list(Medium).index(medium)),
                message_id=str(count),
                medium=medium,
                text=words,
                sender="+6281290001002",
            )
            last = answer(db, SYSTEM, message, vault=VAULT, office=OFFICE, now=world.now).replies
        return last

    return act


def by_head(nik: str) -> Callable[[Session, World], object]:
    def act(db: Session, world: World) -> object:
        head = db.scalars(select(Person).where(Person.name == "Kepala Rekaan")).one()
        child = Relative(name="Anak Rekaan", nik=nik)
        return add_relative(db, head, child, unit_id=world.puskesmas.id, vault=VAULT, now=world.now).id

    return act


@pytest.mark.parametrize("who", ["through two media", "by one head of family twice"])
def test_somebody_who_registers_twice_at_the_same_moment_is_one(
    engine: Engine, committed_world: World, who: str
) -> None:
    world, nik = committed_world, fresh_nik()
    with transaction(engine) as db:
        head = NewPerson(id=uuid7(), nik=fresh_nik(), name="Kepala Rekaan", phone="+6281290001003")
        register_person(db, SYSTEM, head, vault=VAULT, now=world.now)
        before = db.scalar(select(func.count()).select_from(Person)) or 0
    family = who != "through two media"
    first, second = (by_head(nik) if family else by_talk(medium, nik) for medium in (Medium.WHATSAPP, Medium.SMS))

    def other() -> object:
        with transaction(engine) as theirs:
            return second(theirs, world)

    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with ThreadPoolExecutor(1) as hand:
        with transaction(engine) as db:
            first(db, world)
            done = hand.submit(other)
            with engine.connect() as eye:
                eye.execution_options(isolation_level="AUTOCOMMIT")
                eventually(lambda: done.done() or bool(eye.scalar(waiting)), what="whoever comes second waits")
        done.result(30)
    with transaction(engine) as db:
        assert (db.scalar(select(func.count()).select_from(Person)) or 0) == before + 1
