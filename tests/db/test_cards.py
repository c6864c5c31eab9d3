"""A vaccination card: checked by anybody without a network, true as of now, and for longer than its key is in use."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from tests.support.quota import OFFICE, Desk
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.people.correcting import ChangePerson, change_person
from tracker.quota.models import Booking
from tracker.quota.rules.words import BookingState
from tracker.quota.service.commands import CorrectDose, TakeBack
from tracker.quota.service.correcting import correct_dose, take_back
from tracker.registration.errors import BadCard, BadTicket, CardNotFound, NoDoseYet
from tracker.registration.models import CardKey
from tracker.registration.rules.cards import CardState, masked
from tracker.registration.service.cards import Issued, check_card, issue_card, look_up, public_keys
from tracker.registration.service.tickets import ticket_of
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import take_into_use
from tracker.settings import Settings, load_settings

OLD = "a secret for tests only, at least 32 characters"
NEW = "another secret for tests, at least 32 characters"
SETTINGS = load_settings(
    database_url="postgresql://nowhere", secret_key=OLD, api={"public_url": "https://rantai.example"}
)


@pytest.fixture
def desk(db: Session, world: World) -> Desk:
    return Desk(db, world, world.now)


@pytest.fixture
def given(desk: Desk) -> Booking:
    desk.stock("az-10/AZ001", 2)
    person = desk.person(name="Rahmat Hidayat")
    booking = desk.confirmed(desk.session(ahead=0), person)
    desk.vaccinate(desk.move(desk.move(booking, BookingState.ARRIVED), BookingState.FIT))
    desk.now += timedelta(hours=1)
    return booking


def card(desk: Desk, booking: Booking, settings: Settings = SETTINGS) -> Issued:
    return issue_card(desk.db, settings, booking.id, now=desk.now)


def checked_offline(code: str, public: bytes) -> dict[str, object]:
    """As somebody would who has nothing of ours but the key."""

    def raw(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    header, payload, signature = code.partition("#")[2].split(".")
    Ed25519PublicKey.from_public_bytes(public).verify(raw(signature), f"{header}.{payload}".encode())
    told: dict[str, object] = json.loads(raw(payload))
    return told


def test_anybody_with_the_public_key_checks_it_and_reads_no_number(desk: Desk, given: Booking) -> None:
    issued = card(desk, given)
    (key,) = public_keys(desk.db)
    told = checked_offline(issued.code, key.public)
    assert (told["p"], told["v"], told["n"], told["l"]) == ("Rahmat Hidayat", "astrazeneca", 1, "AZ001")
    assert set(told) == {"i", "r", "p", "o", "v", "n", "d", "f", "l"}
    address, _, signed = issued.code.partition("#")
    assert address == f"https://rantai.example/kartu/{issued.card.id}"
    head, payload, signature = signed.split(".")
    other = base64.urlsafe_b64encode(json.dumps({**told, "p": "Orang Lain"}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidSignature):
        checked_offline(f"#{head}.{other}.{signature}", key.public)
    for forged in (f"{head}.{other}.{signature}", f"{head}.{payload}.", "x", "a.b.c", ""):
        with pytest.raises(BadCard):
            check_card(desk.db, forged)


def test_the_same_dose_is_the_same_card_however_often_it_is_printed(desk: Desk, given: Booking) -> None:
    assert card(desk, given) == card(desk, given)
    assert check_card(desk.db, card(desk, given).code).state is CardState.VALID


def test_a_corrected_dose_is_a_new_version_and_the_former_card_says_so(desk: Desk, given: Booking) -> None:
    first = card(desk, given)
    assert given.vaccinated_at is not None
    correct_dose(
        desk.db,
        SYSTEM,
        CorrectDose(booking_id=given.id, occurred_at=given.vaccinated_at + timedelta(minutes=1), reason="jam salah"),
        now=desk.now,
    )
    assert card(desk, given).card.version == 1  # the day is on the card, not the hour
    change = ChangePerson(person_id=given.person_id, changes={"name": "Rahmat Hidayatullah"}, reason="salah eja")
    change_person(desk.db, SYSTEM, change, now=desk.now)
    assert look_up(desk.db, first.card.id).state is CardState.CORRECTED
    second = card(desk, given)
    assert (second.card.version, second.card.content.name) == (2, "Rahmat Hidayatullah")
    looked = check_card(desk.db, first.code)
    assert (looked.state, looked.version, looked.newest) == (CardState.CORRECTED, 1, 2)
    assert check_card(desk.db, second.code).state is CardState.VALID


def test_a_dose_taken_back_withdraws_its_card(desk: Desk, given: Booking) -> None:
    issued = card(desk, given)
    undo = TakeBack(booking_id=given.id, state=BookingState.REFUSED, reason="salah orang")
    take_back(desk.db, SYSTEM, undo, now=desk.now)
    looked = check_card(desk.db, issued.code)
    assert (looked.state, looked.content) == (CardState.WITHDRAWN, None)
    with pytest.raises(NoDoseYet):
        card(desk, given)
    with pytest.raises(CardNotFound):
        look_up(desk.db, uuid4())


def test_a_card_is_checked_after_its_secret_key_is_gone(desk: Desk, given: Booking) -> None:
    former = card(desk, given)
    take_into_use(desk.db, Keyring((OLD, NEW)), NEW, now=desk.now)
    renewed = load_settings(database_url="postgresql://nowhere", secret_key=NEW)  # the former one is held by nobody
    later = card(desk, given, renewed)
    assert (later.card.id, later.card.version) == (former.card.id, 1)
    assert len(public_keys(desk.db)) == 2
    for each in (former, later):
        assert check_card(desk.db, each.code).state is CardState.VALID
        assert any(_reads(each, key) for key in public_keys(desk.db))


def _reads(issued: Issued, key: CardKey) -> bool:
    try:
        return bool(checked_offline(issued.code, key.public))
    except InvalidSignature:
        return False


def test_a_ticket_is_no_card_and_a_card_opens_no_door(desk: Desk, given: Booking) -> None:
    with pytest.raises(BadCard):
        check_card(desk.db, OFFICE.sign(ticket_of(desk.db, given)))
    with pytest.raises(BadTicket):
        OFFICE.read(card(desk, given).code.partition("#")[2])


def test_a_name_is_shown_to_strangers_by_its_first_letters() -> None:
    assert masked("Rahmat  Hidayat") == "R••• H•••"


def test_a_long_name_leaves_a_code_that_can_be_scanned(desk: Desk, given: Booking) -> None:
    issued = card(desk, given)
    long = replace(issued.card, content=replace(issued.card.content, name="Ä" * 200))
    assert len(str(long.to_claims()["p"])) == 80
